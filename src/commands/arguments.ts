// Owns: argument parsing that several families share. Each throws the error Redis would answer.

import { parseDouble, parseInt64, parseSafeInteger } from '../base/numbers.js';
import type { Database } from '../keyspace/database.js';
import { DATABASE_COUNT } from '../keyspace/keyspace.js';
import { ErrorReply } from '../resp/reply.js';
import { DATABASE_OUT_OF_RANGE, NOT_FLOAT, NOT_INTEGER, SYNTAX } from './errors.js';
import type { CommandContext } from './spec.js';

/** An int64 argument. */
export function int64(text: string, error: ErrorReply = NOT_INTEGER): number | bigint {
  const value = parseInt64(text);
  if (value === null) throw error;
  return value;
}

/**
 * An int64 argument that serves as index, count or offset: values beyond +-(2^53 - 1) saturate,
 * since nothing Helios holds is that long.
 */
export function integer(text: string, error: ErrorReply = NOT_INTEGER): number {
  const small = parseSafeInteger(text);
  if (small !== null) return small;
  const value = parseInt64(text);
  if (value === null) throw error;
  return value > 0 ? Number.MAX_SAFE_INTEGER : -Number.MAX_SAFE_INTEGER;
}

/** A finite or infinite double; NaN is refused. */
export function double(text: string, error: ErrorReply = NOT_FLOAT): number {
  const value = parseDouble(text);
  if (value === null) throw error;
  return value;
}

/** An option's argument that must be there. */
export function argument(args: readonly string[], at: number): string {
  const value = args[at];
  if (value === undefined) throw SYNTAX;
  return value;
}

const INT32_RANGE = new ErrorReply(
  'ERR value is out of range, value must between -2147483648 and 2147483647',
);

/**
 * A 32-bit integer (database numbers); `rangeError` instead of Redis's own text for one that is too
 * large.
 */
export function int32(
  text: string,
  error: ErrorReply = NOT_INTEGER,
  rangeError?: ErrorReply,
): number {
  const value = integer(text, error);
  if (value < -(2 ** 31) || value >= 2 ** 31) throw rangeError ?? INT32_RANGE;
  return value;
}

/** The database of an argument that names one by number. */
export function database(context: CommandContext, text: string): Database {
  const index = int32(text);
  if (index < 0 || index >= DATABASE_COUNT) throw DATABASE_OUT_OF_RANGE;
  return context.keyspace.database(index);
}
