// Goal: a node that is asked to join comes when it has nothing, leaves an empty cluster of its own,
// and keeps data until somebody throws it away by name.

import { describe, expect, it } from 'vitest';
import type { Hello } from '../../../src/peer/handshake.js';
import { answerCounted, answerJoin, type OwnStanding } from '../../../src/replica/join-answer.js';

const HELLO: Hello = {
  ...{ version: 2, kind: 'join', to: 'd', nodeId: 'a', uuid: 'a-1', clusterId: 'C' },
  ...{ standing: 'admitted', respAddress: '', raftAddress: 'a:1', members: 'a=a:1,d=d:1' },
} as const;
const ALONE: OwnStanding = {
  ...{ nodeId: 'd', clusterId: 'D', admission: 'admitted', alone: true, written: false },
} as const;

describe('a node that is asked to join', () => {
  it.each<[string, Partial<OwnStanding>]>([
    ['is new', { admission: 'new', clusterId: '', alone: false }],
    ['waits to be taken in', { admission: 'joining', clusterId: '', alone: false }],
    ['belongs to this cluster', { clusterId: 'C', alone: false, written: true }],
  ])('says who it is when it %s', (_, standing) => {
    expect(answerJoin(HELLO, { ...ALONE, ...standing })).toEqual({ refusal: null, leave: false });
  });

  it('leaves its own cluster of one when that never took a write', () => {
    expect(answerJoin(HELLO, ALONE)).toMatchObject({ refusal: { code: 'again' }, leave: true });
  });

  it.each<[string, Partial<OwnStanding>, RegExp]>([
    ['has data', { written: true }, /has data of its own .*RAFT\.RESET d at d/],
    [
      'is in another cluster',
      { alone: false, written: true },
      /remove it there, then RAFT\.RESET d/,
    ],
    ['is another node', { nodeId: 'e' }, /this node is e, not d/],
  ])('is refused when it %s', (_, standing, reason) => {
    const { refusal, leave } = answerJoin(HELLO, { ...ALONE, ...standing });
    expect(refusal).toMatchObject({ code: '', reason: expect.stringMatching(reason) });
    expect(leave).toBe(false);
  });
});

describe('a node alone that a member counts in', () => {
  it('leaves its empty cluster: it lost its disk, or the others came late', () => {
    expect(answerCounted(HELLO, ALONE)?.leave).toBe(true);
    expect(answerCounted({ ...HELLO, clusterId: '' }, ALONE)?.leave).toBe(true);
  });

  it('keeps its data, and says how to go on', () => {
    const answer = answerCounted(HELLO, { ...ALONE, written: true });
    expect(answer?.leave).toBe(false);
    expect(answer?.refusal?.reason).toMatch(/two clusters now.*RAFT\.RESET d.*RAFT\.ADDPEER at d/);
  });

  it.each<[string, Partial<Hello>, Partial<OwnStanding>]>([
    ['is not counted in', { members: 'a=a:1' }, {}],
    ['has members', {}, { alone: false }],
    ['is of the same cluster', { clusterId: 'D' }, {}],
  ])('has nothing to do with it when it %s', (_, hello, standing) => {
    expect(answerCounted({ ...HELLO, ...hello }, { ...ALONE, ...standing })).toBeNull();
  });
});
