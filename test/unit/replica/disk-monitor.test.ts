// When a disk counts as stalled, who gives way, and when all refuse what needs room.

import { describe, expect, it } from 'vitest';
import type { LoggedRecord } from '../../../src/base/log-entry.js';
import { silentLogger } from '../../../src/observe/logger.js';
import type { DiskState } from '../../../src/peer/disk-codec.js';
import type { RaftCore } from '../../../src/raft/core.js';
import { DiskMonitor } from '../../../src/replica/disk-monitor.js';

const TICKS = 5;
const FINE: DiskState = { full: false, stalled: false };
const FULL: DiskState = { full: true, stalled: false };
const STALLED: DiskState = { full: false, stalled: true };

function setup(voters = ['a', 'b', 'c']) {
  const core = {
    id: 'a',
    role: 'leader',
    leader: 'a',
    stalled: false,
    resigned: 0,
    membership: { voters, outgoing: [], learners: [] },
    resign() {
      this.resigned++;
      this.role = 'follower';
      this.leader = '';
      return true;
    },
  };
  const space = { full: false, blocked: false };
  const state = { flush: null as number | null, down: new Set<string>() };
  const told: [string, DiskState][] = [];
  const monitor = new DiskMonitor({
    core: core as unknown as RaftCore<LoggedRecord>,
    space,
    flush: () => state.flush,
    stallTicks: TICKS,
    isUp: (id) => !state.down.has(id),
    tellPeer: (to, own) => told.push([to, own]),
    logger: silentLogger,
  });
  const tick = (times: number): void => {
    for (let i = 0; i < times; i++) monitor.tick();
  };
  return { core, space, state, told, monitor, tick };
}

describe('a flush', () => {
  it('that hangs makes a leader give way, and the others know', () => {
    const { core, state, told, monitor, tick } = setup();
    state.flush = 7;
    tick(TICKS);
    expect([core.resigned, core.stalled]).toEqual([0, false]);
    tick(1);
    expect([core.resigned, core.stalled, monitor.stalls]).toEqual([1, true, 1]);
    expect(told).toEqual([
      ['b', STALLED],
      ['c', STALLED],
    ]);
    state.flush = null;
    tick(1);
    expect([core.stalled, monitor.own]).toEqual([false, FINE]);
    expect(told.length).toBe(4);
  });

  it('after another is progress, however slow all are together', () => {
    const { core, state, tick } = setup();
    for (let flush = 0; flush < 20; flush++) {
      state.flush = flush;
      tick(TICKS);
    }
    expect([core.resigned, core.stalled]).toEqual([0, false]);
  });

  it.each([
    ['another hangs too', STALLED, []],
    ['another is gone', FINE, ['b']],
  ] as const)('that hangs is sat out while %s', (_, other, down) => {
    const { core, state, monitor, tick } = setup();
    for (const id of down) state.down.add(id);
    monitor.onPeer('b', other);
    state.flush = 1;
    tick(TICKS * 3);
    expect([core.resigned, core.stalled]).toEqual([0, true]);
    monitor.onPeer('b', FINE);
    state.down.clear();
    tick(1);
    expect(core.resigned).toBe(1);
  });

  it('that waits for room hangs at once', () => {
    const { core, space, tick } = setup();
    space.blocked = true;
    space.full = true;
    tick(1);
    expect(core.resigned).toBe(1);
  });

  it('keeps hanging under a leadership won meanwhile', () => {
    const { core, state, tick } = setup();
    state.flush = 1;
    tick(TICKS + 1);
    core.role = 'leader';
    tick(1);
    expect(core.resigned).toBe(2);
  });
});

describe('what needs room is refused', () => {
  it('when the own disk is full, or that of the leader', () => {
    const { core, space, monitor, tick } = setup();
    core.role = 'follower';
    core.leader = 'b';
    tick(1);
    expect(monitor.groupFull).toBe(false);
    monitor.onPeer('b', FULL);
    expect(monitor.groupFull).toBe(true);
    core.leader = 'c';
    tick(1);
    expect(monitor.groupFull).toBe(false);
    space.full = true;
    tick(1);
    expect(monitor.groupFull).toBe(true);
  });

  it('when those with room are no majority, and not while a full one is gone', () => {
    const { core, monitor, tick } = setup(['a', 'b', 'c', 'd', 'e']);
    core.leader = 'e';
    for (const id of ['b', 'c']) monitor.onPeer(id, FULL);
    expect(monitor.groupFull).toBe(false);
    monitor.onPeer('d', FULL);
    expect(monitor.groupFull).toBe(true);
    monitor.onLinkDown('d');
    tick(1);
    expect(monitor.groupFull).toBe(false);
  });

  it('by a member that was not there when it was said', () => {
    const { space, told, monitor, tick } = setup();
    space.full = true;
    tick(1);
    told.length = 0;
    monitor.onLinkUp('c');
    expect(told).toEqual([['c', FULL]]);
  });
});
