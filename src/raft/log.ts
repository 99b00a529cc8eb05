// Owns: the log in memory: entries after a base, their terms, their bytes as prefix sums.
// Invariants: entries are (base, last] without a gap, terms never go down, and the base's term is
// known. It knows nothing of commit or durability; callers never truncate what is committed.

import { assert } from '../base/assert.js';
import { TermRuns } from './term-runs.js';
import type { Entry } from './types.js';

export class RaftLog<B> {
  #entries: Entry<B>[] = [];
  /**
   * #sums[i]: bytes of all entries up to and including #entries[i] since the base was last reset.
   */
  #sums: number[] = [];
  #baseIndex: number;
  #baseTerm: number;
  #baseSum = 0;
  #runs: TermRuns;
  /** The last slice given out: followers that are level, and the disk, ask for the same one. */
  #sliceFrom = 0;
  #slice: readonly Entry<B>[] = [];

  constructor(baseIndex: number, baseTerm: number) {
    this.#baseIndex = baseIndex;
    this.#baseTerm = baseTerm;
    this.#runs = new TermRuns(baseIndex, baseTerm);
  }

  /** Index of the last entry that is not in memory any more. */
  get baseIndex(): number {
    return this.#baseIndex;
  }

  get lastIndex(): number {
    return this.#baseIndex + this.#entries.length;
  }

  get lastTerm(): number {
    const count = this.#entries.length;
    return count === 0 ? this.#baseTerm : this.#entries[count - 1]!.term;
  }

  /** -1 when the log cannot say: below the base or after the last entry. */
  termAt(index: number): number {
    const offset = index - this.#baseIndex;
    if (offset === 0) return this.#baseTerm;
    const entry = this.#entries[offset - 1];
    return entry === undefined ? -1 : entry.term;
  }

  /** In (baseIndex, lastIndex]. */
  entryAt(index: number): Entry<B> {
    const entry = this.#entries[index - this.#baseIndex - 1];
    assert(entry !== undefined, `log has no entry ${index}`);
    return entry;
  }

  append(entry: Entry<B>): void {
    assert(entry.index === this.lastIndex + 1, `entry ${entry.index} after ${this.lastIndex}`);
    assert(entry.term >= this.lastTerm, `term ${entry.term} after ${this.lastTerm}`);
    const count = this.#sums.length;
    const before = count === 0 ? this.#baseSum : this.#sums[count - 1]!;
    this.#entries.push(entry);
    this.#sums.push(before + entry.size);
    this.#runs.append(entry.index, entry.term);
  }

  /** Drops `index` and everything after it. */
  truncateFrom(index: number): void {
    const keep = index - this.#baseIndex - 1;
    assert(keep >= 0 && keep <= this.#entries.length, `truncation at ${index} outside the log`);
    this.#entries.length = keep;
    this.#sums.length = keep;
    this.#runs.truncateFrom(index);
    this.#forgetSlice();
  }

  /** Forgets entries up to and including `index`. */
  compactTo(index: number): void {
    if (index <= this.#baseIndex) return;
    assert(index <= this.lastIndex, `compaction to ${index} beyond ${this.lastIndex}`);
    const drop = index - this.#baseIndex;
    this.#baseTerm = this.#entries[drop - 1]!.term;
    this.#baseSum = this.#sums[drop - 1]!;
    this.#entries = this.#entries.slice(drop);
    this.#sums = this.#sums.slice(drop);
    this.#baseIndex = index;
    this.#runs.compactTo(index);
    this.#forgetSlice();
  }

  /** Drops everything; the log continues after a snapshot at (index, term). */
  resetTo(index: number, term: number): void {
    this.#entries = [];
    this.#sums = [];
    this.#baseIndex = index;
    this.#baseTerm = term;
    this.#baseSum = 0;
    this.#runs = new TermRuns(index, term);
    this.#forgetSlice();
  }

  /**
   * Entries [from, to]; `from` above the base. The array never changes; callers that want the same
   * one share it.
   */
  slice(from: number, to: number): readonly Entry<B>[] {
    if (this.#sliceFrom === from && this.#slice.length === to - from + 1) return this.#slice;
    const slice = this.#entries.slice(from - this.#baseIndex - 1, to - this.#baseIndex);
    this.#sliceFrom = from;
    this.#slice = slice;
    return slice;
  }

  /**
   * The last index up to `limit` such that entries [from, it] have at most `maxBytes`; at least
   * `from`.
   */
  lastWithin(from: number, limit: number, maxBytes: number): number {
    const bound = this.#sumAt(from - 1) + maxBytes;
    if (this.#sumAt(limit) <= bound) return limit;
    let last = from;
    while (last < limit && this.#sumAt(last + 1) <= bound) last++;
    return last;
  }

  /** Bytes of entries (after, to]. */
  bytesBetween(after: number, to: number): number {
    return this.#sumAt(to) - this.#sumAt(after);
  }

  /**
   * The conflict hint: the largest index <= `index` whose term is <= `term`. What lies between
   * cannot match an entry of the other log that comes before (index, term) there. One below the
   * base when the log cannot say.
   */
  findAtMost(index: number, term: number): number {
    return this.#runs.findAtMost(index, term);
  }

  /**
   * Raft paper 5.4.1: is a log that ends with (lastTerm, lastIndex) at least as up to date as this
   * one?
   */
  isUpToDate(lastIndex: number, lastTerm: number): boolean {
    return lastTerm > this.lastTerm || (lastTerm === this.lastTerm && lastIndex >= this.lastIndex);
  }

  #sumAt(index: number): number {
    const offset = index - this.#baseIndex;
    return offset === 0 ? this.#baseSum : this.#sums[offset - 1]!;
  }

  #forgetSlice(): void {
    this.#sliceFrom = 0;
    this.#slice = [];
  }
}
