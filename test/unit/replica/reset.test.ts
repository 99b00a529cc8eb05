// Goal: RAFT.RESET throws data away only where nobody counts on it, also when that changes between
// the answer and the deed.

import { expect, it } from 'vitest';
import type { Clock } from '../../../src/platform/clock.js';
import { membershipOf } from '../../../src/raft/membership.js';
import type { Membership } from '../../../src/raft/types.js';
import { Administration, type AdministrationParts } from '../../../src/replica/administration.js';

const row = (id: string) => ({ id, uuid: `${id}-1`, address: `${id}:1`, promote: true });
const BARE = membershipOf(['a', 'b'], []);
const MEMBER = membershipOf(['a', 'b'], [], {
  clusterId: 'C',
  members: [row('a'), row('b')],
  removed: [],
});

function nodeA() {
  const state = { membership: BARE as Membership, admission: 'new', resets: 0, removed: false };
  const later: (() => void)[] = [];
  const clock = {
    after: (_ms: number, run: () => void) => {
      later.push(run);
      return { cancel: () => {} };
    },
  } as unknown as Clock;
  const parts = {
    nodeId: 'a',
    clock,
    core: {
      get membership() {
        return state.membership;
      },
      get admission() {
        return state.admission;
      },
    },
    members: {
      get removed() {
        return state.removed;
      },
    },
    logger: { warn: () => {} },
    reset: () => {
      state.resets++;
    },
  } as unknown as AdministrationParts;
  const administration = new Administration(parts);
  return { state, later, reset: () => administration.run(['reset', 'a']) };
}

it('is carried out at a node that no log counts in', async () => {
  const { state, later, reset } = nodeA();
  expect((await reset()).outcome).toBe('done');
  for (const run of later) run();
  expect(state.resets).toBe(1);
});

it('is refused at a member by a log that is not committed yet', async () => {
  const { state, later, reset } = nodeA();
  state.membership = MEMBER;
  expect(await reset()).toMatchObject({
    outcome: 'refused',
    text: expect.stringContaining('member of a cluster with b'),
  });
  expect(later).toEqual([]);
  state.removed = true;
  expect((await reset()).outcome).toBe('done');
});

it('is given up when the node has become a member before the deed', async () => {
  const { state, later, reset } = nodeA();
  expect((await reset()).outcome).toBe('done');
  state.membership = MEMBER;
  for (const run of later) run();
  expect(state.resets).toBe(0);
});
