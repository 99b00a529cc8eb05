// Owns: the numbers of the RDB format (Redis 7.2 rdb.h) and the error of a file that breaks it.

import { OperationalError } from '../../base/errors.js';

/**
 * Written: what redis-server 7.0 reads; 7.2 reads it too. Set listpacks (11) are therefore never
 * written.
 */
export const RDB_VERSION = 10;
/** Highest read. */
export const RDB_VERSION_MAX = 11;

export const OPCODE = {
  function2: 245,
  functionPre: 246,
  moduleAux: 247,
  idle: 248,
  freq: 249,
  aux: 250,
  resizeDb: 251,
  expireMs: 252,
  expireSeconds: 253,
  selectDb: 254,
  eof: 255,
} as const;

export const TYPE = {
  string: 0,
  list: 1,
  set: 2,
  zset: 3,
  hash: 4,
  zset2: 5,
  hashZipmap: 9,
  listZiplist: 10,
  setIntset: 11,
  zsetZiplist: 12,
  hashZiplist: 13,
  listQuicklist: 14,
  hashListpack: 16,
  zsetListpack: 17,
  listQuicklist2: 18,
  setListpack: 20,
} as const;

/** Types of values Helios does not hold, by number, for the message. */
export const UNSUPPORTED_TYPES: ReadonlyMap<number, string> = new Map([
  [6, 'module (pre-release)'],
  [7, 'module'],
  [15, 'stream'],
  [19, 'stream'],
  [21, 'stream'],
]);

/** AUX before a key: a value whose encoding its RDB type and size do not tell. Redis skips it. */
export const ENCODING_HINT = 'helios-encoding';

/**
 * AUX behind SELECTDB: slot count and free slots of the database's table, four bytes each, little
 * endian.
 */
export const LAYOUT = 'helios-layout';

/** AUX behind the last key: digest and number of the keys, as `%016x N`. Redis skips it. */
export const DIGEST = 'helios-digest';

export class RdbError extends OperationalError {
  /** Byte offset in the file. */
  readonly offset: number;

  /** Code E_RDB. `what` completes "the RDB file is not usable at offset N: ...". */
  constructor(offset: number, what: string) {
    super('E_RDB', `the RDB data is not usable at offset ${offset}: ${what}`);
    this.offset = offset;
  }
}
