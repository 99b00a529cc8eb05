// Owns: the commands on members of one sorted set. A sorted set exists while it has a member.
// Ranges are sorted-set-ranges.ts, algebra sorted-set-algebra.ts, pops sorted-set-pops.ts.

import { formatDouble } from '../base/numbers.js';
import { SortedSetValue, ZSET_LISTPACK_ENTRIES_MAX } from '../keyspace/sorted-set.js';
import { DoubleReply, ErrorReply, NULL_ARRAY, PairsReply, type Reply } from '../resp/reply.js';
import { editSortedSet, readSortedSet } from './access.js';
import {
  EDITS_KEY,
  READS_KEY,
  randomCount,
  randomPositions,
  settle,
} from './collection-arguments.js';
import { EMPTY_SCAN, scanAdmits, scanOptions } from './element-scan.js';
import { SYNTAX, wrongArity } from './errors.js';
import { formatPrecise } from './precise-score.js';
import { parseCursor } from './scan.js';
import { scoreArgument } from './score-arguments.js';
import { sortedSetAlgebraCommands } from './sorted-set-algebra.js';
import { sortedSetPopCommands } from './sorted-set-pops.js';
import { sortedSetRangeCommands } from './sorted-set-ranges.js';
import type { CommandContext, CommandFlag, DataCommand } from './spec.js';

const NX_WITH_XX = new ErrorReply('ERR XX and NX options at the same time are not compatible');
const NX_GT_LT = new ErrorReply(
  'ERR GT, LT, and/or NX options at the same time are not compatible',
);
const ONE_INCREMENT = new ErrorReply('ERR INCR option supports a single increment-element pair');
const SCORE_NAN = new ErrorReply('ERR resulting score is not a number (NaN)');

type Args = readonly string[];

interface AddOptions {
  nx: boolean;
  xx: boolean;
  gt: boolean;
  lt: boolean;
  ch: boolean;
  incr: boolean;
}

/**
 * What became of one member: `kept` when an option forbade the change or the score was equal
 * already.
 */
type Outcome = 'added' | 'updated' | 'same' | 'kept';

/** Parses the words before the first score; returns where it stands. */
function parseAddOptions(args: Args, options: AddOptions): number {
  let at = 2;
  for (; at < args.length; at++) {
    const word = args[at]!.toLowerCase();
    if (word !== 'nx' && word !== 'xx' && word !== 'gt' && word !== 'lt') {
      if (word !== 'ch' && word !== 'incr') break;
    }
    options[word] = true;
  }
  const pairs = args.length - at;
  if (pairs === 0 || pairs % 2 !== 0) throw SYNTAX;
  const { nx, gt, lt } = options;
  if (nx && options.xx) throw NX_WITH_XX;
  if ((nx && (gt || lt)) || (gt && lt)) throw NX_GT_LT;
  if (options.incr && pairs > 2) throw ONE_INCREMENT;
  return at;
}

/** Whether the options let a member go from `old` (undefined: absent) to `next`. */
function admits(options: AddOptions, old: number | undefined, next: number): boolean {
  if (old === undefined) return !options.xx;
  if (options.nx) return false;
  return !(options.lt && next >= old) && !(options.gt && next <= old);
}

function addMember(
  sortedSet: SortedSetValue,
  member: string,
  score: number,
  options: AddOptions,
): Outcome {
  const old = sortedSet.score(member);
  if (!admits(options, old, score)) return 'kept';
  if (old === score) return 'same';
  sortedSet.change(member, old, score);
  return old === undefined ? 'added' : 'updated';
}

function zaddWith(incr: boolean): DataCommand['run'] {
  return (context, args) => {
    const options = { nx: false, xx: false, gt: false, lt: false, ch: false, incr };
    const first = parseAddOptions(args, options);
    const scores: number[] = [];
    for (let i = first; i < args.length; i += 2) scores.push(scoreArgument(args[i]!));
    const found = editSortedSet(context, args[1]!);
    if (found === undefined && options.xx) return options.incr ? null : 0;
    if (options.incr) return increment(context, args, found, { options, by: scores[0]! });
    const sortedSet = found ?? new SortedSetValue();
    if (scores.length > ZSET_LISTPACK_ENTRIES_MAX) sortedSet.convertToSkiplist();
    let added = 0;
    let updated = 0;
    for (let i = 0; i < scores.length; i++) {
      const outcome = addMember(sortedSet, args[first + 2 * i + 1]!, scores[i]!, options);
      if (outcome === 'added') added++;
      else if (outcome === 'updated') updated++;
    }
    if (found === undefined) context.db.set(args[1]!, sortedSet);
    else if (added + updated > 0) context.db.touch(args[1]!);
    return options.ch ? added + updated : added;
  };
}

function increment(
  context: CommandContext,
  args: Args,
  found: SortedSetValue | undefined,
  change: { readonly options: AddOptions; readonly by: number },
): Reply {
  const member = args[args.length - 1]!;
  const old = found?.score(member);
  if (change.options.nx && old !== undefined) return null;
  const score = old === undefined ? change.by : old + change.by;
  if (Number.isNaN(score)) return SCORE_NAN;
  const sortedSet = found ?? new SortedSetValue();
  const outcome = addMember(sortedSet, member, score, change.options);
  if (found === undefined) context.db.set(args[1]!, sortedSet);
  else if (outcome === 'added' || outcome === 'updated') context.db.touch(args[1]!);
  return outcome === 'kept' ? null : new DoubleReply(score);
}

function zrem(context: CommandContext, args: Args): Reply {
  const sortedSet = editSortedSet(context, args[1]!);
  if (sortedSet === undefined) return 0;
  let removed = 0;
  for (let i = 2; i < args.length; i++) if (sortedSet.delete(args[i]!)) removed++;
  if (removed > 0) settle(context, args[1]!, sortedSet.size);
  return removed;
}

function zcard(context: CommandContext, args: Args): Reply {
  return readSortedSet(context, args[1]!)?.size ?? 0;
}

function scoreReply(score: number | undefined): Reply {
  return score === undefined ? null : new DoubleReply(score);
}

function zscore(context: CommandContext, args: Args): Reply {
  return scoreReply(readSortedSet(context, args[1]!)?.score(args[2]!));
}

function zmscore(context: CommandContext, args: Args): Reply {
  const sortedSet = readSortedSet(context, args[1]!);
  const scores: Reply[] = [];
  for (let i = 2; i < args.length; i++) scores.push(scoreReply(sortedSet?.score(args[i]!)));
  return scores;
}

function zrankFrom(end: 'lowest' | 'highest'): DataCommand['run'] {
  return (context, args) => {
    if (args.length > 4) return wrongArity(args[0]!.toLowerCase());
    const withScore = args.length === 4;
    if (withScore && args[3]!.toLowerCase() !== 'withscore') return SYNTAX;
    const sortedSet = readSortedSet(context, args[1]!);
    const ascending = sortedSet?.rank(args[2]!) ?? -1;
    if (sortedSet === undefined || ascending < 0) return withScore ? NULL_ARRAY : null;
    const rank = end === 'lowest' ? ascending : sortedSet.size - 1 - ascending;
    return withScore ? [rank, scoreReply(sortedSet.score(args[2]!))] : rank;
  };
}

function zrandmember(context: CommandContext, args: Args): Reply {
  if (args.length === 2) {
    const sortedSet = readSortedSet(context, args[1]!);
    return sortedSet === undefined ? null : sortedSet.memberAt(context.rng.below(sortedSet.size));
  }
  const withScores = args.length > 3;
  const count = randomCount(args[2]!, false);
  if (args.length > 4 || (withScores && args[3]!.toLowerCase() !== 'withscores')) return SYNTAX;
  if (withScores) randomCount(args[2]!, true);
  const sortedSet = readSortedSet(context, args[1]!);
  if (sortedSet === undefined) return [];
  const items: Reply[] = [];
  for (const rank of randomPositions(context.rng, sortedSet.size, count)) {
    const [member, score] = sortedSet.at(rank)!;
    items.push(member);
    if (withScores) items.push(new DoubleReply(score));
  }
  return withScores ? new PairsReply(items) : items;
}

function zscan(context: CommandContext, args: Args): Reply {
  const cursor = parseCursor(args[2]!);
  const sortedSet = readSortedSet(context, args[1]!);
  if (sortedSet === undefined) return EMPTY_SCAN;
  const scan = scanOptions(args);
  const isSmall = sortedSet.encoding === 'listpack';
  // Redis prints the scores of a large sorted set with 17 digits here, and only here.
  const print = isSmall ? formatDouble : formatPrecise;
  // Inside a script, whose writes must not differ between members, nothing may depend on when an
  // index was built.
  const part =
    isSmall || context.inScript
      ? { cursor: 0, members: Array.from(sortedSet, (entry) => entry[0]) }
      : sortedSet.scan(cursor, scan.count);
  const items: string[] = [];
  for (const member of part.members) {
    if (scanAdmits(scan, member)) items.push(member, print(sortedSet.score(member)!));
  }
  return [String(part.cursor), items];
}

const READ: readonly CommandFlag[] = ['readonly'];
const READ_FAST: readonly CommandFlag[] = ['readonly', 'fast'];
const WRITE_FAST: readonly CommandFlag[] = ['write', 'denyoom', 'fast'];
const REMOVE_FAST: readonly CommandFlag[] = ['write', 'fast'];

export const sortedSetCommands: readonly DataCommand[] = [
  {
    name: 'zadd',
    arity: -4,
    flags: WRITE_FAST,
    keys: EDITS_KEY,
    group: 'sorted-set',
    since: '1.2.0',
    summary: 'Adds members with scores, or changes scores, under conditions.',
    complexity: 'O(log N) per member given',
    run: zaddWith(false),
  },
  {
    name: 'zrem',
    arity: -3,
    flags: REMOVE_FAST,
    keys: EDITS_KEY,
    group: 'sorted-set',
    since: '1.2.0',
    summary: 'Removes members, and the key with the last of them.',
    complexity: 'O(log N) per member given',
    run: zrem,
  },
  {
    name: 'zincrby',
    arity: 4,
    flags: WRITE_FAST,
    keys: EDITS_KEY,
    group: 'sorted-set',
    since: '1.2.0',
    summary: 'Adds to the score of a member; an absent one counts as 0.',
    complexity: 'O(log N)',
    run: zaddWith(true),
  },
  {
    name: 'zcard',
    arity: 2,
    flags: READ_FAST,
    keys: READS_KEY,
    group: 'sorted-set',
    since: '1.2.0',
    summary: 'Counts the members.',
    complexity: 'O(1)',
    run: zcard,
  },
  {
    name: 'zscore',
    arity: 3,
    flags: READ_FAST,
    keys: READS_KEY,
    group: 'sorted-set',
    since: '1.2.0',
    summary: 'Reads the score of a member.',
    complexity: 'O(1)',
    run: zscore,
  },
  {
    name: 'zmscore',
    arity: -3,
    flags: READ_FAST,
    keys: READS_KEY,
    group: 'sorted-set',
    since: '6.2.0',
    summary: 'Reads the scores of several members, null for each that is absent.',
    complexity: 'O(N) in the number of members given',
    run: zmscore,
  },
  {
    name: 'zrank',
    arity: -3,
    flags: READ_FAST,
    keys: READS_KEY,
    group: 'sorted-set',
    since: '2.0.0',
    summary: 'Tells how many members stand before one, from the lowest score.',
    complexity: 'O(log N)',
    run: zrankFrom('lowest'),
  },
  {
    name: 'zrevrank',
    arity: -3,
    flags: READ_FAST,
    keys: READS_KEY,
    group: 'sorted-set',
    since: '2.0.0',
    summary: 'Tells how many members stand before one, from the highest score.',
    complexity: 'O(log N)',
    run: zrankFrom('highest'),
  },
  {
    name: 'zrandmember',
    arity: -2,
    flags: READ,
    keys: READS_KEY,
    group: 'sorted-set',
    since: '6.2.0',
    summary: 'Picks members at random and leaves them there.',
    complexity: 'O(N log S), N the members returned, S the size',
    run: zrandmember,
  },
  {
    name: 'zscan',
    arity: -3,
    flags: READ,
    keys: READS_KEY,
    group: 'sorted-set',
    since: '2.8.0',
    summary: 'Walks the members with their scores, a part per call.',
    complexity: 'O(1) per call after the first, O(N) for the first and for a whole walk',
    run: zscan,
  },
  ...sortedSetRangeCommands,
  ...sortedSetPopCommands,
  ...sortedSetAlgebraCommands,
];
