// Owns: the value of a sorted set: members in (score, member bytes) order, and the score of each
// member.
// The whole state is the set of pairs and the encoding: a sorted set rebuilt from its own iteration
// with the same encoding (`restore`) answers every later command alike; how pairs are chunked never
// shows.
// Limits are the defaults of Redis 7.2 (zset-max-listpack-entries 128, zset-max-listpack-value 64);
// once `skiplist`, always `skiplist`. Helios has no skiplist: the name is what OBJECT ENCODING
// prints.
// Like Redis, a small one keeps a score of -0 as 0, a large one keeps it as it came.

import { assert } from '../base/assert.js';
import { stringBytes } from './memory.js';
import { RankedMembers } from './ranked-members.js';
import { ScanOrder, type ScanPart } from './scan-order.js';
import { MutableValue } from './value.js';

export const ZSET_LISTPACK_ENTRIES_MAX = 128;
export const ZSET_LISTPACK_VALUE_BYTES_MAX = 64;

export type SortedSetEncoding = 'listpack' | 'skiplist';

/** The object, its order, one chunk and two arrays, with the slots arrays keep spare. */
const BASE_BYTES = 528;
/** A member slot and a score slot. */
const ENTRY_BYTES = 16;
/** One entry of the score index, and the boxed score. */
const INDEX_BYTES = 52;

export class SortedSetValue extends MutableValue {
  override readonly type = 'zset';
  readonly #order = new RankedMembers();
  /** Member to score; null while `listpack`. */
  #scores: Map<string, number> | null = null;
  /** Kept while scans come; never needed for anything but them. */
  #scanOrder: ScanOrder | null = null;

  constructor() {
    super();
    this.bytes = BASE_BYTES;
  }

  /**
   * Rebuilds a sorted set from what iteration yielded; in a repeated member the last score holds.
   */
  static restore(
    entries: Iterable<readonly [member: string, score: number]>,
    encoding: SortedSetEncoding,
  ): SortedSetValue {
    const sortedSet = new SortedSetValue();
    if (encoding === 'skiplist') sortedSet.convertToSkiplist();
    for (const [member, score] of entries) sortedSet.set(member, score);
    return sortedSet;
  }

  get size(): number {
    return this.#order.size;
  }

  get encoding(): SortedSetEncoding {
    return this.#scores === null ? 'listpack' : 'skiplist';
  }

  has(member: string): boolean {
    return this.score(member) !== undefined;
  }

  score(member: string): number | undefined {
    return this.#scores === null ? this.#order.findMember(member) : this.#scores.get(member);
  }

  /**
   * Sets a member's score (never NaN). True when the member is new. An equal score changes nothing,
   * not even -0.
   */
  set(member: string, score: number): boolean {
    const old = this.score(member);
    this.change(member, old, score);
    return old === undefined;
  }

  /**
   * As `set`, for a caller that knows the present score (undefined: absent), so that it is looked
   * up once.
   */
  change(member: string, old: number | undefined, score: number): void {
    assert(!Number.isNaN(score), 'a score is a number');
    if (old === undefined) {
      this.#add(member, score);
    } else if (old !== score) {
      this.#order.remove(member, old);
      this.#insert(member, score);
    }
  }

  /** True when the member was there. */
  delete(member: string): boolean {
    const score = this.score(member);
    if (score === undefined) return false;
    this.#order.remove(member, score);
    this.bytes -= ENTRY_BYTES + stringBytes(member);
    if (this.#scores !== null) {
      this.#scores.delete(member);
      this.bytes -= INDEX_BYTES;
    }
    if (this.#scanOrder !== null) {
      this.#scanOrder.delete(member);
      this.#dropStaleScanOrder();
    }
    return true;
  }

  /** The rank from the lowest, 0-based; -1 when the member is absent. */
  rank(member: string): number {
    const score = this.score(member);
    return score === undefined ? -1 : this.#order.rank(member, score);
  }

  /** Member and score at a rank; undefined outside [0, size). */
  at(rank: number): [member: string, score: number] | undefined {
    if (rank < 0 || rank >= this.#order.size) return undefined;
    return [this.#order.memberAt(rank), this.#order.scoreAt(rank)];
  }

  /** The member at a rank in [0, size). */
  memberAt(rank: number): string {
    return this.#order.memberAt(rank);
  }

  /** First rank with a score >= `score`; the size when there is none. */
  firstAtLeast(score: number): number {
    return this.#order.countBelow(score, false);
  }

  /** First rank with a score > `score`; the size when there is none. */
  firstAbove(score: number): number {
    return this.#order.countBelow(score, true);
  }

  /** First rank with a member >= `member` in bytes, given that all scores are equal. */
  firstMemberAtLeast(member: string): number {
    return this.#order.countMembersBelow(member, false);
  }

  /** First rank with a member > `member` in bytes, given that all scores are equal. */
  firstMemberAbove(member: string): number {
    return this.#order.countMembersBelow(member, true);
  }

  /**
   * Members and scores of ranks [start, end), clamped, appended to the arrays in ascending order.
   */
  collect(start: number, end: number, members: string[], scores: number[]): void {
    this.#order.collect(Math.max(0, start), Math.min(end, this.size), members, scores);
  }

  /** Ascending. The sorted set must not change meanwhile. */
  [Symbol.iterator](): IterableIterator<[member: string, score: number]> {
    return this.#order.forward();
  }

  /** Descending. The sorted set must not change meanwhile. */
  reversed(): IterableIterator<[member: string, score: number]> {
    return this.#order.backward();
  }

  /**
   * About `count` members from a cursor of an earlier call, 0 for the first. Every member that is
   * present from the first call to the last is returned, rarely twice. Order and division differ
   * between nodes: never for a script.
   */
  scan(cursor: number, count: number): ScanPart {
    this.#scanOrder ??= new ScanOrder(this.#members(), this.size);
    return this.#scanOrder.part(cursor, count);
  }

  *#members(): IterableIterator<string> {
    for (const entry of this.#order.forward()) yield entry[0];
  }

  #dropStaleScanOrder(): void {
    if (this.#scanOrder?.isStale) this.#scanOrder = null;
  }

  /** Switches to the large encoding, which is for ever; without effect when it already has it. */
  convertToSkiplist(): void {
    if (this.#scores !== null) return;
    this.#scores = new Map(this.#order.forward());
    this.bytes += INDEX_BYTES * this.size;
  }

  #add(member: string, score: number): void {
    if (
      this.#scores === null &&
      (this.size >= ZSET_LISTPACK_ENTRIES_MAX || member.length > ZSET_LISTPACK_VALUE_BYTES_MAX)
    ) {
      this.convertToSkiplist();
    }
    this.#insert(member, score);
    this.bytes += ENTRY_BYTES + stringBytes(member);
    if (this.#scores !== null) this.bytes += INDEX_BYTES;
    if (this.#scanOrder !== null) {
      this.#scanOrder.add(member);
      this.#dropStaleScanOrder();
    }
  }

  #insert(member: string, score: number): void {
    const kept = this.#scores === null && score === 0 ? 0 : score;
    this.#order.insert(member, kept);
    this.#scores?.set(member, kept);
  }
}
