// Owns: proof that doubles print digit for digit as in Redis 7.2 (base/grisu.ts), over all
// magnitudes and lengths.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formatDouble } from '../../src/base/numbers.js';
import { Rng } from '../../src/base/rng.js';
import { Bench, hasOracle } from './harness.js';

const EDGES = [5e-324, Number.MAX_VALUE, 2 ** -1022, 2 ** -1023, 0.5, 2 ** 52 - 0.5, 1e21, 0.1];

/** Random bits, decimals of few digits, even spread, powers of two: each finds other borders. */
function sample(rng: Rng, kind: number): number {
  if (kind === 0) {
    const bits = new DataView(new ArrayBuffer(8));
    bits.setUint32(0, rng.uint32());
    bits.setUint32(4, rng.uint32());
    return bits.getFloat64(0);
  }
  if (kind === 1) return Math.round(rng.float() * 10 ** rng.below(16)) / 10 ** rng.below(23);
  if (kind === 2) return (rng.float() - 0.5) * 10 ** (rng.below(40) - 20);
  return (1 + 2 * rng.below(2)) * 2 ** (rng.below(2090) - 1070);
}

describe.skipIf(!hasOracle)('doubles against redis-server', () => {
  let bench: Bench;
  beforeAll(async () => {
    bench = await Bench.start();
  });
  afterAll(() => bench.stop());

  it('print the same digits', async () => {
    if (!bench.oracle.isCurrent) {
      console.warn('redis-server before 7.2 prints doubles with 17 digits: skipped');
      return;
    }
    const rng = new Rng(51);
    for (let round = 0; round < 8; round++) {
      const values = [...EDGES];
      while (values.length < 5000) {
        const value = sample(rng, round % 4);
        if (Number.isFinite(value)) values.push(value);
      }
      const replies = await bench.oracle.send(
        values.flatMap((value) => [
          ['zadd', 'z', String(value), 'm'],
          ['zscore', 'z', 'm'],
        ]),
      );
      const theirs = values.map((_, i) => replies[2 * i + 1]!.text);
      expect(values.map(formatDouble)).toEqual(theirs);
    }
  });
});
