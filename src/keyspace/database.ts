// Owns: one numbered database: which keys live, until when, and what they cost.
// Invariants: a key whose expiry is <= the replicated time is dead for every lookup, even before
// its slot is reclaimed; every change goes through lookupWrite, set, replace, delete or the expiry
// setters, so that a running snapshot sees the old value first (ChangeObserver) and WATCH sees the
// touch.
// Never reads a clock: `now` is always the replicated time given by the caller.

import { assert } from '../base/assert.js';
import type { Rng } from '../base/rng.js';
import { DeadlineQueue } from './deadline-queue.js';
import { KeyTable } from './key-table.js';
import type { Keyspace } from './keyspace.js';
import { keyBytes, valueBytes } from './memory.js';
import type { Value } from './value.js';

/** Sees each slot before it changes or disappears; the snapshot walker saves the old value then. */
export interface ChangeObserver {
  beforeChange(table: KeyTable, slot: number): void;
  /** A slot was filled with a new key: it is not part of the snapshot. */
  afterInsert(table: KeyTable, slot: number): void;
}

export class Database {
  readonly index: number;
  readonly #keyspace: Keyspace;
  #table = new KeyTable();
  /** Every slot with an expiry, dead ones included. */
  #deadlines = new DeadlineQueue(this.#table);
  /** Bytes of keys and values, as estimated by memory.ts. */
  #bytes = 0;

  constructor(index: number, keyspace: Keyspace) {
    this.index = index;
    this.#keyspace = keyspace;
  }

  /** Keys, those included that are dead but not yet reclaimed (as DBSIZE counts). */
  get size(): number {
    return this.#table.size;
  }

  get volatileSize(): number {
    return this.#deadlines.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** For walks by slot (SCAN, snapshot, sampling). Read only. */
  get table(): KeyTable {
    return this.#table;
  }

  /** The live value for a read; counts a hit or miss and notes the access. */
  lookup(key: string, now: number): Value | undefined {
    const slot = this.#liveSlot(key, now);
    if (slot < 0) {
      this.#keyspace.stats.misses++;
      return undefined;
    }
    this.#keyspace.stats.hits++;
    this.#keyspace.noteAccess(this.#table, slot);
    return this.#table.valueAt(slot);
  }

  /**
   * The live value without counting or noting anything (TYPE, TTL, OBJECT, EXISTS by other
   * commands).
   */
  peek(key: string, now: number): Value | undefined {
    const slot = this.#liveSlot(key, now);
    return slot < 0 ? undefined : this.#table.valueAt(slot);
  }

  has(key: string, now: number): boolean {
    return this.#liveSlot(key, now) >= 0;
  }

  /**
   * The live value for a command that will change it in place (then: touch) or decide by it. A dead
   * key is reclaimed first. A running snapshot keeps the value as it is now.
   */
  lookupWrite(key: string, now: number): Value | undefined {
    const slot = this.#table.find(key);
    if (slot < 0) return undefined;
    const at = this.#table.expireAt(slot);
    if (at !== 0 && at <= now) {
      this.#expire(slot);
      return undefined;
    }
    this.#keyspace.noteAccess(this.#table, slot);
    this.#keyspace.observer?.beforeChange(this.#table, slot);
    return this.#table.valueAt(slot);
  }

  /**
   * Stores a value under a key, new or not, and removes any expiry (SET semantics). Touches the
   * key.
   */
  set(key: string, value: Value): void {
    const slot = this.#put(key, value);
    this.#clearExpiry(slot);
    this.#keyspace.noteAccess(this.#table, slot);
    this.#settle(value);
    this.#keyspace.touched(this.index, key);
  }

  /**
   * Stores a value and keeps the expiry (SET KEEPTTL, INCR, APPEND), after a lookupWrite of the
   * key: otherwise the expiry of a dead key would live on. Touches the key.
   */
  replace(key: string, value: Value): void {
    const slot = this.#put(key, value);
    if (this.#table.accessAt(slot) === 0) this.#keyspace.noteAccess(this.#table, slot);
    this.#settle(value);
    this.#keyspace.touched(this.index, key);
  }

  /**
   * Removes a key and touches it. True when it was there (dead keys count as there: check with
   * lookupWrite first).
   */
  delete(key: string): boolean {
    const slot = this.#table.find(key);
    if (slot < 0) return false;
    this.#removeSlot(slot);
    this.#keyspace.touched(this.index, key);
    return true;
  }

  /** Tells that the value of `key` changed in place: settles memory, wakes WATCH. */
  touch(key: string): void {
    const slot = this.#table.find(key);
    if (slot >= 0) this.#settle(this.#table.valueAt(slot)!);
    this.#keyspace.touched(this.index, key);
  }

  /** Expiry in ms since 1970; 0 for a key that is absent or does not expire. */
  expireAt(key: string): number {
    const slot = this.#table.find(key);
    return slot < 0 ? 0 : this.#table.expireAt(slot);
  }

  /**
   * Sets the expiry (ms since 1970, > 0) of a key that exists, and touches it. A past time is
   * allowed: the key is then dead.
   */
  setExpireAt(key: string, at: number): void {
    const slot = this.#table.find(key);
    assert(slot >= 0 && at > 0, 'expiry needs an existing key and a positive time');
    this.#keyspace.observer?.beforeChange(this.#table, slot);
    this.#table.setExpireAt(slot, at);
    this.#deadlines.settle(slot);
    this.#keyspace.touched(this.index, key);
  }

  /** Removes the expiry; true when there was one. */
  persist(key: string): boolean {
    const slot = this.#table.find(key);
    if (slot < 0 || this.#table.expireAt(slot) === 0) return false;
    this.#keyspace.observer?.beforeChange(this.#table, slot);
    this.#clearExpiry(slot);
    this.#keyspace.touched(this.index, key);
    return true;
  }

  /** The earliest expiry, in ms; Infinity when no key is volatile. */
  nextDeadline(): number {
    const slot = this.#deadlines.first();
    return slot < 0 ? Number.POSITIVE_INFINITY : this.#table.expireAt(slot);
  }

  /**
   * Reclaims up to `budget` keys that are dead at `now`, earliest expiry first, then by key: the
   * same keys on every member. Returns how many.
   */
  reclaimDead(now: number, budget: number): number {
    let removed = 0;
    while (removed < budget && this.nextDeadline() <= now) {
      this.#expire(this.#deadlines.first());
      removed++;
    }
    return removed;
  }

  /** A live key chosen by `rng`, or undefined; tries a bounded number of slots and then walks. */
  randomKey(rng: Rng, now: number): string | undefined {
    const slots = this.#table.slotCount;
    for (let tries = 0; tries < 100 && this.size > 0; tries++) {
      const key = this.#liveKeyAt(rng.below(slots), now);
      if (key !== undefined) return key;
    }
    for (let slot = 0; slot < slots; slot++) {
      const key = this.#liveKeyAt(slot, now);
      if (key !== undefined) return key;
    }
    return undefined;
  }

  /** Live keys in slot order. The database must not change while this runs. */
  *liveKeys(now: number): IterableIterator<string> {
    for (let slot = 0; slot < this.#table.slotCount; slot++) {
      const key = this.#liveKeyAt(slot, now);
      if (key !== undefined) yield key;
    }
  }

  /** Removes every key; returns how many there were. A running snapshot keeps the old table. */
  flush(): number {
    const removed = this.size;
    this.#table = new KeyTable();
    this.#deadlines = new DeadlineQueue(this.#table);
    this.#bytes = 0;
    return removed;
  }

  /** Exchanges the contents of two databases (SWAPDB). */
  swapWith(other: Database): void {
    [this.#table, other.#table] = [other.#table, this.#table];
    [this.#bytes, other.#bytes] = [other.#bytes, this.#bytes];
    [this.#deadlines, other.#deadlines] = [other.#deadlines, this.#deadlines];
  }

  /**
   * Adds a key while a snapshot is loaded: no touch, no observer. `expireAt` 0 for none. False when
   * the key is there.
   */
  load(key: string, value: Value, expireAt: number): boolean {
    if (this.#table.find(key) >= 0) return false;
    const slot = this.#table.insert(key, value);
    this.#bytes += keyBytes(key);
    if (typeof value !== 'object') this.#bytes += valueBytes(value);
    this.#settle(value);
    this.#keyspace.noteAccess(this.#table, slot);
    if (expireAt === 0) return true;
    this.#table.setExpireAt(slot, expireAt);
    this.#deadlines.settle(slot);
    return true;
  }

  #liveSlot(key: string, now: number): number {
    const slot = this.#table.find(key);
    if (slot < 0) return -1;
    const at = this.#table.expireAt(slot);
    return at !== 0 && at <= now ? -1 : slot;
  }

  #liveKeyAt(slot: number, now: number): string | undefined {
    const at = this.#table.expireAt(slot);
    return at !== 0 && at <= now ? undefined : this.#table.keyAt(slot);
  }

  #put(key: string, value: Value): number {
    const slot = this.#table.find(key);
    if (slot < 0) {
      const fresh = this.#table.insert(key, value);
      this.#bytes += keyBytes(key);
      this.#keyspace.observer?.afterInsert(this.#table, fresh);
      if (typeof value !== 'object') this.#bytes += valueBytes(value);
      return fresh;
    }
    this.#keyspace.observer?.beforeChange(this.#table, slot);
    const old = this.#table.valueAt(slot)!;
    if (old === value) return slot;
    this.#bytes -= typeof old === 'object' ? old.accounted : valueBytes(old);
    if (typeof old === 'object') old.accounted = 0;
    this.#table.setValue(slot, value);
    if (typeof value !== 'object') this.#bytes += valueBytes(value);
    return slot;
  }

  /**
   * Brings the database's count up to a mutable value's own estimate; plain strings are counted
   * when stored.
   */
  #settle(value: Value): void {
    if (typeof value !== 'object') return;
    this.#bytes += value.bytes - value.accounted;
    value.accounted = value.bytes;
  }

  #expire(slot: number): void {
    const key = this.#table.keyAt(slot)!;
    this.#removeSlot(slot);
    this.#keyspace.stats.expired++;
    this.#keyspace.touched(this.index, key);
  }

  #removeSlot(slot: number): void {
    this.#keyspace.observer?.beforeChange(this.#table, slot);
    const value = this.#table.valueAt(slot)!;
    this.#bytes -= keyBytes(this.#table.keyAt(slot)!);
    this.#bytes -= typeof value === 'object' ? value.accounted : valueBytes(value);
    if (typeof value === 'object') value.accounted = 0;
    if (this.#table.expireAt(slot) !== 0) this.#deadlines.remove(slot);
    this.#table.remove(slot);
  }

  #clearExpiry(slot: number): void {
    if (this.#table.expireAt(slot) === 0) return;
    this.#table.setExpireAt(slot, 0);
    this.#deadlines.remove(slot);
  }
}
