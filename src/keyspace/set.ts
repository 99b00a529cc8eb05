// Owns: the value of a set: members in a dense array, with an index once the set is large, or
// sorted integers.
// Order: `intset` is numeric order; `listpack` keeps insertion order and a removal closes the gap;
// `hashtable` moves the last member into the gap. So the member at any position is found in O(1)
// (SPOP, SRANDMEMBER), and the order is a function of the sequence of edits. A set rebuilt from its
// own iteration with the same encoding (`restore`) has the same array; array and encoding are its
// whole state, so every later edit, choice and scan agrees on both.
// Limits are the defaults of Redis 7.2 (set-max-intset-entries 512, set-max-listpack-entries 128,
// set-max-listpack-value 64). Conversions go from intset to listpack or hashtable, and from
// listpack to hashtable.

import { assert } from '../base/assert.js';
import { parseInt64 } from '../base/numbers.js';
import { stringBytes } from './memory.js';
import { MutableValue } from './value.js';

export const SET_INTSET_ENTRIES_MAX = 512;
export const SET_LISTPACK_ENTRIES_MAX = 128;
export const SET_LISTPACK_VALUE_BYTES_MAX = 64;

export type SetEncoding = 'intset' | 'listpack' | 'hashtable';

type Int64 = number | bigint;

/** The object and its array, with the slots arrays keep spare. */
const BASE_BYTES = 168;
/** One array slot. */
const ENTRY_BYTES = 8;
/** A slot and, for most integers, nothing else. */
const INTEGER_BYTES = 8;
/** One entry of the member index. */
const INDEX_BYTES = 40;

export class SetValue extends MutableValue {
  override readonly type = 'set';
  /** Sorted, while `intset`; then null. Numbers and bigints compare as the integers they are. */
  #integers: Int64[] | null = [];
  #members: string[] = [];
  /** Member to position; null unless `hashtable`. */
  #index: Map<string, number> | null = null;

  constructor() {
    super();
    this.bytes = BASE_BYTES;
  }

  /**
   * Rebuilds a set from what iteration yielded; members must differ (a repeated one is dropped).
   */
  static restore(members: Iterable<string>, encoding: SetEncoding): SetValue {
    const set = new SetValue();
    set.convertTo(encoding);
    for (const member of members) set.add(member);
    return set;
  }

  get size(): number {
    return this.#integers === null ? this.#members.length : this.#integers.length;
  }

  get encoding(): SetEncoding {
    if (this.#integers !== null) return 'intset';
    return this.#index === null ? 'listpack' : 'hashtable';
  }

  has(member: string): boolean {
    if (this.#integers === null) return this.#find(member) >= 0;
    const value = parseInt64(member);
    return value !== null && holds(this.#integers, value, lowerBound(this.#integers, value));
  }

  /** True when the member is new. */
  add(member: string): boolean {
    if (this.#integers !== null) {
      const value = parseInt64(member);
      if (value !== null) return this.#addInteger(this.#integers, value);
      this.#leaveIntset(member);
    } else if (this.#find(member) >= 0) {
      return false;
    }
    if (this.#index === null && !this.#listpackTakes(member)) this.convertTo('hashtable');
    this.#append(member);
    return true;
  }

  /** True when the member was there. */
  delete(member: string): boolean {
    if (this.#integers !== null) return this.#deleteInteger(this.#integers, member);
    const at = this.#find(member);
    if (at < 0) return false;
    this.bytes -= ENTRY_BYTES + stringBytes(member);
    if (this.#index === null) this.#members.splice(at, 1);
    else this.#moveLastTo(at, member);
    return true;
  }

  /** The member at a position in [0, size). */
  at(position: number): string {
    const member = this.#integers === null ? this.#members[position] : this.#integers[position];
    assert(member !== undefined, 'set position in range');
    return typeof member === 'string' ? member : String(member);
  }

  /** Every member by position, in a new array. */
  toArray(): string[] {
    return this.#integers === null ? this.#members.slice() : this.#integers.map(String);
  }

  /** Members by position. The set must not change meanwhile. */
  *[Symbol.iterator](): IterableIterator<string> {
    const size = this.size;
    for (let i = 0; i < size; i++) yield this.at(i);
  }

  /** Switches to a larger encoding; without effect when the set already has it or a larger one. */
  convertTo(encoding: SetEncoding): void {
    if (encoding !== 'intset' && this.#integers !== null) {
      this.bytes -= INTEGER_BYTES * this.#integers.length;
      const members = this.#integers.map(String);
      this.#integers = null;
      for (const member of members) this.#append(member);
    }
    if (encoding === 'hashtable' && this.#index === null) {
      const index = new Map<string, number>();
      for (let i = 0; i < this.#members.length; i++) index.set(this.#members[i]!, i);
      this.#index = index;
      this.bytes += INDEX_BYTES * this.#members.length;
    }
  }

  #find(member: string): number {
    if (this.#index === null) return this.#members.indexOf(member);
    return this.#index.get(member) ?? -1;
  }

  /**
   * An intset that meets its first other member is a listpack while it is short, else a hash table.
   */
  #leaveIntset(member: string): void {
    const short =
      this.size < SET_LISTPACK_ENTRIES_MAX && member.length <= SET_LISTPACK_VALUE_BYTES_MAX;
    this.convertTo(short ? 'listpack' : 'hashtable');
  }

  #listpackTakes(member: string): boolean {
    return (
      this.#members.length < SET_LISTPACK_ENTRIES_MAX &&
      member.length <= SET_LISTPACK_VALUE_BYTES_MAX
    );
  }

  #addInteger(integers: Int64[], value: Int64): boolean {
    const at = lowerBound(integers, value);
    if (holds(integers, value, at)) return false;
    if (at === integers.length) integers.push(value);
    else integers.splice(at, 0, value);
    this.bytes += INTEGER_BYTES;
    if (integers.length > SET_INTSET_ENTRIES_MAX) this.convertTo('hashtable');
    return true;
  }

  #deleteInteger(integers: Int64[], member: string): boolean {
    const value = parseInt64(member);
    if (value === null) return false;
    const at = lowerBound(integers, value);
    if (!holds(integers, value, at)) return false;
    integers.splice(at, 1);
    this.bytes -= INTEGER_BYTES;
    return true;
  }

  #append(member: string): void {
    this.bytes += ENTRY_BYTES + stringBytes(member);
    if (this.#index !== null) {
      this.#index.set(member, this.#members.length);
      this.bytes += INDEX_BYTES;
    }
    this.#members.push(member);
  }

  #moveLastTo(at: number, member: string): void {
    const index = this.#index!;
    const last = this.#members.pop()!;
    index.delete(member);
    this.bytes -= INDEX_BYTES;
    if (at === this.#members.length) return;
    this.#members[at] = last;
    index.set(last, at);
  }
}

/** The first position whose integer is not below `value`. */
function lowerBound(integers: readonly Int64[], value: Int64): number {
  let low = 0;
  let high = integers.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (integers[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

function holds(integers: readonly Int64[], value: Int64, at: number): boolean {
  return at < integers.length && integers[at] === value;
}
