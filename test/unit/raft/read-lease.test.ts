// Leases: what a leader may count on and a member must not do, with times as data.

import { describe, expect, it } from 'vitest';
import { ReadLease } from '../../../src/raft/read-lease.js';
import type { RaftConfig } from '../../../src/raft/types.js';
import { ELECTION, Group, Member, voters } from './group.js';

const PROMISE = 1000;
const DURATION = 900;

function lease(startedAt = 0): NonNullable<RaftConfig['lease']> {
  return { promiseMs: PROMISE, durationMs: DURATION, startedAt };
}

describe('a lease', () => {
  it('is off without configuration: nothing is promised and nothing is left', () => {
    const none = new ReadLease(null);
    none.promise();
    none.begin(1);
    none.roundOpened();
    expect([none.enabled, none.promised, none.msLeft(1)]).toEqual([false, false, 0]);
  });

  it('counts from when its round was opened, not from when it was answered', () => {
    const held = new ReadLease(lease());
    held.begin(5);
    held.advance(100);
    held.roundOpened();
    held.advance(700);
    held.roundOpened();
    expect([4, 5, 6, 7].map((round) => held.msLeft(round))).toEqual([0, 300, 900, 0]);
    held.advance(1000);
    expect(held.msLeft(5)).toBe(0);
    expect(held.msLeft(6)).toBe(600);
  });

  it('forgets rounds that are too old to matter, and goes on counting', () => {
    const held = new ReadLease(lease());
    held.begin(1);
    for (let at = 0; at < 100_000; at += 100) {
      held.advance(at);
      held.roundOpened();
    }
    // The last round is number 1000, opened at 99,900.
    expect(held.msLeft(1000)).toBe(DURATION);
    expect(held.msLeft(995)).toBe(DURATION - 500);
    expect(held.msLeft(1)).toBe(0);
  });

  it('that was revoked stays so until the next term', () => {
    const held = new ReadLease(lease());
    held.begin(1);
    held.roundOpened();
    held.revoke();
    held.roundOpened();
    expect([held.msLeft(1), held.msLeft(2)]).toEqual([0, 0]);
    held.begin(1);
    held.roundOpened();
    expect(held.msLeft(1)).toBe(DURATION);
  });

  it('promises from when the leader was heard, and from the start of the node', () => {
    const member = new ReadLease(lease(50));
    expect(member.promised).toBe(true);
    member.advance(50 + PROMISE);
    expect(member.promised).toBe(false);
    member.promise();
    member.advance(50 + 2 * PROMISE - 1);
    expect(member.promised).toBe(true);
    // A clock does not go back.
    member.advance(0);
    member.advance(50 + 2 * PROMISE);
    expect(member.promised).toBe(false);
  });
});

/** a leads b and c; everybody's promise of the start is over, at 1000 ms. */
function leased(...unleased: string[]): Group {
  const ids = ['a', 'b', 'c'];
  const group = new Group(
    ...ids.map((id) => {
      const options = unleased.includes(id) ? {} : { lease: lease() };
      return new Member(id, voters(...ids), options);
    }),
  );
  at(group, PROMISE);
  group.elect('a');
  return group;
}

function at(group: Group, ms: number, ...ids: string[]): void {
  for (const [id, { core }] of group.members) {
    if (ids.length === 0 || ids.includes(id)) core.advance(ms);
  }
}

/** One heartbeat and its answers. */
function beat(group: Group): void {
  group.tick(1, 'a');
}

describe('a leader with a lease', () => {
  it('answers reads in the same turn, its own and those of others', () => {
    const group = leased();
    expect(group.core('a').canReadNow).toBe(false);
    beat(group);
    expect(group.core('a').canReadNow).toBe(true);
    group.forget();
    group.core('a').readIndex(1);
    group.core('c').readIndex(2);
    group.settle();
    expect(group.get('a').reads).toEqual([{ id: 1, index: 1 }]);
    expect(group.get('c').reads).toEqual([{ id: 2, index: 1 }]);
    expect(group.sentOf('heartbeat')).toEqual([]);
  });

  it('asks a majority again once its time is over', () => {
    const group = leased();
    beat(group);
    at(group, PROMISE + DURATION - 1);
    expect(group.core('a').status().lease).toEqual({ state: 'held', msLeft: 1 });
    at(group, PROMISE + DURATION);
    expect(group.core('a').canReadNow).toBe(false);
    group.isolate('a');
    group.core('a').readIndex(1);
    group.settle();
    expect(group.get('a').reads).toEqual([]);
  });

  it('needs a majority that promises, not one that answers', () => {
    const group = leased('b', 'c');
    beat(group);
    expect(group.core('a').status().lease.state).toBe('none');
  });

  it('does not read before an entry of its term is committed', () => {
    const group = leased();
    beat(group);
    at(group, 2 * PROMISE);
    group.lose('appendResponse');
    group.core('a').transferLeadership('b');
    group.settle();
    group.tick(1, 'b');
    expect(group.core('b').role).toBe('leader');
    expect(group.core('b').status().lease.state).toBe('none');
  });
});

describe('a member that has promised', () => {
  it('helps nobody, whether its term or its link to the leader is over', () => {
    const group = leased();
    beat(group);
    group.isolate('a');
    group.core('b').linkDown('a');
    group.core('c').linkDown('a');
    group.tick(3 * ELECTION, 'b', 'c');
    group.core('b').campaign();
    group.settle();
    expect([group.core('b').role, group.core('b').term]).toEqual(['follower', 1]);
    // A vote of a term that everybody has adopted finds nobody's vote given, and gets none.
    const vote = { type: 'vote', from: 'b', to: 'c', lastIndex: 9, lastTerm: 1 } as const;
    const stepped = { type: 'voteResponse', from: 'b', to: 'c', term: 7, granted: false } as const;
    group.core('c').step(stepped);
    group.core('c').step({ ...vote, term: 7, transfer: false, voterUuid: '' });
    group.settle();
    expect(group.core('c').status()).toMatchObject({ term: 7, vote: '' });
    at(group, 3 * PROMISE, 'c');
    group.core('c').step({ ...vote, term: 7, transfer: false, voterUuid: '' });
    expect(group.core('c').status().vote).toBe('b');
  });

  it('helps whom its leader has chosen', () => {
    const group = leased();
    beat(group);
    group.core('a').transferLeadership('b');
    group.settle();
    expect(group.core('b').role).toBe('leader');
  });

  it('helps nobody for as long after a restart', () => {
    const group = leased();
    group.get('b').restart();
    group.core('b').campaign();
    group.collect();
    expect(group.core('b').role).toBe('follower');
  });
});
