// Owns: the sixteen databases and what they share: counters, WATCH marks, the running snapshot's
// observer.
// This is the whole replicated data set. It changes only inside machine/apply (and when a snapshot
// is loaded).

import { assert } from '../base/assert.js';
import { type ChangeObserver, Database } from './database.js';
import type { KeyTable } from './key-table.js';
import { RecentTouches } from './recent-touches.js';

export const DATABASE_COUNT = 16;

/**
 * How reads mark keys: by time (LRU, OBJECT IDLETIME) or by logarithmic frequency (LFU, OBJECT
 * FREQ). Node-local.
 */
export type AccessMarker = (stamp: number) => number;

/**
 * A change to a whole database touches its keys one by one up to this many, so that WATCH of a key
 * that was not there stays good, as in Redis; beyond, it counts as a touch of everything.
 */
const TOUCHED_EACH_MAX = 512;

/**
 * What a stamp says: seconds since the last use, or a logarithmic count of uses under an LFU
 * policy.
 */
export type AccessReading =
  | { readonly kind: 'idle'; readonly seconds: number }
  | { readonly kind: 'frequency'; readonly count: number };

export class Keyspace {
  readonly databases: readonly Database[];
  readonly touches = new RecentTouches();
  /** Node-local counters for INFO; never part of the replicated state. */
  readonly stats = { hits: 0, misses: 0, expired: 0, evicted: 0 };
  /** Changes since the last snapshot (rdb_changes_since_last_save). */
  dirty = 0;
  /** Set while a snapshot is being written. */
  observer: ChangeObserver | null = null;
  /** New access stamp from the old one; set by the server, which has the clock and the policy. */
  markAccess: AccessMarker = (stamp) => stamp;
  /** Reads a stamp for OBJECT IDLETIME and FREQ; set by the server together with markAccess. */
  readAccess: (stamp: number) => AccessReading = () => ({ kind: 'idle', seconds: 0 });
  /** The stamp for an idle time (s) or use count told by RESTORE, -1 where not; set likewise. */
  placeAccess: (stamp: number, idleSeconds: number, frequency: number) => number = (stamp) => stamp;
  /** Local sink for touches (client WATCH on this node); called after the touch is recorded. */
  onTouch: ((db: number, key: string) => void) | null = null;
  /** Local sink for changes to a whole database (FLUSHDB, SWAPDB). */
  onTouchAll: ((db: number) => void) | null = null;

  /** Index of the entry being applied; stamps touches. */
  #applyingIndex = 0;

  constructor() {
    this.databases = Array.from({ length: DATABASE_COUNT }, (_, i) => new Database(i, this));
  }

  database(index: number): Database {
    const database = this.databases[index];
    assert(database !== undefined, 'database index in range');
    return database;
  }

  get bytes(): number {
    return this.databases.reduce((sum, database) => sum + database.bytes, 0);
  }

  get size(): number {
    return this.databases.reduce((sum, database) => sum + database.size, 0);
  }

  beginEntry(index: number): void {
    this.#applyingIndex = index;
  }

  noteAccess(table: KeyTable, slot: number): void {
    table.setAccess(slot, this.markAccess(table.accessAt(slot)));
  }

  /** Called by Database for every changed key. */
  touched(db: number, key: string): void {
    this.dirty++;
    this.touches.record(db, key, this.#applyingIndex);
    if (this.onTouch !== null) this.onTouch(db, key);
  }

  /** Removes every key of one database; returns how many there were. */
  flush(database: Database): number {
    if (database.size <= TOUCHED_EACH_MAX) {
      for (const key of sortedKeys(database.table)) this.touched(database.index, key);
      return database.flush();
    }
    const removed = database.flush();
    this.dirty += removed;
    this.#touchedAll(database.index);
    return removed;
  }

  /** Exchanges the contents of two databases. */
  swap(a: Database, b: Database): void {
    if (a.size + b.size <= TOUCHED_EACH_MAX) {
      for (const key of [...sortedKeys(a.table), ...sortedKeys(b.table)]) {
        this.touched(a.index, key);
        this.touched(b.index, key);
      }
    } else {
      this.#touchedAll(a.index);
      this.#touchedAll(b.index);
    }
    a.swapWith(b);
    this.dirty++;
  }

  /**
   * Takes over all keys of another keyspace (a snapshot that was loaded beside this one), which
   * gets the old ones.
   */
  adopt(other: Keyspace): void {
    for (const database of this.databases) {
      database.swapWith(other.database(database.index));
      if (this.onTouchAll !== null) this.onTouchAll(database.index);
    }
  }

  /** The earliest moment at which a key dies, ms; Infinity when none is volatile. */
  nextDeadline(): number {
    let next = Number.POSITIVE_INFINITY;
    for (const database of this.databases) {
      if (database.volatileSize > 0) next = Math.min(next, database.nextDeadline());
    }
    return next;
  }

  /** Reclaims up to `budget` dead keys in all databases, in database order. */
  reclaimDead(now: number, budget: number): number {
    let removed = 0;
    for (const database of this.databases) {
      if (database.volatileSize > 0) removed += database.reclaimDead(now, budget - removed);
    }
    return removed;
  }

  #touchedAll(db: number): void {
    this.touches.recordAll(this.#applyingIndex);
    if (this.onTouchAll !== null) this.onTouchAll(db);
  }
}

/** The keys in an order that does not depend on their slots, which differ between members. */
function sortedKeys(table: KeyTable): string[] {
  const keys: string[] = [];
  for (let slot = 0; slot < table.slotCount; slot++) {
    const key = table.keyAt(slot);
    if (key !== undefined) keys.push(key);
  }
  return keys.sort();
}
