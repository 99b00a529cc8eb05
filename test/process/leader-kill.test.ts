// The promise of the whole: real nodes killed under load lose nothing and apply nothing twice.

import { afterEach, describe, expect, it } from 'vitest';
import { askLine, Cluster, eventually, raftInfo } from './daemon.js';
import { judge, Load } from './load.js';

describe('three real nodes under load', () => {
  let cluster: Cluster;
  afterEach(() => cluster?.stop());

  it('lose and double nothing while the leader is killed twenty times', async () => {
    cluster = await Cluster.start(3);
    const load = new Load(cluster.ports, 3);
    for (let kill = 0; kill < 20; kill++) {
      const leader = await cluster.leader();
      const before = load.acknowledged;
      await eventually('writes go on', async () =>
        load.acknowledged > before + 200 ? true : null,
      );
      await leader.kill();
      const after = load.acknowledged;
      await eventually('writes go on without it', async () =>
        load.acknowledged > after + 50 ? true : null,
      );
      await leader.start();
    }
    const tally = await load.stop();
    const digests = await cluster.digests();
    expect(new Set(digests).size).toBe(1);
    for (const port of cluster.ports) {
      expect(await judge(port, tally)).toEqual({ lost: [], doubled: [] });
    }
    expect(tally.counts.length).toBeGreaterThan(1000);
  }, 180_000);

  it('has every acknowledged write after all three are killed at once', async () => {
    cluster = await Cluster.start(3, ['-aof-fsync=every']);
    for (let round = 0; round < 3; round++) {
      // Each round is judged alone: what an earlier one left could stand in for something lost.
      expect(await askLine(cluster.ports[0]!, 'FLUSHALL')).toBe('OK');
      const load = new Load(cluster.ports, 3);
      await eventually('writes', async () => (load.acknowledged > 500 ? true : null));
      await Promise.all(cluster.daemons.map((daemon) => daemon.kill()));
      const stopped = load.stop();
      await Promise.all(cluster.daemons.map((daemon) => daemon.start()));
      await cluster.leader();
      const tally = await stopped;
      expect(new Set(await cluster.digests()).size).toBe(1);
      const verdict = await judge(cluster.ports[round]!, tally);
      expect(verdict, `round ${round}`).toEqual({ lost: [], doubled: [] });
    }
    const info = await raftInfo(cluster.ports[0]!);
    expect(Number(info.raft_term)).toBeGreaterThan(2);
  }, 120_000);
});
