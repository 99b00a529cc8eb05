// Owns: OBJECT and MEMORY USAGE: what can be told about how a value is kept.
// Encodings are the names a Redis of the same content shows; what is behind them here is in
// keyspace/.

import { parseInt64 } from '../base/numbers.js';
import type { AccessReading } from '../keyspace/keyspace.js';
import { keyBytes, valueBytes } from '../keyspace/memory.js';
import { RawString } from '../keyspace/raw-string.js';
import type { Value } from '../keyspace/value.js';
import { ErrorReply, type Reply, SimpleString } from '../resp/reply.js';
import { textOf } from './access.js';
import { argument, integer } from './arguments.js';
import { SYNTAX } from './errors.js';
import { type CommandContext, type DataCommand, NO_KEYS } from './spec.js';

type Args = readonly string[];

/** Longest text Redis keeps inside the object itself. */
const EMBEDDED_BYTES_MAX = 44;
/** Redis shares the objects of small integers and shows this count for them. */
const SHARED_REFERENCES = 2147483647;
const SHARED_INTEGERS = 10_000;

const SWITCH_NOTE =
  'Please note that when switching between policies at runtime LRU and LFU data will take ' +
  'some time to adjust.';
const LFU_SELECTED = new ErrorReply(
  `ERR An LFU maxmemory policy is selected, idle time not tracked. ${SWITCH_NOTE}`,
);
const LFU_NOT_SELECTED = new ErrorReply(
  `ERR An LFU maxmemory policy is not selected, access frequency not tracked. ${SWITCH_NOTE}`,
);

function textEncoding(text: string): string {
  if (text.length <= 20 && parseInt64(text) !== null) return 'int';
  return text.length <= EMBEDDED_BYTES_MAX ? 'embstr' : 'raw';
}

/**
 * As OBJECT ENCODING prints it. An edited string is `raw` until a snapshot reloads it; a script,
 * whose writes may depend on the answer, sees what its content alone implies.
 */
export function encodingOf(value: Value, inScript: boolean): string {
  if (typeof value === 'number') return 'int';
  if (typeof value === 'string') return textEncoding(value);
  if (value instanceof RawString) return inScript ? textEncoding(value.toString()) : 'raw';
  return value.encoding;
}

function encoding(context: CommandContext, args: Args): Reply {
  const value = context.db.peek(args[2]!, context.now);
  return value === undefined ? null : encodingOf(value, context.inScript);
}

function refcount(context: CommandContext, args: Args): Reply {
  const value = context.db.peek(args[2]!, context.now);
  if (value === undefined) return null;
  if (typeof value === 'object' || textEncoding(textOf(value)) !== 'int') return 1;
  const number = Number(value);
  return number >= 0 && number < SHARED_INTEGERS ? SHARED_REFERENCES : 1;
}

function reading(context: CommandContext, key: string): AccessReading | null {
  if (!context.db.has(key, context.now)) return null;
  const { table } = context.db;
  return context.keyspace.readAccess(table.accessAt(table.find(key)));
}

function idletime(context: CommandContext, args: Args): Reply {
  const access = reading(context, args[2]!);
  if (access === null) return null;
  if (access.kind === 'frequency') throw LFU_SELECTED;
  return access.seconds;
}

function freq(context: CommandContext, args: Args): Reply {
  const access = reading(context, args[2]!);
  if (access === null) return null;
  if (access.kind !== 'frequency') throw LFU_NOT_SELECTED;
  return access.count;
}

const HELP = [
  'OBJECT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:',
  'ENCODING <key>',
  '    How the value is kept.',
  'FREQ <key>',
  '    Logarithmic count of uses, under an LFU policy.',
  'IDLETIME <key>',
  '    Seconds since the last use, unless under an LFU policy.',
  'REFCOUNT <key>',
  '    References to the value.',
  'HELP',
  '    This text.',
].map((line) => new SimpleString(line));

function usage(context: CommandContext, args: Args): Reply {
  for (let i = 3; i < args.length; i++) {
    if (args[i]!.toLowerCase() !== 'samples') throw SYNTAX;
    if (integer(argument(args, ++i)) < 0) throw SYNTAX;
  }
  const value = context.db.peek(args[2]!, context.now);
  return value === undefined ? null : keyBytes(args[2]!) + valueBytes(value);
}

const ABOUT_KEY = {
  arity: 3,
  flags: ['readonly'],
  keys: { first: 2, last: 2, step: 1, use: 'RO' },
  group: 'generic',
  complexity: 'O(1)',
} as const;

export const objectCommands: readonly DataCommand[] = [
  {
    ...ABOUT_KEY,
    name: 'object|encoding',
    since: '2.2.3',
    summary: 'Names the representation of a value.',
    run: encoding,
  },
  {
    ...ABOUT_KEY,
    name: 'object|freq',
    since: '4.0.0',
    summary: 'Tells the logarithmic use count of a key.',
    run: freq,
  },
  {
    ...ABOUT_KEY,
    name: 'object|idletime',
    since: '2.2.3',
    summary: 'Tells the seconds since a key was last used.',
    run: idletime,
  },
  {
    ...ABOUT_KEY,
    name: 'object|refcount',
    since: '2.2.3',
    summary: 'Tells how many references a value has.',
    run: refcount,
  },
  {
    name: 'object|help',
    arity: 2,
    flags: ['loading', 'stale'],
    keys: NO_KEYS,
    group: 'generic',
    since: '6.2.0',
    summary: 'Lists the subcommands of OBJECT.',
    complexity: 'O(1)',
    run: () => HELP,
  },
  {
    ...ABOUT_KEY,
    name: 'memory|usage',
    arity: -3,
    group: 'server',
    since: '4.0.0',
    summary: 'Estimates the bytes a key and its value take.',
    run: usage,
  },
];
