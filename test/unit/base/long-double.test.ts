// Owns: the extended-precision sum by known results. Agreement with Redis at random is
// test/compat/strings.test.ts.

import { describe, expect, it } from 'vitest';
import { addLongDouble, isFiniteLongDouble, isLongDouble } from '../../../src/base/long-double.js';

const LARGEST = '1.18973149535723176502e4932';

describe('addLongDouble', () => {
  it.each([
    ['0', '0', '0'],
    ['10.50', '0.1', '10.6'],
    ['5.0e3', '2.0e2', '5200'],
    ['0.1', '0.2', '0.3'],
    ['1', '-1', '0'],
    ['-0.0', '0', '0'],
    ['3', '-1.1', '1.9'],
    ['1e-17', '0', '0.00000000000000001'],
    ['-1e-18', '0', '0'],
    ['17179869184', '1.5', '17179869185.5'],
    ['9007199254740993', '1', '9007199254740994'],
    ['18446744073709551615', '1', '18446744073709551616'],
    ['18446744073709551616', '1', '18446744073709551616'],
    ['18446744073709551616', '1.000000000000000001', '18446744073709551618'],
    ['18446744073709551616', '3', '18446744073709551620'],
    ['0x10', '0x.8p1', '17'],
    ['0.00000000000000000000001', '1', '1'],
  ])('%s + %s = %s', (a, b, sum) => {
    expect(addLongDouble(a, b)).toBe(sum);
    expect(addLongDouble(b, a)).toBe(sum);
  });

  it('tells overflow and infinities from numbers', () => {
    expect(addLongDouble(LARGEST, LARGEST)).toBeNull();
    expect(addLongDouble('inf', '1')).toBeNull();
    expect(isLongDouble('-inf')).toBe(true);
    expect(isFiniteLongDouble('-inf')).toBe(false);
    expect(isFiniteLongDouble(LARGEST)).toBe(true);
    expect(isLongDouble('1.19e4932')).toBe(false);
    expect(isLongDouble('1e-5000')).toBe(false);
    expect(isLongDouble('1e99999999999999999999')).toBe(false);
  });

  it.each(['', ' 1', '1 ', 'nan', '.', 'e1', '1e', '+-1', '0x', '1\0', '1,5', '१'])(
    'refuses %j',
    (text) => {
      expect(isLongDouble(text)).toBe(false);
      expect(addLongDouble(text, '1')).toBeNull();
    },
  );
});
