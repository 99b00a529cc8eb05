// Owns: what SELECT accepts as a database number, for SELECT itself and for transactions that
// contain it.

import { parseInt64 } from '../base/numbers.js';
import { NOT_INTEGER } from '../commands/errors.js';
import { DATABASE_COUNT } from '../keyspace/keyspace.js';
import { ErrorReply } from '../resp/reply.js';

const INT_MAX = 2 ** 31 - 1;
const NO_INT = new ErrorReply(
  'ERR value is out of range, value must between -2147483648 and 2147483647',
);
const OUT_OF_RANGE = new ErrorReply('ERR DB index is out of range');

/** The database, or the error Redis answers. Redis reads a C int here. */
export function parseDatabase(text: string): number | ErrorReply {
  const value = parseInt64(text);
  if (value === null) return NOT_INTEGER;
  if (typeof value !== 'number' || value > INT_MAX || value < -INT_MAX - 1) return NO_INT;
  return value >= 0 && value < DATABASE_COUNT ? value : OUT_OF_RANGE;
}
