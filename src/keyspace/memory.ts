// Owns: the estimate of what keys and values cost, in bytes. A fixed function of lengths, so every
// member counts the same and maxmemory means the same everywhere; MEMORY USAGE and
// used_memory_dataset print it.

import type { Value } from './value.js';

/** Map entry, slot in the key, value, expiry and access arrays. */
const SLOT_BYTES = 56;
/** Header and padding of a one-byte V8 string. */
const STRING_HEADER_BYTES = 16;

/** A latin1 string on the V8 heap: header and characters, padded to 8. */
export function stringBytes(text: string): number {
  return (STRING_HEADER_BYTES + text.length + 7) & ~7;
}

/** A key with its slot. */
export function keyBytes(key: string): number {
  return SLOT_BYTES + stringBytes(key);
}

/**
 * A value as it stands; a number lives in its slot (small) or in a heap number (large), counted
 * alike.
 */
export function valueBytes(value: Value): number {
  if (typeof value === 'string') return stringBytes(value);
  if (typeof value === 'number') return 16;
  return value.bytes;
}
