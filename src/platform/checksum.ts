// Owns: CRC-32 (IEEE 802.3, as in zlib). Here because the fast implementation is Node's.

import { crc32 as zlibCrc32 } from 'node:zlib';

/** CRC-32 of `bytes`, continuing from `seed` (the CRC of what came before; 0 to begin). Result in [0, 2^32). */
export function crc32(bytes: Uint8Array, seed = 0): number {
  return zlibCrc32(bytes, seed);
}
