// Owns: which keys the last entries touched, so that EXEC can be judged against WATCH at its place
// in the log. State of the machine: equal on every member, carried by snapshots. Bounded twice: by
// TOUCHES_MAX marks and by TOUCHES_WINDOW entries; a question about an older index is answered
// "touched", which only makes a transaction retry. The window makes a restored member answer like
// the others: what dump() leaves out, no one is asked about any more.

/**
 * Marks kept. In flight between WATCH check and apply are a few entries, each a few hundred writes.
 */
export const TOUCHES_MAX = 16_384;
/** Entries a transaction may travel between the check on its node and its place in the log. */
export const TOUCHES_WINDOW = 256;

/** Database number of a mark that stands for every key of every database. */
const EVERY_DB = 255;

export interface TouchMark {
  readonly db: number;
  readonly key: string;
  readonly index: number;
}

export class RecentTouches {
  readonly #keys: string[] = new Array(TOUCHES_MAX).fill('');
  readonly #dbs = new Uint8Array(TOUCHES_MAX);
  readonly #indexes = new Float64Array(TOUCHES_MAX);
  #count = 0;
  /** Touches by entries with index <= floor are not remembered. */
  #floor = 0;

  /** Records a touch by the entry at `index`; indexes never go down. */
  record(db: number, key: string, index: number): void {
    const at = this.#count % TOUCHES_MAX;
    if (this.#count >= TOUCHES_MAX) this.#floor = this.#indexes[at]!;
    this.#keys[at] = key;
    this.#dbs[at] = db;
    this.#indexes[at] = index;
    this.#count++;
  }

  /** Records that every key may have changed (FLUSHALL, SWAPDB). */
  recordAll(index: number): void {
    this.record(EVERY_DB, '', index);
  }

  /**
   * Whether an entry with index > `since` touched the key, or may have, asked by the entry at
   * `index`.
   */
  touchedSince(db: number, key: string, since: number, index: number): boolean {
    if (since < this.#floor || since < index - TOUCHES_WINDOW) return true;
    const oldest = Math.max(0, this.#count - TOUCHES_MAX);
    for (let i = this.#count - 1; i >= oldest; i--) {
      const at = i % TOUCHES_MAX;
      if (this.#indexes[at]! <= since) return false;
      const touchedDb = this.#dbs[at]!;
      if (touchedDb === EVERY_DB || (touchedDb === db && this.#keys[at] === key)) return true;
    }
    return false;
  }

  /** What a snapshot at `index` must carry, oldest first. */
  dump(index: number): { floor: number; marks: TouchMark[] } {
    const marks: TouchMark[] = [];
    const since = index - TOUCHES_WINDOW;
    for (let i = Math.max(0, this.#count - TOUCHES_MAX); i < this.#count; i++) {
      const at = i % TOUCHES_MAX;
      if (this.#indexes[at]! <= since) continue;
      marks.push({ db: this.#dbs[at]!, key: this.#keys[at]!, index: this.#indexes[at]! });
    }
    return { floor: Math.max(this.#floor, since, 0), marks };
  }

  load(dump: { floor: number; marks: readonly TouchMark[] }): void {
    this.#count = 0;
    this.#floor = dump.floor;
    for (const mark of dump.marks) this.record(mark.db, mark.key, mark.index);
  }
}
