// Owns: the plain string commands: reading, storing, several keys at once, and edits of a part.
// Counters are in counters.ts, LCS in lcs.ts. SET and GETEX share their options with
// set-options.ts.
// A string keeps the form it was sent in; only edits of a part (APPEND, SETRANGE) make it a
// RawString.

import { RawString } from '../keyspace/raw-string.js';
import { ErrorReply, OK, type Reply } from '../resp/reply.js';
import { editString, readString, readStringValue, textOf } from './access.js';
import { integer } from './arguments.js';
import { counterCommands } from './counters.js';
import { futureDeadline } from './deadlines.js';
import { STRING_TOO_LONG, wrongArity } from './errors.js';
import { lcsCommand } from './lcs.js';
import { GETEX_OPTIONS, optionDeadline, parseOptions, SET_OPTIONS } from './set-options.js';
import { type CommandContext, type DataCommand, ONE_KEY } from './spec.js';
import { editRaw, lengthOf, STRING_BYTES_MAX } from './string-edit.js';

type Args = readonly string[];

const OFFSET_OUT_OF_RANGE = new ErrorReply('ERR offset is out of range');

function get(context: CommandContext, args: Args): Reply {
  return readString(context, args[1]!) ?? null;
}

function set(context: CommandContext, args: Args): Reply {
  const key = args[1]!;
  if (args.length === 3) {
    context.db.set(key, args[2]!);
    return OK;
  }
  const options = parseOptions(SET_OPTIONS, args, 3);
  const at = optionDeadline('set', options, context.now);
  const old = options.get ? (readString(context, key) ?? null) : null;
  const found = options.get ? old !== null : context.db.has(key, context.now);
  if (options.condition === (found ? 'nx' : 'xx')) return old;
  store(context, key, args[2]!, at, options.expiry === 'keepttl');
  return options.get ? old : OK;
}

/** Stores a value with an expiry (0 for none), or with the one it had. */
function store(
  context: CommandContext,
  key: string,
  value: string,
  at: number,
  keepExpiry: boolean,
): void {
  const { db } = context;
  if (at !== 0) {
    db.replace(key, value);
    db.setExpireAt(key, at);
  } else if (keepExpiry) {
    // A dead key's expiry must not outlive it.
    db.lookupWrite(key, context.now);
    db.replace(key, value);
  } else {
    db.set(key, value);
  }
}

function setnx(context: CommandContext, args: Args): Reply {
  if (context.db.has(args[1]!, context.now)) return 0;
  context.db.set(args[1]!, args[2]!);
  return 1;
}

function setex(context: CommandContext, args: Args): Reply {
  const at = futureDeadline('setex', args[2]!, 1000, context.now);
  store(context, args[1]!, args[3]!, at, false);
  return OK;
}

function psetex(context: CommandContext, args: Args): Reply {
  const at = futureDeadline('psetex', args[2]!, 1, context.now);
  store(context, args[1]!, args[3]!, at, false);
  return OK;
}

function getset(context: CommandContext, args: Args): Reply {
  const old = readString(context, args[1]!) ?? null;
  context.db.set(args[1]!, args[2]!);
  return old;
}

function getdel(context: CommandContext, args: Args): Reply {
  const old = readString(context, args[1]!);
  if (old === undefined) return null;
  context.db.delete(args[1]!);
  return old;
}

function getex(context: CommandContext, args: Args): Reply {
  const key = args[1]!;
  const options = parseOptions(GETEX_OPTIONS, args, 2);
  const value = readString(context, key);
  if (value === undefined) return null;
  const at = optionDeadline('getex', options, context.now);
  if (options.expiry === 'persist') context.db.persist(key);
  else if (at !== 0 && at <= context.now) context.db.delete(key);
  else if (at !== 0) context.db.setExpireAt(key, at);
  return value;
}

function mget(context: CommandContext, args: Args): Reply {
  const values: (string | null)[] = [];
  for (let i = 1; i < args.length; i++) {
    const value = context.db.lookup(args[i]!, context.now);
    const isString = typeof value !== 'object' || value instanceof RawString;
    values.push(value === undefined || !isString ? null : textOf(value));
  }
  return values;
}

function setPairs(context: CommandContext, args: Args): void {
  for (let i = 1; i < args.length; i += 2) context.db.set(args[i]!, args[i + 1]!);
}

function mset(context: CommandContext, args: Args): Reply {
  if (args.length % 2 === 0) throw wrongArity('mset');
  setPairs(context, args);
  return OK;
}

function msetnx(context: CommandContext, args: Args): Reply {
  if (args.length % 2 === 0) throw wrongArity('msetnx');
  for (let i = 1; i < args.length; i += 2) {
    if (context.db.has(args[i]!, context.now)) return 0;
  }
  setPairs(context, args);
  return 1;
}

function append(context: CommandContext, args: Args): Reply {
  const key = args[1]!;
  const text = args[2]!;
  const value = editString(context, key);
  if (value === undefined) {
    context.db.set(key, text);
    return text.length;
  }
  if (lengthOf(value) + text.length > STRING_BYTES_MAX) throw STRING_TOO_LONG;
  const raw = editRaw(value);
  raw.append(text);
  context.db.replace(key, raw);
  return raw.length;
}

function strlen(context: CommandContext, args: Args): Reply {
  const value = readStringValue(context, args[1]!);
  return value === undefined ? 0 : lengthOf(value);
}

function getrange(context: CommandContext, args: Args): Reply {
  let start = integer(args[2]!);
  let end = integer(args[3]!);
  const value = readStringValue(context, args[1]!);
  if (value === undefined || (start < 0 && end < 0 && start > end)) return '';
  const length = lengthOf(value);
  if (start < 0) start = Math.max(0, length + start);
  if (end < 0) end = Math.max(0, length + end);
  end = Math.min(end, length - 1);
  if (start > end) return '';
  if (value instanceof RawString) return value.slice(start, end + 1);
  return textOf(value).slice(start, end + 1);
}

function setrange(context: CommandContext, args: Args): Reply {
  const key = args[1]!;
  const text = args[3]!;
  const offset = integer(args[2]!);
  if (offset < 0) throw OFFSET_OUT_OF_RANGE;
  const value = editString(context, key);
  if (text.length === 0) return value === undefined ? 0 : lengthOf(value);
  if (offset + text.length > STRING_BYTES_MAX) throw STRING_TOO_LONG;
  const raw = editRaw(value);
  raw.write(offset, text);
  context.db.replace(key, raw);
  return raw.length;
}

const READ = { keys: { ...ONE_KEY, use: 'RO' }, group: 'string' } as const;
const WRITE = { keys: { ...ONE_KEY, use: 'RW' }, group: 'string' } as const;
const OVERWRITE = { keys: { ...ONE_KEY, use: 'OW' }, group: 'string' } as const;
const PAIRS = { keys: { first: 1, last: -1, step: 2, use: 'OW' }, group: 'string' } as const;

const plainCommands: readonly DataCommand[] = [
  {
    ...READ,
    name: 'get',
    arity: 2,
    flags: ['readonly', 'fast'],
    since: '1.0.0',
    summary: 'Reads the string under a key.',
    complexity: 'O(1)',
    run: get,
  },
  {
    ...WRITE,
    name: 'set',
    arity: -3,
    flags: ['write', 'denyoom'],
    since: '1.0.0',
    summary: 'Stores a string, optionally with an expiry or only if the key is there or not.',
    complexity: 'O(1)',
    run: set,
  },
  {
    ...OVERWRITE,
    name: 'setnx',
    arity: 3,
    flags: ['write', 'denyoom', 'fast'],
    since: '1.0.0',
    summary: 'Stores a string if the key is not there yet.',
    complexity: 'O(1)',
    run: setnx,
  },
  {
    ...OVERWRITE,
    name: 'setex',
    arity: 4,
    flags: ['write', 'denyoom'],
    since: '2.0.0',
    summary: 'Stores a string that expires after some seconds.',
    complexity: 'O(1)',
    run: setex,
  },
  {
    ...OVERWRITE,
    name: 'psetex',
    arity: 4,
    flags: ['write', 'denyoom'],
    since: '2.6.0',
    summary: 'Stores a string that expires after some milliseconds.',
    complexity: 'O(1)',
    run: psetex,
  },
  {
    ...WRITE,
    name: 'getset',
    arity: 3,
    flags: ['write', 'denyoom', 'fast'],
    since: '1.0.0',
    summary: 'Stores a string and answers the one before.',
    complexity: 'O(1)',
    run: getset,
  },
  {
    ...WRITE,
    name: 'getdel',
    arity: 2,
    flags: ['write', 'fast'],
    since: '6.2.0',
    summary: 'Reads a string and removes its key.',
    complexity: 'O(1)',
    run: getdel,
  },
  {
    ...WRITE,
    name: 'getex',
    arity: -2,
    flags: ['write', 'fast'],
    since: '6.2.0',
    summary: 'Reads a string and sets or removes its expiry.',
    complexity: 'O(1)',
    run: getex,
  },
  {
    keys: { first: 1, last: -1, step: 1, use: 'RO' },
    group: 'string',
    name: 'mget',
    arity: -2,
    flags: ['readonly', 'fast'],
    since: '1.0.0',
    summary: 'Reads several strings at once.',
    complexity: 'O(N) in the number of keys',
    run: mget,
  },
  {
    ...PAIRS,
    name: 'mset',
    arity: -3,
    flags: ['write', 'denyoom'],
    since: '1.0.1',
    summary: 'Stores several strings at once.',
    complexity: 'O(N) in the number of keys',
    run: mset,
  },
  {
    ...PAIRS,
    name: 'msetnx',
    arity: -3,
    flags: ['write', 'denyoom'],
    since: '1.0.1',
    summary: 'Stores several strings if none of their keys is there yet.',
    complexity: 'O(N) in the number of keys',
    run: msetnx,
  },
  {
    ...WRITE,
    name: 'append',
    arity: 3,
    flags: ['write', 'denyoom', 'fast'],
    since: '2.0.0',
    summary: 'Adds text at the end of a string.',
    complexity: 'O(1) amortised',
    run: append,
  },
  {
    ...READ,
    name: 'strlen',
    arity: 2,
    flags: ['readonly', 'fast'],
    since: '2.2.0',
    summary: 'Tells how many bytes a string has.',
    complexity: 'O(1)',
    run: strlen,
  },
  {
    ...READ,
    name: 'getrange',
    arity: 4,
    flags: ['readonly'],
    since: '2.4.0',
    summary: 'Reads a part of a string.',
    complexity: 'O(N) in the length of the part',
    run: getrange,
  },
  {
    ...READ,
    name: 'substr',
    arity: 4,
    flags: ['readonly'],
    since: '1.0.0',
    summary: 'The old name of GETRANGE.',
    complexity: 'O(N) in the length of the part',
    run: getrange,
  },
  {
    ...WRITE,
    name: 'setrange',
    arity: 4,
    flags: ['write', 'denyoom'],
    since: '2.2.0',
    summary: 'Overwrites a part of a string, padding with zeros up to it.',
    complexity: 'O(N) in the length of the part',
    run: setrange,
  },
];

export const stringCommands: readonly DataCommand[] = [
  ...plainCommands,
  ...counterCommands,
  lcsCommand,
];
