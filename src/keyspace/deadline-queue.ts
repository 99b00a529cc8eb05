// Owns: the volatile slots of one table in the order they die: a binary heap of slot numbers.
// Order: expiry, then key; a total order, so it does not depend on slots or history.
// Invariant: a slot is here exactly once if its expiry is set (the owner calls settle and remove),
// so nothing stale piles up and nothing is ever rebuilt. Eight bytes a volatile key.

import { assert } from '../base/assert.js';
import type { KeyTable } from './key-table.js';

export class DeadlineQueue {
  readonly #table: KeyTable;
  /** The heap: slots in [0, size). */
  #slots: Int32Array = new Int32Array(0);
  /** By slot: its index in the heap plus one, 0 when it is not here. */
  #places: Int32Array = new Int32Array(0);
  #size = 0;

  constructor(table: KeyTable) {
    this.#table = table;
  }

  get size(): number {
    return this.#size;
  }

  /** The slot that dies first, or -1. */
  first(): number {
    return this.#size === 0 ? -1 : this.#slots[0]!;
  }

  /**
   * Adds a slot, or moves it to where its new expiry belongs. Call after the table has that expiry.
   */
  settle(slot: number): void {
    if (slot >= this.#places.length) this.#places = grown(this.#places, this.#table.slotCount);
    let at = this.#places[slot]! - 1;
    if (at < 0) {
      at = this.#size++;
      if (at === this.#slots.length) this.#slots = grown(this.#slots, this.#size);
      this.#place(at, slot);
    }
    this.#sift(at, slot);
  }

  /** Takes a slot out. Call before the table forgets its key. */
  remove(slot: number): void {
    const at = this.#places[slot]! - 1;
    assert(at >= 0, 'a slot with an expiry is in the queue');
    this.#places[slot] = 0;
    const last = this.#slots[--this.#size]!;
    if (last !== slot) this.#sift(at, last);
  }

  /** Finds the place of a slot that stands at `at`, whichever way it is. */
  #sift(at: number, slot: number): void {
    const risen = this.#rise(at, slot);
    if (risen === at) this.#sink(at, slot);
  }

  #rise(start: number, slot: number): number {
    let at = start;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#before(slot, this.#slots[parent]!)) break;
      this.#place(at, this.#slots[parent]!);
      at = parent;
    }
    this.#place(at, slot);
    return at;
  }

  #sink(start: number, slot: number): void {
    const size = this.#size;
    let at = start;
    for (let child = 2 * at + 1; child < size; child = 2 * at + 1) {
      const right = child + 1;
      if (right < size && this.#before(this.#slots[right]!, this.#slots[child]!)) child = right;
      if (!this.#before(this.#slots[child]!, slot)) break;
      this.#place(at, this.#slots[child]!);
      at = child;
    }
    this.#place(at, slot);
  }

  #place(at: number, slot: number): void {
    this.#slots[at] = slot;
    this.#places[slot] = at + 1;
  }

  #before(a: number, b: number): boolean {
    const atA = this.#table.expireAt(a);
    const atB = this.#table.expireAt(b);
    if (atA !== atB) return atA < atB;
    return this.#table.keyAt(a)! < this.#table.keyAt(b)!;
  }
}

function grown(old: Int32Array, needed: number): Int32Array {
  const next = new Int32Array(Math.max(64, needed, Math.ceil(old.length * 1.5)));
  next.set(old);
  return next;
}
