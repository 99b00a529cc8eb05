// Owns: a snapshot file while it is being made: chunks in, then synced. LogStore makes a finished
// one the base. Writes are in the order of the calls; one is under way at a time. Synced in steps,
// so that the log's own syncs never wait behind a whole file.

import { assert } from '../base/assert.js';
import type { Disk, DiskFile } from '../platform/disk.js';

/** Written bytes after which they are synced. */
const SYNC_BYTES = 4 * 2 ** 20;

export class SnapshotSink {
  readonly path: string;
  readonly #disk: Disk;
  #file: DiskFile | null = null;
  #bytes = 0;
  #unsynced = 0;
  #finished = false;
  #writing = false;

  constructor(disk: Disk, path: string) {
    this.#disk = disk;
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
      file.append(chunks, (error) => (error === null ? resolve() : reject(error)));
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
      file.sync((error) => (error === null ? resolve() : reject(error)));
    });
    this.#unsynced = 0;
  }

  async #opened(): Promise<DiskFile> {
    if (this.#file !== null) return this.#file;
    const file = await this.#disk.open(this.path, { create: true });
    if (file.size > 0) await file.truncate(0);
    this.#file = file;
    return file;
  }
}
