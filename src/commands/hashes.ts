// Owns: the hash commands. A hash exists while it has a field: HDEL of the last one deletes the
// key.

import { addLongDouble, isFiniteLongDouble, isLongDouble } from '../base/long-double.js';
import { addInt64, parseInt64 } from '../base/numbers.js';
import { HASH_LISTPACK_ENTRIES_MAX, HashValue } from '../keyspace/hash.js';
import { ErrorReply, MapReply, OK, PairsReply, type Reply } from '../resp/reply.js';
import { editHash, readHash } from './access.js';
import { int64 } from './arguments.js';
import {
  EDITS_KEY,
  READS_KEY,
  randomCount,
  randomPositions,
  settle,
} from './collection-arguments.js';
import { EMPTY_SCAN, scanAdmits, scanOptions, scanWindow } from './element-scan.js';
import { NAN_OR_INFINITY, NOT_FLOAT, OVERFLOW, SYNTAX, wrongArity } from './errors.js';
import { parseCursor } from './scan.js';
import type { CommandContext, CommandFlag, DataCommand } from './spec.js';

const VALUE_NOT_INTEGER = new ErrorReply('ERR hash value is not an integer');
const VALUE_NOT_FLOAT = new ErrorReply('ERR hash value is not a float');
const INFINITE_INCREMENT = new ErrorReply('ERR value is NaN or Infinity');

type Args = readonly string[];

/** Sets one field of a hash that may not exist yet. */
function setField(
  context: CommandContext,
  key: string,
  hash: HashValue | undefined,
  pair: readonly [field: string, value: string],
): void {
  const target = hash ?? new HashValue();
  target.set(pair[0], pair[1]);
  if (hash === undefined) context.db.set(key, target);
  else context.db.touch(key);
}

/** HSET and HMSET: the number of new fields, or a wrong number of arguments. */
function setFields(context: CommandContext, args: Args): number | ErrorReply {
  if (args.length % 2 !== 0) return wrongArity(args[0]!.toLowerCase());
  const key = args[1]!;
  const found = editHash(context, key);
  const hash = found ?? new HashValue();
  if ((args.length - 2) / 2 > HASH_LISTPACK_ENTRIES_MAX) hash.convertToHashtable();
  let added = 0;
  for (let i = 2; i < args.length; i += 2) {
    if (hash.set(args[i]!, args[i + 1]!)) added++;
  }
  if (found === undefined) context.db.set(key, hash);
  else context.db.touch(key);
  return added;
}

function hmset(context: CommandContext, args: Args): Reply {
  const added = setFields(context, args);
  return added instanceof ErrorReply ? added : OK;
}

function hsetnx(context: CommandContext, args: Args): Reply {
  const hash = editHash(context, args[1]!);
  if (hash?.has(args[2]!)) return 0;
  setField(context, args[1]!, hash, [args[2]!, args[3]!]);
  return 1;
}

function hget(context: CommandContext, args: Args): Reply {
  return readHash(context, args[1]!)?.get(args[2]!) ?? null;
}

function hmget(context: CommandContext, args: Args): Reply {
  const hash = readHash(context, args[1]!);
  const values: Reply[] = [];
  for (let i = 2; i < args.length; i++) values.push(hash?.get(args[i]!) ?? null);
  return values;
}

function hgetall(context: CommandContext, args: Args): Reply {
  const items: string[] = [];
  const hash = readHash(context, args[1]!);
  const size = hash?.size ?? 0;
  for (let i = 0; i < size; i++) items.push(hash!.fieldAt(i), hash!.valueAt(i));
  return new MapReply(items);
}

function hkeys(context: CommandContext, args: Args): Reply {
  const fields: string[] = [];
  const hash = readHash(context, args[1]!);
  const size = hash?.size ?? 0;
  for (let i = 0; i < size; i++) fields.push(hash!.fieldAt(i));
  return fields;
}

function hvals(context: CommandContext, args: Args): Reply {
  const values: string[] = [];
  const hash = readHash(context, args[1]!);
  const size = hash?.size ?? 0;
  for (let i = 0; i < size; i++) values.push(hash!.valueAt(i));
  return values;
}

function hdel(context: CommandContext, args: Args): Reply {
  const hash = editHash(context, args[1]!);
  if (hash === undefined) return 0;
  let removed = 0;
  for (let i = 2; i < args.length; i++) if (hash.delete(args[i]!)) removed++;
  if (removed > 0) settle(context, args[1]!, hash.size);
  return removed;
}

function hlen(context: CommandContext, args: Args): Reply {
  return readHash(context, args[1]!)?.size ?? 0;
}

function hstrlen(context: CommandContext, args: Args): Reply {
  return readHash(context, args[1]!)?.get(args[2]!)?.length ?? 0;
}

function hexists(context: CommandContext, args: Args): Reply {
  return readHash(context, args[1]!)?.has(args[2]!) ? 1 : 0;
}

function hincrby(context: CommandContext, args: Args): Reply {
  const delta = int64(args[3]!);
  const hash = editHash(context, args[1]!);
  const old = parseInt64(hash?.get(args[2]!) ?? '0');
  if (old === null) return VALUE_NOT_INTEGER;
  const sum = addInt64(old, delta);
  if (sum === null) return OVERFLOW;
  setField(context, args[1]!, hash, [args[2]!, String(sum)]);
  return sum;
}

function hincrbyfloat(context: CommandContext, args: Args): Reply {
  const delta = args[3]!;
  if (!isLongDouble(delta)) return NOT_FLOAT;
  if (!isFiniteLongDouble(delta)) return INFINITE_INCREMENT;
  const hash = editHash(context, args[1]!);
  const old = hash?.get(args[2]!) ?? '0';
  if (!isLongDouble(old)) return VALUE_NOT_FLOAT;
  const sum = addLongDouble(old, delta);
  if (sum === null) return NAN_OR_INFINITY;
  setField(context, args[1]!, hash, [args[2]!, sum]);
  return sum;
}

function hrandfield(context: CommandContext, args: Args): Reply {
  if (args.length === 2) {
    const hash = readHash(context, args[1]!);
    return hash === undefined ? null : hash.fieldAt(context.rng.below(hash.size));
  }
  const withValues = args.length > 3;
  const count = randomCount(args[2]!, false);
  if (args.length > 4 || (withValues && args[3]!.toLowerCase() !== 'withvalues')) return SYNTAX;
  if (withValues) randomCount(args[2]!, true);
  const hash = readHash(context, args[1]!);
  if (hash === undefined) return [];
  const items: string[] = [];
  for (const position of randomPositions(context.rng, hash.size, count)) {
    items.push(hash.fieldAt(position));
    if (withValues) items.push(hash.valueAt(position));
  }
  return withValues ? new PairsReply(items) : items;
}

function hscan(context: CommandContext, args: Args): Reply {
  const cursor = parseCursor(args[2]!);
  const hash = readHash(context, args[1]!);
  if (hash === undefined) return EMPTY_SCAN;
  const scan = scanOptions(args);
  const isSmall = hash.encoding === 'listpack';
  const { from, to } = isSmall ? { from: 0, to: hash.size } : scanWindow(cursor, hash.size, scan);
  const items: string[] = [];
  for (let i = from; i < to; i++) {
    if (scanAdmits(scan, hash.fieldAt(i))) items.push(hash.fieldAt(i), hash.valueAt(i));
  }
  return [String(from), items];
}

const READ: readonly CommandFlag[] = ['readonly'];
const READ_FAST: readonly CommandFlag[] = ['readonly', 'fast'];
const WRITE_FAST: readonly CommandFlag[] = ['write', 'denyoom', 'fast'];
const REMOVE_FAST: readonly CommandFlag[] = ['write', 'fast'];

export const hashCommands: readonly DataCommand[] = [
  {
    name: 'hset',
    arity: -4,
    flags: WRITE_FAST,
    keys: EDITS_KEY,
    group: 'hash',
    since: '2.0.0',
    summary: 'Sets fields of a hash and counts those that are new.',
    complexity: 'O(N) in the number of fields given',
    run: setFields,
  },
  {
    name: 'hmset',
    arity: -4,
    flags: WRITE_FAST,
    keys: EDITS_KEY,
    group: 'hash',
    since: '2.0.0',
    summary: 'Sets fields of a hash; HSET does the same and tells more.',
    complexity: 'O(N) in the number of fields given',
    run: hmset,
  },
  {
    name: 'hsetnx',
    arity: 4,
    flags: WRITE_FAST,
    keys: EDITS_KEY,
    group: 'hash',
    since: '2.0.0',
    summary: 'Sets a field that the hash does not have yet.',
    complexity: 'O(1)',
    run: hsetnx,
  },
  {
    name: 'hget',
    arity: 3,
    flags: READ_FAST,
    keys: READS_KEY,
    group: 'hash',
    since: '2.0.0',
    summary: 'Reads one field.',
    complexity: 'O(1)',
    run: hget,
  },
  {
    name: 'hmget',
    arity: -3,
    flags: READ_FAST,
    keys: READS_KEY,
    group: 'hash',
    since: '2.0.0',
    summary: 'Reads several fields, null for each that is absent.',
    complexity: 'O(N) in the number of fields given',
    run: hmget,
  },
  {
    name: 'hgetall',
    arity: 2,
    flags: READ,
    keys: READS_KEY,
    group: 'hash',
    since: '2.0.0',
    summary: 'Reads every field with its value.',
    complexity: 'O(N) in the size of the hash',
    run: hgetall,
  },
  {
    name: 'hdel',
    arity: -3,
    flags: REMOVE_FAST,
    keys: EDITS_KEY,
    group: 'hash',
    since: '2.0.0',
    summary: 'Removes fields, and the key with the last of them.',
    complexity: 'O(N) in the number of fields given',
    run: hdel,
  },
  {
    name: 'hlen',
    arity: 2,
    flags: READ_FAST,
    keys: READS_KEY,
    group: 'hash',
    since: '2.0.0',
    summary: 'Counts the fields.',
    complexity: 'O(1)',
    run: hlen,
  },
  {
    name: 'hstrlen',
    arity: 3,
    flags: READ_FAST,
    keys: READS_KEY,
    group: 'hash',
    since: '3.2.0',
    summary: 'Tells the length in bytes of the value of a field.',
    complexity: 'O(1)',
    run: hstrlen,
  },
  {
    name: 'hexists',
    arity: 3,
    flags: READ_FAST,
    keys: READS_KEY,
    group: 'hash',
    since: '2.0.0',
    summary: 'Tells whether a field is there.',
    complexity: 'O(1)',
    run: hexists,
  },
  {
    name: 'hkeys',
    arity: 2,
    flags: READ,
    keys: READS_KEY,
    group: 'hash',
    since: '2.0.0',
    summary: 'Lists the fields.',
    complexity: 'O(N) in the size of the hash',
    run: hkeys,
  },
  {
    name: 'hvals',
    arity: 2,
    flags: READ,
    keys: READS_KEY,
    group: 'hash',
    since: '2.0.0',
    summary: 'Lists the values.',
    complexity: 'O(N) in the size of the hash',
    run: hvals,
  },
  {
    name: 'hincrby',
    arity: 4,
    flags: WRITE_FAST,
    keys: EDITS_KEY,
    group: 'hash',
    since: '2.0.0',
    summary: 'Adds an integer to the value of a field; an absent one counts as 0.',
    complexity: 'O(1)',
    run: hincrby,
  },
  {
    name: 'hincrbyfloat',
    arity: 4,
    flags: WRITE_FAST,
    keys: EDITS_KEY,
    group: 'hash',
    since: '2.6.0',
    summary: 'Adds a decimal number to the value of a field; an absent one counts as 0.',
    complexity: 'O(1)',
    run: hincrbyfloat,
  },
  {
    name: 'hrandfield',
    arity: -2,
    flags: READ,
    keys: READS_KEY,
    group: 'hash',
    since: '6.2.0',
    summary: 'Picks fields at random.',
    complexity: 'O(N) in the number of fields returned',
    run: hrandfield,
  },
  {
    name: 'hscan',
    arity: -3,
    flags: READ,
    keys: READS_KEY,
    group: 'hash',
    since: '2.8.0',
    summary: 'Walks the fields with their values, a part per call.',
    complexity: 'O(1) per call, O(N) for a whole walk',
    run: hscan,
  },
];
