// Elections: who may stand, who may vote and when (Raft paper 5.2, 5.4.1; thesis 9.6).

import { describe, expect, it } from 'vitest';
import { membershipOf } from '../../../src/raft/membership.js';
import type { Message } from '../../../src/raft/messages.js';
import { type Body, ELECTION, entries, Group, Member, voters } from './group.js';

const ABC = voters('a', 'b', 'c');

function vote(from: string, to: string, term: number, lastIndex = 0, lastTerm = 0) {
  return {
    type: 'vote',
    from,
    to,
    term,
    lastIndex,
    lastTerm,
    transfer: false,
    voterUuid: '',
  } as const;
}

/** What `member` answers at once and what it answers once durable. */
function answers(member: Member): { now: Message<Body>[]; durable: Message<Body>[] } {
  const ready = member.core.takeReady();
  return { now: [...(ready?.messages ?? [])], durable: [...(ready?.afterDurable ?? [])] };
}

describe('an election', () => {
  it.each([1, 2, 3, 4, 5])('in a healthy group of %i is won', (size) => {
    const ids = ['a', 'b', 'c', 'd', 'e'].slice(0, size);
    const group = Group.of(...ids);
    group.elect('a');
    for (const id of ids) expect(group.core(id).leader).toBe('a');
    expect(group.core('a').term).toBe(1);
  });

  it('needs a majority', () => {
    const group = Group.of('a', 'b', 'c', 'd', 'e');
    group.isolate('c', 'd', 'e');
    group.core('a').campaign();
    group.settle();
    expect(group.core('a').role).toBe('precandidate');
    expect(group.core('a').term).toBe(0);
  });

  it('begins after a random time of one to two election timeouts without a leader', () => {
    const waits = new Set<number>();
    for (const id of 'abcdefghijklmnop') {
      const member = new Member(id, voters(id, 'z'));
      let ticks = 0;
      while (member.core.role === 'follower') {
        member.core.tick();
        ticks++;
      }
      expect(ticks).toBeGreaterThanOrEqual(ELECTION);
      expect(ticks).toBeLessThan(2 * ELECTION);
      waits.add(ticks);
    }
    expect(waits.size).toBeGreaterThan(3);
  });

  it('opens the term of the winner with an entry that gets committed', () => {
    const group = Group.of('a', 'b', 'c');
    group.elect('a');
    group.core('b').campaign();
    group.tick(2 * ELECTION, 'b', 'c');
    expect(group.get('a').log.map(({ kind }) => kind)[0]).toBe('config');
    const leader = group.core('a').leader;
    expect(group.core(leader).commitIndex).toBe(group.core(leader).lastIndex);
  });

  it('that is lost leaves the term as it is', () => {
    const group = Group.of('a', 'b', 'c');
    group.core('a').step(vote('b', 'a', 5));
    group.core('c').step(vote('b', 'c', 5));
    group.settle();
    const candidate = group.core('b');
    expect(candidate.term).toBe(5);
    expect(candidate.role).toBe('follower');
  });
});

describe('a vote', () => {
  it('is given once per term, and again to the same candidate', () => {
    const member = new Member('a', ABC);
    const granted = (from: string): boolean | undefined => {
      member.core.step(vote(from, 'a', 2));
      const { now, durable } = answers(member);
      const answer = [...now, ...durable].find(({ type }) => type === 'voteResponse');
      return answer?.type === 'voteResponse' ? answer.granted : undefined;
    };
    expect(granted('b')).toBe(true);
    expect(granted('c')).toBe(false);
    expect(granted('b')).toBe(true);
  });

  it('leaves only when it is durable', () => {
    const member = new Member('a', ABC);
    member.core.step(vote('b', 'a', 2));
    const ready = member.core.takeReady()!;
    expect(ready.hardState).toEqual({ term: 2, vote: 'b' });
    expect(ready.messages).toEqual([]);
    expect(ready.afterDurable).toMatchObject([{ type: 'voteResponse', granted: true, term: 2 }]);
  });

  it('survives a restart', () => {
    const member = new Member('a', ABC);
    member.core.step(vote('b', 'a', 2));
    member.persist(member.core.takeReady()!);
    member.restart();
    member.core.step(vote('c', 'a', 2));
    const { now } = answers(member);
    expect(now).toMatchObject([{ type: 'voteResponse', granted: false }]);
  });

  it('for oneself counts, and is asked of others, only when it is durable', () => {
    const group = Group.of('a', 'b', 'c');
    group.get('a').holdDisk = true;
    group.core('a').campaign();
    group.settle();
    expect(group.core('a').role).toBe('candidate');
    expect(group.sentOf('vote')).toEqual([]);
    group.flush('a');
    group.settle();
    expect(group.core('a').role).toBe('leader');
  });

  it.each([
    // voter's log, candidate's last index and term
    [[1, 1], 2, 1, true],
    [[1, 1], 3, 1, true],
    [[1, 1], 1, 2, true],
    [[1, 1], 1, 1, false],
    [[1, 2], 9, 1, false],
    [[], 0, 0, true],
  ])(
    'of a voter with terms %j for a log that ends at (%i, term %i): %s',
    (terms, index, term, granted) => {
      const member = new Member('a', ABC, {}, entries(...terms));
      member.core.step(vote('b', 'a', 3, index, term));
      const { durable } = answers(member);
      expect(durable).toMatchObject([{ type: 'voteResponse', granted }]);
    },
  );

  it('is refused with the newer term to a candidate of an old one', () => {
    const member = new Member('a', ABC, {}, [], { term: 7, vote: '' });
    member.core.step(vote('b', 'a', 3));
    expect(answers(member).now).toMatchObject([{ granted: false, term: 7 }]);
  });

  it('is not given against a leader that was heard within an election timeout', () => {
    const group = Group.of('a', 'b', 'c');
    group.elect('a');
    group.core('b').step(vote('c', 'b', 9, 99, 9));
    expect(group.core('b').term).toBe(1);
    group.isolate('a');
    group.tick(ELECTION, 'b');
    group.core('b').step(vote('c', 'b', 9, 99, 9));
    expect(group.core('b').term).toBe(9);
  });

  it('is given by a learner that is asked, for its own membership may be old', () => {
    const learner = new Member('d', membershipOf(['a'], ['d']));
    learner.core.step(vote('a', 'd', 1));
    expect(answers(learner).durable).toMatchObject([{ granted: true }]);
    for (let i = 0; i < 5 * ELECTION; i++) learner.core.tick();
    expect(learner.core.role).toBe('follower');
  });
});

describe('pre-vote', () => {
  it('keeps the term of a node that is cut off, and the leader when it comes back', () => {
    const group = Group.of('a', 'b', 'c');
    group.elect('a');
    group.isolate('c');
    group.tick(20 * ELECTION);
    expect(group.core('c').term).toBe(1);
    group.heal();
    group.tick(5);
    expect([group.core('a').role, group.core('a').term]).toEqual(['leader', 1]);
    expect(group.core('c').leader).toBe('a');
  });

  it('is refused for a log that is behind, so such a node disturbs nobody', () => {
    const group = Group.of('a', 'b', 'c');
    group.elect('a');
    group.isolate('c');
    group.propose('a', 'x');
    group.isolate('a');
    group.core('c').campaign();
    group.settle();
    group.heal();
    group.isolate('a');
    group.tick(ELECTION, 'b');
    group.core('c').campaign();
    group.settle();
    expect(group.core('c').role).not.toBe('leader');
    expect(group.core('b').term).toBe(1);
  });

  it('does not leave a node with a higher term and one with a longer log waiting for ever', () => {
    const ab = voters('a', 'b');
    const a = new Member('a', ab, {}, entries(1), { term: 9, vote: 'a' });
    const b = new Member('b', ab, {}, entries(1, 1, 1), { term: 1, vote: '' });
    const group = new Group(a, b);
    group.tick(10 * ELECTION);
    expect(b.core.role).toBe('leader');
    expect(b.core.term).toBeGreaterThan(9);
  });

  it('answers that come after the real campaign began change nothing', () => {
    const group = Group.of('a', 'b', 'c');
    group.lose('voteResponse');
    group.core('a').campaign();
    group.settle();
    expect(group.core('a').role).toBe('candidate');
    const late = { type: 'preVoteResponse', from: 'c', to: 'a', term: 1, granted: true } as const;
    group.core('a').step(late);
    expect(group.core('a').role).toBe('candidate');
  });

  it('lets one of two nodes that ask at the same time go first, without a split vote', () => {
    const group = Group.of('a', 'b', 'c');
    group.isolate('c');
    group.core('a').campaign();
    group.core('b').campaign();
    group.settle();
    expect([group.core('b').role, group.core('b').term]).toEqual(['leader', 1]);
  });
});

describe('a leader', () => {
  it('that hears no quorum for an election timeout steps down', () => {
    const group = Group.of('a', 'b', 'c', 'd', 'e');
    group.elect('a');
    group.isolate('c', 'd', 'e');
    group.tick(3 * ELECTION, 'a');
    expect(group.core('a').role).toBe('follower');
  });

  it('that hears a quorum stays', () => {
    const group = Group.of('a', 'b', 'c', 'd', 'e');
    group.elect('a');
    group.isolate('d', 'e');
    group.tick(10 * ELECTION, 'a', 'b', 'c');
    expect(group.core('a').role).toBe('leader');
  });

  it('of an old term is told so by whoever it writes to', () => {
    const group = Group.of('a', 'b', 'c');
    group.elect('a');
    group.isolate('a');
    group.tick(3 * ELECTION, 'b', 'c');
    group.heal();
    expect(group.core('a').role).toBe('leader');
    group.tick(1, 'a');
    expect(group.core('a').role).toBe('follower');
    expect(group.core('a').term).toBe(group.core('b').term);
  });

  it('steps down for a node that is stuck at a higher term, which then takes part again', () => {
    const group = Group.of('a', 'b', 'c');
    group.elect('a');
    const stuck = new Member('c', ABC, {}, group.get('c').log, { term: 7, vote: 'c' });
    group.members.set('c', stuck);
    group.tick(5 * ELECTION);
    const leaders = [...group.members.values()].filter(({ core }) => core.role === 'leader');
    expect(leaders).toHaveLength(1);
    expect(leaders[0]!.core.term).toBeGreaterThan(7);
    for (const { core } of group.members.values()) expect(core.leader).toBe(leaders[0]!.id);
  });

  it('whose links closed is replaced within a quarter of the election timeout', () => {
    const group = Group.of('a', 'b', 'c');
    group.elect('a');
    group.isolate('a');
    group.core('b').linkDown('a');
    group.core('c').linkDown('a');
    group.tick(Math.ceil(ELECTION / 4), 'b', 'c');
    expect([group.core('b').role, group.core('c').role]).toContain('leader');
  });

  it('that is alive keeps its place when one link to it closes', () => {
    const group = Group.of('a', 'b', 'c');
    group.elect('a');
    group.core('b').linkDown('a');
    group.tick(3 * ELECTION);
    expect([group.core('a').role, group.core('a').term]).toEqual(['leader', 1]);
    expect(group.core('b').leader).toBe('a');
  });
});

describe('a group of one', () => {
  it('elects itself at the first tick and commits when its disk has it', () => {
    const group = Group.of('a');
    group.tick(1);
    expect(group.core('a').role).toBe('leader');
    group.get('a').holdDisk = true;
    group.propose('a', 'x');
    expect(group.bodies('a')).toEqual([]);
    group.flush('a');
    group.settle();
    expect(group.bodies('a')).toEqual(['x']);
  });

  it('does not start over while a slow disk writes its vote', () => {
    const group = Group.of('a');
    group.get('a').holdDisk = true;
    group.tick(100);
    expect([group.core('a').role, group.core('a').term]).toEqual(['candidate', 1]);
    group.flush('a');
    group.settle();
    expect(group.core('a').role).toBe('leader');
  });
});
