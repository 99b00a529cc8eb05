// Owns: opening a data directory: lock, manifest, snapshot position, records, torn tail, leftovers
// (architecture D8). Nothing is changed on disk before everything has been read and found sound;
// then, in this order: names are synced, the torn tail is cut, the log is synced, leftovers of an
// interrupted step are removed. A directory that is not ours is refused, never touched.

import { OperationalError } from '../base/errors.js';
import type { DiskFile } from '../platform/disk.js';
import { findForeignData, finishAdoption } from './foreign-data.js';
import {
  createSegmentFile,
  type LogState,
  LogStore,
  type LogStoreOptions,
  type SegmentState,
  type SnapshotFile,
  writeManifest,
} from './log-store.js';
import {
  AOF_DIRECTORY,
  incrName,
  isOwnName,
  isTemporary,
  MANIFEST_NAME,
  type Manifest,
  parseManifest,
  seqOfIncr,
} from './manifest.js';
import { readAux } from './rdb/aux-fields.js';
import { LogAssembler, type RecoveredRecord, segmentHeader } from './segment.js';
import { forgottenSegment, missingFile } from './storage-errors.js';

const LINE_FEED = 10;

/** The torn tail that was cut: the write was under way in a crash, so it was never acknowledged. */
export interface CutReport {
  readonly file: string;
  readonly offset: number;
  readonly bytes: number;
}

export interface RecoveredLog {
  readonly store: LogStore;
  readonly snapshot: SnapshotFile | null;
  /** Records after the snapshot, ascending without a gap, all durable. */
  readonly records: readonly RecoveredRecord[];
  readonly cut: CutReport | null;
}

/**
 * Opens or makes the store. Rejects with LogCorruptError (E_LOG_CORRUPT) for bit rot; E_LOCKED,
 * E_MANIFEST, E_LOG_MISSING, E_FORMAT_VERSION, E_FOREIGN_DATA (another node's, or a plain Redis
 * directory: see foreign-data.ts), E_RDB for a damaged snapshot header, DiskFault for the rest.
 */
export async function openLogStore(options: LogStoreOptions): Promise<RecoveredLog> {
  const { disk, directory } = options;
  await disk.makeDirectory(directory);
  const lock = await disk.lock(`${directory}/helios.lock`);
  try {
    await finishAdoption(disk, directory);
    const foreign = await findForeignData(disk, directory, options.used ?? false);
    if (foreign !== null) {
      throw new OperationalError(
        'E_FOREIGN_DATA',
        `${directory} holds data of a plain Redis or Valkey server (${foreign.description}); ` +
          'it must be imported before the log can be opened.',
      );
    }
    const aof = `${directory}/${AOF_DIRECTORY}`;
    await disk.makeDirectory(aof);
    const fresh = !(await disk.exists(`${aof}/${MANIFEST_NAME}`));
    return await (fresh ? create(options, aof, lock) : recover(options, aof, lock));
  } catch (error) {
    await lock.release();
    throw error;
  }
}

async function create(
  options: LogStoreOptions,
  aof: string,
  lock: LogState['lock'],
): Promise<RecoveredLog> {
  const { disk, directory } = options;
  await refuseOrphans(options, aof);
  const file = await createSegmentFile(options, aof, 1);
  await disk.syncDirectory(directory);
  const segments: SegmentState[] = [{ seq: 1, minIndex: 0, maxIndex: 0, bytes: file.size }];
  await writeManifest(disk, aof, 0, segments);
  await disk.syncDirectory(directory);
  const state = {
    aofDirectory: aof,
    snapshot: null,
    baseSeq: 0,
    segments,
    history: [],
    file,
    lastIndex: 0,
    lock,
  };
  const store = new LogStore(options, state);
  return { store, snapshot: null, records: [], cut: null };
}

/**
 * Without a manifest only the first line of a first segment may be here: a first start that was cut
 * short.
 */
async function refuseOrphans(options: LogStoreOptions, aof: string): Promise<void> {
  const { disk, owner } = options;
  for (const name of await disk.list(aof)) {
    if (!isOwnName(name) || isTemporary(name)) continue;
    const path = `${aof}/${name}`;
    const bytes = name === incrName(1) ? (await disk.readFile(path)).length : Infinity;
    if (bytes > segmentHeader(1, owner).length) {
      throw missingFile(`${aof}/${MANIFEST_NAME}`, `the file ${name} beside it`);
    }
  }
}

async function recover(
  options: LogStoreOptions,
  aof: string,
  lock: LogState['lock'],
): Promise<RecoveredLog> {
  const { disk } = options;
  const manifestPath = `${aof}/${MANIFEST_NAME}`;
  const manifest = parseManifest(await disk.readFile(manifestPath), manifestPath);
  for (const { name } of [...(manifest.base === null ? [] : [manifest.base]), ...manifest.incr]) {
    if (!(await disk.exists(`${aof}/${name}`))) throw missingFile(`${aof}/${name}`, manifestPath);
  }
  const snapshot =
    manifest.base === null ? null : await snapshotAt(options, aof, manifest.base.name);
  const assembler = new LogAssembler(snapshot?.index ?? 0, options.owner);
  const segments: SegmentState[] = [];
  let cut: CutReport | null = null;
  for (const { name, seq } of manifest.incr) {
    const path = `${aof}/${name}`;
    const bytes = await disk.readFile(path);
    const scan = assembler.scan(path, bytes, seq, seq === manifest.incr.at(-1)!.seq);
    const { minIndex, maxIndex, end } = scan;
    segments.push({ seq, minIndex, maxIndex, bytes: end });
    if (scan.end < bytes.length) {
      cut = { file: path, offset: scan.end, bytes: bytes.length - scan.end };
    }
  }
  await refuseForgotten(options, aof, manifest);
  // A process that was killed may have left all this in the page cache only. What it read, this one
  // is going to answer for: names and records have to be durable first.
  await disk.syncDirectory(options.directory);
  await disk.syncDirectory(aof);
  const history = await historyIn(options, aof, manifest);
  const file = await openLast(options, aof, segments, history, manifest, cut);
  await removeLeftovers(options, aof, manifest);
  const records = assembler.records;
  const lastIndex = assembler.next - 1;
  const baseSeq = manifest.base?.seq ?? 0;
  const state = { aofDirectory: aof, snapshot, baseSeq, segments, history, file, lastIndex, lock };
  return { store: new LogStore(options, state), snapshot, records, cut };
}

/**
 * The newest history files that are all there and say what they hold. What is in them is looked at
 * when it is needed: nothing rests on it.
 */
async function historyIn(
  { disk }: LogStoreOptions,
  aof: string,
  manifest: Manifest,
): Promise<SegmentState[]> {
  const kept: SegmentState[] = [];
  for (const { name, seq, first, last } of [...manifest.history].reverse()) {
    const path = `${aof}/${name}`;
    if (name !== incrName(seq) || first === 0 || !(await disk.exists(path))) break;
    const file = await disk.open(path, { create: false });
    kept.unshift({ seq, minIndex: first, maxIndex: last, bytes: file.size });
    await file.close();
  }
  return kept;
}

async function openLast(
  options: LogStoreOptions,
  aof: string,
  segments: SegmentState[],
  history: readonly SegmentState[],
  manifest: Manifest,
  cut: CutReport | null,
): Promise<DiskFile> {
  const { disk } = options;
  const last = manifest.incr.at(-1);
  if (last === undefined) {
    const file = await createSegmentFile(options, aof, 1);
    segments.push({ seq: 1, minIndex: 0, maxIndex: 0, bytes: file.size });
    await writeManifest(disk, aof, manifest.base?.seq ?? 0, segments, history);
    return file;
  }
  const file = await disk.open(`${aof}/${last.name}`, { create: false });
  if (cut !== null) await file.truncate(cut.offset);
  await new Promise<void>((resolve, reject) => {
    file.sync((error) => (error === null ? resolve() : reject(error)));
  });
  return file;
}

async function snapshotAt(
  options: LogStoreOptions,
  aof: string,
  name: string,
): Promise<SnapshotFile> {
  const path = `${aof}/${name}`;
  const { aux, bytes } = await readAux(options.disk, path);
  const index = Number(aux.get('helios-index'));
  const term = Number(aux.get('helios-term'));
  if (!Number.isSafeInteger(index) || !Number.isSafeInteger(term) || index < 0 || term < 0) {
    throw new OperationalError('E_RDB', `${path} does not say which log entry it stands for.`);
  }
  return { index, term, path, bytes };
}

/**
 * A segment newer than all that are named is left by a crash between its making and the manifest,
 * and then it is empty. One that holds records means that the manifest lost lines: what it names no
 * more may have been acknowledged, and must not be removed as a leftover.
 */
async function refuseForgotten(
  options: LogStoreOptions,
  aof: string,
  manifest: Manifest,
): Promise<void> {
  const newest = manifest.incr.at(-1)?.seq ?? 0;
  for (const name of await options.disk.list(aof)) {
    const seq = seqOfIncr(name);
    if (seq === null || seq <= newest) continue;
    const bytes = await options.disk.readFile(`${aof}/${name}`);
    // Without a whole first line the crash came before any record could follow it.
    const firstLine = bytes.indexOf(LINE_FEED);
    if (firstLine < 0 || bytes.length === firstLine + 1) continue;
    throw forgottenSegment(`${aof}/${name}`, `${aof}/${MANIFEST_NAME}`);
  }
}

/** Files of an interrupted step: named like ours, and by no manifest. */
async function removeLeftovers(
  options: LogStoreOptions,
  aof: string,
  manifest: Manifest,
): Promise<void> {
  const { base, history, incr } = manifest;
  const named = new Set([...history, ...incr].map(({ name }) => name));
  if (base !== null) named.add(base.name);
  for (const name of await options.disk.list(aof)) {
    const leftover = isOwnName(name) && !named.has(name);
    if (leftover || isTemporary(name)) await options.disk.remove(`${aof}/${name}`);
  }
}
