// Owns: taking over the data directory of a plain Redis or Valkey server: finding it, replaying it,
// and replacing it by ours without a moment in which neither is there. The old files are kept: a
// directory as appendonlydir.imported, dump.rdb and appendonly.aof where they are.

import { OperationalError } from '../base/errors.js';
import type { Keyspace } from '../keyspace/keyspace.js';
import type { Disk } from '../platform/disk.js';
import { type CommandSink, replayAof } from './aof-reader.js';
import {
  createSegmentFile,
  type LogStoreOptions,
  type SnapshotPosition,
  writeManifest,
} from './log-store.js';
import { AOF_DIRECTORY, baseName, MANIFEST_NAME, parseManifest } from './manifest.js';
import { readAux } from './rdb/aux-fields.js';
import { loadRdb } from './rdb/reader.js';
import { isOwnSegment } from './segment.js';
import { SnapshotSink } from './snapshot-sink.js';
import { missingFile } from './storage-errors.js';

const STAGING = `${AOF_DIRECTORY}.new`;
const IMPORTED = `${AOF_DIRECTORY}.imported`;

export interface ForeignData {
  /** For the log: which files, in the order in which they are read. */
  readonly description: string;
  readonly files: readonly string[];
}

export interface ImportReport {
  readonly keys: number;
  readonly commands: number;
  /** Bytes of an unfinished command at the end of the last file, left out. */
  readonly cutBytes: number;
}

/**
 * What a plain server left in the directory; null when it is empty or ours. `used`: this node has
 * had data here, so that files beside the append-only directory were taken over long ago.
 */
export async function findForeignData(
  disk: Disk,
  directory: string,
  used: boolean,
): Promise<ForeignData | null> {
  const aof = `${directory}/${AOF_DIRECTORY}`;
  if (await disk.exists(`${aof}/${MANIFEST_NAME}`)) return foreignManifest(disk, aof);
  if (used) return null;
  for (const name of ['appendonly.aof', 'dump.rdb']) {
    const path = `${directory}/${name}`;
    if (await disk.exists(path)) return { description: name, files: [path] };
  }
  return null;
}

/**
 * Reads the files into an empty keyspace: RDB parts directly, commands through `sink`. Rejects with
 * E_RDB, E_AOF or DiskFault; then nothing on disk has changed.
 */
export async function importForeignData(
  disk: Disk,
  data: ForeignData,
  keyspace: Keyspace,
  sink: CommandSink,
): Promise<ImportReport> {
  let commands = 0;
  let cutBytes = 0;
  for (const path of data.files) {
    const isLast = path === data.files.at(-1);
    const rdbBytes = (await startsWithRdb(disk, path))
      ? (await loadRdb(disk, path, keyspace)).rdbBytes
      : 0;
    if (path.endsWith('.rdb')) continue;
    const file = await disk.open(path, { create: false });
    try {
      const replayed = await replayAof(file, path, rdbBytes, isLast, sink);
      commands += replayed.commands;
      cutBytes = replayed.cutBytes;
    } finally {
      await file.close();
    }
  }
  return { keys: keyspace.size, commands, cutBytes };
}

/** The new directory being made beside the old one. */
export class Adoption {
  readonly #options: LogStoreOptions;
  readonly #staging: string;
  readonly sink: SnapshotSink;

  private constructor(options: LogStoreOptions) {
    this.#options = options;
    this.#staging = `${options.directory}/${STAGING}`;
    this.sink = new SnapshotSink(options.disk, `${this.#staging}/${baseName(1)}`);
  }

  static async begin(options: LogStoreOptions): Promise<Adoption> {
    const adoption = new Adoption(options);
    await options.disk.makeDirectory(adoption.#staging);
    return adoption;
  }

  /**
   * Makes the finished snapshot in `sink` the first base of a log that begins after `position`;
   * then openLogStore.
   */
  async commit(position: SnapshotPosition): Promise<void> {
    const { disk, directory } = this.#options;
    const { aux } = await readAux(disk, this.sink.path);
    if (aux.get('helios-index') !== String(position.index)) {
      throw new OperationalError('E_RDB', `${this.sink.path} stands for another log entry.`);
    }
    const file = await createSegmentFile(this.#options, this.#staging, 1);
    await file.close();
    await writeManifest(disk, this.#staging, 1, [{ seq: 1, minIndex: 0, maxIndex: 0, bytes: 0 }]);
    await disk.syncDirectory(directory);
    await finishAdoption(disk, directory);
  }
}

/** Puts a complete staged directory in place; also called on start, for one that a crash left. */
export async function finishAdoption(disk: Disk, directory: string): Promise<void> {
  const staging = `${directory}/${STAGING}`;
  if (!(await disk.exists(`${staging}/${MANIFEST_NAME}`))) return;
  const current = `${directory}/${AOF_DIRECTORY}`;
  if (await disk.exists(current)) await disk.rename(current, `${directory}/${IMPORTED}`);
  await disk.rename(staging, current);
  await disk.syncDirectory(directory);
}

async function foreignManifest(disk: Disk, aof: string): Promise<ForeignData | null> {
  const path = `${aof}/${MANIFEST_NAME}`;
  const { base, incr, own } = parseManifest(await disk.readFile(path), path);
  if (own) return null;
  const files: string[] = [];
  for (const { name } of base === null ? incr : [base, ...incr]) {
    const file = `${aof}/${name}`;
    if (!(await disk.exists(file))) throw missingFile(file, path);
    files.push(file);
  }
  if (base !== null && (await isOwnBase(disk, `${aof}/${base.name}`))) return null;
  for (const { name } of incr) if (await isOwnLog(disk, `${aof}/${name}`)) return null;
  return { description: `${AOF_DIRECTORY}, ${files.length} files`, files };
}

async function isOwnBase(disk: Disk, path: string): Promise<boolean> {
  if (!(await startsWithRdb(disk, path))) return false;
  return (await readAux(disk, path)).aux.has('helios-index');
}

async function isOwnLog(disk: Disk, path: string): Promise<boolean> {
  return isOwnSegment(await firstBytes(disk, path, 16));
}

async function startsWithRdb(disk: Disk, path: string): Promise<boolean> {
  return (await firstBytes(disk, path, 5)).latin1Slice() === 'REDIS';
}

async function firstBytes(disk: Disk, path: string, length: number): Promise<Buffer> {
  const file = await disk.open(path, { create: false });
  try {
    return await file.read(0, Math.min(length, file.size));
  } finally {
    await file.close();
  }
}
