// Owns: the glob matcher by known cases. Its agreement with Redis on random patterns is
// test/compat/keyspace.test.ts.

import { describe, expect, it } from 'vitest';
import { globMatches } from '../../../src/base/glob.js';

const CASES: readonly [pattern: string, text: string, matches: boolean][] = [
  ['*', 'anything', true],
  ['*', '', false],
  ['', '', true],
  ['', 'a', false],
  ['a*', 'a', true],
  ['a**', 'a', true],
  ['a*c', 'abbbc', true],
  ['a*c', 'abbbcd', false],
  ['*a*b*', 'xxaxxbxx', true],
  ['*ab', 'aab', true],
  ['h?llo', 'hello', true],
  ['h?llo', 'hllo', false],
  ['h[ae]llo', 'hallo', true],
  ['h[^e]llo', 'hello', false],
  ['h[a-b]llo', 'hbllo', true],
  ['h[b-a]llo', 'hbllo', true],
  ['[a', 'a', true],
  ['[^', 'a', true],
  ['[', 'a', false],
  ['[]', 'a', false],
  ['a\\*', 'a*', true],
  ['a\\*', 'ab', false],
  ['a\\', 'a\\', true],
  ['[\\]]', ']', true],
];

describe('globMatches', () => {
  it.each(CASES)('%j on %j is %j', (pattern, text, matches) => {
    expect(globMatches(pattern, text)).toBe(matches);
  });

  it('folds ASCII letters when told to', () => {
    expect(globMatches('MAX*', 'maxmemory', true)).toBe(true);
    expect(globMatches('[A-C]x', 'bX', true)).toBe(true);
    expect(globMatches('MAX*', 'maxmemory')).toBe(false);
  });

  it('answers at once on patterns made to be slow', () => {
    const started = performance.now();
    expect(globMatches(`${'a*'.repeat(900)}b`, 'a'.repeat(20_000))).toBe(false);
    expect(globMatches(`${'*?'.repeat(500)}b`, 'a'.repeat(20_000))).toBe(false);
    expect(globMatches('a*'.repeat(1002), 'a'.repeat(2000))).toBe(false);
    expect(performance.now() - started).toBeLessThan(2000);
  });
});
