// What a broken or malicious peer may send: well-typed messages with any numbers in them.

import { describe, expect, it } from 'vitest';
import { Rng } from '../../../src/base/rng.js';
import { MESSAGE_TYPES, type Message } from '../../../src/raft/messages.js';
import { type Body, entries, entry, Member, voters } from './group.js';

const ABC = voters('a', 'b', 'c');
const NUMBERS = [0, 1, 2, 3, 4, 5, 9, 100, -1, 2 ** 53 - 1];

function garbage(rng: Rng, term: number): Message<Body> {
  const number = (): number => NUMBERS[rng.below(NUMBERS.length)]!;
  const flag = (): boolean => rng.below(2) === 0;
  const small = (): number => rng.below(8);
  const list = Array.from({ length: rng.below(4) }, (_, at) => entry(small() + at, small()));
  const index = small();
  return {
    type: MESSAGE_TYPES[rng.below(MESSAGE_TYPES.length)]!,
    from: ['b', 'c', 'x'][rng.below(3)]!,
    to: rng.below(20) === 0 ? 'b' : 'a',
    term: rng.below(20) === 0 ? number() : term - 1 + rng.below(3),
    lastIndex: number(),
    lastTerm: number(),
    transfer: flag(),
    voterUuid: '',
    granted: flag(),
    prevIndex: flag() ? small() : number(),
    prevTerm: flag() ? small() : number(),
    commitIndex: rng.below(10) === 0 ? number() : 0,
    entries: list,
    accepted: flag(),
    index: flag() ? small() : number(),
    hintIndex: number(),
    hintTerm: number(),
    readRound: number(),
    id: number(),
    meta: { index, term: small(), membership: ABC },
  } as unknown as Message<Body>;
}

function turn(member: Member): void {
  const { core } = member;
  const ready = core.takeReady();
  if (ready === null) return;
  if (ready.token > 0) core.appended(ready.token);
  if (ready.snapshot !== null) core.snapshotInstalled(ready.snapshot);
  member.apply();
}

/** Campaigns, with the help of b. */
function lead(member: Member): void {
  const { core } = member;
  core.campaign();
  const grant = { from: 'b', to: 'a', term: core.term + 1, granted: true } as const;
  core.step({ ...grant, type: 'preVoteResponse' });
  turn(member);
  core.step({ ...grant, type: 'voteResponse' });
  turn(member);
}

describe('a core', () => {
  it('does not throw for anything a peer can send, whatever it is doing', () => {
    const rng = new Rng(6);
    const roles = new Set<string>();
    for (let run = 0; run < 300; run++) {
      const member = new Member('a', ABC, {}, entries(1, 1, 2));
      for (let step = 0; step < 60; step++) {
        const { core } = member;
        const action = rng.below(12);
        if (action === 0) lead(member);
        else if (action === 4) core.campaign();
        else if (action === 1) core.tick();
        else if (action === 2) core.propose('batch', 5, () => 'x');
        else if (action === 3) core.readIndex(step);
        else core.step(garbage(rng, core.term));
        turn(member);
        roles.add(core.role);
      }
    }
    expect([...roles].sort()).toEqual(['candidate', 'follower', 'leader', 'precandidate']);
  });

  it('ignores what is not addressed to it or comes from itself', () => {
    const member = new Member('a', ABC);
    const vote = {
      type: 'vote',
      term: 5,
      lastIndex: 9,
      lastTerm: 4,
      transfer: false,
      voterUuid: '',
    } as const;
    member.core.step({ ...vote, from: 'b', to: 'c' });
    member.core.step({ ...vote, from: 'a', to: 'a' });
    member.core.step({ ...vote, from: 'b', to: 'a', term: Number.NaN });
    member.core.step({ ...vote, from: 'b', to: 'a', term: -1 });
    expect([member.core.term, member.core.takeReady()]).toEqual([0, null]);
  });
});
