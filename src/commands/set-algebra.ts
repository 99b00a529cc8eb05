// Owns: intersection, union and difference of sets, answered or stored. An absent key is an empty
// set.
// The stored result begins with the encoding Redis 7.2 would give it.

import { parseInt64 } from '../base/numbers.js';
import { SET_INTSET_ENTRIES_MAX, SetValue } from '../keyspace/set.js';
import { ErrorReply, type Reply, SetReply } from '../resp/reply.js';
import { readSet } from './access.js';
import {
  atLeastOne,
  nonNegative,
  READS_ALL_KEYS,
  READS_COUNTED_KEYS,
  STORES_FROM_KEYS,
  store,
} from './collection-arguments.js';
import { SYNTAX } from './errors.js';
import type { CommandContext, DataCommand, KeySpec } from './spec.js';

const NO_KEYS_COUNT = new ErrorReply('ERR numkeys should be greater than 0');
const TOO_MANY_KEYS = new ErrorReply("ERR Number of keys can't be greater than number of args");
const NEGATIVE_LIMIT = new ErrorReply("ERR LIMIT can't be negative");

/** COMMAND INFO of 7.2 calls the destination of SINTERSTORE RW where its siblings have OW. */
const INTERSECTS_KEYS: KeySpec = { ...STORES_FROM_KEYS, use: 'RW' };

type Args = readonly string[];
type Sets = readonly (SetValue | undefined)[];

/** The sets under args[from...to). */
function readSets(context: CommandContext, args: Args, from: number, to = args.length): Sets {
  const sets: (SetValue | undefined)[] = [];
  for (let i = from; i < to; i++) sets.push(readSet(context, args[i]!));
  return sets;
}

/** Members in every set, in the order of the smallest; at most `limit`. */
function intersection(sets: Sets, limit = Number.POSITIVE_INFINITY): string[] {
  const present = sets.filter((set) => set !== undefined);
  if (present.length < sets.length) return [];
  const [smallest, ...others] = present.sort((a, b) => a.size - b.size);
  const members: string[] = [];
  for (const member of smallest!) {
    if (!others.every((other) => other === smallest || other.has(member))) continue;
    members.push(member);
    if (members.length >= limit) break;
  }
  return members;
}

function intersectionValue(sets: Sets): SetValue {
  const members = intersection(sets);
  const fitsIntset =
    members.length <= SET_INTSET_ENTRIES_MAX &&
    members.every((member) => parseInt64(member) !== null);
  return SetValue.restore(members, fitsIntset ? 'intset' : 'listpack');
}

function union(sets: Sets): SetValue {
  const result = new SetValue();
  for (const set of sets) {
    if (set !== undefined) for (const member of set) result.add(member);
  }
  return result;
}

/** Members of the first set that are in no other. */
function difference(sets: Sets): SetValue {
  const [first, ...others] = sets;
  const result = new SetValue();
  if (first === undefined || others.includes(first)) return result;
  const present = others.filter((set) => set !== undefined);
  const total = present.reduce((sum, set) => sum + set.size, first.size);
  if ((first.size * (present.length + 1)) / 2 <= total) {
    present.sort((a, b) => b.size - a.size);
    for (const member of first) {
      if (!present.some((other) => other.has(member))) result.add(member);
    }
    return result;
  }
  for (const member of first) result.add(member);
  for (const other of present) {
    if (result.size === 0) break;
    for (const member of other) result.delete(member);
  }
  return result;
}

function sinter(context: CommandContext, args: Args): Reply {
  return new SetReply(intersection(readSets(context, args, 1)));
}

function sunion(context: CommandContext, args: Args): Reply {
  return new SetReply(union(readSets(context, args, 1)).toArray());
}

function sdiff(context: CommandContext, args: Args): Reply {
  return new SetReply(difference(readSets(context, args, 1)).toArray());
}

function storing(combine: (sets: Sets) => SetValue): DataCommand['run'] {
  return (context, args) => {
    const result = combine(readSets(context, args, 2));
    return store(context, args[1]!, result, result.size);
  };
}

function sintercard(context: CommandContext, args: Args): Reply {
  const keyCount = atLeastOne(args[1]!, NO_KEYS_COUNT);
  if (keyCount > args.length - 2) return TOO_MANY_KEYS;
  let limit = 0;
  for (let i = keyCount + 2; i < args.length; i += 2) {
    if (args[i]!.toLowerCase() !== 'limit' || i + 1 >= args.length) return SYNTAX;
    limit = nonNegative(args[i + 1]!, NEGATIVE_LIMIT);
  }
  const sets = readSets(context, args, 2, keyCount + 2);
  return intersection(sets, limit === 0 ? undefined : limit).length;
}

export const setAlgebraCommands: readonly DataCommand[] = [
  {
    name: 'sinter',
    arity: -2,
    flags: ['readonly'],
    keys: READS_ALL_KEYS,
    group: 'set',
    since: '1.0.0',
    summary: 'Lists the members that every set has.',
    complexity: 'O(N*M), N the smallest size, M the number of sets',
    run: sinter,
  },
  {
    name: 'sinterstore',
    arity: -3,
    flags: ['write', 'denyoom'],
    keys: INTERSECTS_KEYS,
    group: 'set',
    since: '1.0.0',
    summary: 'Stores the members that every set has.',
    complexity: 'O(N*M), N the smallest size, M the number of sets',
    run: storing(intersectionValue),
  },
  {
    name: 'sintercard',
    arity: -3,
    flags: ['readonly', 'movablekeys'],
    keys: READS_COUNTED_KEYS,
    group: 'set',
    since: '7.0.0',
    summary: 'Counts the members that every set has, up to a limit.',
    complexity: 'O(N*M), N the smallest size, M the number of sets',
    run: sintercard,
  },
  {
    name: 'sunion',
    arity: -2,
    flags: ['readonly'],
    keys: READS_ALL_KEYS,
    group: 'set',
    since: '1.0.0',
    summary: 'Lists the members that any set has.',
    complexity: 'O(N) in the sizes of all sets',
    run: sunion,
  },
  {
    name: 'sunionstore',
    arity: -3,
    flags: ['write', 'denyoom'],
    keys: STORES_FROM_KEYS,
    group: 'set',
    since: '1.0.0',
    summary: 'Stores the members that any set has.',
    complexity: 'O(N) in the sizes of all sets',
    run: storing(union),
  },
  {
    name: 'sdiff',
    arity: -2,
    flags: ['readonly'],
    keys: READS_ALL_KEYS,
    group: 'set',
    since: '1.0.0',
    summary: 'Lists the members of the first set that no other has.',
    complexity: 'O(N) in the sizes of all sets',
    run: sdiff,
  },
  {
    name: 'sdiffstore',
    arity: -3,
    flags: ['write', 'denyoom'],
    keys: STORES_FROM_KEYS,
    group: 'set',
    since: '1.0.0',
    summary: 'Stores the members of the first set that no other has.',
    complexity: 'O(N) in the sizes of all sets',
    run: storing(difference),
  },
];
