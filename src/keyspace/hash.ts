// Owns: the value of a hash: fields and values in two dense arrays, with a field index once the
// hash is large.
// Order: while `listpack`, fields keep insertion order and a removal closes the gap; as
// `hashtable`, a removal moves the last field into the gap, so any position is reachable in O(1).
// Both are functions of the sequence of edits.
// A hash rebuilt from its own iteration with the same encoding (`restore`) has the same arrays, and
// the arrays and the encoding are its whole state: every later edit, random choice and scan gives
// the same result on both.
// Limits are the defaults of Redis 7.2 (hash-max-listpack-entries 512, hash-max-listpack-value 64);
// once `hashtable`, always `hashtable`.

import { assert } from '../base/assert.js';
import { stringBytes } from './memory.js';
import { MutableValue } from './value.js';

export const HASH_LISTPACK_ENTRIES_MAX = 512;
export const HASH_LISTPACK_VALUE_BYTES_MAX = 64;

export type HashEncoding = 'listpack' | 'hashtable';

/** The object and its two arrays, with the slots arrays keep spare. */
const BASE_BYTES = 264;
/** Two array slots. */
const ENTRY_BYTES = 16;
/** One entry of the field index. */
const INDEX_BYTES = 40;

export class HashValue extends MutableValue {
  override readonly type = 'hash';
  readonly #fields: string[] = [];
  readonly #values: string[] = [];
  /** Field to position; null while `listpack`. */
  #index: Map<string, number> | null = null;

  constructor() {
    super();
    this.bytes = BASE_BYTES;
  }

  /**
   * Rebuilds a hash from what iteration yielded; fields must differ (a repeated one keeps its first
   * place).
   */
  static restore(
    entries: Iterable<readonly [field: string, value: string]>,
    encoding: HashEncoding,
  ): HashValue {
    const hash = new HashValue();
    if (encoding === 'hashtable') hash.convertToHashtable();
    for (const [field, value] of entries) hash.set(field, value);
    return hash;
  }

  get size(): number {
    return this.#fields.length;
  }

  get encoding(): HashEncoding {
    return this.#index === null ? 'listpack' : 'hashtable';
  }

  has(field: string): boolean {
    return this.#find(field) >= 0;
  }

  get(field: string): string | undefined {
    const at = this.#find(field);
    return at < 0 ? undefined : this.#values[at];
  }

  /** True when the field is new. */
  set(field: string, value: string): boolean {
    if (this.#index === null && !fitsListpack(field, value)) this.convertToHashtable();
    const at = this.#find(field);
    if (at >= 0) {
      this.bytes += stringBytes(value) - stringBytes(this.#values[at]!);
      this.#values[at] = value;
      return false;
    }
    this.#append(field, value);
    if (this.#index === null && this.#fields.length > HASH_LISTPACK_ENTRIES_MAX) {
      this.convertToHashtable();
    }
    return true;
  }

  /** True when the field was there. */
  delete(field: string): boolean {
    const at = this.#find(field);
    if (at < 0) return false;
    this.bytes -= ENTRY_BYTES + stringBytes(field) + stringBytes(this.#values[at]!);
    if (this.#index === null) {
      this.#fields.splice(at, 1);
      this.#values.splice(at, 1);
    } else {
      this.#moveLastTo(at, field);
    }
    return true;
  }

  /** The field at a position in [0, size). */
  fieldAt(position: number): string {
    const field = this.#fields[position];
    assert(field !== undefined, 'hash position in range');
    return field;
  }

  /** The value at a position in [0, size). */
  valueAt(position: number): string {
    const value = this.#values[position];
    assert(value !== undefined, 'hash position in range');
    return value;
  }

  /** Field and value at a position in [0, size). */
  at(position: number): [field: string, value: string] {
    return [this.fieldAt(position), this.valueAt(position)];
  }

  /** Entries by position. The hash must not change meanwhile. */
  *[Symbol.iterator](): IterableIterator<[field: string, value: string]> {
    for (let i = 0; i < this.#fields.length; i++) yield [this.#fields[i]!, this.#values[i]!];
  }

  /** Switches to the large encoding, which is for ever; without effect when it already has it. */
  convertToHashtable(): void {
    if (this.#index !== null) return;
    const index = new Map<string, number>();
    for (let i = 0; i < this.#fields.length; i++) index.set(this.#fields[i]!, i);
    this.#index = index;
    this.bytes += INDEX_BYTES * this.#fields.length;
  }

  #find(field: string): number {
    if (this.#index === null) return this.#fields.indexOf(field);
    return this.#index.get(field) ?? -1;
  }

  #append(field: string, value: string): void {
    this.bytes += ENTRY_BYTES + stringBytes(field) + stringBytes(value);
    if (this.#index !== null) {
      this.#index.set(field, this.#fields.length);
      this.bytes += INDEX_BYTES;
    }
    this.#fields.push(field);
    this.#values.push(value);
  }

  #moveLastTo(at: number, field: string): void {
    const index = this.#index!;
    const lastField = this.#fields.pop()!;
    const lastValue = this.#values.pop()!;
    index.delete(field);
    this.bytes -= INDEX_BYTES;
    if (at === this.#fields.length) return;
    this.#fields[at] = lastField;
    this.#values[at] = lastValue;
    index.set(lastField, at);
  }
}

function fitsListpack(field: string, value: string): boolean {
  return (
    field.length <= HASH_LISTPACK_VALUE_BYTES_MAX && value.length <= HASH_LISTPACK_VALUE_BYTES_MAX
  );
}
