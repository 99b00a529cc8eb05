// SIGTERM and the last snapshot: a node ends also when nothing can be committed any more, and not
// before the snapshot has everything, whatever was under way.

import { afterEach, describe, expect, it } from 'vitest';
import { Cluster, type Daemon, eventually, raftInfo } from './daemon.js';
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

describe('a node in the middle of a snapshot', () => {
  let cluster: Cluster;
  afterEach(() => cluster?.stop());

  it('ends that one and takes a last one of everything on SIGTERM', async () => {
    cluster = await Cluster.start(1);
    const [daemon] = cluster.daemons as [Daemon];
    const client = strictClient(daemon.spec.port);
    const fill = "for i = 1, 20000 do redis.call('set', 'key:' .. ARGV[1] .. ':' .. i, i) end";
    for (let i = 0; i < 10; i++) await client.eval(fill, 0, String(i));
    await client.bgsave();
    await client.set('late', 'write');
    expect(await client.info('persistence')).toContain('rdb_bgsave_in_progress:1');
    const last = (await raftInfo(daemon.spec.port)).raft_last_log_index;
    client.disconnect();
    expect(await daemon.end('SIGTERM')).toBe(0);
    expect(daemon.output.match(/Snapshot written \[index \d+/g)?.at(-1)).toBe(
      `Snapshot written [index ${last}`,
    );
  }, 120_000);
});
