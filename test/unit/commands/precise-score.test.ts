// Scores as the older printer of Redis shows them, digit for digit.

import { describe, expect, it } from 'vitest';
import { formatPrecise } from '../../../src/commands/precise-score.js';

describe('formatPrecise', () => {
  /** The right column is what printf("%.17g") of C gives. */
  it.each([
    [0, '0'],
    [-0, '-0'],
    [3, '3'],
    [-2.5, '-2.5'],
    [0.1, '0.10000000000000001'],
    [1 / 3, '0.33333333333333331'],
    [1e-4, '0.0001'],
    [1e-5, '1.0000000000000001e-05'],
    [123456789012345680, '1.2345678901234568e+17'],
    [12345678901234568, '12345678901234568'],
    [1e16, '10000000000000000'],
    [1e17, '1e+17'],
    [1e100, '1e+100'],
    [5e-324, '4.9406564584124654e-324'],
    [-1.7976931348623157e308, '-1.7976931348623157e+308'],
    [Number.POSITIVE_INFINITY, 'inf'],
    [Number.NEGATIVE_INFINITY, '-inf'],
  ])('prints %d as %s', (value, text) => {
    expect(formatPrecise(value)).toBe(text);
  });
});
