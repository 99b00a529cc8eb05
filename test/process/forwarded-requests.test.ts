// Goal: an operator's request that a leader takes along when it stops is answered all the same: by
// the next leader, done once, or at once with that nobody knows and what shows it.

import { afterEach, describe, expect, it } from 'vitest';
import { Cluster, type Daemon, eventually, raftInfo } from './daemon.js';
import { raft, voters } from './members.js';

const LONG_MS = 120_000;
let cluster: Cluster;

afterEach(async () => {
  for (const daemon of cluster?.daemons ?? []) {
    if (daemon.running) process.kill(daemon.pid, 'SIGCONT');
  }
  await cluster?.stop();
});

async function leaderAndOthers(size: number): Promise<[Daemon, Daemon[]]> {
  cluster = await Cluster.start(size);
  const leader = await cluster.leader();
  await voters(leader, size);
  return [leader, cluster.daemons.filter((daemon) => daemon !== leader)];
}

describe('REMOVEPEER at a follower, whose leader stops', () => {
  it('is carried out by the next leader', { timeout: LONG_MS }, async () => {
    const [leader, others] = await leaderAndOthers(5);
    const [asked, gone] = others as [Daemon, Daemon];
    process.kill(leader.pid, 'SIGSTOP');
    expect(await raft(asked, `REMOVEPEER ${gone.spec.id}`)).toBe('+OK');
    process.kill(leader.pid, 'SIGCONT');
    await voters(asked, 4);
    expect(await raft(asked, `REMOVEPEER ${gone.spec.id}`)).toMatch(/^-ERR .* is not a member/);
  });

  it('is done when the leader had done it and could not say so', {
    timeout: LONG_MS,
  }, async () => {
    const [leader, others] = await leaderAndOthers(3);
    const [asked] = others as [Daemon];
    // The leader leaves itself: it is another leader that can tell.
    expect(await raft(asked, `REMOVEPEER ${leader.spec.id}`)).toBe('+OK');
    await voters(asked, 2);
  });

  it('is of unknown outcome, with what shows it, when no other leads', {
    timeout: LONG_MS,
  }, async () => {
    const [leader, others] = await leaderAndOthers(3);
    const [asked, third] = others as [Daemon, Daemon];
    process.kill(third.pid, 'SIGSTOP');
    process.kill(leader.pid, 'SIGSTOP');
    expect(await raft(asked, `REMOVEPEER ${third.spec.id}`)).toMatch(
      /^-UNKNOWN outcome: .* was lost before it answered.*RAFT\.LISTPEERS shows/,
    );
    expect(await raft(asked, `REMOVEPEER ${third.spec.id}`)).toMatch(/^-ERR no leader is known/);
  });
});

describe('TRANSFER at a follower', () => {
  it('is done when the other leads', { timeout: LONG_MS }, async () => {
    const [, others] = await leaderAndOthers(3);
    const [asked, next] = others as [Daemon, Daemon];
    expect(await raft(asked, `TRANSFER ${next.spec.id}`)).toBe('+OK');
    await eventually('it leads', async () =>
      (await raftInfo(next.spec.port)).raft_state === 'Leader' ? true : null,
    );
  });
});
