// Owns: finding a row by a name that stands in a buffer, ignoring case, without making a string.
// Open addressing over FNV-like hashes of lower-case bytes; at most half full. Built once, then
// only read.

import { assert } from '../base/assert.js';

interface Slot<T> {
  readonly name: Uint8Array;
  readonly row: T;
}

const LOWER = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte >= 65 && byte <= 90 ? byte + 32 : byte,
);

export class NameTable<T> {
  readonly #slots: (Slot<T> | null)[];
  readonly #mask: number;

  /** Names must be lower case, latin1 and unique. */
  constructor(rows: Iterable<readonly [string, T]>) {
    const list = [...rows];
    let size = 8;
    while (size < list.length * 2) size *= 2;
    this.#slots = new Array(size).fill(null);
    this.#mask = size - 1;
    for (const [name, row] of list) this.#insert(name, row);
  }

  /** The row whose name is bytes[start, end), or null. */
  find(bytes: Uint8Array, start: number, end: number): T | null {
    let at = hash(bytes, start, end) & this.#mask;
    for (let slot = this.#slots[at]!; slot !== null; slot = this.#slots[at]!) {
      if (matches(slot.name, bytes, start, end)) return slot.row;
      at = (at + 1) & this.#mask;
    }
    return null;
  }

  /** The same for a name held as text. */
  findText(name: string): T | null {
    const bytes = Buffer.from(name, 'latin1');
    return this.find(bytes, 0, bytes.length);
  }

  #insert(name: string, row: T): void {
    const bytes = Buffer.from(name, 'latin1');
    assert(this.find(bytes, 0, bytes.length) === null, `${name} is in the table once`);
    let at = hash(bytes, 0, bytes.length) & this.#mask;
    while (this.#slots[at] !== null) at = (at + 1) & this.#mask;
    this.#slots[at] = { name: bytes, row };
  }
}

function hash(bytes: Uint8Array, start: number, end: number): number {
  let h = 0x811c9dc5;
  for (let i = start; i < end; i++) h = Math.imul(h ^ LOWER[bytes[i]!]!, 0x01000193);
  return h ^ (h >>> 15);
}

function matches(name: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  const length = end - start;
  if (name.length !== length) return false;
  for (let i = 0; i < length; i++) {
    if (name[i] !== LOWER[bytes[start + i]!]) return false;
  }
  return true;
}
