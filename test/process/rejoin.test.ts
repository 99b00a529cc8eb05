// Goal: a member whose disk was emptied comes back by itself under its old id, as a learner that
// has everything before it counts; one that moved is found at its new address.

import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { askLine, Cluster, Daemon, eventually, freePorts, raftInfo } from './daemon.js';
import { plannedNodes, raft, voters } from './members.js';

const LONG_MS = 180_000;

let cluster: Cluster;
afterEach(() => cluster?.stop());

/** Three members with data; the last one that does not lead, and another. */
async function threeWithData(): Promise<{ lost: Daemon; other: Daemon }> {
  cluster = await Cluster.start(3);
  await voters(cluster.daemons[0]!, 3);
  const leader = await cluster.leader();
  for (let i = 0; i < 20; i++) await askLine(leader.spec.port, `SET key:${i} ${i}`);
  const [lost, other] = cluster.daemons.filter((daemon) => daemon !== leader);
  return { lost: lost!, other: other! };
}

async function isWholeAgain(member: Daemon, uuidBefore: string, at: Daemon): Promise<void> {
  await eventually(
    `${member.spec.id} is a voter with another UUID`,
    async () => {
      const info = await raftInfo(member.spec.port);
      const whole = info.raft_standing === 'admitted' && info.raft_voters === '3';
      return whole && info.raft_node_uuid !== uuidBefore ? true : null;
    },
    60_000,
  );
  await voters(at, 3);
  await cluster.leader();
  expect(new Set(await cluster.digests()).size).toBe(1);
  expect(await askLine(member.spec.port, 'GET key:19')).toBe('19');
  expect(at.output + member.output).not.toContain('FATAL');
}

describe('a member that lost its disk', () => {
  it.each([
    ['all of it', ['']],
    ['its log only', ['appendonlydir']],
  ])(
    '(%s) comes back as a learner and then a voter',
    async (_, folders) => {
      const { lost, other } = await threeWithData();
      const { raft_node_uuid: before } = await raftInfo(lost.spec.port);
      await lost.kill();
      for (const folder of folders) rmSync(join(lost.spec.dataDir, folder), { recursive: true });
      await lost.start();
      await isWholeAgain(lost, before!, other);
      const { raft_removed_uuids: removed } = await raftInfo(other.spec.port);
      expect(removed).toBe('1');
      // It counts: the cluster goes on with it when another is gone.
      await other.kill();
      await eventually('a write with the member that came back', async () =>
        (await askLine(lost.spec.port, 'SET after 1')) === 'OK' ? true : null,
      );
    },
    LONG_MS,
  );
});

describe('a member at another address', () => {
  it(
    'is found there, and the roster follows',
    async () => {
      cluster = await plannedNodes([
        { peers: [1, 2, 3] },
        { peers: [1, 2, 3] },
        { peers: [1, 2, 3] },
      ]);
      const { daemons } = cluster;
      await Promise.all(daemons.map((daemon) => daemon.start()));
      await voters(daemons[0]!, 3);
      const leader = await cluster.leader();
      const old = daemons.find((daemon) => daemon !== leader)!;
      await old.end('SIGTERM');
      const [raftPort] = await freePorts(1);
      const { id, port, dataDir } = old.spec;
      const moved = new Daemon(
        { ...old.spec, raftPort: raftPort! },
        [
          ...[`-data-dir=${dataDir}`, `-listen=127.0.0.1:${port}`, '-raft=true'],
          ...[`-raft-node-id=${id}`, `-raft-addr=127.0.0.1:${raftPort}`],
        ],
        { HELIOS_RAFT_PEERS: '' },
      );
      daemons.splice(daemons.indexOf(old), 1, moved);
      await moved.start();
      await eventually('the roster has the new address', async () => {
        const info = await raftInfo(leader.spec.port);
        return Object.values(info).some((text) => text.includes(`addr=127.0.0.1:${raftPort},`))
          ? true
          : null;
      });
      await cluster.leader();
      expect(await askLine(moved.spec.port, 'SET k v')).toBe('OK');
      expect(await raft(moved, 'TRANSFER')).toMatch(/^\+OK|^-ERR/);
    },
    LONG_MS,
  );
});
