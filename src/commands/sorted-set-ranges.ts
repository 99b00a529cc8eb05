// Owns: ranges of a sorted set by rank, score or member: read, counted, stored, removed.
// One range request (parseRange) stands behind ZRANGE, ZRANGESTORE and the six older names.

import { SortedSetValue } from '../keyspace/sorted-set.js';
import { DoubleReply, ErrorReply, PairsReply, type Reply } from '../resp/reply.js';
import { editSortedSet, readSortedSet } from './access.js';
import { argument, integer } from './arguments.js';
import { EDITS_KEY, indexRange, READS_KEY, settle, store } from './collection-arguments.js';
import { SYNTAX } from './errors.js';
import { memberRange, type RangeFinder, type RankRange, scoreRange } from './score-arguments.js';
import type { CommandContext, CommandFlag, DataCommand, KeySpec } from './spec.js';

const LIMIT_NEEDS_RANGE = new ErrorReply(
  'ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX',
);
const NO_LEX_SCORES = new ErrorReply(
  'ERR syntax error, WITHSCORES not supported in combination with BYLEX',
);

type Args = readonly string[];
type RangeKind = 'rank' | 'score' | 'member';

/** What a command's name fixes; what is open the options decide. */
interface RangeForm {
  readonly kind?: RangeKind;
  readonly reverse?: boolean;
  /** Where the source key stands. */
  readonly keyAt: number;
  readonly isStore: boolean;
}

interface RangeOptions {
  kind: RangeKind | undefined;
  reverse: boolean | undefined;
  withScores: boolean;
  offset: number;
  /** Negative: no limit. */
  limit: number;
}

interface RangeRequest {
  readonly reverse: boolean;
  readonly withScores: boolean;
  readonly find: RangeFinder;
}

function parseRange(args: Args, form: RangeForm): RangeRequest {
  const options = parseRangeOptions(args, form);
  const kind = options.kind ?? 'rank';
  const reverse = options.reverse ?? false;
  if (options.limit !== -1 && kind === 'rank') throw LIMIT_NEEDS_RANGE;
  if (options.withScores && kind === 'member') throw NO_LEX_SCORES;
  const first = args[form.keyAt + 1]!;
  const second = args[form.keyAt + 2]!;
  if (kind === 'rank') {
    const find = rankFinder(integer(first), integer(second), reverse);
    return { reverse, withScores: options.withScores, find };
  }
  const parse = kind === 'score' ? scoreRange : memberRange;
  const whole = reverse ? parse(second, first) : parse(first, second);
  const find: RangeFinder = (sortedSet) => limited(whole(sortedSet), options, reverse);
  return { reverse, withScores: options.withScores, find };
}

function parseRangeOptions(args: Args, form: RangeForm): RangeOptions {
  const options: RangeOptions = {
    kind: form.kind,
    reverse: form.reverse,
    withScores: false,
    offset: 0,
    limit: -1,
  };
  for (let i = form.keyAt + 3; i < args.length; i++) {
    const word = args[i]!.toLowerCase();
    if (word === 'withscores' && !form.isStore) {
      options.withScores = true;
    } else if (word === 'limit' && i + 2 < args.length) {
      options.offset = integer(argument(args, i + 1));
      options.limit = integer(argument(args, i + 2));
      i += 2;
    } else if (word === 'rev' && options.reverse === undefined) {
      options.reverse = true;
    } else if ((word === 'byscore' || word === 'bylex') && options.kind === undefined) {
      options.kind = word === 'byscore' ? 'score' : 'member';
    } else {
      throw SYNTAX;
    }
  }
  return options;
}

function rankFinder(first: number, last: number, reverse: boolean): RangeFinder {
  return (sortedSet) => {
    const { start, end } = indexRange(first, last, sortedSet.size);
    return reverse ? { start: sortedSet.size - end, end: sortedSet.size - start } : { start, end };
  };
}

/** LIMIT counts from the end the range is read from; a negative offset leaves nothing. */
function limited(range: RankRange, options: RangeOptions, reverse: boolean): RankRange {
  const { offset, limit } = options;
  if (offset < 0) return { start: 0, end: 0 };
  const length = Math.max(0, range.end - range.start - offset);
  const kept = limit < 0 ? length : Math.min(limit, length);
  if (!reverse) return { start: range.start + offset, end: range.start + offset + kept };
  return { start: range.end - offset - kept, end: range.end - offset };
}

function readRange(form: RangeForm): DataCommand['run'] {
  return (context, args) => {
    const request = parseRange(args, form);
    const sortedSet = readSortedSet(context, args[form.keyAt]!);
    if (sortedSet === undefined) return [];
    const { start, end } = request.find(sortedSet);
    const members: string[] = [];
    const scores: number[] = [];
    sortedSet.collect(start, end, members, scores);
    if (request.reverse) {
      members.reverse();
      scores.reverse();
    }
    return request.withScores ? pairs(members, scores) : members;
  };
}

function pairs(members: readonly string[], scores: readonly number[]): PairsReply {
  const items: Reply[] = [];
  for (let i = 0; i < members.length; i++) items.push(members[i]!, new DoubleReply(scores[i]!));
  return new PairsReply(items);
}

function zrangestore(context: CommandContext, args: Args): Reply {
  const request = parseRange(args, { keyAt: 2, isStore: true });
  const sortedSet = readSortedSet(context, args[2]!);
  const result = new SortedSetValue();
  if (sortedSet !== undefined) {
    const { start, end } = request.find(sortedSet);
    const members: string[] = [];
    const scores: number[] = [];
    sortedSet.collect(start, end, members, scores);
    for (let i = 0; i < members.length; i++) result.set(members[i]!, scores[i]!);
  }
  return store(context, args[1]!, result, result.size);
}

function finderFor(kind: RangeKind, args: Args): RangeFinder {
  if (kind === 'score') return scoreRange(args[2]!, args[3]!);
  if (kind === 'member') return memberRange(args[2]!, args[3]!);
  return rankFinder(integer(args[2]!), integer(args[3]!), false);
}

function countRange(kind: RangeKind): DataCommand['run'] {
  return (context, args) => {
    const find = finderFor(kind, args);
    const sortedSet = readSortedSet(context, args[1]!);
    if (sortedSet === undefined) return 0;
    const { start, end } = find(sortedSet);
    return Math.max(0, end - start);
  };
}

function removeRange(kind: RangeKind): DataCommand['run'] {
  return (context, args) => {
    const find = finderFor(kind, args);
    const sortedSet = editSortedSet(context, args[1]!);
    if (sortedSet === undefined) return 0;
    const { start, end } = find(sortedSet);
    const members: string[] = [];
    sortedSet.collect(start, end, members, []);
    for (const member of members) sortedSet.delete(member);
    if (members.length > 0) settle(context, args[1]!, sortedSet.size);
    return members.length;
  };
}

const READ: readonly CommandFlag[] = ['readonly'];
const READ_FAST: readonly CommandFlag[] = ['readonly', 'fast'];
const REMOVE: readonly CommandFlag[] = ['write'];
const STORES_FROM_KEY: KeySpec = { first: 1, last: 2, step: 1, use: 'OW' };
const RANGE_COST = 'O(log N + M), M the members in the range';

export const sortedSetRangeCommands: readonly DataCommand[] = [
  {
    name: 'zrange',
    arity: -4,
    flags: READ,
    keys: READS_KEY,
    group: 'sorted-set',
    since: '1.2.0',
    summary: 'Reads a range by rank, score or member, in either direction.',
    complexity: RANGE_COST,
    run: readRange({ keyAt: 1, isStore: false }),
  },
  {
    name: 'zrangestore',
    arity: -5,
    flags: ['write', 'denyoom'],
    keys: STORES_FROM_KEY,
    group: 'sorted-set',
    since: '6.2.0',
    summary: 'Stores a range by rank, score or member.',
    complexity: 'O(log N + M log M), M the members in the range',
    run: zrangestore,
  },
  {
    name: 'zrangebyscore',
    arity: -4,
    flags: READ,
    keys: READS_KEY,
    group: 'sorted-set',
    since: '1.0.5',
    summary: 'Reads the members with scores in a range, lowest first.',
    complexity: RANGE_COST,
    run: readRange({ kind: 'score', reverse: false, keyAt: 1, isStore: false }),
  },
  {
    name: 'zrevrangebyscore',
    arity: -4,
    flags: READ,
    keys: READS_KEY,
    group: 'sorted-set',
    since: '2.2.0',
    summary: 'Reads the members with scores in a range, highest first.',
    complexity: RANGE_COST,
    run: readRange({ kind: 'score', reverse: true, keyAt: 1, isStore: false }),
  },
  {
    name: 'zrangebylex',
    arity: -4,
    flags: READ,
    keys: READS_KEY,
    group: 'sorted-set',
    since: '2.8.9',
    summary: 'Reads members of equal score in a range of names, in byte order.',
    complexity: RANGE_COST,
    run: readRange({ kind: 'member', reverse: false, keyAt: 1, isStore: false }),
  },
  {
    name: 'zrevrangebylex',
    arity: -4,
    flags: READ,
    keys: READS_KEY,
    group: 'sorted-set',
    since: '2.8.9',
    summary: 'Reads members of equal score in a range of names, in reverse byte order.',
    complexity: RANGE_COST,
    run: readRange({ kind: 'member', reverse: true, keyAt: 1, isStore: false }),
  },
  {
    name: 'zrevrange',
    arity: -4,
    flags: READ,
    keys: READS_KEY,
    group: 'sorted-set',
    since: '1.2.0',
    summary: 'Reads a range by rank, counted from the highest score.',
    complexity: RANGE_COST,
    run: readRange({ kind: 'rank', reverse: true, keyAt: 1, isStore: false }),
  },
  {
    name: 'zcount',
    arity: 4,
    flags: READ_FAST,
    keys: READS_KEY,
    group: 'sorted-set',
    since: '2.0.0',
    summary: 'Counts the members with scores in a range.',
    complexity: 'O(log N)',
    run: countRange('score'),
  },
  {
    name: 'zlexcount',
    arity: 4,
    flags: READ_FAST,
    keys: READS_KEY,
    group: 'sorted-set',
    since: '2.8.9',
    summary: 'Counts the members of equal score in a range of names.',
    complexity: 'O(log N)',
    run: countRange('member'),
  },
  {
    name: 'zremrangebyrank',
    arity: 4,
    flags: REMOVE,
    keys: EDITS_KEY,
    group: 'sorted-set',
    since: '2.0.0',
    summary: 'Removes a range by rank.',
    complexity: 'O(M log N), M the members removed',
    run: removeRange('rank'),
  },
  {
    name: 'zremrangebyscore',
    arity: 4,
    flags: REMOVE,
    keys: EDITS_KEY,
    group: 'sorted-set',
    since: '1.2.0',
    summary: 'Removes the members with scores in a range.',
    complexity: 'O(M log N), M the members removed',
    run: removeRange('score'),
  },
  {
    name: 'zremrangebylex',
    arity: 4,
    flags: REMOVE,
    keys: EDITS_KEY,
    group: 'sorted-set',
    since: '2.8.9',
    summary: 'Removes the members of equal score in a range of names.',
    complexity: 'O(M log N), M the members removed',
    run: removeRange('member'),
  },
];
