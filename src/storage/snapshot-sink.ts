// Owns: a snapshot file while it is being made: chunks in, then synced. LogStore makes a finished
// one the base. A full disk costs the snapshot and nothing else; any other failure of a write or
// sync is a failing disk, and final as everywhere (architecture D8). Writes are in the order of the
// calls; one is under way at a time. Synced in steps, so that the log's own syncs never wait behind
// a whole file.

import { assert } from '../base/assert.js';
import type { Disk, DiskFile } from '../platform/disk.js';
import { isDiskFull } from '../platform/disk-fault.js';

/** Written bytes after which they are synced. */
const SYNC_BYTES = 4 * 2 ** 20;

export class SnapshotSink {
  readonly path: string;
  readonly #disk: Disk;
  readonly #onFault: (error: Error) => void;
  #file: DiskFile | null = null;
  #bytes = 0;
  #unsynced = 0;
  #finished = false;
  #writing = false;

  /** `onFault`: told of a write or sync that failed for another reason than a full disk. */
  constructor(disk: Disk, path: string, onFault: (error: Error) => void = () => {}) {
    this.#disk = disk;
    this.#onFault = onFault;
    this.path = path;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** True once everything is written and synced. */
  get finished(): boolean {
    return this.#finished;
  }

  /**
   * Appends chunks; wait for it before the next call. Rejects with DiskFault, after which only
   * abort is allowed.
   */
  async write(chunks: readonly Uint8Array[]): Promise<void> {
    assert(!this.#finished && !this.#writing, 'one snapshot write at a time, before finish');
    this.#writing = true;
    const file = await this.#opened();
    await new Promise<void>((resolve, reject) => {
      file.append(chunks, this.#settle(resolve, reject));
    });
    let bytes = 0;
    for (const chunk of chunks) bytes += chunk.length;
    this.#bytes += bytes;
    this.#unsynced += bytes;
    if (this.#unsynced >= SYNC_BYTES) await this.#sync(file);
    this.#writing = false;
  }

  /** Syncs and closes. */
  async finish(): Promise<void> {
    assert(!this.#writing && !this.#finished, 'finish after the last write');
    const file = await this.#opened();
    await this.#sync(file);
    await file.close();
    this.#finished = true;
  }

  /** Throws the file away. */
  async abort(): Promise<void> {
    const file = this.#file;
    this.#file = null;
    if (file === null) return;
    if (!this.#finished) await file.close();
    await this.#disk.remove(this.path);
  }

  async #sync(file: DiskFile): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      file.sync(this.#settle(resolve, reject));
    });
    this.#unsynced = 0;
  }

  #settle(resolve: () => void, reject: (error: Error) => void): (error: Error | null) => void {
    return (error) => {
      if (error === null) return resolve();
      if (!isDiskFull(error)) this.#onFault(error);
      reject(error);
    };
  }

  async #opened(): Promise<DiskFile> {
    if (this.#file !== null) return this.#file;
    const file = await this.#disk.open(this.path, { create: true });
    if (file.size > 0) await file.truncate(0);
    this.#file = file;
    return file;
  }
}
