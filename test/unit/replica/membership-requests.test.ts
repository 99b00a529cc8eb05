// Goal: an operator's request becomes the change it means, or is refused in words that say what to
// do: unknown ids, the last voter, a majority that would be gone, identities used before.

import { describe, expect, it } from 'vitest';
import { membershipOf } from '../../../src/raft/membership.js';
import type { Membership, RosterMember } from '../../../src/raft/types.js';
import type { MemberFacts } from '../../../src/replica/membership-plan.js';
import {
  type Newcomer,
  planAdd,
  planDemote,
  planPromote,
  planRemove,
  planReplace,
} from '../../../src/replica/membership-requests.js';

const row = (id: string, promote = true): RosterMember => {
  return { id, uuid: `${id}-1`, address: `${id}:1`, promote };
};

function group(voters: string, learners = '', stays = false): Membership {
  const members = [
    ...[...voters].map((id) => row(id)),
    ...[...learners].map((id) => row(id, !stays)),
  ];
  return membershipOf([...voters], [...learners], { clusterId: 'C', members, removed: ['x-1'] });
}

/** Everyone is there and level, but those named. */
function without(away = '', behind = '') {
  return (id: string): MemberFacts => ({
    seen: null,
    alive: !away.includes(id),
    caughtUp: !behind.includes(id),
    reachedAt: '',
    knownAddress: '',
  });
}

const newcomer = (id: string, more: Partial<Newcomer> = {}): Newcomer => {
  return { id, uuid: `${id}-1`, address: `${id}:1`, ...more };
};

describe('ADDPEER', () => {
  it('adds a learner that is to become a voter', () => {
    expect(planAdd(group('abc'), newcomer('d'))).toMatchObject({
      voters: ['a', 'b', 'c'],
      learners: ['d'],
      roster: { members: [row('a'), row('b'), row('c'), row('d')] },
    });
  });

  it.each<[string, Newcomer, RegExp]>([
    ['a member', newcomer('b'), /^b is a member already, at b:1$/],
    [
      'a member with other data',
      newcomer('b', { uuid: 'n' }),
      /another data directory.*REMOVEPEER b/,
    ],
    ['a removed UUID', newcomer('x'), /x was removed .*RAFT\.RESET x/],
    ["a member's directory", newcomer('d', { uuid: 'a-1' }), /d runs on the data directory of a/],
    ["a member's address", newcomer('d', { address: 'a:1' }), /a:1 is the address of a/],
  ])('refuses %s', (_, who, reason) => {
    expect(planAdd(group('abc'), who)).toMatch(reason);
  });

  it('keeps to a number of members that greetings can carry', () => {
    const many = [...'abcdefghijklmnopqrstuvwxyzABCDEF'].join('');
    expect(planAdd(group(many), newcomer('G'))).toMatch(/at most 32 members/);
  });
});

describe('REMOVEPEER', () => {
  it('removes a voter, a learner, and the leader', () => {
    expect(planRemove(group('abc', 'd'), without(), 'a')).toMatchObject({ voters: ['b', 'c'] });
    expect(planRemove(group('abc', 'd'), without('d'), 'd')).toMatchObject({ learners: [] });
  });

  it.each<[string, Membership, string, string, RegExp]>([
    ['an unknown id', group('abc'), '', 'z', /z is not a member; the members are a, b, c/],
    ['the last voter', group('a', 'b'), '', 'a', /a is the last voter: add another first/],
    [
      'what the rest needs',
      group('abc'),
      'b',
      'c',
      /without c .* a, b.* 2 are needed, and b cannot/,
    ],
  ])('refuses %s', (_, membership, away, id, reason) => {
    expect(planRemove(membership, without(away), id)).toMatch(reason);
  });

  it('removes a member that is gone: the others can do without it', () => {
    expect(planRemove(group('abc'), without('c'), 'c')).toMatchObject({ voters: ['a', 'b'] });
  });
});

describe('PROMOTE and DEMOTE', () => {
  it('move a member between voters and learners', () => {
    expect(planPromote(group('ab', 'c'), without(), 'c')).toMatchObject({
      voters: ['a', 'b', 'c'],
    });
    expect(planDemote(group('abc'), without(), 'c')).toMatchObject({
      voters: ['a', 'b'],
      learners: ['c'],
      roster: { members: [row('a'), row('b'), row('c', false)] },
    });
  });

  it('remember what a learner is to be, when it cannot be now or is one already', () => {
    expect(planPromote(group('ab', 'c', true), without('', 'c'), 'c')).toMatchObject({
      learners: ['c'],
      roster: { members: [row('a'), row('b'), row('c', true)] },
    });
    expect(planDemote(group('ab', 'c'), without(), 'c')).toMatchObject({
      roster: { members: [row('a'), row('b'), row('c', false)] },
    });
  });

  it.each<[string, unknown, RegExp]>([
    ['a voter', planPromote(group('ab'), without(), 'a'), /a is a voter already/],
    ['who is away', planPromote(group('ab', 'c'), without('c'), 'c'), /c cannot be reached/],
    ['who is behind', planPromote(group('ab', 'c'), without('', 'c'), 'c'), /not caught up/],
    ['an unknown id', planPromote(group('ab'), without(), 'z'), /z is not a member/],
    ['a learner for good', planDemote(group('a', 'b', true), without(), 'b'), /stays one/],
    ['the last voter', planDemote(group('a', 'b'), without(), 'a'), /a is the last voter/],
    ['what the rest needs', planDemote(group('abc'), without('b'), 'c'), /with c as a learner/],
  ])('refuse %s', (_, plan, reason) => {
    expect(plan).toMatch(reason);
  });
});

describe('REPLACE', () => {
  it('puts a node in the place of a member, also of one that is gone', () => {
    expect(planReplace(group('abc'), without('c'), 'c', newcomer('d'))).toMatchObject({
      voters: ['a', 'b', 'd'],
      learners: [],
    });
    expect(planReplace(group('ab', 'c'), without(), 'c', newcomer('d'))).toMatchObject({
      voters: ['a', 'b'],
      learners: ['d'],
    });
  });

  it('does not rest on the newcomer, which is empty', () => {
    const plan = planReplace(group('ab'), without(), 'b', newcomer('d'));
    expect(plan).toMatch(/still empty, for b .*Or add d first, and remove b/);
  });
});
