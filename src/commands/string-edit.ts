// Owns: what edits of a part of a string share: its length, its bytes, and the form that can be
// edited.

import { RawString } from '../keyspace/raw-string.js';
import type { StringValue } from '../keyspace/value.js';
import { textOf } from './access.js';

/**
 * Longest string in bytes: what a JavaScript string can hold, 24 short of the 512 MB where Redis
 * stops.
 */
export const STRING_BYTES_MAX = 2 ** 29 - 24;

export function lengthOf(value: StringValue): number {
  return value instanceof RawString ? value.length : textOf(value).length;
}

/**
 * The value as one that is edited in place; empty for none. Store it with Database.replace when the
 * edit is done, also when it is the object that was there.
 */
export function editRaw(value: StringValue | undefined): RawString {
  if (value instanceof RawString) return value;
  return new RawString(value === undefined ? '' : textOf(value));
}

/** The bytes, to be read only and before the next edit. */
export function bytesOf(value: StringValue): Buffer {
  return value instanceof RawString ? value.view() : Buffer.from(textOf(value), 'latin1');
}
