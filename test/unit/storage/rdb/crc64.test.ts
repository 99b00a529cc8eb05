// The checksum of RDB files against known values.

import { describe, expect, it } from 'vitest';
import { Rng } from '../../../../src/base/rng.js';
import { Crc64 } from '../../../../src/storage/rdb/crc64.js';

/** Bit by bit, as the definition says: the independent second opinion. */
function slowly(bytes: Uint8Array): bigint {
  let crc = 0n;
  for (const byte of bytes) {
    crc ^= BigInt(byte);
    for (let bit = 0; bit < 8; bit++) crc = (crc >> 1n) ^ (crc & 1n ? 0x95ac9329ac4bc9b5n : 0n);
  }
  return crc;
}

describe('crc64', () => {
  it('gives the check value of the Jones polynomial', () => {
    const crc = new Crc64();
    crc.update(Buffer.from('123456789'));
    expect(crc.digest().readBigUInt64LE()).toBe(0xe9c6d914c4b8d9can);
  });

  it('agrees with the definition for any split', () => {
    const rng = new Rng(5);
    for (let length = 0; length < 70; length++) {
      const bytes = Buffer.from(Array.from({ length }, () => rng.below(256)));
      const crc = new Crc64();
      const cut = rng.below(length + 1);
      crc.update(bytes, 0, cut);
      crc.update(bytes, cut);
      expect(crc.digest().readBigUInt64LE()).toBe(slowly(bytes));
    }
  });
});
