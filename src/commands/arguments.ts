// Owns: argument parsing that several families share. Each throws the error Redis would answer.

import { parseDouble, parseInt64, parseSafeInteger } from '../base/numbers.js';
import type { ErrorReply } from '../resp/reply.js';
import { NOT_FLOAT, NOT_INTEGER, SYNTAX } from './errors.js';

/** An int64 argument. */
export function int64(text: string, error: ErrorReply = NOT_INTEGER): number | bigint {
  const value = parseInt64(text);
  if (value === null) throw error;
  return value;
}

/**
 * An int64 argument that serves as index, count or offset: values beyond +-(2^53 - 1) saturate, since nothing
 * Helios holds is that long.
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
