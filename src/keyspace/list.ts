// Owns: the value of a list, its encoding and its size.
// The whole state is the sequence and the encoding: a list rebuilt from its own iteration with the
// same encoding (`restore`) answers every later command alike; how elements are chunked never
// shows.
// Encoding follows Redis 7.2 with list-max-listpack-size -2: `listpack` becomes `quicklist` when it
// would exceed 8192 bytes, and a quicklist that shrinks to 4096 bytes becomes a listpack again.
// DIVERGES: Redis shrinks only when all elements sit in one node, which depends on how they came
// there; here the total size alone decides, so that a member restored from a snapshot agrees with
// one that was not.

import { ChunkedList } from './chunked-list.js';
import { LISTPACK_EMPTY_BYTES, listpackEntryBytes } from './listpack-size.js';
import { stringBytes } from './memory.js';
import { MutableValue } from './value.js';

export const LISTPACK_BYTES_MAX = 8192;

export type ListEncoding = 'listpack' | 'quicklist';

/** The object, its chunk table and one chunk, with the slots arrays keep spare. */
const BASE_BYTES = 296;
/** One slot in a chunk. */
const ENTRY_BYTES = 8;

export class ListValue extends MutableValue {
  override readonly type = 'list';
  readonly #items = new ChunkedList();
  /** What one listpack holding every element would take. */
  #listpackBytes = LISTPACK_EMPTY_BYTES;
  #encoding: ListEncoding = 'listpack';

  constructor() {
    super();
    this.bytes = BASE_BYTES;
  }

  /** Rebuilds a list from what iteration yielded. */
  static restore(values: Iterable<string>, encoding: ListEncoding): ListValue {
    const list = new ListValue();
    for (const value of values) {
      list.#count(value, 1);
      list.#items.pushTail(value);
    }
    list.#encoding = encoding;
    return list;
  }

  get length(): number {
    return this.#items.length;
  }

  get encoding(): ListEncoding {
    return this.#encoding;
  }

  /** The element at a position from the head; undefined outside [0, length). */
  get(at: number): string | undefined {
    return this.#items.get(at);
  }

  /** Replaces the element at a position in [0, length). */
  set(at: number, value: string): void {
    this.willGrow(value.length);
    this.#count(this.#items.set(at, value), -1);
    this.#count(value, 1);
    this.#shrink();
  }

  pushHead(value: string): void {
    this.willGrow(value.length);
    this.#count(value, 1);
    this.#items.pushHead(value);
  }

  pushTail(value: string): void {
    this.willGrow(value.length);
    this.#count(value, 1);
    this.#items.pushTail(value);
  }

  /** Pushes values[from...] one after another; Redis judges their sum before the first goes in. */
  pushAll(values: readonly string[], from: number, end: 'head' | 'tail'): void {
    let characters = 0;
    for (let i = from; i < values.length; i++) characters += values[i]!.length;
    this.willGrow(characters);
    for (let i = from; i < values.length; i++) {
      const value = values[i]!;
      this.#count(value, 1);
      if (end === 'head') this.#items.pushHead(value);
      else this.#items.pushTail(value);
    }
  }

  popHead(): string | undefined {
    const value = this.#items.popHead();
    if (value !== undefined) this.#removed(value);
    return value;
  }

  popTail(): string | undefined {
    const value = this.#items.popTail();
    if (value !== undefined) this.#removed(value);
    return value;
  }

  /** Puts a value before the element at `at` in [0, length]; at the end when it is the length. */
  insertAt(at: number, value: string): void {
    this.willGrow(value.length);
    this.#count(value, 1);
    this.#items.insertAt(at, value);
  }

  /** Removes and returns the element at a position in [0, length). */
  removeAt(at: number): string {
    const value = this.#items.removeAt(at);
    this.#removed(value);
    return value;
  }

  /**
   * Removes up to `limit` elements equal to `value`, from the head or from the tail; returns how
   * many.
   */
  removeEqual(value: string, limit: number, fromTail: boolean): number {
    const removed = this.#items.removeEqual(value, limit, fromTail);
    if (removed === 0) return 0;
    this.bytes -= removed * (ENTRY_BYTES + stringBytes(value));
    this.#listpackBytes -= removed * listpackEntryBytes(value);
    this.#shrink();
    return removed;
  }

  /** The elements in [start, end), clamped to the list. */
  slice(start: number, end: number): string[] {
    return this.#items.slice(Math.max(0, start), Math.min(end, this.length));
  }

  /** From head to tail. The list must not change meanwhile. */
  [Symbol.iterator](): IterableIterator<string> {
    return this.#items.forward();
  }

  /** From tail to head. The list must not change meanwhile. */
  reversed(): IterableIterator<string> {
    return this.#items.backward();
  }

  /**
   * Chooses the encoding for elements of so many characters in all that are about to come. Edits
   * call it themselves.
   */
  willGrow(characters: number): void {
    if (this.#listpackBytes + characters > LISTPACK_BYTES_MAX) this.#encoding = 'quicklist';
  }

  #removed(value: string): void {
    this.#count(value, -1);
    this.#shrink();
  }

  #shrink(): void {
    if (this.#listpackBytes <= LISTPACK_BYTES_MAX / 2) this.#encoding = 'listpack';
  }

  #count(value: string, sign: 1 | -1): void {
    this.bytes += sign * (ENTRY_BYTES + stringBytes(value));
    this.#listpackBytes += sign * listpackEntryBytes(value);
  }
}
