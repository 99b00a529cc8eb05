// SIGTERM ends a node also when nothing can be committed any more: its last snapshot waits for the
// end of the log, and that must have an end.

import { afterEach, describe, expect, it } from 'vitest';
import { Cluster, eventually, raftInfo } from './daemon.js';
import { strictClient } from './load.js';

describe('a node without a majority', () => {
  let cluster: Cluster;
  afterEach(() => cluster?.stop());

  it('stops on SIGTERM with a write in its log that nobody else has', async () => {
    cluster = await Cluster.start(3);
    const leader = await cluster.leader();
    const client = strictClient(leader.spec.port);
    expect(await client.set('k', 'committed')).toBe('OK');
    const before = Number((await raftInfo(leader.spec.port)).raft_last_log_index);
    const others = cluster.daemons.filter((daemon) => daemon !== leader);
    await Promise.all(others.map((daemon) => daemon.kill()));
    client.set('k', 'not committed').catch(() => {});
    await eventually('the write is in the log', async () => {
      const info = await raftInfo(leader.spec.port);
      return Number(info.raft_last_log_index) > before ? true : null;
    });
    client.disconnect();
    expect(await leader.end('SIGTERM')).toBe(0);
    expect(leader.output).toContain('Stopped');
  }, 120_000);
});
