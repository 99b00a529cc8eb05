// Owns: how sorted set commands read scores, score ranges and member ranges. Two C functions stand
// behind the texts: a score must be a double from end to end and within range; a bound of a range
// is whatever strtod takes.

import { parseDouble } from '../base/numbers.js';
import type { SortedSetValue } from '../keyspace/sorted-set.js';
import { ErrorReply } from '../resp/reply.js';
import { NOT_FLOAT, NOT_FLOAT_RANGE } from './errors.js';

const NOT_LEX_RANGE = new ErrorReply('ERR min or max not valid string range item');

const DECIMAL = /^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$/;

/** A score, weight or increment. A text that over- or underflows a double is refused. */
export function scoreArgument(text: string, error: ErrorReply = NOT_FLOAT): number {
  const value = parseDouble(text);
  if (value === null) throw error;
  return value;
}

/**
 * What strtod makes of a whole text, where Redis does not look at ERANGE: 1e400 is infinite, 1e-400
 * is 0.
 */
function loosely(text: string): number | null {
  return parseDouble(text) ?? (DECIMAL.test(text) ? Number(text) : null);
}

/** Ranks [start, end) of one sorted set; empty when end <= start. */
export interface RankRange {
  readonly start: number;
  readonly end: number;
}

/** Finds in a sorted set what a pair of bounds means. */
export type RangeFinder = (sortedSet: SortedSetValue) => RankRange;

interface ScoreBound {
  readonly score: number;
  readonly isOpen: boolean;
}

function scoreBound(text: string): ScoreBound {
  const isOpen = text.startsWith('(');
  const end = text.indexOf('\0');
  const body = text.slice(isOpen ? 1 : 0, end < 0 ? text.length : end);
  const digits = body.replace(/^[ \t\n\v\f\r]+/, '');
  const score = body === '' ? 0 : loosely(digits);
  if (score === null) throw NOT_FLOAT_RANGE;
  return { score, isOpen };
}

/** Scores from `min` to `max`, each open when it begins with `(`. */
export function scoreRange(min: string, max: string): RangeFinder {
  const low = scoreBound(min);
  const high = scoreBound(max);
  return (sortedSet) => ({
    start: low.isOpen ? sortedSet.firstAbove(low.score) : sortedSet.firstAtLeast(low.score),
    end: high.isOpen ? sortedSet.firstAtLeast(high.score) : sortedSet.firstAbove(high.score),
  });
}

interface MemberBound {
  readonly kind: 'lowest' | 'highest' | 'open' | 'closed';
  readonly member: string;
}

function memberBound(text: string): MemberBound {
  const member = text.slice(1);
  if (text === '-') return { kind: 'lowest', member };
  if (text === '+') return { kind: 'highest', member };
  if (text.startsWith('(')) return { kind: 'open', member };
  if (text.startsWith('[')) return { kind: 'closed', member };
  throw NOT_LEX_RANGE;
}

/** Members in byte order from `min` to `max`: `-`, `+`, `[member` or `(member`. */
export function memberRange(min: string, max: string): RangeFinder {
  const low = memberBound(min);
  const high = memberBound(max);
  return (sortedSet) => ({
    start: placeOf(sortedSet, low, 'open'),
    end: placeOf(sortedSet, high, 'closed'),
  });
}

/**
 * The first rank beyond a bound, or at its member unless the bound is of the kind that leaves it
 * out.
 */
function placeOf(
  sortedSet: SortedSetValue,
  bound: MemberBound,
  beyondWhen: 'open' | 'closed',
): number {
  if (bound.kind === 'lowest') return 0;
  if (bound.kind === 'highest') return sortedSet.size;
  return bound.kind === beyondWhen
    ? sortedSet.firstMemberAbove(bound.member)
    : sortedSet.firstMemberAtLeast(bound.member);
}
