// Goal: identity decides who may talk to a node, never an address: another cluster, a removed UUID
// and a known id with another data directory are refused with what it means, members are heard.

import { describe, expect, it } from 'vitest';
import type { Hello } from '../../../src/peer/handshake.js';
import { membershipOf } from '../../../src/raft/membership.js';
import type { Membership, Roster } from '../../../src/raft/types.js';
import { Gatekeeper } from '../../../src/replica/gatekeeper.js';

const ROSTER: Roster = {
  clusterId: 'C',
  members: [
    { id: 'a', uuid: 'a-1', address: 'a:1', promote: true },
    { id: 'b', uuid: 'b-1', address: 'b:1', promote: true },
    { id: 'c', uuid: '', address: 'c:1', promote: true },
  ],
  removed: ['x-1'],
};
const MEMBERS = membershipOf(['a', 'b', 'c'], [], ROSTER);

function gate(membership: Membership, clusterId: string, committed = membership): Gatekeeper {
  return new Gatekeeper({
    nodeId: 'a',
    membership: () => membership,
    committed: () => committed,
    clusterId: () => clusterId,
    now: () => 5,
  });
}

function hello(nodeId: string, uuid: string, more: Partial<Hello> = {}): Hello {
  return {
    ...{ version: 2, kind: 'raft', to: 'a', nodeId, uuid, clusterId: 'C', standing: 'admitted' },
    ...{ respAddress: '', raftAddress: `${nodeId}:9`, members: '', ...more },
  } as Hello;
}

describe('a member of a cluster', () => {
  it.each<[string, Hello, string, string, string]>([
    ['another node', hello('b', 'b-1', { to: 'z' }), 'this node is a, not z', '', 'stranger'],
    ['itself', hello('a', 'a-1'), 'this node is a itself', '', 'stranger'],
    [
      'another cluster',
      hello('b', 'b-1', { clusterId: 'D' }),
      'belongs to cluster D',
      '',
      'cluster',
    ],
    ['a removed UUID', hello('x', 'x-1'), 'x was removed from this cluster', 'removed', 'identity'],
    [
      'another directory',
      hello('b', 'b-2', { standing: 'new' }),
      'another data directory (uuid b-1, not b-2)',
      'again',
      'identity',
    ],
    [
      'who was never seen',
      hello('c', 'c-1', { standing: 'new' }),
      'was not here before',
      'again',
      'identity',
    ],
    ['a stranger', hello('y', 'y-1', { clusterId: '' }), 'y is not a member', 'again', 'stranger'],
  ])('refuses %s', (_, greeting, reason, code, cause) => {
    expect(gate(MEMBERS, 'C').judgeHello(greeting)).toEqual({
      reason: expect.stringContaining(reason),
      code,
      cause,
    });
  });

  it('welcomes who is meant, wherever it is, and notes where', () => {
    const keeper = gate(MEMBERS, 'C');
    expect(keeper.judgeHello(hello('b', 'b-1'))).toBeNull();
    expect(keeper.sightingOf('b')).toMatchObject({ uuid: 'b-1', address: 'b:9', at: 5 });
  });

  it('notes what a member with a new directory says, for the leader', () => {
    const keeper = gate(MEMBERS, 'C');
    keeper.judgeHello(hello('b', 'b-2', { clusterId: '', standing: 'new' }));
    expect(keeper.sightingOf('b')).toMatchObject({ uuid: 'b-2', standing: 'new' });
  });

  it('hears a comrade it does not know yet, for its own log may be old', () => {
    const keeper = gate(MEMBERS, 'C');
    expect(keeper.judgeHello(hello('d', 'd-1'))).toBeNull();
    expect([...keeper.guests]).toEqual([['d', 'd:9']]);
  });

  it.each([
    ['goes by another directory in a newer log', hello('b', 'b-2')],
    ['was never seen by the leaders this node knows', hello('c', 'c-1')],
    ['leaves by an entry that may be taken back', hello('b', 'b-3')],
  ])('hears a full member that %s, but takes no promise from it', (_, greeting) => {
    const leaving = membershipOf(['a', 'b', 'c'], [], { ...ROSTER, removed: ['x-1', 'b-3'] });
    const keeper = gate(leaving, 'C', MEMBERS);
    expect(keeper.judgeHello(greeting)).toBeNull();
    expect(keeper.isKnown(greeting)).toBe(false);
    expect(keeper.isKnown(hello('b', 'b-1'))).toBe(true);
  });

  it('tells nobody that it was removed before that is certain', () => {
    const before = membershipOf(['a', 'x'], [], { ...ROSTER, removed: [] });
    const leaving = hello('x', 'x-1', { standing: 'new' });
    expect(gate(MEMBERS, 'C', before).judgeHello(leaving)?.code).toBe('again');
  });
});

describe('a node that belongs to nothing yet', () => {
  it('hears its first members whoever they are', () => {
    const keeper = gate(membershipOf(['a', 'b'], []), '');
    expect(keeper.judgeHello(hello('b', 'b-1', { clusterId: '' }))).toBeNull();
    expect(keeper.judgeHello(hello('d', 'd-1', { clusterId: '' }))?.code).toBe('again');
  });

  it('hears a full member of a cluster that counts it in, whomever its configuration names', () => {
    const keeper = gate(membershipOf(['a', 'b'], []), '');
    expect(keeper.judgeHello(hello('d', 'd-1', { standing: 'new' }))?.code).toBe('again');
    expect(keeper.judgeHello(hello('d', 'd-1'))).toBeNull();
    expect([...keeper.guests.keys()]).toEqual(['d']);
  });

  it('hears anybody while it waits to be taken in, and answers them', () => {
    const keeper = gate(membershipOf([], []), '');
    expect(keeper.judgeHello(hello('b', 'b-1'))).toBeNull();
    expect([...keeper.guests.keys()]).toEqual(['b']);
  });
});
