// Owns: SCAN, KEYS, RANDOMKEY and DBSIZE where Redis cannot be the judge: inside scripts, where
// nothing may depend on slots, and between calls.

import { describe, expect, it } from 'vitest';
import { Rng } from '../../../src/base/rng.js';
import { parseCursor } from '../../../src/commands/scan.js';
import { ErrorReply } from '../../../src/resp/reply.js';
import { Subject } from '../../compat/subject.js';

/** The same keys in another order of slots. */
function subjectWith(keys: readonly string[]): Subject {
  const subject = new Subject();
  for (const key of keys) subject.execute(['set', key, '']);
  subject.inScript = true;
  return subject;
}

describe('inside a script', () => {
  const one = subjectWith(['b', 'a', 'd', 'c']);
  const other = subjectWith(['d', 'c', 'b', 'a']);

  it('keys come sorted and SCAN answers all at once', () => {
    expect(one.execute(['keys', '*'])).toEqual(['a', 'b', 'c', 'd']);
    expect(one.execute(['scan', '0', 'count', '1'])).toEqual(['0', ['a', 'b', 'c', 'd']]);
    expect(other.execute(['scan', '2', 'match', '[bc]'])).toEqual(['0', ['b', 'c']]);
  });

  it('RANDOMKEY depends on the seed alone', () => {
    const seen = new Set<unknown>();
    for (let seed = 0; seed < 50; seed++) {
      one.rng = new Rng(seed);
      other.rng = new Rng(seed);
      const key = one.execute(['randomkey']);
      expect(other.execute(['randomkey'])).toBe(key);
      seen.add(key);
    }
    expect(seen.size).toBe(4);
    expect(subjectWith([]).execute(['randomkey'])).toBeNull();
  });

  it('DBSIZE leaves out keys that are dead and not reclaimed', () => {
    const subject = subjectWith(['a', 'b']);
    subject.execute(['pexpire', 'a', '5']);
    subject.now += 10;
    expect(subject.execute(['dbsize'])).toBe(1);
    subject.inScript = false;
    expect(subject.execute(['dbsize'])).toBe(2);
  });
});

describe('SCAN', () => {
  it('bounds the work of a call, also over empty slots', () => {
    const subject = new Subject();
    for (let i = 0; i < 1000; i++) subject.execute(['set', `k${i}`, '']);
    for (let i = 0; i < 900; i++) subject.execute(['del', `k${i}`]);
    const [cursor, keys] = subject.execute(['scan', '0', 'count', '5']) as [string, string[]];
    expect(cursor).toBe('50');
    expect(keys).toEqual([]);
    const [next, found] = subject.execute(['scan', '900', 'count', '5']) as [string, string[]];
    expect(next).toBe('905');
    expect(found).toHaveLength(5);
  });

  it('ends for cursors beyond every slot', () => {
    const subject = new Subject();
    subject.execute(['set', 'a', '']);
    for (const cursor of ['7', '-1', '18446744073709551615']) {
      expect(subject.execute(['scan', cursor])).toEqual(['0', []]);
    }
  });
});

describe('parseCursor', () => {
  it('reads what strtoul reads', () => {
    expect(parseCursor('')).toBe(0);
    expect(parseCursor('+12')).toBe(12);
    for (const text of ['x', '1x', ' 1', '-', '18446744073709551616']) {
      expect(() => parseCursor(text)).toThrow(expect.any(ErrorReply) as never);
    }
  });
});
