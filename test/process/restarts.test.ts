// Goal: nodes that restart, in turn or together, from the log or from a snapshot, and a member that
// was away, end up with every acknowledged write and equal data.

import { afterEach, describe, expect, it } from 'vitest';
import { askLine, Cluster, eventually, raftInfo } from './daemon.js';
import { judge, Load, strictClient } from './load.js';

let cluster: Cluster;
afterEach(() => cluster?.stop());

describe('restarts', () => {
  it('of each node in turn under load lose nothing', async () => {
    cluster = await Cluster.start(3);
    const load = new Load(cluster.ports, 2);
    for (const [i, daemon] of cluster.daemons.entries()) {
      const before = load.acknowledged;
      await eventually('writes', async () => (load.acknowledged > before + 100 ? true : null));
      await daemon.end(i % 2 === 0 ? 'SIGTERM' : 'SIGKILL');
      const during = load.acknowledged;
      await eventually('writes without it', async () =>
        load.acknowledged > during + 100 ? true : null,
      );
      await daemon.start();
      await cluster.leader();
    }
    const tally = await load.stop();
    expect(new Set(await cluster.digests()).size).toBe(1);
    for (const port of cluster.ports) {
      expect(await judge(port, tally)).toEqual({ lost: [], doubled: [] });
    }
  });

  it('after BGSAVE under load begin at the snapshot and have everything', async () => {
    cluster = await Cluster.start(3, ['-snapshot-min-interval=0s']);
    const load = new Load(cluster.ports, 3);
    for (let round = 0; round < 3; round++) {
      const before = load.acknowledged;
      await eventually('writes', async () => (load.acknowledged > before + 300 ? true : null));
      for (const port of cluster.ports) {
        expect(await askLine(port, 'BGSAVE')).toMatch(/^Background saving/);
      }
    }
    const tally = await load.stop();
    await Promise.all(cluster.daemons.map((daemon) => daemon.kill()));
    await Promise.all(cluster.daemons.map((daemon) => daemon.start()));
    await cluster.leader();
    for (const { output, spec } of cluster.daemons) {
      expect(output).toMatch(/Snapshot loaded \[index [1-9]/);
      expect(await judge(spec.port, tally)).toEqual({ lost: [], doubled: [] });
    }
    expect(new Set(await cluster.digests()).size).toBe(1);
  });
});

describe('a member that was away', () => {
  it('catches up by snapshot under load, and by log when it is not far behind', async () => {
    cluster = await Cluster.start(3, [
      ...['-snapshot-interval-cmds=200', '-snapshot-min-interval=0s'],
      '-raft-snapshot-threshold=20',
      '-log-history-size=0',
    ]);
    const leader = await cluster.leader();
    const late = cluster.daemons.find((daemon) => daemon !== leader);
    const client = strictClient(leader.spec.port);
    await client.set('kept', 'x', 'PX', 3_600_000);
    for (let round = 0; round < 3; round++) {
      await late!.kill();
      const from = Number((await raftInfo(leader.spec.port)).raft_applied_index);
      const load = new Load([leader.spec.port], 4);
      await eventually('the log has moved on', async () => {
        const { raft_first_log_index } = await raftInfo(leader.spec.port);
        return Number(raft_first_log_index) > from + 50 ? true : null;
      });
      await late!.start();
      await eventually('the snapshot is there', async () =>
        late!.output.includes('Snapshot installed') ? true : null,
      );
      await load.stop();
      expect(new Set(await cluster.digests()).size).toBe(1);
      const port = late!.spec.port;
      expect(await askLine(port, 'PEXPIRETIME kept')).toBe(
        await askLine(leader.spec.port, 'PEXPIRETIME kept'),
      );
    }
    await late!.end('SIGTERM');
    await client.set('one', 'more');
    await late!.start();
    expect(await askLine(late!.spec.port, 'GET one')).toBe('more');
    expect(late!.output).not.toMatch(/Snapshot installed/);
    client.disconnect();
  }, 60_000);
});
