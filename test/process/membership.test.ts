// Goal: a cluster is made, grown, shrunk and replaced member by member, from any node, with real
// processes; no acknowledged write is lost, and what would harm is refused in words.

import { afterEach, describe, expect, it } from 'vitest';
import { ask, askLine, type Cluster, type Daemon, eventually, raftInfo } from './daemon.js';
import { judge, Load } from './load.js';
import { addPeer, plannedNodes, raft, voters } from './members.js';

const LONG_MS = 240_000;

let cluster: Cluster;
afterEach(() => cluster?.stop());

describe('bare nodes', () => {
  it(
    'become one cluster by two ADDPEER, keep data, and shrink to one again',
    async () => {
      cluster = await plannedNodes([{}, {}, {}]);
      const [first, second, third] = cluster.daemons;
      await Promise.all(cluster.daemons.map((daemon) => daemon.start()));
      expect(await askLine(first!.spec.port, 'SET kept 1')).toBe('OK');
      expect(await addPeer(first!, second!)).toMatch(/^node-2 is a learner now/);
      await voters(first!, 2);
      expect(await addPeer(second!, third!)).toMatch(/^node-3 is a learner now/);
      await voters(first!, 3);
      await cluster.leader();
      for (const { spec } of cluster.daemons)
        expect(await askLine(spec.port, 'GET kept')).toBe('1');
      const ids = await Promise.all(cluster.ports.map((port) => raftInfo(port)));
      expect(new Set(ids.map((info) => info.raft_cluster_id)).size).toBe(1);

      expect(await raft(third!, 'TRANSFER node-3')).toMatch(/^(\+OK|-ERR node-3 leads)/);
      await eventually('node-3 leads', async () => {
        const { raft_state: state } = await raftInfo(third!.spec.port);
        return state === 'Leader' ? true : null;
      });
      expect(await raft(second!, 'REMOVEPEER node-3')).toBe('+OK');
      await eventually('node-3 says that it was removed', async () => {
        const reply = await raft(third!, 'STATUS');
        const answer = await askLine(third!.spec.port, 'SET k v');
        return reply !== '' && answer.includes('was removed from the cluster') ? true : null;
      });
      expect(await raft(first!, 'REMOVEPEER node-2')).toBe('+OK');
      await voters(first!, 1);
      expect(await askLine(first!.spec.port, 'SET alone 1')).toBe('OK');
      expect(await raft(first!, 'REMOVEPEER node-1')).toMatch(/^-ERR node-1 is the last voter/);
      expect(await addPeer(first!, second!)).toMatch(/^-ERR node-2 was removed from this cluster/);
      expect(await raft(second!, 'RESET node-1')).toMatch(/^-ERR this node is node-2/);
      await eventually('node-2 knows that it was removed, and is reset', async () =>
        /^node-2 throws/.test(await raft(second!, 'RESET node-2')) ? true : null,
      );
      await eventually('node-2 is back', async () => {
        return (await addPeer(first!, second!)).startsWith('node-2 is a learner') ? true : null;
      });
      await voters(first!, 2);
      expect(await askLine(second!.spec.port, 'GET alone')).toBe('1');
    },
    LONG_MS,
  );

  it(
    'with data of its own is refused with the command that would throw it away',
    async () => {
      cluster = await plannedNodes([{}, {}]);
      const [one, two] = cluster.daemons;
      await Promise.all(cluster.daemons.map((daemon) => daemon.start()));
      await eventually('node-2 takes a write', async () =>
        (await askLine(two!.spec.port, 'SET own 1')) === 'OK' ? true : null,
      );
      expect(await addPeer(one!, two!)).toMatch(
        /^-ERR node-2 has data of its own.*RAFT\.RESET node-2/,
      );
      expect(await askLine(two!.spec.port, 'GET own')).toBe('1');
      expect(await raft(one!, 'ADDPEER node-7 127.0.0.1:1')).toMatch(/^-ERR nothing answers at/);
      expect(await raft(one!, 'REMOVEPEER node-9')).toMatch(/^-ERR node-9 is not a member/);
      expect(await raft(one!, `ADDPEER node-9 127.0.0.1:${two!.spec.raftPort}`)).toMatch(
        /^-ERR this node is node-2, not node-9/,
      );
    },
    LONG_MS,
  );
});

describe('a node that is in no cluster yet', () => {
  it(
    'has nothing to save',
    async () => {
      cluster = await plannedNodes([{ peers: [1, 2, 3] }, {}, {}]);
      const [daemon] = cluster.daemons as [Daemon];
      await daemon.start();
      const reply = await ask(daemon.spec.port, 'SAVE', (text) => text.endsWith('\r\n'));
      expect(reply).toMatch(/^-ERR Snapshot failed: .* no data/);
      await daemon.kill();
      await daemon.start();
      expect(await askLine(daemon.spec.port, 'PING')).toBe('PONG');
    },
    LONG_MS,
  );
});

describe('a first node without peers', () => {
  it(
    'is in one cluster with two that name it, also when they come late',
    async () => {
      cluster = await plannedNodes([{}, { peers: [1, 2, 3] }, { peers: [1, 2, 3] }]);
      const [one, two, three] = cluster.daemons;
      await one!.start();
      await eventually('node-1 is a cluster of one', async () =>
        (await raftInfo(one!.spec.port)).raft_state === 'Leader' ? true : null,
      );
      await Promise.all([two!.start(), three!.start()]);
      await eventually('three voters everywhere', async () => {
        const infos = await Promise.all(cluster.ports.map((port) => raftInfo(port)));
        const ids = new Set(infos.map((info) => info.raft_cluster_id));
        return infos.every((info) => info.raft_voters === '3') && ids.size === 1 ? true : null;
      });
      await cluster.leader();
      expect(await askLine(one!.spec.port, 'SET k v')).toBe('OK');
      expect(await askLine(three!.spec.port, 'GET k')).toBe('v');
    },
    LONG_MS,
  );
});

describe('every original node', () => {
  it(
    'is replaced one by one under load, and nothing is lost',
    async () => {
      const peers = [1, 2, 3];
      cluster = await plannedNodes([{ peers }, { peers }, { peers }, {}, {}, {}]);
      const { daemons } = cluster;
      await Promise.all(daemons.slice(0, 3).map((daemon) => daemon.start()));
      await voters(daemons[0]!, 3);
      await Promise.all(daemons.slice(3).map((daemon) => daemon.start()));
      for (const i of [0, 1, 2]) {
        const [old, next] = [daemons[i]!, daemons[i + 3]!];
        const serving = daemons.slice(i + 1, i + 3).concat(daemons.slice(3, i + 3));
        const during = new Load(
          serving.map(({ spec }) => spec.port),
          2,
        );
        const at = serving[0]!;
        await eventually('writes', async () => (during.acknowledged > 50 ? true : null));
        await eventually(`${next.spec.id} is added`, async () =>
          /is a (learner now|member already)/.test(await addPeer(at, next)) ? true : null,
        );
        await voters(at, 4);
        await eventually(`${old.spec.id} is removed`, async () =>
          /^\+OK|not a member/.test(await raft(at, `REMOVEPEER ${old.spec.id}`)) ? true : null,
        );
        await voters(at, 3);
        await old.end('SIGTERM');
        const before = during.acknowledged;
        await eventually('writes go on', async () =>
          during.acknowledged > before + 50 ? true : null,
        );
        const tally = await during.stop();
        expect(await judge(next.spec.port, tally)).toEqual({ lost: [], doubled: [] });
        // Every load counts from nothing.
        expect(await askLine(next.spec.port, 'FLUSHALL')).toBe('OK');
      }
      await cluster.leader();
      expect(new Set(await cluster.digests()).size).toBe(1);
    },
    LONG_MS,
  );
});
