// Owns: a second, independent value equal to the first (COPY): same elements, order and encoding.

import { HashValue } from '../keyspace/hash.js';
import { ListValue } from '../keyspace/list.js';
import { RawString } from '../keyspace/raw-string.js';
import { SetValue } from '../keyspace/set.js';
import { SortedSetValue } from '../keyspace/sorted-set.js';
import type { Value } from '../keyspace/value.js';

export function copyOf(value: Value): Value {
  if (typeof value !== 'object') return value;
  if (value instanceof RawString) return new RawString(value.toString());
  if (value instanceof HashValue) return HashValue.restore(value, value.encoding);
  if (value instanceof ListValue) return ListValue.restore(value, value.encoding);
  if (value instanceof SetValue) return SetValue.restore(value, value.encoding);
  return SortedSetValue.restore(value, value.encoding);
}
