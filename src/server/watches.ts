// Owns: which connections of this node WATCH which keys, and which of them saw a key touched since.
// A mark here lets EXEC answer without the log; the machine decides the rest
// (OriginRun.watchIndex). Invariant: a watch is in the table from the moment WATCH runs until EXEC,
// DISCARD, UNWATCH, RESET or the close.

import type { Keyspace } from '../keyspace/keyspace.js';

/** The keys one connection watches, all of one database. */
export class Watch {
  readonly db: number;
  readonly keys = new Set<string>();
  /** Keys that were dead but not yet reclaimed when WATCH ran: their removal is no change. */
  readonly dead = new Set<string>();
  /** A key was touched: EXEC answers null. */
  dirty = false;

  constructor(db: number) {
    this.db = db;
  }
}

export class WatchTable {
  /** For each database: key -> watches. */
  readonly #byKey: Map<string, Set<Watch>>[];
  readonly #keyspace: Keyspace;
  #count = 0;

  constructor(keyspace: Keyspace) {
    this.#keyspace = keyspace;
    this.#byKey = keyspace.databases.map(() => new Map());
  }

  /** Number of marks; while it is 0 touches need not be told. */
  get size(): number {
    return this.#count;
  }

  /** `now`, ms: keys that expire up to then count as dead already. */
  add(watch: Watch, key: string, now: number): void {
    if (watch.keys.has(key)) return;
    watch.keys.add(key);
    const at = this.#keyspace.database(watch.db).expireAt(key);
    if (at !== 0 && at <= now) watch.dead.add(key);
    const marks = this.#byKey[watch.db]!;
    const holders = marks.get(key);
    if (holders === undefined) marks.set(key, new Set([watch]));
    else holders.add(watch);
    this.#count++;
  }

  remove(watch: Watch): void {
    const marks = this.#byKey[watch.db]!;
    for (const key of watch.keys) {
      const holders = marks.get(key);
      if (holders === undefined || !holders.delete(watch)) continue;
      this.#count--;
      if (holders.size === 0) marks.delete(key);
    }
    watch.keys.clear();
  }

  touch(db: number, key: string): void {
    const holders = this.#byKey[db]!.get(key);
    if (holders === undefined) return;
    for (const watch of holders) {
      const reclaimed = watch.dead.delete(key) && !this.#keyspace.database(db).has(key, 0);
      if (!reclaimed) watch.dirty = true;
    }
  }

  /** Every key of a database may have changed. */
  touchAll(db: number): void {
    for (const holders of this.#byKey[db]!.values()) {
      for (const watch of holders) watch.dirty = true;
    }
  }

  /** Whether a watched key has died of age since WATCH, at `now` ms: that counts as a touch. */
  expired(watch: Watch, now: number): boolean {
    const database = this.#keyspace.database(watch.db);
    for (const key of watch.keys) {
      const at = database.expireAt(key);
      if (at !== 0 && at <= now && !watch.dead.has(key)) return true;
    }
    return false;
  }
}
