// Owns: how many bytes Redis's listpack would need for an element. Helios keeps no listpacks; it
// needs their sizes because the encoding of a list (OBJECT ENCODING) changes at a number of bytes.

import { parseInt64 } from '../base/numbers.js';

/** Header (total bytes, count) and terminator of an empty listpack. */
export const LISTPACK_EMPTY_BYTES = 7;

/** Integers up to this size need so many bytes: [from, to, bytes]. */
const INTEGER_SIZES: readonly (readonly [from: number, to: number, bytes: number])[] = [
  [0, 127, 1],
  [-4096, 4095, 2],
  [-32_768, 32_767, 3],
  [-8_388_608, 8_388_607, 4],
  [-2_147_483_648, 2_147_483_647, 5],
];

/** Bytes of one element with its back length. */
export function listpackEntryBytes(text: string): number {
  const size = integerSize(text) ?? stringSize(text.length);
  return size + backLengthSize(size);
}

function integerSize(text: string): number | null {
  const length = text.length;
  if (length === 0 || length > 20 || text.charCodeAt(length - 1) > 57) return null;
  const value = parseInt64(text);
  if (value === null) return null;
  for (const [from, to, bytes] of INTEGER_SIZES) {
    if (value >= from && value <= to) return bytes;
  }
  return 9;
}

function stringSize(length: number): number {
  if (length < 64) return 1 + length;
  return length < 4096 ? 2 + length : 5 + length;
}

function backLengthSize(size: number): number {
  if (size <= 127) return 1;
  if (size < 16_383) return 2;
  if (size < 2_097_151) return 3;
  return size < 268_435_455 ? 4 : 5;
}
