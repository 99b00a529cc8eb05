// Goal: a member whose log ends where the leader's memory begins, with entries that the leader does
// not have, is brought forward from the log on disk. Method: the feeder over a real log, a clock
// that goes on by itself, and a member that answers as Raft says.

import { afterAll, describe, expect, it } from 'vitest';
import type { Clock } from '../../../src/platform/clock.js';
import { systemClock } from '../../../src/platform/clock.js';
import { systemDisk } from '../../../src/platform/disk.js';
import type { Append } from '../../../src/raft/messages.js';
import { type FeederParts, feedHistory } from '../../../src/replica/history-feeder.js';
import { openLogStore } from '../../../src/storage/log-recovery.js';
import {
  append,
  item,
  removeTemporaryDirectories,
  storeOptions,
  temporaryDirectory,
} from '../storage/store-fixture.js';

afterAll(removeTemporaryDirectories);

/** Waiting costs no time. */
function quickClock(): Clock {
  let now = 0;
  return {
    ...systemClock,
    monotonic: () => now,
    after: (ms, run) => {
      now += ms;
      setImmediate(run);
      return { cancel: () => {} };
    },
  };
}

/** Terms of the leader's log at 1 to 25, of which it has those behind 19 in memory. */
const LEADER = [...Array<number>(17).fill(1), ...Array<number>(8).fill(2)];
const BASE = 19;

/** A member with this log behind the place where the two part. */
function member(own: readonly number[]) {
  const log = [...own];
  const progress = {
    term: 2,
    match: 0,
    hint: log.length,
    refusals: 1,
    base: BASE,
    commitIndex: 25,
  };
  const take = ({ prevIndex, prevTerm, entries }: Append<unknown>): void => {
    if (prevIndex > 0 && log[prevIndex - 1] !== prevTerm) {
      progress.refusals++;
      progress.hint = Math.min(prevIndex, log.length);
      while (progress.hint > 0 && log[progress.hint - 1]! > prevTerm) progress.hint--;
      return;
    }
    log.length = prevIndex;
    for (const { term } of entries) log.push(term);
    progress.match = log.length;
  };
  return { log, progress, take };
}

async function feed(own: readonly number[]): Promise<{ outcome: string; log: number[] }> {
  const { store } = await openLogStore(storeOptions(temporaryDirectory()));
  for (const [at, term] of LEADER.entries()) await append(store, item(at + 1, term));
  const { log, progress, take } = member(own);
  const parts = {
    nodeId: 'a',
    core: { bulkProgress: () => (progress.match >= BASE ? null : { ...progress }) },
    store,
    links: { isUp: () => true, send: take, flush: () => {} },
    disk: systemDisk,
    clock: quickClock(),
  };
  const outcome = await feedHistory(parts as unknown as FeederParts, 'b');
  await store.close();
  return { outcome, log };
}

describe('a member whose log', () => {
  it('ends at the leader’s base with other entries loses those', async () => {
    const { outcome, log } = await feed(Array<number>(BASE).fill(1));
    expect(outcome).toBe('done');
    expect(log.slice(0, BASE)).toEqual(LEADER.slice(0, BASE));
  });

  it('ends behind the leader’s base with other entries loses those', async () => {
    const { outcome, log } = await feed(Array<number>(BASE + 4).fill(1));
    expect(outcome).toBe('done');
    expect(log.slice(0, BASE)).toEqual(LEADER.slice(0, BASE));
  });

  it('is that of the leader up to its base is told so', async () => {
    const { outcome, log } = await feed(LEADER.slice(0, BASE));
    expect(outcome).toBe('done');
    expect(log).toEqual(LEADER.slice(0, BASE));
  });

  it('is empty gets everything', async () => {
    const { outcome, log } = await feed([]);
    expect(outcome).toBe('done');
    expect(log.slice(0, BASE)).toEqual(LEADER.slice(0, BASE));
  });
});
