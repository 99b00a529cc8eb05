// Owns: the contents of one simulated file: what programs see, what is durable, and what a crash
// makes of the difference. Invariant: without a crash, bytes are what was written.

import type { Rng } from '../../../src/base/rng.js';

/**
 * What becomes of what was not synced. `prefix`: it is kept up to some byte, as a file system that
 * writes in order leaves it. `zeros`: the file was made longer, and the disk wrote only some of its
 * first sectors; the rest is zeros. `drop`: nothing is kept.
 */
export type CrashStyle = 'prefix' | 'zeros' | 'drop';

const SECTOR = 512;

export class Inode {
  #bytes: Buffer = Buffer.alloc(0);
  size = 0;
  /** Of the bytes as they are: how many from the start are durable. */
  syncedSize = 0;
  /** What is durable instead, when a truncation was not synced. */
  #cutTail: Buffer | null = null;

  append(buffers: readonly Uint8Array[]): void {
    let length = 0;
    for (const buffer of buffers) length += buffer.length;
    this.#reserve(this.size + length);
    let at = this.size;
    for (const buffer of buffers) {
      this.#bytes.set(buffer, at);
      at += buffer.length;
    }
    this.size = at;
  }

  truncate(length: number): void {
    if (length < this.syncedSize) {
      this.#cutTail ??= Buffer.from(this.#bytes.subarray(0, this.syncedSize));
      this.syncedSize = length;
    }
    if (length > this.size) this.#reserve(length);
    this.#bytes.fill(0, Math.min(this.size, length));
    this.size = length;
  }

  sync(): void {
    this.syncedSize = this.size;
    this.#cutTail = null;
  }

  read(position: number, length: number): Buffer {
    const end = Math.min(this.size, position + length);
    return Buffer.from(this.#bytes.subarray(Math.min(position, end), end));
  }

  get unsyncedBytes(): number {
    return this.size - this.syncedSize;
  }

  /** Flips a bit at rest. */
  rot(at: number, bit: number): void {
    this.#bytes[at] = this.#bytes[at]! ^ (1 << bit);
  }

  /** A sector that was meant for another file. */
  overwrite(at: number, bytes: Uint8Array): void {
    this.#bytes.set(bytes.subarray(0, this.size - at), at);
  }

  crash(style: CrashStyle, rng: Rng): void {
    if (this.#cutTail !== null && rng.below(2) === 0) {
      this.#bytes = this.#cutTail;
      this.size = this.#cutTail.length;
    } else if (this.size > this.syncedSize) {
      this.size = style === 'drop' ? this.syncedSize : this.#survive(style, rng);
    }
    this.#bytes.fill(0, this.size);
    this.sync();
  }

  /** Decides about the unsynced bytes; returns the size that is left. */
  #survive(style: CrashStyle, rng: Rng): number {
    const end = this.syncedSize + rng.below(this.unsyncedBytes + 1);
    if (style === 'prefix') return end;
    const cut = this.syncedSize + rng.below(end - this.syncedSize + 1);
    const sector = Math.max(this.syncedSize, cut - (cut % SECTOR));
    this.#bytes.fill(0, sector, end);
    return end;
  }

  #reserve(size: number): void {
    if (size <= this.#bytes.length) return;
    const larger = Buffer.alloc(Math.max(size, this.#bytes.length * 2, 4096));
    this.#bytes.copy(larger, 0, 0, this.size);
    this.#bytes = larger;
  }
}
