// Owns: what the collection families (hash, list, set, sorted set) share in reading their
// arguments: key positions, counts, `numkeys` forms, random choice, and the end of every command
// that stores a result.
// Every error here is letter for letter that of Redis 7.2.

import type { Rng } from '../base/rng.js';
import type { CollectionValue } from '../keyspace/value.js';
import { ErrorReply } from '../resp/reply.js';
import { int64, integer } from './arguments.js';
import { NOT_POSITIVE } from './errors.js';
import type { CommandContext, KeySpec } from './spec.js';

export const READS_KEY: KeySpec = { first: 1, last: 1, step: 1, use: 'RO' };
export const EDITS_KEY: KeySpec = { first: 1, last: 1, step: 1, use: 'RW' };
export const EDITS_TWO_KEYS: KeySpec = { first: 1, last: 2, step: 1, use: 'RW' };
export const READS_ALL_KEYS: KeySpec = { first: 1, last: -1, step: 1, use: 'RO' };
/** Destination, then sources. */
export const STORES_FROM_KEYS: KeySpec = { first: 1, last: -1, step: 1, use: 'OW' };

/** `numkeys key [key ...]` from args[1]. */
export const READS_COUNTED_KEYS: KeySpec = {
  first: 0,
  last: 0,
  step: 0,
  use: 'RO',
  find: (args) => countedPositions(args, 1),
};
export const EDITS_COUNTED_KEYS: KeySpec = { ...READS_COUNTED_KEYS, use: 'RW' };

/** `destination numkeys key [key ...]`. */
export const STORES_COUNTED_KEYS: KeySpec = {
  first: 1,
  last: 1,
  step: 1,
  use: 'OW',
  find: (args) => {
    const sources = countedPositions(args, 2);
    return sources.length === 0 ? sources : [1, ...sources];
  },
};

/**
 * DIVERGES: a negative count asks for that many elements with repeats, and Redis would stream 2^63
 * of them. A reply here is built before it is sent, so more than this is refused.
 */
export const REPEATS_MAX = 1_048_576;

const INT64_LIMIT = 2n ** 63n - 1n;
const OUT_OF_RANGE = new ErrorReply('ERR value is out of range');
const OUT_OF_COUNT_RANGE = new ErrorReply(
  `ERR value is out of range, value must between -${INT64_LIMIT} and ${INT64_LIMIT}`,
);

function countedPositions(args: readonly string[], at: number): number[] {
  const text = args[at] ?? '';
  const count = /^[0-9]{1,9}$/.test(text) ? Number(text) : 0;
  if (count < 1 || at + count >= args.length) return [];
  return Array.from({ length: count }, (_, i) => at + 1 + i);
}

/** A count of zero or more; every other text is answered with `error`. */
export function nonNegative(text: string, error: ErrorReply = NOT_POSITIVE): number {
  const value = integer(text, error);
  if (value < 0) throw error;
  return value;
}

/** A count of at least one; every other text is answered with `error`. */
export function atLeastOne(text: string, error: ErrorReply): number {
  const value = integer(text, error);
  if (value < 1) throw error;
  return value;
}

/**
 * An integer that Redis keeps symmetric around zero (LPOS RANK, HRANDFIELD count): int64 without
 * its minimum.
 */
export function symmetricInteger(text: string): number {
  if (int64(text) < -INT64_LIMIT) throw OUT_OF_COUNT_RANGE;
  return integer(text);
}

/**
 * The count of HRANDFIELD, SRANDMEMBER and ZRANDMEMBER; `pairs` when values or scores come along.
 */
export function randomCount(text: string, pairs: boolean): number {
  const count = symmetricInteger(text);
  if (count < -REPEATS_MAX) throw OUT_OF_RANGE;
  if (pairs && int64(text) > INT64_LIMIT / 2n) throw OUT_OF_RANGE;
  return count;
}

/**
 * Positions in [0, size) for a count as given: negative, that many with repeats; positive, at most
 * `size` different ones; all of them in order when the count covers the size. The cost is
 * O(min(|count|, size)) choices.
 */
export function randomPositions(rng: Rng, size: number, count: number): number[] {
  const positions: number[] = [];
  if (count < 0) {
    for (let i = 0; i < -count; i++) positions.push(rng.below(size));
    return positions;
  }
  if (count >= size) {
    for (let i = 0; i < size; i++) positions.push(i);
    return positions;
  }
  if (count * 3 > size) return shuffledHead(rng, size, count);
  const chosen = new Set<number>();
  while (chosen.size < count) chosen.add(rng.below(size));
  for (const position of chosen) positions.push(position);
  return positions;
}

/** The first `count` places of a shuffle (Fisher and Yates) of [0, size). */
function shuffledHead(rng: Rng, size: number, count: number): number[] {
  const positions = Array.from({ length: size }, (_, i) => i);
  for (let i = 0; i < count; i++) {
    const other = i + rng.below(size - i);
    const position = positions[other]!;
    positions[other] = positions[i]!;
    positions[i] = position;
  }
  positions.length = count;
  return positions;
}

/**
 * [start, end) for a pair of inclusive indexes as LRANGE and ZRANGE take them; start === end when
 * nothing is meant.
 */
export function indexRange(
  first: number,
  last: number,
  size: number,
): { start: number; end: number } {
  const start = Math.max(0, first < 0 ? size + first : first);
  const end = Math.min(size, (last < 0 ? size + last : last) + 1);
  return start < end ? { start, end } : { start: 0, end: 0 };
}

/** Ends a command that changed a collection in place: an empty one leaves, any other is touched. */
export function settle(context: CommandContext, key: string, left: number): void {
  if (left === 0) context.db.delete(key);
  else context.db.touch(key);
}

/**
 * Ends a STORE command: the result replaces the destination, an empty one deletes it. Returns the
 * size.
 */
export function store(
  context: CommandContext,
  destination: string,
  result: CollectionValue,
  size: number,
): number {
  if (size > 0) context.db.set(destination, result);
  else if (context.db.lookupWrite(destination, context.now) !== undefined) {
    context.db.delete(destination);
  }
  return size;
}
