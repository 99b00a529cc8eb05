// Owns: the slots of one database: a Map from key to slot number, and parallel arrays indexed by
// slot.
// A key keeps its slot for life, so SCAN cursors, the snapshot walker, random choice and eviction
// sampling are all positions in the same arrays. Freed slots are used again, last freed first: the
// layout is a function of the sequence of inserts and removals, equal on members with the same
// history.
// Knows nothing of time, types or counters: Database does.

import { assert } from '../base/assert.js';
import type { Value } from './value.js';

export class KeyTable {
  readonly #slotOf = new Map<string, number>();
  readonly #keys: (string | undefined)[] = [];
  readonly #values: (Value | undefined)[] = [];
  readonly #free: number[] = [];
  /** Expiry in ms since 1970, 0 for none; empty until the first volatile key. */
  #expires = new Float64Array(0);
  /** Last access or frequency, node-local; see Database.access. */
  #access = new Uint32Array(0);

  get size(): number {
    return this.#slotOf.size;
  }

  /** Slots in use or free: every slot is in [0, slotCount). */
  get slotCount(): number {
    return this.#keys.length;
  }

  /** The slot of a key, or -1. */
  find(key: string): number {
    return this.#slotOf.get(key) ?? -1;
  }

  keyAt(slot: number): string | undefined {
    return this.#keys[slot];
  }

  valueAt(slot: number): Value | undefined {
    return this.#values[slot];
  }

  setValue(slot: number, value: Value): void {
    this.#values[slot] = value;
  }

  /** Adds a key that is not there yet; returns its slot. */
  insert(key: string, value: Value): number {
    const slot = this.#free.pop() ?? this.#keys.length;
    this.#keys[slot] = key;
    this.#values[slot] = value;
    this.#slotOf.set(key, slot);
    if (slot < this.#access.length) this.#access[slot] = 0;
    return slot;
  }

  /**
   * Slots that are free, the next to be used last: with the keys in slot order, the whole layout.
   */
  get freeSlots(): readonly number[] {
    return this.#free;
  }

  /**
   * Prepares an empty table for loading: keys inserted next take the slots below `slotCount` that
   * are not in `free`, ascending; after them `free` is used as it was. So a loaded table goes on
   * exactly like the one that was saved.
   */
  layOut(slotCount: number, free: readonly number[]): void {
    assert(this.#keys.length === 0, 'only an empty table is laid out');
    const isFree = new Uint8Array(slotCount);
    for (const slot of free) {
      isFree[slot] = 1;
      this.#free.push(slot);
    }
    for (let slot = slotCount - 1; slot >= 0; slot--) if (isFree[slot] === 0) this.#free.push(slot);
    for (let slot = 0; slot < slotCount; slot++) {
      this.#keys.push(undefined);
      this.#values.push(undefined);
    }
  }

  remove(slot: number): void {
    this.#slotOf.delete(this.#keys[slot]!);
    this.#keys[slot] = undefined;
    this.#values[slot] = undefined;
    if (slot < this.#expires.length) this.#expires[slot] = 0;
    this.#free.push(slot);
  }

  expireAt(slot: number): number {
    return slot < this.#expires.length ? this.#expires[slot]! : 0;
  }

  setExpireAt(slot: number, at: number): void {
    if (slot >= this.#expires.length) {
      if (at === 0) return;
      this.#expires = grown(this.#expires, this.#keys.length, Float64Array);
    }
    this.#expires[slot] = at;
  }

  accessAt(slot: number): number {
    return slot < this.#access.length ? this.#access[slot]! : 0;
  }

  setAccess(slot: number, stamp: number): void {
    if (slot >= this.#access.length) {
      this.#access = grown(this.#access, this.#keys.length, Uint32Array);
    }
    this.#access[slot] = stamp;
  }
}

/** A copy at least `needed` long, a half larger than before so that growth stays amortised. */
function grown<T extends Float64Array | Uint32Array>(
  old: T,
  needed: number,
  make: new (length: number) => T,
): T {
  const next = new make(Math.max(64, needed, Math.ceil(old.length * 1.5)));
  next.set(old);
  return next;
}
