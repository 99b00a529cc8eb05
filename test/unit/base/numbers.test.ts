// Owns: text to number and back: strict integers, doubles as strtod, doubles as Redis 7.2 prints
// them.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  addInt64,
  formatDouble,
  formatShortest,
  parseDouble,
  parseInt64,
  parseSafeInteger,
} from '../../../src/base/numbers.js';

describe('integers', () => {
  it('reads every int64 in canonical form', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (value) => {
        const parsed = parseInt64(String(value));
        expect(BigInt(parsed!)).toBe(value);
        expect(typeof parsed).toBe(Number.isSafeInteger(Number(value)) ? 'number' : 'bigint');
      }),
    );
  });

  it.each([
    '',
    '-',
    '+1',
    '01',
    '-0',
    '1.0',
    ' 1',
    '1 ',
    '9223372036854775808',
    '-9223372036854775809',
  ])('refuses %j', (text) => {
    expect(parseInt64(text)).toBeNull();
    expect(parseSafeInteger(text)).toBeNull();
  });

  it('adds within int64 and refuses beyond', () => {
    expect(addInt64(Number.MAX_SAFE_INTEGER, 2)).toBe(9007199254740993n);
    expect(addInt64(9007199254740993n, -9007199254740993n)).toBe(0);
    expect(addInt64(2n ** 63n - 1n, 1)).toBeNull();
    expect(addInt64(-(2n ** 63n), -1)).toBeNull();
  });
});

describe('doubles', () => {
  it('read back what they print', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true }), (value) => {
        expect(parseDouble(formatDouble(value))).toBe(value);
        expect(parseDouble(formatShortest(value))).toBe(value);
      }),
    );
  });

  it.each([
    [3, '3'],
    [0.1, '0.1'],
    [1e17, '100000000000000000'],
    [1e20, '1e+20'],
    [123456789012345680000, '123456789012345680000'],
    [1e-7, '1e-7'],
    [0.00001, '0.00001'],
    [-1.5, '-1.5'],
    [Number.POSITIVE_INFINITY, 'inf'],
    [-0, '-0'],
  ])('%d prints as %s', (value, text) => {
    expect(formatDouble(value)).toBe(text);
  });

  it('refuses what strtod would not take whole, or finds out of range', () => {
    for (const text of [
      '',
      'x',
      '1x',
      ' 1',
      'nan',
      '1e400',
      '-1e400',
      '1e-400',
      '0x',
      '0x1p5000',
    ]) {
      expect(parseDouble(text)).toBeNull();
    }
    expect(parseDouble('0e-400')).toBe(0);
    expect(parseDouble('0x1.8p1')).toBe(3);
    expect(parseDouble('-0x10')).toBe(-16);
    expect(parseDouble('0x20000000000001')).toBe(2 ** 53);
    expect(parseDouble('+Infinity')).toBe(Number.POSITIVE_INFINITY);
  });
});
