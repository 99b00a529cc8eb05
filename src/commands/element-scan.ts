// Owns: what HSCAN, SSCAN and ZSCAN share: cursor, MATCH and COUNT, and the walk over positions.
// Cursors. A small encoding answers everything at once with cursor 0, as Redis does. A large hash
// or set is walked by position from the end to the start: cursor c means that positions below c are
// still to come, 0 that the walk begins (as an argument) or is over (as a reply). A removal moves
// the last element into the gap, never to a higher position, so an element that stays is either
// behind the cursor and was returned, or still ahead; additions go to the end. Hence every element
// present from the first call to the last is returned, some perhaps twice. A large sorted set is
// walked in the order of a hash of its members (SortedSetValue.scan), which no edit of others can
// change.

import { globMatches } from '../base/glob.js';
import type { Reply } from '../resp/reply.js';
import { argument, integer } from './arguments.js';
import { SYNTAX } from './errors.js';

const DEFAULT_COUNT = 10;

export const EMPTY_SCAN: Reply = ['0', []];

export interface ElementScan {
  readonly pattern: string | null;
  readonly count: number;
}

/** MATCH and COUNT from args[3]. */
export function scanOptions(args: readonly string[]): ElementScan {
  let pattern: string | null = null;
  let count = DEFAULT_COUNT;
  for (let i = 3; i < args.length; i += 2) {
    const word = args[i]!.toLowerCase();
    if (word !== 'match' && word !== 'count') throw SYNTAX;
    const text = argument(args, i + 1);
    if (word === 'match') {
      pattern = text === '*' ? null : text;
    } else {
      count = integer(text);
      if (count < 1) throw SYNTAX;
    }
  }
  return { pattern, count };
}

export function scanAdmits(scan: ElementScan, element: string): boolean {
  return scan.pattern === null || globMatches(scan.pattern, element);
}

/** Positions [from, to) for this call; `from` is the next cursor. */
export function scanWindow(
  cursor: number,
  size: number,
  scan: ElementScan,
): { from: number; to: number } {
  const to = cursor === 0 ? size : Math.min(cursor, size);
  return { from: Math.max(0, to - scan.count), to };
}
