// Leadership handed over: to whom, and what ends the attempt.

import { describe, expect, it } from 'vitest';
import { membershipOf } from '../../../src/raft/membership.js';
import { ELECTION, Group, Member, voters } from './group.js';

function ledByA(): Group {
  const group = Group.of('a', 'b', 'c');
  group.elect('a');
  group.propose('a', 'x');
  return group;
}

describe('leadership transfer', () => {
  it('moves to a named voter within a few messages, whatever the others remember', () => {
    const group = ledByA();
    expect(group.core('a').transferLeadership('c')).toBe(true);
    group.settle();
    expect([group.core('c').role, group.core('a').role]).toEqual(['leader', 'follower']);
    expect(group.core('a').leader).toBe('c');
  });

  it('without a name goes to the most caught-up voter that is there', () => {
    const group = ledByA();
    group.tick(1);
    group.isolate('b');
    group.propose('a', 'y');
    expect(group.core('a').transferLeadership(null)).toBe(true);
    group.settle();
    expect(group.core('c').role).toBe('leader');
  });

  it('waits until the target has everything, and takes no proposals meanwhile', () => {
    const group = ledByA();
    group.isolate('c');
    group.propose('a', 'y');
    group.core('a').transferLeadership('c');
    group.settle();
    expect(group.sentOf('timeoutNow')).toEqual([]);
    expect(group.core('a').propose('batch', 1, () => 'z')).toBeNull();
    expect(group.core('a').status().transferee).toBe('c');
    group.heal();
    group.tick(2);
    expect(group.core('c').role).toBe('leader');
    expect(group.bodies('c')).toEqual(['x', 'y']);
  });

  it('is given up after an election timeout', () => {
    const group = ledByA();
    group.isolate('c');
    group.propose('a', 'y');
    group.core('a').transferLeadership('c');
    group.tick(ELECTION, 'a', 'b');
    expect(group.core('a').role).toBe('leader');
    expect(group.core('a').propose('batch', 1, () => 'z')).not.toBeNull();
  });

  it('is refused to itself, to a stranger, to a learner, and by a follower', () => {
    const membership = membershipOf(['a', 'b'], ['c']);
    const group = new Group(...['a', 'b', 'c'].map((id) => new Member(id, membership)));
    group.elect('a');
    for (const to of ['a', 'x', 'c']) expect(group.core('a').transferLeadership(to)).toBe(false);
    expect(group.core('b').transferLeadership(null)).toBe(false);
    expect(Group.of('a').core('a').transferLeadership(null)).toBe(false);
  });

  it('is not taken up by a node that does not have the last entry durably', () => {
    const group = ledByA();
    const { core } = group.get('b');
    const order = { type: 'timeoutNow', from: 'a', to: 'b', term: 1 } as const;
    core.step({ ...order, lastIndex: 9, lastTerm: 1 });
    core.step({ ...order, lastIndex: 2, lastTerm: 7 });
    expect(core.role).toBe('follower');
    core.step({ ...order, lastIndex: 2, lastTerm: 1 });
    expect(core.role).toBe('candidate');
  });

  it('ends when its target leaves the voters', () => {
    const group = ledByA();
    group.isolate('c');
    group.propose('a', 'y');
    group.core('a').transferLeadership('c');
    group.tick(ELECTION, 'a', 'b');
    group.core('a').proposeMembership(['a', 'b'], []);
    group.settle();
    expect(group.core('a').transferLeadership('c')).toBe(false);
  });

  it('keeps the log as it is: a joint membership is not left meanwhile, but after', () => {
    const group = Group.of('a', 'b', 'c', 'd', 'e');
    group.elect('a');
    group.core('a').proposeMembership(['a', 'b', 'c'], []);
    group.get('b').holdDisk = true;
    group.core('a').transferLeadership('b');
    const joint = group.core('a').lastIndex;
    group.settle();
    expect(group.core('a').commitIndex).toBe(joint);
    expect(group.core('a').lastIndex).toBe(joint);
    group.flush('b');
    group.settle();
    expect(group.core('b').role).toBe('leader');
    expect(group.core('b').membership).toEqual(voters('a', 'b', 'c'));
  });

  it('that was given up lets the joint membership be left', () => {
    const group = Group.of('a', 'b', 'c', 'd', 'e');
    group.elect('a');
    group.core('a').proposeMembership(['a', 'b', 'c'], []);
    group.get('b').holdDisk = true;
    group.core('a').transferLeadership('b');
    group.settle();
    expect(group.core('a').membership.outgoing).toHaveLength(5);
    group.tick(ELECTION, 'a', 'c', 'd', 'e');
    expect(group.core('a').membership).toEqual(voters('a', 'b', 'c'));
  });
});
