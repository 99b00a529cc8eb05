// Goal: a node that may have lost what it promised never helps a log to win that lacks it: it votes
// for an empty log only, or for nobody, and does not stand for election, until a membership with
// its own UUID is committed. What the old data directory had acknowledged counts for nothing.

import { describe, expect, it } from 'vitest';
import { membershipOf } from '../../../src/raft/membership.js';
import type { Admission, Membership, Roster } from '../../../src/raft/types.js';
import { ELECTION, Group, Member } from './group.js';

const IDS = ['a', 'b', 'c'];

function rosterOf(uuids: Readonly<Record<string, string>>, removed: string[] = []): Roster {
  const members = Object.entries(uuids).map(([id, uuid]) => {
    return { id, uuid, address: `${id}:1`, promote: true };
  });
  return { clusterId: 'cluster', members, removed };
}

/** A member with a UUID that nobody has admitted, on an empty disk. */
function stranger(id: string, uuid: string, admission: Admission = 'new'): Member {
  const member = new Member(id, membershipOf(IDS, []), { uuid });
  member.admission = admission;
  member.restart();
  return member;
}

/** Three new nodes; the first leader has seen those in `seen`. */
function fresh(seen: string[] = IDS): Group {
  const members = IDS.map((id) => stranger(id, `${id}-1`));
  const uuids = Object.fromEntries(IDS.map((id) => [id, seen.includes(id) ? `${id}-1` : '']));
  for (const member of members) member.firstRoster = () => rosterOf(uuids);
  return new Group(...members);
}

/** c loses its disk and comes back with another UUID. */
function wipe(group: Group, admission: Admission = 'new'): Member {
  const member = stranger('c', 'c-2', admission);
  group.members.set('c', member);
  return member;
}

const back = (learners: string[]): { voters: string[]; learners: string[]; roster: Roster } => ({
  voters: IDS.filter((id) => !learners.includes(id)),
  learners,
  roster: rosterOf({ a: 'a-1', b: 'b-1', c: 'c-2' }, ['c-1']),
});

function admissions(group: Group): Admission[] {
  return IDS.map((id) => group.core(id).admission);
}

describe('a new group', () => {
  it('elects on empty logs, and the first entry admits whom it knows', () => {
    const group = fresh(['a', 'b']);
    group.elect('a');
    expect(admissions(group)).toEqual(['admitted', 'admitted', 'new']);
    expect(group.get('c').log[0]?.membership?.roster.members[2]?.uuid).toBe('');
  });

  it('goes on when all end before anything is known to be committed', () => {
    const group = fresh();
    group.lose('appendResponse');
    group.core('a').campaign();
    group.settle();
    for (const id of IDS) group.get(id).restart();
    group.heal();
    group.elect('b');
    expect(group.core('b').commitIndex).toBeGreaterThan(0);
  });

  it('remembers over a restart that it was admitted', () => {
    const group = fresh();
    group.elect('a');
    const member = group.get('b');
    expect(member.admission).toBe('admitted');
    member.log = [];
    member.restart();
    expect(member.core.admission).toBe('admitted');
  });
});

describe('a node that lost its disk', () => {
  /** a and c have an entry that b lacks; then c is wiped and a is away. */
  function afterLoss(admission: Admission): Group {
    const group = fresh();
    group.elect('a');
    group.isolate('b');
    group.propose('a', 'acknowledged');
    expect(group.bodies('c')).toEqual(['acknowledged']);
    wipe(group, admission);
    group.forget();
    group.isolate('a');
    return group;
  }

  it.each(['new', 'joining'] as const)('gives no vote to a log with entries (%s)', (admission) => {
    const group = afterLoss(admission);
    group.tick(8 * ELECTION);
    expect([group.core('b').role, group.core('c').role]).not.toContain('leader');
    expect(
      group.sentOf('voteResponse').filter(({ from, granted }) => from === 'c' && granted),
    ).toEqual([]);
  });

  it('would lose the entry if it were taken for a full member', () => {
    const group = afterLoss('admitted');
    group.tick(8 * ELECTION);
    expect(group.core('b').role).toBe('leader');
    expect(group.bodies('b')).toEqual([]);
  });

  it('does not stand with the part of the log it has got back', () => {
    const group = afterLoss('new');
    group.heal();
    const old = group.get('a').log[0]!;
    const member = stranger('c', 'c-2');
    member.log = [old];
    member.hardState = { term: old.term, vote: '' };
    member.restart();
    group.members.set('c', member);
    expect(member.core.admission).toBe('new');
    member.core.campaign();
    expect(member.core.role).toBe('follower');
  });

  it('votes for an empty log: it may be at the beginning of a group', () => {
    const member = stranger('c', 'c-2');
    const group = new Group(member);
    member.core.step({
      ...{ type: 'vote', from: 'a', to: 'c', term: 1 },
      ...{ lastIndex: 0, lastTerm: 0, transfer: false, voterUuid: '' },
    });
    group.collect();
    expect(group.sentOf('voteResponse')).toMatchObject([{ granted: true }]);
  });

  it.each(['new', 'joining'] as const)(
    'votes for a log that knows its present UUID: it lost nothing since (%s)',
    (admission) => {
      const member = stranger('c', 'c-2', admission);
      const group = new Group(member);
      const ask = { type: 'vote', from: 'a', to: 'c', lastIndex: 3, lastTerm: 1 } as const;
      member.core.step({ ...ask, term: 2, transfer: false, voterUuid: 'c-1' });
      member.core.step({ ...ask, term: 3, transfer: false, voterUuid: 'c-2' });
      group.collect();
      const answers = group.sentOf('voteResponse');
      expect(answers.map(({ term, granted }) => [term, granted])).toEqual([
        [2, false],
        [3, true],
      ]);
    },
  );

  it('elects the only one that has the first entry, which it could tell nobody', () => {
    const group = fresh();
    group.isolate('c');
    group.lose('append');
    group.core('a').campaign();
    group.settle();
    expect(group.core('a').role).toBe('leader');
    for (const id of IDS) group.get(id).restart();
    expect(admissions(group)).toEqual(['admitted', 'new', 'new']);
    group.heal();
    group.isolate('c');
    group.tick(8 * ELECTION, 'a', 'b');
    expect(group.core('a').role).toBe('leader');
  });

  it('votes for nobody at all when it knows that it is to join', () => {
    const member = stranger('c', 'c-2', 'joining');
    const group = new Group(member);
    member.core.step({
      ...{ type: 'vote', from: 'a', to: 'c', term: 1 },
      ...{ lastIndex: 0, lastTerm: 0, transfer: false, voterUuid: '' },
    });
    group.collect();
    expect(group.sentOf('voteResponse')).toMatchObject([{ granted: false }]);
    for (let i = 0; i < 5 * ELECTION; i++) member.core.tick();
    expect(member.core.role).toBe('follower');
  });

  it('is admitted by a committed entry that knows it, with everything before it, and votes', () => {
    const group = fresh();
    group.elect('a');
    group.propose('a', 'x');
    const member = wipe(group);
    const { voters, learners, roster } = back(['c']);
    group.core('a').proposeMembership(voters, learners, roster);
    group.settle();
    group.tick(3);
    expect(group.bodies('c')).toEqual(['x']);
    expect(member.core.admission).toBe('admitted');
    const promoted = back([]);
    group.core('a').proposeMembership(promoted.voters, promoted.learners, promoted.roster);
    group.settle();
    group.tick(3);
    group.isolate('a');
    group.tick(8 * ELECTION, 'b', 'c');
    expect([group.core('b').role, group.core('c').role]).toContain('leader');
  });

  it('is not admitted by an entry that is not committed', () => {
    const group = fresh();
    group.elect('a');
    const member = wipe(group);
    group.isolate('b');
    const { voters, learners, roster } = back(['c']);
    group.core('a').proposeMembership(voters, learners, roster);
    group.settle();
    group.tick(2);
    expect(member.core.lastIndex).toBe(group.core('a').lastIndex);
    expect(member.core.admission).toBe('new');
  });

  it('counts for what its new directory has, not for what the old one had', () => {
    const group = fresh();
    group.elect('a');
    group.propose('a', 'x', 'y');
    const matchOfC = (): number | undefined =>
      group
        .core('a')
        .status()
        .peers.find(({ id }) => id === 'c')?.match;
    expect(matchOfC()).toBe(group.core('a').lastIndex);
    wipe(group);
    group.lose('append', 'heartbeat');
    const { voters, learners, roster } = back(['c']);
    group.core('a').proposeMembership(voters, learners, roster);
    expect(matchOfC()).toBe(0);
  });
});

describe('the roster', () => {
  it('is in force when appended and taken back with its entry', () => {
    const group = fresh();
    group.elect('a');
    const before = group.core('a').membership;
    group.isolate('a');
    const moved = { ...before.roster.members[1]!, address: 'elsewhere:1' };
    const roster = { ...before.roster, members: before.roster.members.with(1, moved) };
    group.core('a').proposeMembership(IDS, [], roster);
    expect(group.core('a').membership.roster).toEqual(roster);
    group.tick(6 * ELECTION, 'b', 'c');
    group.heal();
    group.tick(6 * ELECTION);
    expect(IDS.map((id) => group.core(id).membership)).toEqual([before, before, before]);
  });

  it('loses who leaves, and their UUIDs are kept as removed, also through a joint step', () => {
    const group = fresh();
    group.elect('a');
    group.core('a').proposeMembership(['a'], []);
    const joint: Membership = group.core('a').membership;
    expect(joint.roster.members.map(({ id }) => id)).toEqual(IDS);
    group.settle();
    group.tick(3);
    expect(group.core('a').membership).toMatchObject({
      voters: ['a'],
      outgoing: [],
      roster: { members: [{ id: 'a' }], removed: ['b-1', 'c-1'] },
    });
  });

  it('comes with a snapshot, once that is durable: before, a crash would leave a full member without data', () => {
    const group = fresh();
    group.elect('a');
    group.propose('a', 'x');
    const meta = group.core('a').snapshotMeta(group.core('a').appliedIndex);
    expect(meta.membership.roster).toEqual(rosterOf({ a: 'a-1', b: 'b-1', c: 'c-1' }));
    const late = stranger('c', 'c-1');
    late.core.step({ type: 'snapshot', from: 'a', to: 'c', term: group.core('a').term, meta });
    const asked = late.core.takeReady();
    expect([asked?.snapshot?.index, asked?.admitted]).toEqual([meta.index, false]);
    expect(late.core.admission).toBe('new');
    late.core.snapshotInstalled(meta);
    expect(late.core.takeReady()?.admitted).toBe(true);
  });
});
