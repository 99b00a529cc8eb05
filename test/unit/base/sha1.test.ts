// Owns: SHA-1 compared with node:crypto over every length around the block size.

import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { hexadecimal, sha1Bytes, sha1Hex } from '../../../src/base/sha1.js';

function reference(bytes: Uint8Array): string {
  return createHash('sha1').update(bytes).digest('hex');
}

describe('sha1', () => {
  it('agrees with node:crypto for all lengths to 300 and a long text', () => {
    for (const length of [...Array(300).keys(), 100_000]) {
      const bytes = Uint8Array.from({ length }, (_, i) => (i * 31 + length * 7) & 255);
      expect(hexadecimal(sha1Bytes(bytes))).toBe(reference(bytes));
      expect(sha1Hex(Buffer.from(bytes).toString('latin1'))).toBe(reference(bytes));
    }
  });
});
