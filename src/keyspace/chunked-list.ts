// Owns: a sequence of strings in chunks of bounded length: O(1) amortised at both ends, and in the
// middle the cost of one short array plus a walk over chunk lengths from the nearer end.
// Invariants: no chunk is empty; no chunk holds more than CHUNK_MAX; the lengths add up to
// `length`.
// The chunk layout never shows in a result.

import { assert } from '../base/assert.js';

export const CHUNK_MAX = 256;

export class ChunkedList {
  /**
   * Set anew for the first chunk: an array literal takes exactly one slot, a push into an empty
   * array seventeen.
   */
  #chunks: string[][] = [];
  #length = 0;
  /** Where #locate found the last position asked for. */
  #chunk = 0;
  #offset = 0;

  get length(): number {
    return this.#length;
  }

  /** The element at a position, undefined outside [0, length). */
  get(at: number): string | undefined {
    if (at < 0 || at >= this.#length) return undefined;
    this.#locate(at);
    return this.#chunks[this.#chunk]![this.#offset];
  }

  /** Replaces the element at a position in [0, length); returns the old one. */
  set(at: number, value: string): string {
    assert(at >= 0 && at < this.#length, 'list position in range');
    this.#locate(at);
    const chunk = this.#chunks[this.#chunk]!;
    const old = chunk[this.#offset]!;
    chunk[this.#offset] = value;
    return old;
  }

  pushHead(value: string): void {
    const first = this.#chunks[0];
    if (first === undefined) this.#chunks = [[value]];
    else if (first.length >= CHUNK_MAX) this.#chunks.unshift([value]);
    else first.unshift(value);
    this.#length++;
  }

  pushTail(value: string): void {
    const last = this.#chunks[this.#chunks.length - 1];
    if (last === undefined) this.#chunks = [[value]];
    else if (last.length >= CHUNK_MAX) this.#chunks.push([value]);
    else last.push(value);
    this.#length++;
  }

  popHead(): string | undefined {
    const first = this.#chunks[0];
    if (first === undefined) return undefined;
    const value = first.shift();
    if (first.length === 0) this.#chunks.shift();
    this.#length--;
    return value;
  }

  popTail(): string | undefined {
    const last = this.#chunks[this.#chunks.length - 1];
    if (last === undefined) return undefined;
    const value = last.pop();
    if (last.length === 0) this.#chunks.pop();
    this.#length--;
    return value;
  }

  /** Puts a value before the element at `at`, or at the end when `at` is the length. */
  insertAt(at: number, value: string): void {
    assert(at >= 0 && at <= this.#length, 'list position in range');
    if (at === this.#length) {
      this.pushTail(value);
      return;
    }
    this.#locate(at);
    const chunk = this.#chunks[this.#chunk]!;
    chunk.splice(this.#offset, 0, value);
    if (chunk.length > CHUNK_MAX) {
      this.#chunks.splice(this.#chunk + 1, 0, chunk.splice(CHUNK_MAX >> 1));
    }
    this.#length++;
  }

  /** Removes and returns the element at a position in [0, length). */
  removeAt(at: number): string {
    assert(at >= 0 && at < this.#length, 'list position in range');
    this.#locate(at);
    const chunk = this.#chunks[this.#chunk]!;
    const [removed] = chunk.splice(this.#offset, 1);
    if (chunk.length < CHUNK_MAX >> 2) this.#join(this.#chunk);
    this.#length--;
    return removed!;
  }

  /**
   * Removes up to `limit` elements equal to `value`, beginning at the head or at the tail; returns
   * how many.
   */
  removeEqual(value: string, limit: number, fromTail: boolean): number {
    const chunks = this.#chunks;
    let removed = 0;
    for (let i = 0; i < chunks.length && removed < limit; i++) {
      const chunk = chunks[fromTail ? chunks.length - 1 - i : i]!;
      removed += removeFromChunk(chunk, value, limit - removed, fromTail);
    }
    if (removed === 0) return 0;
    let kept = 0;
    for (const chunk of chunks) if (chunk.length > 0) chunks[kept++] = chunk;
    chunks.length = kept;
    this.#length -= removed;
    return removed;
  }

  /** The elements in [start, end), which must lie within [0, length]. */
  slice(start: number, end: number): string[] {
    const result: string[] = [];
    if (start >= end) return result;
    this.#locate(start);
    let offset = this.#offset;
    for (let i = this.#chunk; result.length < end - start; i++) {
      const chunk = this.#chunks[i]!;
      for (; offset < chunk.length && result.length < end - start; offset++) {
        result.push(chunk[offset]!);
      }
      offset = 0;
    }
    return result;
  }

  *forward(): IterableIterator<string> {
    for (const chunk of this.#chunks) yield* chunk;
  }

  *backward(): IterableIterator<string> {
    for (let i = this.#chunks.length - 1; i >= 0; i--) {
      const chunk = this.#chunks[i]!;
      for (let j = chunk.length - 1; j >= 0; j--) yield chunk[j]!;
    }
  }

  /** Sets #chunk and #offset for a position in [0, length), walking from the nearer end. */
  #locate(at: number): void {
    if (at < this.#length >> 1) {
      let chunk = 0;
      let offset = at;
      while (offset >= this.#chunks[chunk]!.length) offset -= this.#chunks[chunk++]!.length;
      this.#chunk = chunk;
      this.#offset = offset;
      return;
    }
    let chunk = this.#chunks.length - 1;
    let start = this.#length - this.#chunks[chunk]!.length;
    while (start > at) start -= this.#chunks[--chunk]!.length;
    this.#chunk = chunk;
    this.#offset = at - start;
  }

  /**
   * Drops a chunk that became empty, or joins a short one with its successor when both fit well.
   */
  #join(at: number): void {
    const chunk = this.#chunks[at]!;
    if (chunk.length === 0) {
      this.#chunks.splice(at, 1);
      return;
    }
    const next = this.#chunks[at + 1];
    if (next === undefined || chunk.length + next.length > CHUNK_MAX >> 1) return;
    for (const value of next) chunk.push(value);
    this.#chunks.splice(at + 1, 1);
  }
}

/** Removes up to `limit` elements equal to `value` from one array; returns how many. */
function removeFromChunk(chunk: string[], value: string, limit: number, fromTail: boolean): number {
  let skipped = 0;
  if (fromTail) {
    for (const item of chunk) if (item === value) skipped++;
    skipped = Math.max(0, skipped - limit);
  }
  let seen = 0;
  let kept = 0;
  for (const item of chunk) {
    const matches = item === value && seen++ >= skipped && seen - skipped <= limit;
    if (!matches) chunk[kept++] = item;
  }
  const removed = chunk.length - kept;
  chunk.length = kept;
  return removed;
}
