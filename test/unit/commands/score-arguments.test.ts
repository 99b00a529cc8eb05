// Range arguments of sorted set commands: bounds, infinities, what is refused.

import { describe, expect, it } from 'vitest';
import { memberRange, scoreArgument, scoreRange } from '../../../src/commands/score-arguments.js';
import { SortedSetValue } from '../../../src/keyspace/sorted-set.js';
import { ErrorReply } from '../../../src/resp/reply.js';

const scores = SortedSetValue.restore(
  [-Infinity, -1, 0, 1, 1.5, 2, Infinity].map((score, i) => [`m${i}`, score] as const),
  'listpack',
);
const names = SortedSetValue.restore(
  ['', 'a', 'ab', 'b', '\xff'].map((name) => [name, 1] as const),
  'listpack',
);

function thrown(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof ErrorReply) return error.text;
    throw error;
  }
  return '';
}

describe('scoreRange', () => {
  it.each([
    ['-inf', '+inf', 0, 7],
    ['(-inf', '(inf', 1, 6],
    ['1', '2', 3, 6],
    ['(1', '(2', 4, 5],
    ['-0', '0', 2, 3],
    ['', '', 2, 3],
    ['(', '1', 3, 4],
    [' 1', '\t1', 3, 4],
    ['1e400', '1e400', 6, 7],
    ['-1e-400', '1e-400', 2, 3],
    ['0x1', '1\0ignored', 3, 4],
  ])('from %j to %j', (min, max, start, end) => {
    expect(scoreRange(min, max)(scores)).toEqual({ start, end });
  });

  it('is empty when turned around', () => {
    const { start, end } = scoreRange('2', '1')(scores);
    expect(end - start).toBeLessThanOrEqual(0);
  });

  it.each(['x', '1x', '1 ', 'nan', '((1', ' ', '[1'])('refuses %j', (bound) => {
    expect(thrown(() => scoreRange(bound, '1'))).toBe('ERR min or max is not a float');
    expect(thrown(() => scoreRange('1', bound))).toBe('ERR min or max is not a float');
  });
});

describe('memberRange', () => {
  it.each([
    ['-', '+', 0, 5],
    ['[a', '[b', 1, 4],
    ['(a', '(b', 2, 3],
    ['[', '(', 0, 0],
    ['[aa', '+', 2, 5],
    ['+', '+', 5, 5],
    ['-', '-', 0, 0],
    ['[\xff', '+', 4, 5],
  ])('from %j to %j', (min, max, start, end) => {
    expect(memberRange(min, max)(names)).toEqual({ start, end });
  });

  it.each(['', 'a', '-x', '++'])('refuses %j', (bound) => {
    const text = 'ERR min or max not valid string range item';
    expect(thrown(() => memberRange(bound, '+'))).toBe(text);
  });
});

describe('scoreArgument', () => {
  it('takes doubles and infinities only', () => {
    expect(scoreArgument('-2.5e3')).toBe(-2500);
    expect(scoreArgument('+Infinity')).toBe(Number.POSITIVE_INFINITY);
    for (const text of ['', ' 1', '1 ', 'nan', '1e400', '1e-400', 'x']) {
      expect(thrown(() => scoreArgument(text))).toBe('ERR value is not a valid float');
    }
  });
});
