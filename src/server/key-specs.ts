// Owns: the key specifications of commands (COMMAND INFO, GETKEYSANDFLAGS): where keys stand and
// what is done to them, as Redis 7.2 describes it. What a command's row says is enough for most;
// the rest is one table.

import type { CommandInfo, KeyUse } from '../commands/spec.js';

/** Where the keys of one specification are. */
export type KeyPlace =
  | {
      readonly type: 'range';
      /** Argument of the first key. */
      readonly begin: number;
      /** Distance of the last key from the first; negative: from the end of the arguments. */
      readonly lastKey: number;
      readonly step: number;
    }
  | {
      readonly type: 'keynum';
      /** Argument that the other numbers count from. */
      readonly begin: number;
      readonly numberAt: number;
      readonly firstKey: number;
      readonly step: number;
    }
  | { readonly type: 'unknown' };

export interface KeySpecification {
  /** RO, RW, OW or RM, then access, update, insert, delete, variable_flags. */
  readonly flags: readonly string[];
  readonly place: KeyPlace;
}

/**
 * Flags, then the place: `@1` one key; `@1 -1/2` from argument 1 to the last in steps of 2; `@1
 * #0,1` a number at argument 1 + 0 and so many keys from 1 + 1 on; `@?` unknown.
 */
const SPECIFICATIONS: Readonly<Record<string, string>> = {
  'RW access delete @1': 'rpop zpopmax zpopmin lpop spop getdel',
  'RO access @1 -1/1': 'mget sinter sdiff sunion',
  'RW update @1': 'lset hset persist hmset pexpireat expireat setrange zadd expire pexpire',
  'RW access update @1':
    'hincrbyfloat incrby getset move zincrby getex hincrby incr incrbyfloat decrby decr setbit',
  'RW insert @1': 'append hsetnx lpushx rpush linsert rpushx lpush sadd',
  'RW access update variable_flags @1': 'bitfield set',
  'OW update @1; RO access @2 -1/1': 'sdiffstore sunionstore',
  'RW access delete @1; RW insert @2': 'rpoplpush lmove brpoplpush smove blmove',
  'RW delete @1': 'hdel zremrangebylex ltrim zremrangebyscore lrem zremrangebyrank srem zrem',
  'RW access delete @1 #0,1': 'lmpop zmpop',
  'RO access @2 #0,1': 'eval_ro evalsha_ro',
  'RW access delete @1 -2/1': 'bzpopmin blpop brpop bzpopmax',
  'RO @1': 'sismember hlen strlen hexists llen zcard scard hstrlen type',
  'RW access delete @2 #0,1': 'bzmpop blmpop',
  'OW insert @1 -1/2': 'msetnx',
  'OW update @1': 'setex psetex restore',
  'OW update @1; RO access @2 #0,1': 'zinterstore zdiffstore zunionstore',
  'RO access @1; RO access @?': 'sort_ro',
  'RO access @1; OW update @2': 'copy',
  'RO access @1 #0,1': 'zunion zdiff zinter sintercard zintercard',
  'RO access @1; RO access @?; OW update @?': 'sort',
  'RW access delete @1; OW update @2': 'rename',
  'RW access delete @1; OW insert @2': 'renamenx',
  'RM delete @1 -1/1': 'unlink del',
  'RO @2': 'memory|usage object|idletime object|freq object|encoding object|refcount',
  'RO @1 -1/1': 'watch touch exists',
  'OW update @2; RO access @3 -1/1': 'bitop',
  'RO access @1 1/1': 'lcs',
  'RW access update @2 #0,1': 'eval evalsha',
  'OW update @1; RO access @2': 'zrangestore',
  'OW insert @1': 'setnx',
  'RW update @1; RO access @2 -1/1': 'sinterstore',
  'OW update @1 -1/2': 'mset',
};

const byName: ReadonlyMap<string, readonly KeySpecification[]> = readTable();

function readTable(): Map<string, readonly KeySpecification[]> {
  const table = new Map<string, readonly KeySpecification[]>();
  for (const [text, names] of Object.entries(SPECIFICATIONS)) {
    const specifications = text.split('; ').map(readSpecification);
    for (const name of names.split(' ')) table.set(name, specifications);
  }
  return table;
}

function readSpecification(text: string): KeySpecification {
  const words = text.split(' ');
  const at = words.findIndex((word) => word.startsWith('@'));
  return { flags: words.slice(0, at), place: readPlace(words[at]!.slice(1), words[at + 1]) };
}

function readPlace(from: string, find: string | undefined): KeyPlace {
  if (from === '?') return { type: 'unknown' };
  const begin = Number(from);
  if (find?.startsWith('#') === true) {
    const [numberAt = 0, firstKey = 1] = find.slice(1).split(',').map(Number);
    return { type: 'keynum', begin, numberAt, firstKey, step: 1 };
  }
  const [lastKey = 0, step = 1] = (find ?? '0/1').split('/').map(Number);
  return { type: 'range', begin, lastKey, step };
}

const FLAGS_OF_USE: Readonly<Record<KeyUse, readonly string[]>> = {
  RO: ['RO', 'access'],
  RW: ['RW', 'access', 'update'],
  OW: ['OW', 'update'],
  RM: ['RM', 'delete'],
};

/** The specifications of a command; none for one without keys. */
export function keySpecifications(command: CommandInfo): readonly KeySpecification[] {
  const known = byName.get(command.name);
  if (known !== undefined) return known;
  const { first, last, step, use, find } = command.keys;
  if (first === 0 && find === undefined) return [];
  const flags = FLAGS_OF_USE[use ?? (command.flags.includes('write') ? 'RW' : 'RO')];
  if (first === 0) return [{ flags, place: { type: 'unknown' } }];
  const lastKey = last < 0 ? last : last - first;
  return [{ flags, place: { type: 'range', begin: first, lastKey, step } }];
}

/**
 * Arguments that are keys, in order; empty when the arguments make no sense. `args[0]` is the name.
 */
export function keyPositions(command: CommandInfo, args: readonly string[]): readonly number[] {
  const { find, first, last, step } = command.keys;
  if (find !== undefined) return find(args);
  if (first === 0) return [];
  const end = last < 0 ? args.length + last : last;
  return positions(first, end, step, args.length);
}

const READS = ['RO', 'access'];
const READS_AND_UPDATES = ['RW', 'access', 'update'];
const OVERWRITES = ['OW', 'update'];

/** Commands flagged variable_flags: what they do to their only key depends on their options. */
const FLAGS_BY_ARGUMENTS: Readonly<Record<string, (args: readonly string[]) => string[]>> = {
  set: (args) => (hasWord(args, 3, 'get') ? READS_AND_UPDATES : OVERWRITES),
  bitfield: (args) => (onlyGets(args) ? READS : READS_AND_UPDATES),
};

function hasWord(args: readonly string[], from: number, word: string): boolean {
  return args.some((arg, at) => at >= from && arg.toLowerCase() === word);
}

/** Nothing but GET and OVERFLOW with all their arguments. */
function onlyGets(args: readonly string[]): boolean {
  for (let i = 2; i < args.length; ) {
    const word = args[i]!.toLowerCase();
    const length = word === 'get' ? 3 : word === 'overflow' ? 2 : 0;
    if (length === 0 || i + length > args.length) return false;
    i += length;
  }
  return true;
}

/** What is done to the key at argument `at`. */
export function keyFlags(
  command: CommandInfo,
  args: readonly string[],
  at: number,
): readonly string[] {
  const variable = FLAGS_BY_ARGUMENTS[command.name];
  if (variable !== undefined) return variable(args);
  const specifications = keySpecifications(command);
  const own = specifications.find(({ place }) => placePositions(place, args).includes(at));
  // An unknown place is that of an option after the known ones: the last specification describes
  // it.
  return (own ?? specifications.at(-1))?.flags ?? [];
}

function placePositions(place: KeyPlace, args: readonly string[]): readonly number[] {
  if (place.type === 'unknown') return [];
  const { begin, step } = place;
  if (place.type === 'range') {
    const end = place.lastKey < 0 ? args.length + place.lastKey : begin + place.lastKey;
    return positions(begin, end, step, args.length);
  }
  const count = Number(args[begin + place.numberAt]);
  const first = begin + place.firstKey;
  return Number.isInteger(count) ? positions(first, first + count - 1, step, args.length) : [];
}

function positions(first: number, end: number, step: number, count: number): number[] {
  const found: number[] = [];
  for (let at = first; at <= end && at < count; at += Math.max(1, step)) found.push(at);
  return found;
}
