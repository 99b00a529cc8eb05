// Owns: what a key may hold, and the names Redis uses for it.
// Small strings are latin1 JavaScript strings (one byte a character, see architecture D16);
// integers that came out of INCR and its kin are numbers (always safe integers in canonical form);
// a string edited in place is a RawString.

import type { HashValue } from './hash.js';
import type { ListValue } from './list.js';
import type { RawString } from './raw-string.js';
import type { SetValue } from './set.js';
import type { SortedSetValue } from './sorted-set.js';

export type StringValue = string | number | RawString;
export type CollectionValue = HashValue | ListValue | SetValue | SortedSetValue;
export type Value = StringValue | CollectionValue;

/** As TYPE prints it. */
export type TypeName = 'string' | 'list' | 'set' | 'zset' | 'hash';

export function typeName(value: Value): TypeName {
  if (typeof value === 'string' || typeof value === 'number') return 'string';
  return value.type;
}

/**
 * Base of every value that is mutated in place. `bytes` is the value's own running estimate of its
 * memory; `accounted` is what the database has counted so far (Database.touch settles the
 * difference).
 */
export abstract class MutableValue {
  abstract readonly type: TypeName;
  bytes = 0;
  accounted = 0;
}
