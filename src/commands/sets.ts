// Owns: the commands on one set, and SMOVE. A set exists while it has a member. Algebra over sets
// is set-algebra.ts.

import { parseInt64 } from '../base/numbers.js';
import type { Rng } from '../base/rng.js';
import { SET_INTSET_ENTRIES_MAX, SET_LISTPACK_ENTRIES_MAX, SetValue } from '../keyspace/set.js';
import { type Reply, SetReply } from '../resp/reply.js';
import { editSet, readSet } from './access.js';
import {
  EDITS_KEY,
  EDITS_TWO_KEYS,
  nonNegative,
  READS_KEY,
  randomCount,
  randomPositions,
  settle,
} from './collection-arguments.js';
import { EMPTY_SCAN, scanAdmits, scanOptions, scanWindow } from './element-scan.js';
import { SYNTAX } from './errors.js';
import { parseCursor } from './scan.js';
import { setAlgebraCommands } from './set-algebra.js';
import type { CommandContext, CommandFlag, DataCommand } from './spec.js';

type Args = readonly string[];

/**
 * An empty set in the encoding Redis begins with for so many members of which this is the first.
 */
function newSet(first: string, count: number): SetValue {
  const set = new SetValue();
  if (count <= SET_INTSET_ENTRIES_MAX && parseInt64(first) !== null) return set;
  set.convertTo(count <= SET_LISTPACK_ENTRIES_MAX ? 'listpack' : 'hashtable');
  return set;
}

/** Redis converts before it adds when the arguments alone exceed what the encoding holds. */
function prepareFor(set: SetValue, count: number): void {
  const limit = set.encoding === 'intset' ? SET_INTSET_ENTRIES_MAX : SET_LISTPACK_ENTRIES_MAX;
  if (count > limit) set.convertTo('hashtable');
}

function sadd(context: CommandContext, args: Args): Reply {
  const key = args[1]!;
  const found = editSet(context, key);
  const set = found ?? newSet(args[2]!, args.length - 2);
  if (found !== undefined) prepareFor(set, args.length - 2);
  let added = 0;
  for (let i = 2; i < args.length; i++) if (set.add(args[i]!)) added++;
  if (found === undefined) context.db.set(key, set);
  else if (added > 0) context.db.touch(key);
  return added;
}

function srem(context: CommandContext, args: Args): Reply {
  const set = editSet(context, args[1]!);
  if (set === undefined) return 0;
  let removed = 0;
  for (let i = 2; i < args.length; i++) if (set.delete(args[i]!)) removed++;
  if (removed > 0) settle(context, args[1]!, set.size);
  return removed;
}

function smove(context: CommandContext, args: Args): Reply {
  const source = editSet(context, args[1]!);
  if (source === undefined) return 0;
  const found = editSet(context, args[2]!);
  const member = args[3]!;
  if (source === found) return source.has(member) ? 1 : 0;
  if (!source.delete(member)) return 0;
  settle(context, args[1]!, source.size);
  const destination = found ?? newSet(member, 1);
  const added = destination.add(member);
  if (found === undefined) context.db.set(args[2]!, destination);
  else if (added) context.db.touch(args[2]!);
  return 1;
}

function sismember(context: CommandContext, args: Args): Reply {
  return readSet(context, args[1]!)?.has(args[2]!) ? 1 : 0;
}

function smismember(context: CommandContext, args: Args): Reply {
  const set = readSet(context, args[1]!);
  const answers: number[] = [];
  for (let i = 2; i < args.length; i++) answers.push(set?.has(args[i]!) ? 1 : 0);
  return answers;
}

function scard(context: CommandContext, args: Args): Reply {
  return readSet(context, args[1]!)?.size ?? 0;
}

function smembers(context: CommandContext, args: Args): Reply {
  const set = readSet(context, args[1]!);
  return new SetReply(set?.toArray() ?? []);
}

function spop(context: CommandContext, args: Args): Reply {
  if (args.length > 3) return SYNTAX;
  if (args.length === 3) return spopMany(context, args[1]!, nonNegative(args[2]!));
  const set = editSet(context, args[1]!);
  if (set === undefined) return null;
  const member = takeRandom(set, context.rng);
  settle(context, args[1]!, set.size);
  return member;
}

function takeRandom(set: SetValue, rng: Rng): string {
  const member = set.at(rng.below(set.size));
  set.delete(member);
  return member;
}

function spopMany(context: CommandContext, key: string, count: number): Reply {
  const set = editSet(context, key);
  if (set === undefined || count === 0) return new SetReply([]);
  if (count >= set.size) {
    const all = new SetReply(set.toArray());
    context.db.delete(key);
    return all;
  }
  const left = set.size - count;
  if (left * 5 > count) {
    const popped: string[] = [];
    for (let i = 0; i < count; i++) popped.push(takeRandom(set, context.rng));
    context.db.touch(key);
    return new SetReply(popped);
  }
  // So few stay that they move to a new set, which may have a smaller encoding, as in Redis.
  const stays = new SetValue();
  if (set.encoding !== 'intset') stays.convertTo('listpack');
  for (let i = 0; i < left; i++) stays.add(takeRandom(set, context.rng));
  const popped = new SetReply(set.toArray());
  context.db.replace(key, stays);
  return popped;
}

function srandmember(context: CommandContext, args: Args): Reply {
  if (args.length > 3) return SYNTAX;
  if (args.length === 2) {
    const set = readSet(context, args[1]!);
    return set === undefined ? null : set.at(context.rng.below(set.size));
  }
  const count = randomCount(args[2]!, false);
  const set = readSet(context, args[1]!);
  if (set === undefined) return [];
  return randomPositions(context.rng, set.size, count).map((position) => set.at(position));
}

function sscan(context: CommandContext, args: Args): Reply {
  const cursor = parseCursor(args[2]!);
  const set = readSet(context, args[1]!);
  if (set === undefined) return EMPTY_SCAN;
  const scan = scanOptions(args);
  const isSmall = set.encoding !== 'hashtable';
  const { from, to } = isSmall ? { from: 0, to: set.size } : scanWindow(cursor, set.size, scan);
  const members: string[] = [];
  for (let i = from; i < to; i++) {
    const member = set.at(i);
    if (scanAdmits(scan, member)) members.push(member);
  }
  return [String(from), members];
}

const READ: readonly CommandFlag[] = ['readonly'];
const READ_FAST: readonly CommandFlag[] = ['readonly', 'fast'];
const WRITE_FAST: readonly CommandFlag[] = ['write', 'denyoom', 'fast'];
const REMOVE_FAST: readonly CommandFlag[] = ['write', 'fast'];

export const setCommands: readonly DataCommand[] = [
  {
    name: 'sadd',
    arity: -3,
    flags: WRITE_FAST,
    keys: EDITS_KEY,
    group: 'set',
    since: '1.0.0',
    summary: 'Adds members and counts those that are new.',
    complexity: 'O(N) in the number of members given',
    run: sadd,
  },
  {
    name: 'srem',
    arity: -3,
    flags: REMOVE_FAST,
    keys: EDITS_KEY,
    group: 'set',
    since: '1.0.0',
    summary: 'Removes members, and the key with the last of them.',
    complexity: 'O(N) in the number of members given',
    run: srem,
  },
  {
    name: 'sismember',
    arity: 3,
    flags: READ_FAST,
    keys: READS_KEY,
    group: 'set',
    since: '1.0.0',
    summary: 'Tells whether a member is there.',
    complexity: 'O(1)',
    run: sismember,
  },
  {
    name: 'smismember',
    arity: -3,
    flags: READ_FAST,
    keys: READS_KEY,
    group: 'set',
    since: '6.2.0',
    summary: 'Tells of several members whether each is there.',
    complexity: 'O(N) in the number of members given',
    run: smismember,
  },
  {
    name: 'scard',
    arity: 2,
    flags: READ_FAST,
    keys: READS_KEY,
    group: 'set',
    since: '1.0.0',
    summary: 'Counts the members.',
    complexity: 'O(1)',
    run: scard,
  },
  {
    name: 'smembers',
    arity: 2,
    flags: READ,
    keys: READS_KEY,
    group: 'set',
    since: '1.0.0',
    summary: 'Lists the members.',
    complexity: 'O(N) in the size of the set',
    run: smembers,
  },
  {
    name: 'spop',
    arity: -2,
    flags: REMOVE_FAST,
    keys: EDITS_KEY,
    group: 'set',
    since: '1.0.0',
    summary: 'Takes members at random; every node takes the same ones.',
    complexity: 'O(N) in the number of members returned',
    run: spop,
  },
  {
    name: 'srandmember',
    arity: -2,
    flags: READ,
    keys: READS_KEY,
    group: 'set',
    since: '1.0.0',
    summary: 'Picks members at random and leaves them there.',
    complexity: 'O(N) in the number of members returned',
    run: srandmember,
  },
  {
    name: 'smove',
    arity: 4,
    flags: REMOVE_FAST,
    keys: EDITS_TWO_KEYS,
    group: 'set',
    since: '1.0.0',
    summary: 'Moves a member from one set to another.',
    complexity: 'O(1)',
    run: smove,
  },
  {
    name: 'sscan',
    arity: -3,
    flags: READ,
    keys: READS_KEY,
    group: 'set',
    since: '2.8.0',
    summary: 'Walks the members, a part per call.',
    complexity: 'O(1) per call, O(N) for a whole walk',
    run: sscan,
  },
  ...setAlgebraCommands,
];
