// Owns: INCR and its kin. Whole results are stored as numbers while they are safe integers, so that
// a counter is parsed once and not at each step.

import { addLongDouble, isLongDouble } from '../base/long-double.js';
import { addInt64, parseInt64 } from '../base/numbers.js';
import { ErrorReply, type Reply } from '../resp/reply.js';
import { editString, textOf } from './access.js';
import { int64 } from './arguments.js';
import { NAN_OR_INFINITY, NOT_FLOAT, NOT_INTEGER, OVERFLOW } from './errors.js';
import { type CommandContext, type DataCommand, ONE_KEY } from './spec.js';

type Args = readonly string[];

const DECREMENT_OVERFLOW = new ErrorReply('ERR decrement would overflow');
const INT64_MIN = -(2n ** 63n);

function add(context: CommandContext, key: string, amount: number | bigint): Reply {
  const value = editString(context, key);
  let old: number | bigint | null = 0;
  if (typeof value === 'number') old = value;
  else if (value !== undefined) old = parseInt64(textOf(value));
  if (old === null) throw NOT_INTEGER;
  const sum = addInt64(old, amount);
  if (sum === null) throw OVERFLOW;
  context.db.replace(key, typeof sum === 'number' ? sum : String(sum));
  return sum;
}

function incr(context: CommandContext, args: Args): Reply {
  return add(context, args[1]!, 1);
}

function decr(context: CommandContext, args: Args): Reply {
  return add(context, args[1]!, -1);
}

function incrby(context: CommandContext, args: Args): Reply {
  return add(context, args[1]!, int64(args[2]!));
}

function decrby(context: CommandContext, args: Args): Reply {
  const amount = int64(args[2]!);
  if (amount === INT64_MIN) throw DECREMENT_OVERFLOW;
  return add(context, args[1]!, amount === 0 ? 0 : -amount);
}

function incrbyfloat(context: CommandContext, args: Args): Reply {
  const value = editString(context, args[1]!);
  const old = value === undefined ? '0' : textOf(value);
  if (!isLongDouble(old) || !isLongDouble(args[2]!)) throw NOT_FLOAT;
  const sum = addLongDouble(old, args[2]!);
  if (sum === null) throw NAN_OR_INFINITY;
  context.db.replace(args[1]!, sum);
  return sum;
}

const COUNTER = {
  flags: ['write', 'denyoom', 'fast'],
  keys: { ...ONE_KEY, use: 'RW' },
  group: 'string',
  complexity: 'O(1)',
} as const;

export const counterCommands: readonly DataCommand[] = [
  {
    ...COUNTER,
    name: 'incr',
    arity: 2,
    since: '1.0.0',
    summary: 'Adds one to a whole number; a missing key counts as 0.',
    run: incr,
  },
  {
    ...COUNTER,
    name: 'decr',
    arity: 2,
    since: '1.0.0',
    summary: 'Takes one from a whole number; a missing key counts as 0.',
    run: decr,
  },
  {
    ...COUNTER,
    name: 'incrby',
    arity: 3,
    since: '1.0.0',
    summary: 'Adds a whole number to another; a missing key counts as 0.',
    run: incrby,
  },
  {
    ...COUNTER,
    name: 'decrby',
    arity: 3,
    since: '1.0.0',
    summary: 'Takes a whole number from another; a missing key counts as 0.',
    run: decrby,
  },
  {
    ...COUNTER,
    name: 'incrbyfloat',
    arity: 3,
    since: '2.6.0',
    summary: 'Adds a decimal number to another; a missing key counts as 0.',
    run: incrbyfloat,
  },
];
