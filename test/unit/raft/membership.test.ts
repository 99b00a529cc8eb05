// Membership as values: joint states, steps between two of them, what was in force when.

import { describe, expect, it } from 'vitest';
import {
  allMembers,
  isJoint,
  isVoter,
  leaveJoint,
  MembershipHistory,
  membershipOf,
  stepTowards,
} from '../../../src/raft/membership.js';
import type { Membership } from '../../../src/raft/types.js';

const of = (voters: string, learners = ''): Membership => membershipOf([...voters], [...learners]);
const at = (index: number, membership: Membership) => ({ index, term: 1, membership });

describe('membership', () => {
  it('is sorted, without duplicates, and a voter is no learner', () => {
    expect(of('cab', 'daad')).toMatchObject({
      voters: ['a', 'b', 'c'],
      outgoing: [],
      learners: ['d'],
    });
  });

  it.each([
    ['abc', 'abcd'],
    ['abc', 'ab'],
    ['abc', 'abc'],
    ['a', 'ab'],
  ])('moves from %s to %s directly: any two majorities meet', (from, to) => {
    expect(stepTowards(of(from), of(to, 'x'))).toEqual(of(to, 'x'));
  });

  it.each([
    ['abc', 'abd'],
    ['abc', 'abcde'],
    ['abc', 'a'],
    ['abc', 'def'],
  ])('moves from %s to %s through the joint membership', (from, to) => {
    const joint = stepTowards(of(from), of(to));
    expect(joint).toMatchObject({ voters: [...to], outgoing: [...from], learners: [] });
    expect(isJoint(joint)).toBe(true);
    expect(leaveJoint(joint)).toEqual(of(to));
  });

  it('counts a voter that is being demoted until the joint state is left', () => {
    const joint = stepTowards(of('abc'), of('ad', 'bc'));
    expect([isVoter(joint, 'b'), isVoter(leaveJoint(joint), 'b')]).toEqual([true, false]);
    expect(allMembers(joint)).toEqual(['a', 'b', 'c', 'd']);
  });
});

describe('MembershipHistory', () => {
  it('is in force from the entry on, and taken back with it', () => {
    const history = new MembershipHistory(at(0, of('a')));
    history.append(3, of('ab'));
    history.append(7, of('abc'));
    expect(history.current).toEqual(of('abc'));
    expect([2, 3, 6, 7, 9].map((index) => history.at(index).voters.length)).toEqual([
      1, 2, 2, 3, 3,
    ]);
    expect(history.truncateFrom(8)).toBe(false);
    expect(history.truncateFrom(7)).toBe(true);
    expect([history.current, history.currentIndex]).toEqual([of('ab'), 3]);
  });

  it('keeps the one in force at the point up to which it forgets', () => {
    const history = new MembershipHistory(at(0, of('a')));
    history.append(3, of('ab'));
    history.append(7, of('abc'));
    history.compactTo(5);
    expect([history.at(5), history.at(7)]).toEqual([of('ab'), of('abc')]);
  });

  it('is replaced by a snapshot, also an older membership for a newer one', () => {
    const history = new MembershipHistory(at(0, of('a')));
    history.append(9, of('abc'));
    history.resetTo(at(20, of('ab')));
    expect([history.current, history.currentIndex]).toEqual([of('ab'), 20]);
  });
});
