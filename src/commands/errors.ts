// Owns: the error texts that several commands share, letter for letter as Redis 7.2 sends them.

import { ErrorReply } from '../resp/reply.js';

export const WRONG_TYPE = new ErrorReply(
  'WRONGTYPE Operation against a key holding the wrong kind of value',
);
export const SYNTAX = new ErrorReply('ERR syntax error');
export const NOT_INTEGER = new ErrorReply('ERR value is not an integer or out of range');
export const NOT_POSITIVE = new ErrorReply('ERR value is out of range, must be positive');
export const NOT_FLOAT = new ErrorReply('ERR value is not a valid float');
export const NOT_FLOAT_RANGE = new ErrorReply('ERR min or max is not a float');
export const OVERFLOW = new ErrorReply('ERR increment or decrement would overflow');
export const NAN_OR_INFINITY = new ErrorReply('ERR increment would produce NaN or Infinity');
export const NO_SUCH_KEY = new ErrorReply('ERR no such key');
export const INDEX_OUT_OF_RANGE = new ErrorReply('ERR index out of range');
export const STRING_TOO_LONG = new ErrorReply(
  'ERR string exceeds maximum allowed size (proto-max-bulk-len)',
);
export const DATABASE_OUT_OF_RANGE = new ErrorReply('ERR DB index is out of range');
export const SAME_OBJECT = new ErrorReply('ERR source and destination objects are the same');

export function wrongArity(name: string): ErrorReply {
  return new ErrorReply(`ERR wrong number of arguments for '${name}' command`);
}

export function invalidExpire(name: string): ErrorReply {
  return new ErrorReply(`ERR invalid expire time in '${name}' command`);
}
