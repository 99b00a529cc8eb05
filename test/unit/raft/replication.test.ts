// Replication: Figures 7 and 8 of the paper, lost windows, commit rules, hints.

import { describe, expect, it } from 'vitest';
import type { Append } from '../../../src/raft/messages.js';
import { type Body, ELECTION, entries, entry, Group, Member, voters } from './group.js';

const ABC = voters('a', 'b', 'c');

function append(term: number, prevIndex: number, prevTerm: number, ...terms: number[]) {
  const list = terms.map((of, at) => entry(prevIndex + 1 + at, of));
  const message: Append<Body> = {
    type: 'append',
    from: 'b',
    to: 'a',
    term,
    prevIndex,
    prevTerm,
    commitIndex: 0,
    entries: list,
  };
  return message;
}

function stepped(member: Member, message: Append<Body>) {
  member.core.step(message);
  const ready = member.core.takeReady()!;
  member.persist(ready);
  member.core.appended(ready.token);
  return [...ready.messages, ...ready.afterDurable].find(({ type }) => type === 'appendResponse');
}

describe('a proposal', () => {
  it('is applied by everyone without waiting for a heartbeat', () => {
    const group = Group.of('a', 'b', 'c');
    group.elect('a');
    group.propose('a', 'x', 'y');
    for (const id of ['a', 'b', 'c']) expect(group.bodies(id)).toEqual(['x', 'y']);
  });

  it('is refused by a node that does not lead', () => {
    const group = Group.of('a', 'b', 'c');
    group.elect('a');
    expect(group.core('b').propose('batch', 1, () => 'x')).toBeNull();
  });

  it('gets its index and term once, before it is sent', () => {
    const group = Group.of('a');
    group.elect('a');
    const seen: number[][] = [];
    const made = group.core('a').propose('batch', 1, (index, term) => {
      seen.push([index, term]);
      return 'x';
    });
    expect(seen).toEqual([[2, 1]]);
    expect(made).toMatchObject({ index: 2, term: 1, body: 'x', kind: 'batch' });
  });

  it('of one turn travels in one message per peer, in the order of their ids', () => {
    const group = Group.of('c', 'a', 'b');
    group.elect('b');
    group.forget();
    group.propose('b', 'x');
    group.forget();
    for (const body of ['1', '2', '3']) group.core('b').propose('batch', 10, () => body);
    group.settle();
    const appends = group.sentOf('append');
    expect(appends.map(({ to, entries: list }) => [to, list.length])).toEqual([
      ['a', 3],
      ['c', 3],
    ]);
  });

  it('is committed by a quorum of followers while the leader itself is still writing', () => {
    const group = Group.of('a', 'b', 'c');
    group.elect('a');
    group.get('a').holdDisk = true;
    group.propose('a', 'x');
    expect(group.core('a').commitIndex).toBe(2);
    expect(group.bodies('b')).toEqual(['x']);
    // What is not durable here is not applied here.
    expect(group.bodies('a')).toEqual([]);
    group.flush('a');
    group.settle();
    expect(group.bodies('a')).toEqual(['x']);
  });

  it('does not count for the leader before its own disk has it', () => {
    const group = Group.of('a', 'b', 'c');
    group.elect('a');
    group.get('a').holdDisk = true;
    group.isolate('c');
    group.propose('a', 'x');
    expect(group.core('a').commitIndex).toBe(1);
    group.flush('a');
    group.settle();
    expect(group.core('a').commitIndex).toBe(2);
  });

  it('is acknowledged by a follower only when its disk has it', () => {
    const group = Group.of('a', 'b', 'c');
    group.elect('a');
    group.isolate('c');
    group.get('b').holdDisk = true;
    group.propose('a', 'x');
    expect(group.core('a').commitIndex).toBe(1);
    group.flush('b');
    group.settle();
    expect(group.core('a').commitIndex).toBe(2);
  });
});

describe('an acknowledgement of an older term', () => {
  it('says nothing of this term', () => {
    const group = new Group(...['a', 'b', 'c'].map((id) => new Member(id, ABC, {}, entries(1))));
    group.elect('a');
    group.isolate('b', 'c');
    group.propose('a', 'x');
    const { core } = group.get('a');
    const commit = core.commitIndex;
    const hints = { hintIndex: 0, hintTerm: 0 };
    const answer = { type: 'appendResponse', to: 'a', accepted: true, index: 3, ...hints } as const;
    core.step({ ...answer, from: 'b', term: 1 });
    expect([core.commitIndex, core.lastIndex]).toEqual([commit, 3]);
    core.step({ ...answer, from: 'b', term: 2 });
    expect(core.commitIndex).toBe(3);
  });
});

describe('limits', () => {
  it('refuse proposals beyond the uncommitted bytes, but always take one', () => {
    const group = new Group(
      ...['a', 'b'].map((id) => new Member(id, voters('a', 'b'), { uncommittedBytesMax: 25 })),
    );
    group.elect('a');
    group.isolate('b');
    const propose = (size: number): boolean =>
      group.core('a').propose('batch', size, () => 'x') !== null;
    expect(propose(500)).toBe(true);
    expect(propose(1)).toBe(false);
    group.heal();
    group.tick(2);
    expect(group.core('a').status().uncommittedBytes).toBe(0);
    group.isolate('b');
    expect([propose(10), propose(10), propose(10), propose(5)]).toEqual([true, true, false, true]);
    expect(group.core('a').status().uncommittedBytes).toBe(25);
  });

  it('count what an earlier leader left uncommitted', () => {
    const group = new Group(
      ...['a', 'b', 'c'].map(
        (id) => new Member(id, ABC, { uncommittedBytesMax: 25 }, entries(1, 1)),
      ),
    );
    group.get('a').holdDisk = false;
    group.lose('appendResponse');
    group.elect('a');
    expect(group.core('a').status().uncommittedBytes).toBe(20);
    expect(group.core('a').propose('batch', 10, () => 'x')).toBeNull();
    expect(group.core('a').propose('batch', 5, () => 'x')).not.toBeNull();
  });

  it('cut appends by bytes', () => {
    const group = new Group(
      ...['a', 'b'].map((id) => new Member(id, voters('a', 'b'), { appendBytesMax: 25 })),
    );
    group.elect('a');
    group.forget();
    for (let i = 0; i < 5; i++) group.core('a').propose('batch', 10, () => 'x');
    group.settle();
    expect(group.sentOf('append').map(({ entries: list }) => list.length)).toEqual([2, 2, 1]);
  });

  it('stop appends when the window is full, and recover when all of it was lost', () => {
    const group = Group.of('a', 'b', 'c');
    group.elect('a');
    group.propose('a', 'x');
    group.isolate('c');
    group.forget();
    for (let i = 0; i < 20; i++) group.propose('a', `${i}`);
    expect(group.sentOf('append').filter(({ to }) => to === 'c')).toHaveLength(4);
    group.heal();
    group.tick(3);
    expect(group.bodies('c')).toEqual(group.bodies('a'));
    expect(group.bodies('c')).toHaveLength(21);
  });
});

describe('a follower', () => {
  it('refuses what it cannot attach, with a hint to where the logs may agree', () => {
    const member = new Member('a', ABC, {}, entries(1, 1, 2, 2, 2));
    expect(stepped(member, append(5, 9, 4))).toMatchObject({
      accepted: false,
      index: 9,
      hintIndex: 5,
      hintTerm: 2,
    });
    expect(stepped(member, append(5, 4, 1))).toMatchObject({
      accepted: false,
      index: 4,
      hintIndex: 2,
      hintTerm: 1,
    });
  });

  it.each([
    // sent after (index, term), terms sent, terms it has then
    [2, 1, [], [1, 1, 2, 2]],
    [2, 1, [2], [1, 1, 2, 2]],
    [2, 1, [2, 2], [1, 1, 2, 2]],
    [2, 1, [2, 2, 3], [1, 1, 2, 2, 3]],
    [2, 1, [3], [1, 1, 3]],
    [3, 2, [3, 3], [1, 1, 2, 3, 3]],
    [0, 0, [2], [2]],
  ])(
    'after (%i, term %i) %j has terms %j: it drops only what conflicts',
    (index, term, sent, has) => {
      const member = new Member('a', ABC, {}, entries(1, 1, 2, 2));
      const answer = stepped(member, append(4, index, term, ...sent));
      expect(answer).toMatchObject({ accepted: true, index: index + sent.length });
      expect(member.terms()).toEqual(has);
      expect(member.core.lastIndex).toBe(has.length);
    },
  );

  it('commits no further than what the append has shown to match', () => {
    const member = new Member('a', ABC, {}, entries(1, 1, 1));
    stepped(member, { ...append(2, 0, 0, 1), commitIndex: 3 });
    expect(member.core.commitIndex).toBe(1);
  });

  it('drops an append with a gap or with terms that go down', () => {
    const member = new Member('a', ABC);
    const gap = { ...append(5, 0, 0), entries: [entry(2, 5)] };
    const down = { ...append(5, 0, 0), entries: [entry(1, 5), entry(2, 4)] };
    for (const message of [gap, down]) member.core.step(message);
    expect(member.core.lastIndex).toBe(0);
  });

  it('stops when a leader contradicts what is committed', () => {
    const member = new Member('a', ABC, {}, entries(1, 1));
    stepped(member, { ...append(2, 2, 1), commitIndex: 2 });
    member.core.step(append(3, 0, 0, 3));
    expect(member.core.fault).toBe('');
    const other = new Member('a', ABC, {}, entries(1, 1));
    other.core.step({
      type: 'heartbeat',
      from: 'b',
      to: 'a',
      term: 2,
      commitIndex: 9,
      readRound: 1,
    });
    expect(other.core.takeReady()).toMatchObject({
      fault: expect.stringContaining('9'),
      messages: [],
    });
    other.core.step({
      type: 'vote',
      from: 'c',
      to: 'a',
      term: 9,
      lastIndex: 9,
      lastTerm: 9,
      transfer: true,
      voterUuid: '',
    });
    for (let i = 0; i < 5 * ELECTION; i++) other.core.tick();
    expect([other.core.role, other.core.term, other.core.takeReady()]).toEqual([
      'follower',
      2,
      null,
    ]);
  });

  it('answers a leader of an old term with the newer one', () => {
    const member = new Member('a', ABC, {}, [], { term: 6, vote: '' });
    member.core.step(append(5, 0, 0, 5));
    expect(member.core.takeReady()!.messages).toMatchObject([
      { type: 'appendResponse', accepted: false, term: 6 },
    ]);
    expect(member.core.lastIndex).toBe(0);
  });

  it('never takes an old disk completion for entries that came later', () => {
    const member = new Member('a', ABC, {}, [], { term: 1, vote: '' });
    member.core.step(append(1, 0, 0, 1, 1));
    const first = member.core.takeReady()!;
    member.core.step({ ...append(2, 1, 1, 2), from: 'c' });
    const second = member.core.takeReady()!;
    member.core.appended(first.token);
    expect(member.core.status().durableIndex).toBe(1);
    member.core.appended(second.token);
    expect(member.core.status().durableIndex).toBe(2);
  });
});

describe('the Raft paper', () => {
  it('figure 7: a new leader brings six different logs to its own', () => {
    const leader = [1, 1, 1, 4, 4, 5, 5, 6, 6, 6];
    const others: Record<string, number[]> = {
      a: [1, 1, 1, 4, 4, 5, 5, 6, 6],
      b: [1, 1, 1, 4],
      c: [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6],
      d: [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7],
      e: [1, 1, 1, 4, 4, 4, 4],
      f: [1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3],
    };
    const ids = ['a', 'b', 'c', 'd', 'e', 'f', 'l'];
    const members = ids.map((id) => {
      const terms = others[id] ?? leader;
      return new Member(id, voters(...ids), {}, entries(...terms), { term: 7, vote: '' });
    });
    const group = new Group(...members);
    group.elect('l');
    group.tick(3);
    expect(group.core('l').term).toBe(8);
    for (const id of ids) expect([id, group.get(id).terms()]).toEqual([id, [...leader, 8]]);
    for (const id of ids) expect(group.core(id).commitIndex).toBe(11);
  });

  it('figure 8: an older term on a majority is not committed until this term is', () => {
    const ids = ['a', 'b', 'c', 'd', 'e'];
    const logs: Record<string, number[]> = { a: [1, 2], b: [1, 2], c: [1], d: [1], e: [1, 3] };
    const members = ids.map(
      (id) => new Member(id, voters(...ids), {}, entries(...logs[id]!), { term: 3, vote: '' }),
    );
    const group = new Group(...members);
    group.loses = ({ to, from }) => to === 'e' || from === 'e';
    group.get('a').holdDisk = false;
    group.core('a').campaign();
    group.settle();
    // Everything of term 4 is committed together with what came before.
    expect(group.core('a').commitIndex).toBe(3);
    // The same, but the entry of term 4 does not get out: (2, term 2) is on a majority and stays
    // uncommitted.
    const again = new Group(
      ...ids.map(
        (id) =>
          new Member(id, voters(...ids), { appendBytesMax: 1 }, entries(...logs[id]!), {
            term: 3,
            vote: '',
          }),
      ),
    );
    again.loses = (message) =>
      message.to === 'e' ||
      (message.type === 'append' &&
        message.entries.some(({ term }) => term === 4) &&
        again.get(message.to).log.length > 1);
    again.elect('a');
    again.tick(2, 'a');
    for (const id of ['a', 'b', 'c', 'd'])
      expect(again.get(id).terms().slice(0, 2)).toEqual([1, 2]);
    expect(again.core('a').commitIndex).toBe(0);
    again.loses = () => false;
    again.tick(3, 'a');
    expect(again.core('a').commitIndex).toBe(3);
  });

  it.each([
    ['its terms are older', 1, 2],
    ['its terms are newer', 2, 1],
    ['both have terms of their own', 2, 3],
  ])('a long divergence is repaired in a few round trips: %s', (_, theirs, ours) => {
    const many = (term: number, count: number): number[] => Array(count).fill(term);
    const log = entries(1, ...many(ours, 300), 4);
    const state = { term: 4, vote: '' };
    const a = new Member('a', ABC, {}, log, state);
    const b = new Member('b', ABC, {}, entries(1, ...many(theirs, 200)), state);
    const c = new Member('c', ABC, {}, log, state);
    const group = new Group(a, b, c);
    group.elect('a');
    const refusals = group.sentOf('appendResponse').filter(({ accepted }) => !accepted);
    expect(refusals.length).toBeLessThanOrEqual(3);
    group.tick(5);
    expect(b.terms()).toEqual(a.terms());
  });
});
