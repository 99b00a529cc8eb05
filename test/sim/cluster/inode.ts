// Owns: the contents of one simulated file: what programs see, what is durable, and what a crash
// makes of the difference. Invariant: without a crash, bytes are what was written.

import type { Rng } from '../../../src/base/rng.js';

/**
 * What becomes of each write that was not synced. `prefix`: they are kept up to some byte, which
 * may be in the middle of one, as a file system that writes in order leaves it. `any`: each is
 * kept, lost (zeros when something behind it is kept), torn or garbage. `drop`: all are lost.
 */
export type CrashStyle = 'prefix' | 'any' | 'drop';

interface Write {
  readonly at: number;
  readonly length: number;
}

const SECTOR = 512;

export class Inode {
  #bytes: Buffer = Buffer.alloc(0);
  size = 0;
  /** Of the bytes as they are: how many from the start are durable. */
  syncedSize = 0;
  /** What is durable instead, when a truncation was not synced. */
  #cutTail: Buffer | null = null;
  #unsynced: Write[] = [];

  append(buffers: readonly Uint8Array[]): void {
    let length = 0;
    for (const buffer of buffers) length += buffer.length;
    this.#reserve(this.size + length);
    let at = this.size;
    for (const buffer of buffers) {
      this.#bytes.set(buffer, at);
      at += buffer.length;
    }
    this.#unsynced.push({ at: this.size, length });
    this.size = at;
  }

  truncate(length: number): void {
    if (length < this.syncedSize) {
      this.#cutTail ??= Buffer.from(this.#bytes.subarray(0, this.syncedSize));
      this.syncedSize = length;
    }
    this.#unsynced = this.#unsynced.filter(({ at }) => at < length);
    if (length > this.size) this.#reserve(length);
    this.#bytes.fill(0, Math.min(this.size, length));
    this.size = length;
  }

  sync(): void {
    this.syncedSize = this.size;
    this.#cutTail = null;
    this.#unsynced.length = 0;
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

  /** Decides about each unsynced write; returns the size that is left. */
  #survive(style: CrashStyle, rng: Rng): number {
    if (style === 'prefix') return this.syncedSize + rng.below(this.unsyncedBytes + 1);
    let size = this.syncedSize;
    for (const { at, length } of this.#unsynced) {
      const fate = rng.below(4);
      const end = at + length;
      if (fate === 0) {
        size = end;
      } else if (fate === 1) {
        this.#bytes.fill(0, at, end);
      } else if (fate === 2) {
        const cut = at + Math.floor(rng.below(length + 1) / SECTOR) * SECTOR;
        this.#bytes.fill(0, cut, end);
        size = Math.max(size, cut);
      } else {
        const from = at + rng.below(length + 1);
        for (let i = from; i < end; i++) this.#bytes[i] = rng.below(256);
        size = end;
      }
    }
    return size;
  }

  #reserve(size: number): void {
    if (size <= this.#bytes.length) return;
    const larger = Buffer.alloc(Math.max(size, this.#bytes.length * 2, 4096));
    this.#bytes.copy(larger, 0, 0, this.size);
    this.#bytes = larger;
  }
}
