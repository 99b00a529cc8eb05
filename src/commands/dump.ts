// Owns: DUMP and RESTORE. The format of a value is storage/rdb/dump.ts, a pure codec, and the only
// part of storage that commands may use.

import { ErrorReply, OK, type Reply } from '../resp/reply.js';
import { dumpValue, restoreValue } from '../storage/rdb/dump.js';
import { argument, integer } from './arguments.js';
import { SYNTAX } from './errors.js';
import { type CommandContext, type DataCommand, ONE_KEY } from './spec.js';

const BUSY_KEY = new ErrorReply('BUSYKEY Target key name already exists.');
const BAD_PAYLOAD = new ErrorReply('ERR DUMP payload version or checksum are wrong');
const BAD_TTL = new ErrorReply('ERR Invalid TTL value, must be >= 0');
const BAD_IDLE = new ErrorReply('ERR Invalid IDLETIME value, must be >= 0');
const BAD_FREQ = new ErrorReply('ERR Invalid FREQ value, must be >= 0 and <= 255');

function dump(context: CommandContext, args: readonly string[]): Reply {
  const value = context.db.lookup(args[1]!, context.now);
  return value === undefined ? null : dumpValue(value);
}

interface RestoreOptions {
  readonly replace: boolean;
  readonly absolute: boolean;
  /** Seconds, and a use count; -1 where not given. What they mean is each node's own affair. */
  readonly idle: number;
  readonly frequency: number;
}

function restoreOptions(args: readonly string[]): RestoreOptions {
  let replace = false;
  let absolute = false;
  let idle = -1;
  let frequency = -1;
  for (let i = 4; i < args.length; i++) {
    const word = args[i]!.toUpperCase();
    if (word === 'REPLACE') replace = true;
    else if (word === 'ABSTTL') absolute = true;
    else if (word === 'IDLETIME' && frequency < 0) {
      idle = bounded(argument(args, ++i), Number.MAX_SAFE_INTEGER, BAD_IDLE);
    } else if (word === 'FREQ' && idle < 0) {
      frequency = bounded(argument(args, ++i), 255, BAD_FREQ);
    } else throw SYNTAX;
  }
  return { replace, absolute, idle, frequency };
}

function bounded(text: string, max: number, error: ErrorReply): number {
  const value = integer(text);
  if (value < 0 || value > max) throw error;
  return value;
}

function restore(context: CommandContext, args: readonly string[]): Reply {
  const { replace, absolute, idle, frequency } = restoreOptions(args);
  const key = args[1]!;
  const { db, now } = context;
  if (!replace && db.lookupWrite(key, now) !== undefined) throw BUSY_KEY;
  const ttl = integer(args[2]!);
  if (ttl < 0) throw BAD_TTL;
  const value = restoreValue(args[3]!);
  if (value === null) throw BAD_PAYLOAD;
  const expireAt = ttl === 0 || absolute ? ttl : now + ttl;
  if (replace && db.lookupWrite(key, now) !== undefined) db.delete(key);
  if (expireAt !== 0 && expireAt <= now) return OK;
  db.set(key, value);
  if (idle >= 0 || frequency >= 0) {
    const { table } = db;
    const slot = table.find(key);
    table.setAccess(slot, context.keyspace.placeAccess(table.accessAt(slot), idle, frequency));
  }
  if (expireAt !== 0) db.setExpireAt(key, Math.min(expireAt, Number.MAX_SAFE_INTEGER));
  return OK;
}

export const dumpCommands: readonly DataCommand[] = [
  {
    name: 'dump',
    arity: 2,
    flags: ['readonly'],
    keys: { ...ONE_KEY, use: 'RO' },
    group: 'generic',
    since: '2.6.0',
    summary: 'Serialises the value of a key in the RDB format.',
    complexity: 'O(N) with N the size of the value',
    run: dump,
  },
  {
    name: 'restore',
    arity: -4,
    flags: ['write', 'denyoom'],
    keys: { ...ONE_KEY, use: 'OW' },
    group: 'generic',
    since: '2.6.0',
    summary: 'Makes a key from a value that DUMP serialised.',
    complexity: 'O(N) with N the size of the value; O(N log N) for sorted sets',
    run: restore,
  },
];
