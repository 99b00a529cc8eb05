// Owns: turning the expiry arguments of SET, GETEX, EXPIRE and their kin into a moment in ms since
// 1970, with Redis's overflow rules (int64 arithmetic, before anything is changed).
// DIVERGES: moments beyond 2^53 - 1 ms (the year 287396) are stored as that.

import type { ErrorReply } from '../resp/reply.js';
import { int64 } from './arguments.js';
import { invalidExpire } from './errors.js';

const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;

/** Milliseconds per unit of the argument. */
export type TimeUnit = 1 | 1000;

/**
 * `text` times `unit` plus `base` (0 for absolute times, otherwise the replicated time), which may
 * lie in the past.
 * Throws when it is no integer or leaves int64.
 */
export function deadline(command: string, text: string, unit: TimeUnit, base: number): number {
  const value = int64(text);
  if (typeof value === 'number' && Math.abs(value) < 2 ** 43) return value * unit + base;
  return exactDeadline(BigInt(value), unit, base, invalidExpire(command));
}

/** The same for SET and GETEX, which refuse zero and negative arguments. */
export function futureDeadline(
  command: string,
  text: string,
  unit: TimeUnit,
  base: number,
): number {
  const value = int64(text);
  if (value <= 0) throw invalidExpire(command);
  if (typeof value === 'number' && value < 2 ** 43) return value * unit + base;
  return exactDeadline(BigInt(value), unit, base, invalidExpire(command));
}

function exactDeadline(value: bigint, unit: TimeUnit, base: number, error: ErrorReply): number {
  const scaled = value * BigInt(unit);
  if (scaled > INT64_MAX || scaled < INT64_MIN) throw error;
  const moment = scaled + BigInt(base);
  if (moment > INT64_MAX) throw error;
  const limit = Number.MAX_SAFE_INTEGER;
  return Math.max(-limit, Math.min(limit, Number(moment)));
}
