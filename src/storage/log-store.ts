// Owns: the log and the newest snapshot of one group in data_dir/appendonlydir, a Redis 7
// append-only directory: base RDB (the snapshot), incr segments (the log), manifest (architecture
// D6, D8; research/raft.md P1 to P6). Invariants: a file is complete and synced, name included,
// before the manifest names it, and is removed only after the manifest stopped naming it; so at
// every moment one whole state can be recovered, and nothing is compacted before the snapshot that
// replaces it is durable. Records are never edited: a record with an index already used truncates.
// Segments behind the snapshot stay as history, the newest up to a bound of bytes, for members that
// are late; recovery does not need them, so on a full disk they go at once, manifest or not.

import { assert } from '../base/assert.js';
import type { Clock } from '../platform/clock.js';
import type { Disk, DiskFile } from '../platform/disk.js';
import { NO_PATIENCE, type Space } from './disk-space.js';
import type { LatencySummary } from './latency-window.js';
import type { HistoryFile } from './log-history.js';
import { type Done, type FsyncPolicy, LogWriter } from './log-writer.js';
import { baseName, formatManifest, incrName, MANIFEST_NAME, type Manifest } from './manifest.js';
import { segmentHeader } from './segment.js';
import { SnapshotSink } from './snapshot-sink.js';

export const SEGMENT_BYTES_MAX = 64 * 2 ** 20;

export interface LogStoreOptions {
  readonly disk: Disk;
  readonly clock: Clock;
  /** data_dir; made when absent. */
  readonly directory: string;
  /** The node's UUID: a directory of another owner is refused (E_FOREIGN_DATA). */
  readonly owner: string;
  /** This node has had data here before; default false. */
  readonly used?: boolean;
  readonly fsync: FsyncPolicy;
  /** A segment is closed when it has grown past this, bytes. Default SEGMENT_BYTES_MAX. */
  readonly segmentBytesMax?: number;
  /** Where writes wait when the disk is full; without it that is a failure like any other. */
  readonly space?: Space;
  /** Bytes of segments kept behind the snapshot; default 0, none. */
  readonly historyBytesMax?: number;
  /**
   * Called once, with a DiskFault: a write or sync failed and the process must end. Nothing is
   * called after it.
   */
  readonly onFatal: (error: Error) => void;
}

/** The entry a snapshot stands for: everything up to and including it. */
export interface SnapshotPosition {
  readonly index: number;
  readonly term: number;
}

export interface SnapshotFile extends SnapshotPosition {
  /**
   * A whole RDB file; stays readable through an open DiskFile after a newer one has replaced it.
   */
  readonly path: string;
  readonly bytes: number;
}

export interface AppendItem {
  readonly index: number;
  readonly bytes: Uint8Array;
  /** A new segment begins after the append that has this record. */
  readonly endsSegment?: boolean;
}

/** A segment as the store tracks it. */
export interface SegmentState {
  readonly seq: number;
  /** Lowest and highest index written in it; 0 for none. */
  minIndex: number;
  maxIndex: number;
  bytes: number;
}

/** What recovery found; log-recovery.ts makes it. */
export interface LogState {
  readonly aofDirectory: string;
  readonly snapshot: SnapshotFile | null;
  readonly baseSeq: number;
  readonly segments: readonly SegmentState[];
  /** Behind the snapshot, oldest first. */
  readonly history: readonly SegmentState[];
  readonly file: DiskFile;
  readonly lastIndex: number;
  readonly lock: { release(): Promise<void> };
}

export class LogStore {
  readonly #options: LogStoreOptions;
  readonly #directory: string;
  readonly #lock: { release(): Promise<void> };
  readonly #space: Space;
  readonly #writer: LogWriter;
  readonly #segmentBytesMax: number;
  /** Oldest first; the last one is being written. */
  #segments: SegmentState[];
  /** Behind the snapshot, oldest first; nothing between it and #segments is missing. */
  #history: SegmentState[];
  #file: DiskFile;
  #snapshot: SnapshotFile | null;
  #baseSeq: number;
  #lastIndex: number;
  /** The segment being written; those after it in the list wait for their barrier. */
  #currentSeq: number;
  #temporary = 0;

  /** Use openLogStore. */
  constructor(options: LogStoreOptions, state: LogState) {
    this.#options = options;
    this.#directory = state.aofDirectory;
    this.#lock = state.lock;
    this.#segments = [...state.segments];
    this.#history = [...state.history];
    this.#file = state.file;
    this.#snapshot = state.snapshot;
    this.#baseSeq = state.baseSeq;
    this.#lastIndex = state.lastIndex;
    this.#currentSeq = state.segments.at(-1)!.seq;
    this.#segmentBytesMax = options.segmentBytesMax ?? SEGMENT_BYTES_MAX;
    this.#space = options.space ?? NO_PATIENCE;
    const { fsync, clock, onFatal } = options;
    this.#writer = new LogWriter(state.file, fsync, clock, onFatal, this.#space);
  }

  /** The newest durable snapshot. */
  get snapshot(): SnapshotFile | null {
    return this.#snapshot;
  }

  /** Index of the last record appended (durable or not); the snapshot's when the log is empty. */
  get lastIndex(): number {
    return this.#lastIndex;
  }

  /** Bytes of all segments but the history. */
  get logBytes(): number {
    return bytesOf(this.#segments);
  }

  get historyBytes(): number {
    return bytesOf(this.#history);
  }

  /** Every segment on disk, history first, for reading records back. */
  get files(): HistoryFile[] {
    const started = this.#segments.filter(({ seq }) => seq <= this.#currentSeq);
    return [...this.#history, ...started].map(({ seq, minIndex, maxIndex, bytes }) => {
      return { path: `${this.#directory}/${incrName(seq)}`, minIndex, maxIndex, bytes };
    });
  }

  get pendingBytes(): number {
    return this.#writer.pendingBytes;
  }

  get fsyncMicros(): LatencySummary {
    return this.#writer.fsyncMicros;
  }

  get fsync(): FsyncPolicy {
    return this.#writer.policy;
  }

  set fsync(policy: FsyncPolicy) {
    this.#writer.policy = policy;
  }

  /**
   * Queues records in index order; `done` runs once when all are as durable as the fsync policy
   * asks, after every earlier append's. A first index at or below lastIndex truncates the log from
   * there. An empty append is allowed: its `done` waits for what was appended before. Bytes must
   * not change any more.
   */
  append(items: readonly AppendItem[], done: Done): void {
    const segment = this.#segments[this.#segments.length - 1]!;
    const buffers: Uint8Array[] = new Array(items.length);
    const before = segment.bytes;
    let ends = false;
    for (let i = 0; i < items.length; i++) {
      const { index, bytes, endsSegment } = items[i]!;
      if (endsSegment === true) ends = true;
      const floor = this.#snapshot === null ? 0 : this.#snapshot.index;
      const follows = index <= this.#lastIndex + 1 && index > floor;
      assert(i === 0 ? follows : index === this.#lastIndex + 1, 'records are appended in order');
      this.#lastIndex = index;
      if (index > segment.maxIndex) segment.maxIndex = index;
      if (segment.minIndex === 0 || index < segment.minIndex) segment.minIndex = index;
      segment.bytes += bytes.length;
      buffers[i] = bytes;
    }
    this.#space.spend(segment.bytes - before);
    this.#writer.append(buffers, done);
    if (ends || segment.bytes >= this.#segmentBytesMax) this.rotate().catch(this.#onFailed);
  }

  /**
   * Ends the segment behind what was appended so far, so that a snapshot at or after the returned
   * index (the last one in older segments) can replace them. Resolves when the next segment is in
   * use.
   */
  async rotate(): Promise<number> {
    const through = this.#lastIndex;
    const seq = this.#segments[this.#segments.length - 1]!.seq + 1;
    const next: SegmentState = { seq, minIndex: 0, maxIndex: 0, bytes: 0 };
    this.#segments.push(next);
    await this.#barrier(() => this.#startSegment(next));
    return through;
  }

  /** A temporary file for a snapshot: our own being written, or the leader's being received. */
  async createSnapshot(): Promise<SnapshotSink> {
    this.#temporary++;
    const path = `${this.#directory}/temp-snapshot-${this.#temporary}.rdb`;
    return new SnapshotSink(this.#options.disk, path, this.#onFailed);
  }

  /**
   * Makes a finished snapshot the base; the segments it covers whole become history or go. Records
   * after `position`, which is not before the present base, stay. One call at a time.
   */
  async replaceBase(position: SnapshotPosition, sink: SnapshotSink): Promise<void> {
    assert(position.index >= (this.#snapshot?.index ?? 0), 'the base never goes back');
    const { maxIndex } = this.#segments.at(-1)!;
    const covered = maxIndex > 0 && maxIndex <= position.index;
    await Promise.all([
      covered ? this.rotate() : 0,
      this.#fatalOnError(() => this.#nameBase(sink)),
    ]);
    await this.#commitBase(position, sink, true);
  }

  /**
   * Makes a snapshot received from the leader the base and drops the whole log: it starts again
   * after `position` (research/raft.md S3). What was appended before this call is lost with it;
   * append nothing until it resolves.
   */
  async reset(position: SnapshotPosition, sink: SnapshotSink): Promise<void> {
    await Promise.all([this.rotate(), this.#fatalOnError(() => this.#nameBase(sink))]);
    this.#lastIndex = position.index;
    await this.#commitBase(position, sink, false);
  }

  /**
   * Removes the history to make room: late members are sent the snapshot. The manifest names the
   * files until it is next written, which a full disk must not be asked for.
   */
  async giveUpHistory(): Promise<void> {
    const history = this.#history;
    this.#history = [];
    await this.#fatalOnError(async () => {
      for (const { seq } of history) {
        await this.#options.disk.remove(`${this.#directory}/${incrName(seq)}`);
      }
    });
  }

  /** Makes everything durable and lets go of the directory. */
  async close(): Promise<void> {
    await this.#writer.close();
    await this.#file.close();
    await this.#lock.release();
  }

  /** Lets go of the directory after a fatal failure, without another write. */
  async abandon(): Promise<void> {
    await this.#lock.release();
  }

  readonly #onFailed = (error: unknown): void => {
    this.#writer.fail(error instanceof Error ? error : new Error(String(error)));
  };

  async #fatalOnError(step: () => Promise<void>): Promise<void> {
    try {
      await step();
    } catch (error) {
      this.#onFailed(error);
      throw error;
    }
  }

  #barrier(step: () => Promise<void>): Promise<void> {
    return this.#writer.barrier(() => this.#fatalOnError(step));
  }

  /**
   * Creates the file of a segment that is in the list already, names it, and writes there from now
   * on.
   */
  async #startSegment(segment: SegmentState): Promise<void> {
    const file = await this.#space.retry(() =>
      createSegmentFile(this.#options, this.#directory, segment.seq),
    );
    segment.bytes += file.size;
    this.#currentSeq = segment.seq;
    await this.#writeManifest();
    const old = this.#file;
    this.#file = file;
    this.#writer.switchTo(file);
    await old.close();
  }

  /** Gives a finished snapshot its durable name, which no manifest mentions yet. */
  async #nameBase(sink: SnapshotSink): Promise<void> {
    assert(sink.finished, 'a snapshot becomes the base when it is complete and synced');
    const { disk } = this.#options;
    const path = `${this.#directory}/${baseName(this.#baseSeq + 1)}`;
    await this.#space.retry(() => disk.rename(sink.path, path));
    await disk.syncDirectory(this.#directory);
  }

  /**
   * Names the new base, the segments still needed and the history; only then removes the rest.
   * `continues`: the log behind the snapshot is the one before it.
   */
  async #commitBase(
    position: SnapshotPosition,
    sink: SnapshotSink,
    continues: boolean,
  ): Promise<void> {
    const oldBase = this.#snapshot;
    const obsolete: string[] = [];
    await this.#barrier(async () => {
      const needed = continues ? this.#neededAfter(position.index) : Number.POSITIVE_INFINITY;
      const isKept = (s: SegmentState): boolean => s.seq >= this.#currentSeq || s.seq >= needed;
      const past = [...this.#history, ...this.#segments.filter((s) => !isKept(s))];
      this.#history = continues ? newest(past, this.#options.historyBytesMax ?? 0) : [];
      for (const segment of past) {
        if (this.#history.includes(segment)) continue;
        obsolete.push(`${this.#directory}/${incrName(segment.seq)}`);
      }
      this.#segments = this.#segments.filter(isKept);
      this.#baseSeq++;
      const path = `${this.#directory}/${baseName(this.#baseSeq)}`;
      this.#snapshot = { index: position.index, term: position.term, path, bytes: sink.bytes };
      this.#lastIndex = Math.max(this.#lastIndex, position.index);
      await this.#writeManifest();
    });
    await this.#fatalOnError(async () => {
      for (const path of obsolete) await this.#options.disk.remove(path);
      if (oldBase !== null) await this.#options.disk.remove(oldBase.path);
    });
  }

  /**
   * The first segment that holds a record after `index` which no later segment has truncated: only
   * what still counts keeps a segment, or its truncation would be forgotten and the record come
   * back.
   */
  #neededAfter(index: number): number {
    let needed = Number.POSITIVE_INFINITY;
    let truncatedFrom = Number.POSITIVE_INFINITY;
    for (let at = this.#segments.length - 1; at >= 0; at--) {
      const { seq, minIndex, maxIndex } = this.#segments[at]!;
      if (Math.min(maxIndex, truncatedFrom - 1) > index) needed = seq;
      if (minIndex > 0) truncatedFrom = Math.min(truncatedFrom, minIndex);
    }
    return needed;
  }

  #writeManifest(): Promise<void> {
    const started = this.#segments.filter(({ seq }) => seq <= this.#currentSeq);
    const { disk } = this.#options;
    return this.#space.retry(() =>
      writeManifest(disk, this.#directory, this.#baseSeq, started, this.#history),
    );
  }
}

function bytesOf(segments: readonly SegmentState[]): number {
  let bytes = 0;
  for (const segment of segments) bytes += segment.bytes;
  return bytes;
}

/** The last of `segments` that have at most `bytesMax` together; empty ones are of no use. */
function newest(segments: readonly SegmentState[], bytesMax: number): SegmentState[] {
  const kept: SegmentState[] = [];
  let bytes = 0;
  for (let at = segments.length - 1; at >= 0; at--) {
    const segment = segments[at]!;
    bytes += segment.bytes;
    if (bytes > bytesMax) break;
    if (segment.maxIndex > 0) kept.unshift(segment);
  }
  return kept;
}

export function writeManifest(
  disk: Disk,
  directory: string,
  baseSeq: number,
  segments: readonly SegmentState[],
  history: readonly SegmentState[] = [],
): Promise<void> {
  const manifest: Manifest = {
    base: baseSeq === 0 ? null : { name: baseName(baseSeq), seq: baseSeq },
    history: history.map(({ seq, minIndex, maxIndex }) => {
      return { name: incrName(seq), seq, first: minIndex, last: maxIndex };
    }),
    incr: segments.map(({ seq }) => ({ name: incrName(seq), seq })),
  };
  return disk.replaceFile(`${directory}/${MANIFEST_NAME}`, formatManifest(manifest));
}

/**
 * A new segment with its first line, synced, and its name in the directory too. Not yet in the
 * manifest.
 */
export async function createSegmentFile(
  options: LogStoreOptions,
  directory: string,
  seq: number,
): Promise<DiskFile> {
  const path = `${directory}/${incrName(seq)}`;
  const file = await options.disk.open(path, { create: true });
  try {
    if (file.size > 0) await file.truncate(0);
    await appendAndSync(file, segmentHeader(seq, options.owner));
    await options.disk.syncDirectory(directory);
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}

export function appendAndSync(file: DiskFile, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    file.append([bytes], (error) => {
      if (error !== null) return reject(error);
      file.sync((failure) => (failure !== null ? reject(failure) : resolve()));
    });
  });
}
