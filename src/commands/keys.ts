// Owns: commands on whole keys, whatever they hold: removal, renaming, copying, moving, existence,
// type.
// KEYS, SCAN and RANDOMKEY are in scan.ts, expiry in expiry.ts, OBJECT in object.ts.

import type { Database } from '../keyspace/database.js';
import { typeName } from '../keyspace/value.js';
import { OK, type Reply, SimpleString } from '../resp/reply.js';
import { argument, database } from './arguments.js';
import { copyOf } from './copy-value.js';
import { NO_SUCH_KEY, SAME_OBJECT, SYNTAX } from './errors.js';
import { ALL_KEYS, type CommandContext, type DataCommand, ONE_KEY } from './spec.js';

type Args = readonly string[];

function del(context: CommandContext, args: Args): Reply {
  const { db, now } = context;
  let removed = 0;
  for (let i = 1; i < args.length; i++) {
    const key = args[i]!;
    if (db.lookupWrite(key, now) !== undefined && db.delete(key)) removed++;
  }
  return removed;
}

function exists(context: CommandContext, args: Args): Reply {
  let found = 0;
  for (let i = 1; i < args.length; i++) if (context.db.has(args[i]!, context.now)) found++;
  return found;
}

function touch(context: CommandContext, args: Args): Reply {
  let found = 0;
  for (let i = 1; i < args.length; i++) {
    if (context.db.lookup(args[i]!, context.now) !== undefined) found++;
  }
  return found;
}

const TYPE_REPLIES = {
  string: new SimpleString('string'),
  list: new SimpleString('list'),
  set: new SimpleString('set'),
  zset: new SimpleString('zset'),
  hash: new SimpleString('hash'),
  none: new SimpleString('none'),
};

function type(context: CommandContext, args: Args): Reply {
  const value = context.db.peek(args[1]!, context.now);
  return TYPE_REPLIES[value === undefined ? 'none' : typeName(value)];
}

/** Takes a live key out of one place and puts it, with its expiry, into another. */
function relocate(from: Database, fromKey: string, to: Database, toKey: string, now: number): void {
  const value = from.lookupWrite(fromKey, now)!;
  const at = from.expireAt(fromKey);
  from.delete(fromKey);
  to.set(toKey, value);
  if (at !== 0) to.setExpireAt(toKey, at);
}

function rename(context: CommandContext, args: Args): Reply {
  const { db, now } = context;
  const [, from, to] = args as [string, string, string];
  if (!db.has(from, now)) throw NO_SUCH_KEY;
  if (from !== to) relocate(db, from, db, to, now);
  return OK;
}

function renamenx(context: CommandContext, args: Args): Reply {
  const { db, now } = context;
  const [, from, to] = args as [string, string, string];
  if (!db.has(from, now)) throw NO_SUCH_KEY;
  if (from === to || db.has(to, now)) return 0;
  relocate(db, from, db, to, now);
  return 1;
}

function move(context: CommandContext, args: Args): Reply {
  const { db, now } = context;
  const key = args[1]!;
  const target = database(context, args[2]!);
  if (target === db) throw SAME_OBJECT;
  if (!db.has(key, now) || target.has(key, now)) return 0;
  relocate(db, key, target, key, now);
  return 1;
}

function copy(context: CommandContext, args: Args): Reply {
  const { db, now } = context;
  const [, from, to] = args as [string, string, string];
  let target = db;
  let replace = false;
  for (let i = 3; i < args.length; i++) {
    const word = args[i]!.toLowerCase();
    if (word === 'replace') replace = true;
    else if (word === 'db') target = database(context, argument(args, ++i));
    else throw SYNTAX;
  }
  if (target === db && from === to) throw SAME_OBJECT;
  const value = db.lookup(from, now);
  if (value === undefined || (!replace && target.has(to, now))) return 0;
  const at = db.expireAt(from);
  target.set(to, copyOf(value));
  if (at !== 0) target.setExpireAt(to, at);
  return 1;
}

const READ_ALL = { keys: { ...ALL_KEYS, use: 'RO' }, group: 'generic' } as const;
const REMOVE_ALL = { keys: { ...ALL_KEYS, use: 'RM' }, group: 'generic' } as const;
const FROM_TO = { keys: { first: 1, last: 2, step: 1, use: 'RW' }, group: 'generic' } as const;

export const keyCommands: readonly DataCommand[] = [
  {
    ...REMOVE_ALL,
    name: 'del',
    arity: -2,
    flags: ['write'],
    since: '1.0.0',
    summary: 'Removes keys and tells how many were there.',
    complexity: 'O(N) in the number of keys',
    run: del,
  },
  {
    ...REMOVE_ALL,
    name: 'unlink',
    arity: -2,
    flags: ['write', 'fast'],
    since: '4.0.0',
    summary: 'Removes keys; memory is freed by the garbage collector, as with DEL here.',
    complexity: 'O(N) in the number of keys',
    run: del,
  },
  {
    ...READ_ALL,
    name: 'exists',
    arity: -2,
    flags: ['readonly', 'fast'],
    since: '1.0.0',
    summary: 'Counts how many of the named keys are there.',
    complexity: 'O(N) in the number of keys',
    run: exists,
  },
  {
    ...READ_ALL,
    name: 'touch',
    arity: -2,
    flags: ['readonly', 'fast'],
    since: '3.2.1',
    summary: 'Marks keys as used now and counts those that are there.',
    complexity: 'O(N) in the number of keys',
    run: touch,
  },
  {
    keys: { ...ONE_KEY, use: 'RO' },
    group: 'generic',
    name: 'type',
    arity: 2,
    flags: ['readonly', 'fast'],
    since: '1.0.0',
    summary: 'Names the type of the value under a key.',
    complexity: 'O(1)',
    run: type,
  },
  {
    ...FROM_TO,
    name: 'rename',
    arity: 3,
    flags: ['write'],
    since: '1.0.0',
    summary: 'Gives a key another name, replacing what had that name.',
    complexity: 'O(1)',
    run: rename,
  },
  {
    ...FROM_TO,
    name: 'renamenx',
    arity: 3,
    flags: ['write', 'fast'],
    since: '1.0.0',
    summary: 'Gives a key another name unless that name is taken.',
    complexity: 'O(1)',
    run: renamenx,
  },
  {
    keys: { ...ONE_KEY, use: 'RW' },
    group: 'generic',
    name: 'move',
    arity: 3,
    flags: ['write', 'fast'],
    since: '1.0.0',
    summary: 'Moves a key to another database unless it has that key.',
    complexity: 'O(1)',
    run: move,
  },
  {
    ...FROM_TO,
    name: 'copy',
    arity: -3,
    flags: ['write', 'denyoom'],
    since: '6.2.0',
    summary: 'Copies a value and its expiry to another key.',
    complexity: 'O(N) in the number of elements',
    run: copy,
  },
];
