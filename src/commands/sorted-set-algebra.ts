// Owns: intersection, union and difference of sorted sets (and of sets, whose members count as
// score 1).
// Scores combine in the order Redis combines them, smallest source first, since sums of doubles
// depend on it.

import { SetValue } from '../keyspace/set.js';
import {
  type SortedSetEncoding,
  SortedSetValue,
  ZSET_LISTPACK_ENTRIES_MAX,
  ZSET_LISTPACK_VALUE_BYTES_MAX,
} from '../keyspace/sorted-set.js';
import { DoubleReply, ErrorReply, PairsReply, type Reply } from '../resp/reply.js';
import { argument, integer } from './arguments.js';
import {
  nonNegative,
  READS_COUNTED_KEYS,
  STORES_COUNTED_KEYS,
  store,
} from './collection-arguments.js';
import { SYNTAX, WRONG_TYPE } from './errors.js';
import { scoreArgument } from './score-arguments.js';
import type { CommandContext, CommandFlag, DataCommand } from './spec.js';

const NOT_WEIGHT = new ErrorReply('ERR weight value is not a float');
const NEGATIVE_LIMIT = new ErrorReply("ERR LIMIT can't be negative");

type Args = readonly string[];
type Operation = 'union' | 'intersection' | 'difference';
type Purpose = 'reply' | 'store' | 'count';
type Combine = (a: number, b: number) => number;

interface Source {
  readonly value: SetValue | SortedSetValue | undefined;
  weight: number;
}

interface Request {
  readonly sources: Source[];
  combine: Combine;
  withScores: boolean;
  /** 0: no limit. */
  limit: number;
}

/** Infinities of opposite sign cancel to 0. */
function sum(a: number, b: number): number {
  const total = a + b;
  return Number.isNaN(total) ? 0 : total;
}

/** As Redis compares: of -0 and 0 the first stays, unlike in Math.min. */
function lower(a: number, b: number): number {
  if (b < a) return b;
  return a;
}

function higher(a: number, b: number): number {
  if (b > a) return b;
  return a;
}

const AGGREGATES: ReadonlyMap<string, Combine> = new Map<string, Combine>([
  ['sum', sum],
  ['min', lower],
  ['max', higher],
]);

function sizeOf(source: Source): number {
  return source.value?.size ?? 0;
}

function weighted(source: Source, score: number): number {
  const result = source.weight * score;
  return Number.isNaN(result) ? 0 : result;
}

/** The score of a member in a source, 1 in a plain set; undefined when absent. */
function scoreIn(source: Source, member: string): number | undefined {
  if (source.value instanceof SetValue) return source.value.has(member) ? 1 : undefined;
  return source.value?.score(member);
}

function* entries(source: Source): IterableIterator<readonly [member: string, score: number]> {
  if (source.value instanceof SetValue) for (const member of source.value) yield [member, 1];
  else if (source.value !== undefined) yield* source.value;
}

function readSource(context: CommandContext, key: string): Source {
  const value = context.db.lookup(key, context.now);
  if (value !== undefined && !(value instanceof SetValue || value instanceof SortedSetValue)) {
    throw WRONG_TYPE;
  }
  return { value, weight: 1 };
}

function parse(
  context: CommandContext,
  args: Args,
  form: { readonly operation: Operation; readonly purpose: Purpose },
): Request {
  const countAt = form.purpose === 'store' ? 2 : 1;
  const count = integer(args[countAt]!);
  if (count < 1) {
    throw new ErrorReply(
      `ERR at least 1 input key is needed for '${args[0]!.toLowerCase()}' command`,
    );
  }
  if (count > args.length - countAt - 1) throw SYNTAX;
  const sources: Source[] = [];
  for (let i = 1; i <= count; i++) sources.push(readSource(context, args[countAt + i]!));
  const request: Request = { sources, combine: sum, withScores: false, limit: 0 };
  const canWeigh = form.operation !== 'difference' && form.purpose !== 'count';
  for (let at = countAt + count + 1; at < args.length; ) {
    const word = args[at]!.toLowerCase();
    if (canWeigh && (word === 'weights' || word === 'aggregate')) {
      at = word === 'weights' ? parseWeights(args, at, request) : parseAggregate(args, at, request);
    } else if (form.purpose === 'reply' && word === 'withscores') {
      request.withScores = true;
      at++;
    } else if (form.purpose === 'count' && word === 'limit') {
      request.limit = nonNegative(argument(args, at + 1), NEGATIVE_LIMIT);
      at += 2;
    } else {
      throw SYNTAX;
    }
  }
  return request;
}

function parseWeights(args: Args, at: number, request: Request): number {
  const { sources } = request;
  if (args.length - at < sources.length + 1) throw SYNTAX;
  for (let i = 0; i < sources.length; i++) {
    sources[i]!.weight = scoreArgument(args[at + 1 + i]!, NOT_WEIGHT);
  }
  return at + 1 + sources.length;
}

function parseAggregate(args: Args, at: number, request: Request): number {
  const combine = AGGREGATES.get(argument(args, at + 1).toLowerCase());
  if (combine === undefined) throw SYNTAX;
  request.combine = combine;
  return at + 2;
}

type Scores = Map<string, number>;

function union(request: Request): Scores {
  const scores: Scores = new Map();
  for (const source of request.sources.sort((a, b) => sizeOf(a) - sizeOf(b))) {
    for (const [member, score] of entries(source)) {
      const value = weighted(source, score);
      const before = scores.get(member);
      scores.set(member, before === undefined ? value : request.combine(before, value));
    }
  }
  return scores;
}

function intersection(request: Request): Scores {
  const scores: Scores = new Map();
  const [smallest, ...others] = request.sources.sort((a, b) => sizeOf(a) - sizeOf(b));
  for (const [member, score] of entries(smallest!)) {
    let total = weighted(smallest!, score);
    let isEverywhere = true;
    for (const other of others) {
      const value = scoreIn(other, member);
      isEverywhere = value !== undefined;
      if (value === undefined) break;
      total = request.combine(total, value * other.weight);
    }
    if (!isEverywhere) continue;
    scores.set(member, total);
    if (request.limit > 0 && scores.size >= request.limit) break;
  }
  return scores;
}

function difference(request: Request): Scores {
  const scores: Scores = new Map();
  const [first, ...others] = request.sources;
  for (const [member, score] of entries(first!)) {
    if (!others.some((other) => scoreIn(other, member) !== undefined)) scores.set(member, score);
  }
  return scores;
}

const OPERATIONS: Readonly<Record<Operation, (request: Request) => Scores>> = {
  union,
  intersection,
  difference,
};

function replying(operation: Operation): DataCommand['run'] {
  return (context, args) => {
    const request = parse(context, args, { operation, purpose: 'reply' });
    // Redis answers from a large encoding here, which keeps -0.
    const result = SortedSetValue.restore(OPERATIONS[operation](request), 'skiplist');
    const items: Reply[] = [];
    for (const [member, score] of result) {
      items.push(member);
      if (request.withScores) items.push(new DoubleReply(score));
    }
    return request.withScores ? new PairsReply(items) : items;
  };
}

/**
 * The encoding of a whole result; it decides whether -0 is kept, so it is chosen before the first
 * member goes in.
 */
function encodingFor(scores: Scores): SortedSetEncoding {
  if (scores.size > ZSET_LISTPACK_ENTRIES_MAX) return 'skiplist';
  for (const member of scores.keys()) {
    if (member.length > ZSET_LISTPACK_VALUE_BYTES_MAX) return 'skiplist';
  }
  return 'listpack';
}

function storing(operation: Operation): DataCommand['run'] {
  return (context, args) => {
    const request = parse(context, args, { operation, purpose: 'store' });
    const scores = OPERATIONS[operation](request);
    const result = SortedSetValue.restore(scores, encodingFor(scores));
    return store(context, args[1]!, result, result.size);
  };
}

function zintercard(context: CommandContext, args: Args): Reply {
  const request = parse(context, args, { operation: 'intersection', purpose: 'count' });
  return intersection(request).size;
}

const READ: readonly CommandFlag[] = ['readonly', 'movablekeys'];
const STORE: readonly CommandFlag[] = ['write', 'denyoom', 'movablekeys'];
const UNION_COST = 'O(N + M log M), N the sizes of all sources, M the result';
const INTER_COST = 'O(N*K + M log M), N the smallest source, K their number, M the result';
const DIFF_COST = 'O(N*K + M log M), N the first source, K their number, M the result';

export const sortedSetAlgebraCommands: readonly DataCommand[] = [
  {
    name: 'zunion',
    arity: -3,
    flags: READ,
    keys: READS_COUNTED_KEYS,
    group: 'sorted-set',
    since: '6.2.0',
    summary: 'Reads the members that any source has, with combined scores.',
    complexity: UNION_COST,
    run: replying('union'),
  },
  {
    name: 'zunionstore',
    arity: -4,
    flags: STORE,
    keys: STORES_COUNTED_KEYS,
    group: 'sorted-set',
    since: '2.0.0',
    summary: 'Stores the members that any source has, with combined scores.',
    complexity: UNION_COST,
    run: storing('union'),
  },
  {
    name: 'zinter',
    arity: -3,
    flags: READ,
    keys: READS_COUNTED_KEYS,
    group: 'sorted-set',
    since: '6.2.0',
    summary: 'Reads the members that every source has, with combined scores.',
    complexity: INTER_COST,
    run: replying('intersection'),
  },
  {
    name: 'zinterstore',
    arity: -4,
    flags: STORE,
    keys: STORES_COUNTED_KEYS,
    group: 'sorted-set',
    since: '2.0.0',
    summary: 'Stores the members that every source has, with combined scores.',
    complexity: INTER_COST,
    run: storing('intersection'),
  },
  {
    name: 'zintercard',
    arity: -3,
    flags: READ,
    keys: READS_COUNTED_KEYS,
    group: 'sorted-set',
    since: '7.0.0',
    summary: 'Counts the members that every source has, up to a limit.',
    complexity: 'O(N*K), N the smallest source, K their number',
    run: zintercard,
  },
  {
    name: 'zdiff',
    arity: -3,
    flags: READ,
    keys: READS_COUNTED_KEYS,
    group: 'sorted-set',
    since: '6.2.0',
    summary: 'Reads the members of the first source that no other has.',
    complexity: DIFF_COST,
    run: replying('difference'),
  },
  {
    name: 'zdiffstore',
    arity: -4,
    flags: STORE,
    keys: STORES_COUNTED_KEYS,
    group: 'sorted-set',
    since: '6.2.0',
    summary: 'Stores the members of the first source that no other has.',
    complexity: DIFF_COST,
    run: storing('difference'),
  },
];
