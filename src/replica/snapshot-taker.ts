// Owns: writing one snapshot of this member's state in slices beside the running machine
// (architecture D7), and reading it back: what the file holds must be what was walked before
// anything may depend on it. Never decides when one is taken nor what becomes of the file.

import type { Machine } from '../machine/machine.js';
import type { Clock } from '../platform/clock.js';
import type { Disk } from '../platform/disk.js';
import { Pacer } from '../platform/pacer.js';
import type { SnapshotMeta } from '../raft/types.js';
import { verifyRdb } from '../storage/rdb/reader.js';
import { SnapshotWriter } from '../storage/rdb/snapshot-writer.js';
import type { SnapshotSink } from '../storage/snapshot-sink.js';
import { auxOf, checkWritten, withState } from './snapshot-aux.js';

/** Keys serialised between two looks at the clock: some tens of microseconds. */
const KEYS_PER_STEP = 16;
/** Slice of a walk, verification or load, ms: what a command may have to wait for it. */
export const SLICE_MS = 0.3;
/**
 * Between two slices of a walk, ms: it takes a twentieth of a core, for nobody waits for it. Walks
 * at full speed made the p99 of requests four to six times what it was when three members shared
 * two cores; at this pace it is one and a half times.
 */
export const REST_MS = 6;
/** Bytes of a file written in one call. */
const WRITE_BYTES = 128 * 1024;
/**
 * Bytes of values saved ahead of a walk, held in memory, and of log written since it began, from
 * which on it does not rest any more.
 */
const SAVED_BYTES_MAX = 32 * 2 ** 20;
const LOG_BYTES_MAX = 128 * 2 ** 20;

export interface WalkPorts {
  readonly machine: Machine;
  readonly disk: Disk;
  readonly clock: Clock;
  /** Of the log, as it is now. */
  readonly logBytes: () => number;
}

/** One snapshot being taken; the epoch begins with it, at the machine's applied index. */
export class SnapshotWalk {
  readonly meta: SnapshotMeta;
  readonly #ports: WalkPorts;
  readonly #aux: ReadonlyMap<string, string>;
  readonly #writer: SnapshotWriter;
  /** Of the walk and of reading it back. */
  readonly #pacer: Pacer;
  #digest = '';
  #cancelled = false;

  /** `meta` stands for the machine as it is now. `hurried`: somebody waits for the end of it. */
  constructor(ports: WalkPorts, meta: SnapshotMeta, hurried: boolean) {
    const { machine } = ports;
    this.meta = meta;
    this.#ports = ports;
    this.#pacer = new Pacer(ports.clock, SLICE_MS, hurried ? 0 : REST_MS);
    this.#aux = auxOf(meta, machine.dumpState());
    this.#writer = new SnapshotWriter(machine.keyspace, this.#aux);
    machine.keyspace.dirty = 0;
  }

  /** Of the keys and of the rest of the state; sixteen hexadecimal digits once it is written. */
  get digest(): string {
    return this.#digest;
  }

  /** Somebody waits for the end of it now. */
  hurry(): void {
    this.#pacer.restMs = 0;
  }

  /** Nobody wants it any more: write() rejects at the next slice. */
  cancel(): void {
    this.#cancelled = true;
    this.hurry();
  }

  /**
   * Writes and verifies. Rejects with the file thrown away and the epoch ended when a write, the
   * sync or the verification fails.
   */
  async write(makeSink: () => Promise<SnapshotSink>): Promise<SnapshotSink> {
    let sink: SnapshotSink | null = null;
    try {
      sink = await makeSink();
      await this.#serialise(sink);
      await sink.finish();
      const report = await verifyRdb(this.#ports.disk, sink.path, this.#pacer);
      checkWritten(report, this.meta, this.#writer.digest);
      this.#digest = withState(this.#writer.digest, this.#aux);
      return sink;
    } catch (error) {
      this.#writer.abort();
      await sink?.abort();
      throw error;
    }
  }

  async #serialise(sink: SnapshotSink): Promise<void> {
    const { logBytes } = this.#ports;
    const pacer = this.#pacer;
    const logBytesMax = logBytes() + LOG_BYTES_MAX;
    // What began the epoch has had its share of this turn.
    await pacer.rest();
    let chunks: Buffer[] = [];
    let bytes = 0;
    for (let done = false; !done; ) {
      do done = this.#writer.step(KEYS_PER_STEP);
      while (!done && !pacer.due);
      for (const chunk of this.#writer.drain()) {
        chunks.push(chunk);
        bytes += chunk.length;
      }
      if (done || bytes >= WRITE_BYTES) {
        await sink.write(chunks);
        this.#writer.reuse();
        chunks = [];
        bytes = 0;
      }
      const late = this.#writer.savedBytes > SAVED_BYTES_MAX || logBytes() > logBytesMax;
      if (late) this.hurry();
      await pacer.rest();
      if (this.#cancelled) throw new Error('cancelled');
    }
  }
}
