// Owns: what SELECT accepts as a database number, for SELECT itself and for transactions that contain it.

import { parseInt64 } from '../base/numbers.js';
import { NOT_INTEGER } from '../commands/errors.js';
import { DATABASE_COUNT } from '../keyspace/keyspace.js';
import { ErrorReply } from '../resp/reply.js';

const OUT_OF_RANGE = new ErrorReply('ERR DB index is out of range');

/** The database, or the error Redis answers. Redis reads a C int here. */
export function parseDatabase(text: string): number | ErrorReply {
  const value = parseInt64(text);
  if (typeof value !== 'number' || Math.abs(value) > 2 ** 31) return NOT_INTEGER;
  return value >= 0 && value < DATABASE_COUNT ? value : OUT_OF_RANGE;
}
