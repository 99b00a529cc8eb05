// What follows from the members' digests at one index, as a table, and what is kept of them.

import { describe, expect, it } from 'vitest';
import type { Membership } from '../../../src/raft/types.js';
import { DigestComparison, type Verdict } from '../../../src/replica/digest-comparison.js';

function membership(voters: string, outgoing = '', learners = ''): Membership {
  // The roster, where there is one, is nothing to a comparison.
  return {
    ...({} as Membership),
    voters: [...voters],
    outgoing: [...outgoing],
    learners: [...learners],
  };
}

/** `digests`: member and its digest, one letter each; the own member is a. */
const TABLE: readonly [who: Membership, digests: string, Verdict][] = [
  [membership('a'), 'ax', 'agreed'],
  [membership('a'), '', 'open'],
  [membership('abc'), 'ax', 'open'],
  [membership('abc'), 'ax bx', 'agreed'],
  [membership('abc'), 'ax by', 'open'],
  [membership('abc'), 'ax by cy', 'differs'],
  [membership('abc'), 'ax by cx', 'agreed'],
  [membership('abc'), 'ax by cz', 'split'],
  [membership('abc'), 'bx cx', 'open'],
  [membership('ab'), 'ax by', 'split'],
  [membership('abcde'), 'ax by cy dx', 'open'],
  [membership('abcde'), 'ax by cy dx ey', 'differs'],
  // Learners are judged and do not judge.
  [membership('bc', '', 'a'), 'ax by cy', 'differs'],
  [membership('bc', '', 'a'), 'ax by cx', 'split'],
  [membership('abc', '', 'de'), 'ax dy ey', 'open'],
  // Joint: both halves have to say the same.
  [membership('abc', 'ade'), 'ax bx dx', 'agreed'],
  [membership('abc', 'ade'), 'ax by cy', 'open'],
  [membership('abc', 'ade'), 'ax by cy dy ey', 'differs'],
  [membership('abc', 'ade'), 'ax bx cx dy ey', 'split'],
];

describe('a verdict', () => {
  it.each(TABLE)('%o with %s is %s', (who, digests, verdict) => {
    const comparison = new DigestComparison('a');
    for (const item of digests.split(' ').filter((text) => text !== '')) {
      comparison.note(item[0]!, 7, item[1]!);
      comparison.note(item[0]!, 6, '?');
    }
    expect(comparison.verdict(7, who)).toBe(verdict);
  });
});

describe('what is kept', () => {
  it('is the first word of each member, of its last few indexes', () => {
    const comparison = new DigestComparison('a');
    for (let index = 1; index <= 100; index++) comparison.note('b', index, `d${index}`);
    comparison.note('b', 100, 'another');
    expect(comparison.digestOf('b', 100)).toBe('d100');
    expect(comparison.digestOf('b', 97)).toBe('d97');
    expect(comparison.digestOf('b', 96)).toBeNull();
    comparison.note('a', 9, 'x');
    expect(comparison.newestOwn).toBe(9);
    comparison.forget((id) => id === 'b');
    expect(comparison.newestOwn).toBe(0);
    expect(comparison.digestOf('b', 100)).toBe('d100');
  });
});
