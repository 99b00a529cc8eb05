// Owns: (score, member) pairs in order, with ranks: chunks of sorted parallel arrays, and a Fenwick
// tree over the chunk lengths so that rank and at cost O(log n) plus one short array.
// Order: by score (-0 equals 0, infinities at the ends, never NaN), then by member bytes; latin1
// strings compare as their bytes do.
// The first pair of each chunk is kept in two flat arrays besides, so that finding a chunk touches
// little memory.
// Invariants: no chunk is empty (there is one chunk, perhaps empty, in an empty order); no chunk
// exceeds CHUNK_MAX; pairs are distinct and ascending within and across chunks; `#tree` is null or
// sums the present chunk lengths.
// The caller knows each member's score; this structure never searches by member alone, except in
// `findMember`.

import { assert } from '../base/assert.js';

const CHUNK_MAX = 256;

interface Chunk {
  readonly members: string[];
  readonly scores: number[];
}

export class RankedMembers {
  readonly #chunks: Chunk[] = [{ members: [], scores: [] }];
  /** First member and first score of every chunk; meaningless while the order is empty. */
  readonly #firstMembers: string[] = [''];
  readonly #firstScores: number[] = [0];
  #size = 0;
  /** Fenwick tree, 1-based; null when a split or join made it stale. */
  #tree: Int32Array | null = null;

  get size(): number {
    return this.#size;
  }

  /** Adds a pair that is not there. */
  insert(member: string, score: number): void {
    const at = this.#chunkFor(member, score);
    const chunk = this.#chunks[at]!;
    const offset = lowerBound(chunk, member, score);
    chunk.members.splice(offset, 0, member);
    chunk.scores.splice(offset, 0, score);
    this.#size++;
    if (offset === 0) this.#noteFirst(at);
    if (chunk.members.length > CHUNK_MAX) this.#split(at);
    else if (this.#tree !== null) addToTree(this.#tree, at, 1);
  }

  /** Removes a pair that is there. */
  remove(member: string, score: number): void {
    const at = this.#chunkFor(member, score);
    const chunk = this.#chunks[at]!;
    const offset = lowerBound(chunk, member, score);
    assert(chunk.members[offset] === member, 'the removed pair is present');
    chunk.members.splice(offset, 1);
    chunk.scores.splice(offset, 1);
    this.#size--;
    if (offset === 0 && chunk.members.length > 0) this.#noteFirst(at);
    if (this.#tree !== null) addToTree(this.#tree, at, -1);
    if (chunk.members.length < CHUNK_MAX >> 2) this.#join(at);
  }

  /** The rank of a pair that is there, from 0. */
  rank(member: string, score: number): number {
    const at = this.#chunkFor(member, score);
    return this.#before(at) + lowerBound(this.#chunks[at]!, member, score);
  }

  /** How many pairs have a score below `score`, or (`inclusive`) not above it. */
  countBelow(score: number, inclusive: boolean): number {
    if (this.#size === 0) return 0;
    const chunk = partition(this.#firstScores, score, inclusive) - 1;
    if (chunk < 0) return 0;
    return this.#before(chunk) + partition(this.#chunks[chunk]!.scores, score, inclusive);
  }

  /**
   * As countBelow, by member; meaningful when all scores are equal (Redis says the same of
   * ZRANGEBYLEX). It halves the ranks and not the chunks, so that even with different scores the
   * answer does not depend on how pairs are chunked.
   */
  countMembersBelow(member: string, inclusive: boolean): number {
    let low = 0;
    let high = this.#size;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (memberIsBelow(this.memberAt(middle), member, inclusive)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The member at a rank in [0, size). */
  memberAt(rank: number): string {
    const { chunk, offset } = this.#locate(rank);
    return chunk.members[offset]!;
  }

  /** The score at a rank in [0, size). */
  scoreAt(rank: number): number {
    const { chunk, offset } = this.#locate(rank);
    return chunk.scores[offset]!;
  }

  /** Appends members and scores of ranks [start, end) to the given arrays; within [0, size]. */
  collect(start: number, end: number, members: string[], scores: number[]): void {
    if (start >= end) return;
    let at = this.#chunkAt(start);
    let offset = start - this.#before(at);
    for (let left = end - start; left > 0; at++) {
      const chunk = this.#chunks[at]!;
      const stop = Math.min(chunk.members.length, offset + left);
      left -= stop - offset;
      for (; offset < stop; offset++) {
        members.push(chunk.members[offset]!);
        scores.push(chunk.scores[offset]!);
      }
      offset = 0;
    }
  }

  *forward(): IterableIterator<[member: string, score: number]> {
    for (const { members, scores } of this.#chunks) {
      for (let i = 0; i < members.length; i++) yield [members[i]!, scores[i]!];
    }
  }

  *backward(): IterableIterator<[member: string, score: number]> {
    for (let at = this.#chunks.length - 1; at >= 0; at--) {
      const { members, scores } = this.#chunks[at]!;
      for (let i = members.length - 1; i >= 0; i--) yield [members[i]!, scores[i]!];
    }
  }

  /** The score of a member by linear search, for orders too small to deserve an index. */
  findMember(member: string): number | undefined {
    for (const chunk of this.#chunks) {
      const at = chunk.members.indexOf(member);
      if (at >= 0) return chunk.scores[at];
    }
    return undefined;
  }

  /**
   * The last chunk whose first pair is not above (score, member); the first chunk when there is
   * none.
   */
  #chunkFor(member: string, score: number): number {
    const scores = this.#firstScores;
    let low = 1;
    let high = scores.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const first = scores[middle]!;
      if (first < score || (first === score && this.#firstMembers[middle]! <= member)) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low - 1;
  }

  #noteFirst(at: number): void {
    const { members, scores } = this.#chunks[at]!;
    this.#firstMembers[at] = members[0]!;
    this.#firstScores[at] = scores[0]!;
  }

  #insertChunk(at: number, chunk: Chunk): void {
    this.#chunks.splice(at, 0, chunk);
    this.#firstMembers.splice(at, 0, chunk.members[0]!);
    this.#firstScores.splice(at, 0, chunk.scores[0]!);
    this.#tree = null;
  }

  #removeChunk(at: number): void {
    this.#chunks.splice(at, 1);
    this.#firstMembers.splice(at, 1);
    this.#firstScores.splice(at, 1);
    this.#tree = null;
  }

  #locate(rank: number): { chunk: Chunk; offset: number } {
    assert(rank >= 0 && rank < this.#size, 'rank in range');
    const at = this.#chunkAt(rank);
    return { chunk: this.#chunks[at]!, offset: rank - this.#before(at) };
  }

  /** The chunk that holds a rank in [0, size). */
  #chunkAt(rank: number): number {
    if (this.#chunks.length === 1) return 0;
    const tree = this.#sums();
    let at = 0;
    let left = rank;
    for (let step = 2 ** (31 - Math.clz32(tree.length - 1)); step > 0; step >>= 1) {
      const next = at + step;
      if (next < tree.length && tree[next]! <= left) {
        at = next;
        left -= tree[next]!;
      }
    }
    return at;
  }

  /** How many pairs stand before a chunk. */
  #before(chunk: number): number {
    if (chunk === 0) return 0;
    const tree = this.#sums();
    let sum = 0;
    for (let i = chunk; i > 0; i &= i - 1) sum += tree[i]!;
    return sum;
  }

  #sums(): Int32Array {
    if (this.#tree !== null) return this.#tree;
    const chunks = this.#chunks;
    const tree = new Int32Array(chunks.length + 1);
    for (let i = 1; i < tree.length; i++) {
      tree[i]! += chunks[i - 1]!.members.length;
      const parent = i + (i & -i);
      if (parent < tree.length) tree[parent]! += tree[i]!;
    }
    this.#tree = tree;
    return tree;
  }

  /**
   * Halves a chunk; one that grew at the very end keeps all but its last pair, as ascending inserts
   * will follow.
   */
  #split(at: number): void {
    const { members, scores } = this.#chunks[at]!;
    const last = at === this.#chunks.length - 1;
    const cut = last ? CHUNK_MAX - (CHUNK_MAX >> 3) : CHUNK_MAX >> 1;
    this.#insertChunk(at + 1, { members: members.splice(cut), scores: scores.splice(cut) });
  }

  /**
   * Drops a chunk that became empty, or joins a short one with its successor when both fit well.
   */
  #join(at: number): void {
    const chunk = this.#chunks[at]!;
    const next = this.#chunks[at + 1];
    if (chunk.members.length === 0 && this.#chunks.length > 1) {
      this.#removeChunk(at);
      return;
    }
    if (next === undefined || chunk.members.length + next.members.length > CHUNK_MAX >> 1) return;
    for (const member of next.members) chunk.members.push(member);
    for (const score of next.scores) chunk.scores.push(score);
    this.#removeChunk(at + 1);
  }
}

function addToTree(tree: Int32Array, chunk: number, delta: number): void {
  for (let i = chunk + 1; i < tree.length; i += i & -i) tree[i]! += delta;
}

/** The first offset whose pair is not below (score, member). */
function lowerBound(chunk: Chunk, member: string, score: number): number {
  const { members, scores } = chunk;
  let low = 0;
  let high = members.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const other = scores[middle]!;
    if (other < score || (other === score && members[middle]! < member)) low = middle + 1;
    else high = middle;
  }
  return low;
}

function scoreIsBelow(score: number, limit: number, inclusive: boolean): boolean {
  return inclusive ? score <= limit : score < limit;
}

function memberIsBelow(member: string, limit: string, inclusive: boolean): boolean {
  return inclusive ? member <= limit : member < limit;
}

function partition(scores: readonly number[], limit: number, inclusive: boolean): number {
  let low = 0;
  let high = scores.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (scoreIsBelow(scores[middle]!, limit, inclusive)) low = middle + 1;
    else high = middle;
  }
  return low;
}
