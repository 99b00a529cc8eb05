// Owns: CRC-32 (IEEE 802.3, as in zlib) and SHA-256. Here because the fast implementations are
// Node's.

import { createHash } from 'node:crypto';
import { crc32 as zlibCrc32 } from 'node:zlib';

/**
 * CRC-32 of `bytes`, continuing from `seed` (the CRC of what came before; 0 to begin). Result in
 * [0, 2^32).
 */
export function crc32(bytes: Uint8Array, seed = 0): number {
  return zlibCrc32(bytes, seed);
}

/** SHA-256 (FIPS 180-4) of a latin1 string, as 64 hexadecimal digits. */
export function sha256(text: string): string {
  return createHash('sha256').update(text, 'latin1').digest('hex');
}
