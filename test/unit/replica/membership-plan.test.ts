// Goal: what a leader changes by itself is right for what it knows: a whole first roster, addresses
// that move, newcomers and lost disks as learners first, voters only when caught up; and nothing
// that would leave the voters without a majority.

import { describe, expect, it } from 'vitest';
import { membershipOf } from '../../../src/raft/membership.js';
import type { Membership, RosterMember } from '../../../src/raft/types.js';
import {
  firstRoster,
  type MemberFacts,
  planChange,
  type SeenMember,
} from '../../../src/replica/membership-plan.js';

const row = (id: string, uuid = `${id}-1`, promote = true): RosterMember => {
  return { id, uuid, address: `${id}:1`, promote };
};
const seen = (id: string, uuid = `${id}-1`, more: Partial<SeenMember> = {}): SeenMember => {
  return { uuid, address: `${id}:1`, admitted: true, fresh: true, ...more };
};

function membership(voters: string, learners = '', rows?: RosterMember[], removed: string[] = []) {
  const members = rows ?? [...voters, ...learners].map((id) => row(id));
  return membershipOf([...voters], [...learners], { clusterId: 'C', members, removed });
}

/** Everyone is there and is who the roster says, but for `differ`. */
function factsFor(differ: Readonly<Record<string, Partial<MemberFacts>>> = {}) {
  return (id: string): MemberFacts => {
    const known = { seen: seen(id), alive: true, caughtUp: true, reachedAt: '' };
    return { ...known, knownAddress: `${id}:0`, ...differ[id] };
  };
}

const plan = (of: Membership, differ = {}, clusterId = '') =>
  planChange(of, factsFor(differ), clusterId);

describe('the first roster', () => {
  it('has everybody, with the UUIDs of those that were seen', () => {
    const facts = factsFor({ b: { seen: null, alive: false } });
    expect(firstRoster(membershipOf(['a', 'b'], []), facts, 'C')).toEqual({
      clusterId: 'C',
      members: [row('a'), { ...row('b', ''), address: 'b:0' }],
      removed: [],
    });
  });

  it('of an older log counts full members only, and waits to be told', () => {
    const old = membershipOf(['a', 'b', 'c'], []);
    const differ = { c: { seen: seen('c', 'c-2', { admitted: false }) } };
    expect(plan(old, differ)).toBeNull();
    expect(plan(old, differ, 'C')).toMatchObject({
      voters: ['a', 'b', 'c'],
      roster: { clusterId: 'C', members: [row('a'), row('b'), row('c', '')] },
    });
  });
});

describe('a leader', () => {
  it('leaves everything as it is when all is well, and while a joint step is open', () => {
    expect(plan(membership('abc'))).toBeNull();
    const joint = { ...membership('abc', 'd'), outgoing: ['a'] };
    expect(plan(joint)).toBeNull();
  });

  it('follows a member to its new address', () => {
    const moved = { b: { seen: seen('b', 'b-1', { address: 'b:2' }) } };
    expect(plan(membership('abc'), moved)).toMatchObject({
      voters: ['a', 'b', 'c'],
      roster: { members: [row('a'), { ...row('b'), address: 'b:2' }, row('c')], removed: [] },
    });
  });

  it('does not believe in a move while the member answers where it was', () => {
    const elsewhere = { seen: seen('b', 'b-1', { address: 'b:2' }), reachedAt: 'b:1' };
    expect(plan(membership('abc'), { b: elsewhere })).toBeNull();
  });

  const lost = { seen: seen('c', 'c-2', { admitted: false }), alive: false };

  it('takes a lost disk back as a learner, never again with the UUID before', () => {
    expect(plan(membership('abc'), { c: lost })).toMatchObject({
      voters: ['a', 'b'],
      learners: ['c'],
      roster: { members: [row('a'), row('b'), row('c', 'c-2')], removed: ['c-1'] },
    });
  });

  it('takes in a voter that was never seen as a learner: it may have lost what it promised', () => {
    const rows = [row('a'), row('b'), row('c', '')];
    expect(plan(membership('abc', '', rows), { c: lost })).toMatchObject({
      voters: ['a', 'b'],
      learners: ['c'],
      roster: { removed: [] },
    });
  });

  it.each<[string, Membership, Readonly<Record<string, Partial<MemberFacts>>>]>([
    ['the one before is still there', membership('abc'), { c: { ...lost, alive: true } }],
    [
      'it is gone again',
      membership('abc'),
      { c: { ...lost, seen: { ...lost.seen, fresh: false } } },
    ],
    [
      'it is a full member elsewhere',
      membership('abc'),
      { c: { ...lost, seen: seen('c', 'c-2') } },
    ],
    ['its UUID was removed', membership('abc', '', undefined, ['c-2']), { c: lost }],
    ['the others have no majority', membership('abc'), { c: lost, b: { alive: false } }],
  ])('does not, when %s', (_, of, differ) => {
    expect(plan(of, differ)).toBeNull();
  });

  it('makes a learner that caught up a voter, one at a time', () => {
    expect(plan(membership('a', 'bc'))).toMatchObject({ voters: ['a', 'b'], learners: ['c'] });
  });

  it.each<[string, Partial<MemberFacts>, boolean]>([
    ['is behind', { caughtUp: false }, true],
    ['is silent', { alive: false }, true],
    ['is to stay one', {}, false],
  ])('leaves a learner that %s', (_, differ, promote) => {
    const of = membership('a', 'b', [row('a'), row('b', 'b-1', promote)]);
    expect(plan(of, { b: differ })).toBeNull();
  });
});
