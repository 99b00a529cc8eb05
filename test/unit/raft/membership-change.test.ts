// Changes of membership through the log: joint steps, learners, a leader that removes itself.

import { describe, expect, it } from 'vitest';
import { membershipOf } from '../../../src/raft/membership.js';
import { ELECTION, entries, Group, Member, voters } from './group.js';

const NOBODY = membershipOf([], []);

/** A group of a, b, c led by a, and nodes that belong to nobody yet. */
function groupWith(...others: string[]): Group {
  const abc = voters('a', 'b', 'c');
  const members = ['a', 'b', 'c'].map((id) => new Member(id, abc));
  const group = new Group(...members, ...others.map((id) => new Member(id, NOBODY)));
  group.elect('a');
  return group;
}

function change(group: Group, leader: string, to: string[], learners: string[] = []) {
  const result = group.core(leader).proposeMembership(to, learners);
  group.settle();
  group.tick(3);
  return result;
}

describe('the first entry of a log', () => {
  it('is the initial membership, so that who joins with nothing learns it', () => {
    const group = groupWith('d');
    change(group, 'a', ['a', 'b', 'c'], ['d']);
    expect(group.get('d').log[0]).toMatchObject({
      kind: 'config',
      membership: voters('a', 'b', 'c'),
    });
    expect(group.core('d').snapshotMeta(1).membership).toEqual(voters('a', 'b', 'c'));
  });
});

describe('a membership change', () => {
  it('adds a learner, which gets everything and counts for nothing', () => {
    const group = groupWith('d');
    group.propose('a', 'x');
    expect(change(group, 'a', ['a', 'b', 'c'], ['d'])).toMatchObject({ kind: 'config' });
    expect(group.bodies('d')).toEqual(['x']);
    group.isolate('b', 'c');
    const before = group.core('a').commitIndex;
    group.propose('a', 'y');
    expect(group.core('a').commitIndex).toBe(before);
  });

  it('of one voter is one step', () => {
    const group = groupWith('d');
    change(group, 'a', ['a', 'b', 'c', 'd']);
    const configs = group.get('d').log.filter(({ kind }) => kind === 'config');
    expect(configs.map(({ membership }) => membership)).toEqual([
      voters('a', 'b', 'c'),
      voters('a', 'b', 'c', 'd'),
    ]);
  });

  it('of several voters goes through the joint membership and leaves it once', () => {
    const group = groupWith('d', 'e');
    change(group, 'a', ['a', 'd', 'e']);
    const configs = group
      .get('a')
      .log.filter(({ kind }) => kind === 'config')
      .slice(1);
    expect(configs.map(({ membership }) => membership)).toEqual([
      { ...voters('a', 'd', 'e'), outgoing: ['a', 'b', 'c'] },
      voters('a', 'd', 'e'),
    ]);
    group.isolate('b', 'c');
    group.propose('a', 'x');
    expect(group.bodies('d')).toEqual(['x']);
  });

  it('needs both halves while it is joint', () => {
    const group = groupWith('d', 'e');
    group.isolate('d', 'e');
    const before = group.core('a').commitIndex;
    change(group, 'a', ['a', 'd', 'e']);
    expect(group.core('a').commitIndex).toBe(before);
    expect(group.core('a').membership.outgoing).toEqual(['a', 'b', 'c']);
    group.heal();
    group.tick(5);
    expect(group.core('a').membership).toEqual(voters('a', 'd', 'e'));
  });

  it('left half-way by one leader is finished by the next', () => {
    const group = groupWith('d', 'e');
    group.core('a').proposeMembership(['b', 'd', 'e'], []);
    group.deliver();
    group.isolate('a');
    group.tick(6 * ELECTION);
    group.heal();
    group.tick(6 * ELECTION);
    const leader = ['b', 'c', 'd', 'e'].find((id) => group.core(id).role === 'leader')!;
    expect(group.core(leader).membership).toEqual(voters('b', 'd', 'e'));
  });

  it('is in force when appended and taken back with its entry', () => {
    const group = groupWith();
    group.isolate('a');
    group.core('a').proposeMembership(['a', 'b'], []);
    group.settle();
    expect(group.core('a').membership).toEqual(voters('a', 'b'));
    group.tick(3 * ELECTION, 'b', 'c');
    group.heal();
    group.tick(3);
    expect(group.core('a').membership).toEqual(voters('a', 'b', 'c'));
  });

  it.each([
    ['b', ['a', 'b'], 'not leader'],
    ['a', [], 'no voters would remain'],
    ['a', ['c', 'b', 'a'], 'nothing to change'],
  ])('proposed at %s as %j is refused: %s', (at, to, reason) => {
    expect(groupWith().core(at).proposeMembership(to, [])).toBe(reason);
  });

  it('is refused while another is open, while leadership moves, and in a fresh term', () => {
    const group = groupWith();
    group.isolate('a');
    const { core } = group.get('a');
    core.proposeMembership(['a', 'b'], []);
    expect(core.proposeMembership(['a'], [])).toBe('another change is in progress');
    const second = groupWith();
    second.isolate('b', 'c');
    second.core('a').propose('batch', 1, () => 'x');
    second.core('a').transferLeadership('b');
    expect(second.core('a').proposeMembership(['a'], [])).toBe('leadership is being transferred');
    const abc = voters('a', 'b', 'c');
    const third = new Group(...['a', 'b', 'c'].map((id) => new Member(id, abc, {}, entries(1))));
    third.lose('append');
    third.elect('a');
    expect(third.core('a').proposeMembership(['a'], [])).toBe(
      'leader has not committed in its term yet',
    );
  });

  it('that removes the leader makes it hand over and step down', () => {
    const group = groupWith();
    change(group, 'a', ['b', 'c']);
    expect(group.core('a').role).toBe('follower');
    const leaders = ['b', 'c'].filter((id) => group.core(id).role === 'leader');
    expect(leaders).toHaveLength(1);
    group.tick(5 * ELECTION);
    expect(group.core('a').role).toBe('follower');
    expect(group.core(leaders[0]!).role).toBe('leader');
  });

  it('that removes the leader hands over also while entries are on the way', () => {
    const group = groupWith();
    group.core('a').proposeMembership(['b', 'c'], []);
    group.collect();
    group.core('a').propose('batch', 10, () => 'x');
    // Only the acknowledgement of the membership arrives, so nobody has the whole log yet.
    group.loses = ({ type, ...rest }) =>
      type === 'appendResponse' && 'index' in rest && rest.index > 2;
    group.settle();
    expect(group.core('a').role).toBe('leader');
    expect(group.core('a').status().transferee).not.toBe('');
    group.heal();
    group.tick(2);
    expect(group.core('a').role).toBe('follower');
    expect([group.core('b').role, group.core('c').role]).toContain('leader');
    expect(group.bodies('b')).toEqual(['x']);
  });

  it('that removes the leader ends its leadership also when nobody can take over', () => {
    const group = groupWith();
    group.core('a').proposeMembership(['b', 'c'], []);
    group.collect();
    group.core('a').propose('batch', 10, () => 'x');
    group.loses = ({ type, ...rest }) =>
      type === 'appendResponse' && 'index' in rest && rest.index > 2;
    group.settle();
    group.tick(ELECTION - 1, 'a');
    expect(group.core('a').role).toBe('leader');
    group.tick(1, 'a');
    expect(group.core('a').role).toBe('follower');
  });

  it('that removes the leader is not counted by the leader itself', () => {
    const group = groupWith();
    group.isolate('c');
    group.core('a').proposeMembership(['b', 'c'], []);
    group.settle();
    group.tick(2);
    expect(group.core('a').commitIndex).toBe(1);
  });

  it('that only the node it removes has can still be brought to its end by that node', () => {
    const ab = voters('a', 'b');
    const group = new Group(new Member('a', ab), new Member('b', ab));
    group.elect('a');
    group.isolate('a');
    group.core('a').proposeMembership(['b'], []);
    group.settle();
    group.tick(3 * ELECTION);
    group.heal();
    group.tick(6 * ELECTION);
    expect(group.core('b').role).toBe('leader');
    expect(group.core('b').membership).toEqual(voters('b'));
  });

  it.each([[['a', 'b']], [['a']]])('to %j tells those who leave', (left) => {
    const group = groupWith();
    change(group, 'a', left);
    expect(group.core('c').membership).toEqual(voters(...left));
    group.tick(10 * ELECTION);
    expect([group.core('a').role, group.core('a').term]).toEqual(['leader', 1]);
  });

  it('demotes a voter to a learner', () => {
    const group = groupWith('d');
    change(group, 'a', ['a', 'b', 'd'], ['c']);
    const { core } = group.get('a');
    expect(core.membership).toEqual(membershipOf(['a', 'b', 'd'], ['c']));
    expect(core.status().peers.map(({ id, learner }) => [id, learner])).toEqual([
      ['b', false],
      ['c', true],
      ['d', false],
    ]);
  });
});

describe('someone who is no member', () => {
  it('neither votes nor acknowledges', () => {
    const group = groupWith('d');
    group.core('b').campaign();
    group.isolate('a', 'b', 'c');
    const { core } = group.get('a');
    group.core('a').propose('batch', 1, () => 'x');
    group.settle();
    const commit = core.commitIndex;
    for (const from of ['d', 'e', 'f']) {
      core.step({
        type: 'appendResponse',
        from,
        to: 'a',
        term: 1,
        accepted: true,
        index: 2,
        hintIndex: 0,
        hintTerm: 0,
      });
      core.step({
        type: 'appendResponse',
        from,
        to: 'a',
        term: 99,
        accepted: false,
        index: 2,
        hintIndex: 0,
        hintTerm: 0,
      });
    }
    group.settle();
    expect([core.commitIndex, core.term, core.role]).toEqual([commit, 1, 'leader']);
  });
});
