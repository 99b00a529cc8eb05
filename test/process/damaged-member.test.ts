// Goal: a member of three whose data is damaged while it is down comes back by itself, as a learner
// under a new UUID, with the data of the others; what was damaged is kept, once. A node that is
// alone refuses and stays as it is.

import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { Cluster, type Daemon, eventually, raftInfo } from './daemon.js';
import { strictClient } from './load.js';

let cluster: Cluster | null = null;
afterEach(async () => {
  await cluster?.stop();
  cluster = null;
});

/** Changes a byte in the middle of the log. */
function damageLog({ spec }: Daemon): void {
  const directory = join(spec.dataDir, 'appendonlydir');
  const name = readdirSync(directory).find((file) => file.endsWith('.incr.aof'))!;
  const bytes = readFileSync(join(directory, name));
  bytes[bytes.length >> 1]! ^= 1;
  writeFileSync(join(directory, name), bytes);
}

function damageVotes({ spec }: Daemon): void {
  writeFileSync(join(spec.dataDir, 'raft/stable.seal'), 'x'.repeat(300));
  writeFileSync(join(spec.dataDir, 'raft/CURRENT'), 'x\n');
}

/** As a start leaves it that ended right after it had found the damage. */
function setVotesAside({ spec }: Daemon): void {
  const directory = join(spec.dataDir, 'raft');
  const aside = join(directory, 'damaged-leveldb');
  const names = readdirSync(directory).filter((name) => name !== 'raft.lock');
  mkdirSync(aside);
  for (const name of names) renameSync(join(directory, name), join(aside, name));
}

it.each([
  ['log', damageLog, 'appendonlydir.discarded'],
  ['term and vote', damageVotes, 'raft/damaged-leveldb'],
  ['term and vote, found before', setVotesAside, 'raft/damaged-leveldb'],
] as const)(
  'a member with a damaged %s is taken in again',
  async (_, damage, kept) => {
    cluster = await Cluster.start(3, ['-snapshot-interval-cmds=0', '-disk-reserve=0']);
    const leader = await cluster.leader();
    const victim = cluster.daemons.find((daemon) => daemon !== leader)!;
    const client = strictClient(leader.spec.port);
    for (let i = 0; i < 50; i++) await client.set(`k${i}`, 'v'.repeat(50));
    await victim.kill();
    damage(victim);
    await client.set('meanwhile', '1');
    await victim.start();
    expect(victim.output).toMatch(/damaged: set aside, rejoining as a learner/);
    expect(existsSync(join(victim.spec.dataDir, kept))).toBe(true);
    const { daemons } = cluster;
    await eventually(
      'three voters, one of them new',
      async () => {
        const infos = await Promise.all(daemons.map(({ spec }) => raftInfo(spec.port)));
        return infos.every((info) => info.raft_voters === '3') &&
          infos.some((info) => info.raft_state === 'Leader') &&
          infos.every((info) => /^(Leader|Follower)$/.test(info.raft_state!))
          ? true
          : null;
      },
      60_000,
    );
    expect(new Set(await cluster.digests()).size).toBe(1);
    client.disconnect();
  },
  120_000,
);

it('a node that is alone refuses, with the file and the place, and changes nothing', async () => {
  cluster = await Cluster.start(1, ['-disk-reserve=0']);
  const [node] = cluster.daemons as [Daemon];
  const client = strictClient(node.spec.port);
  for (let i = 0; i < 50; i++) await client.set(`k${i}`, 'v'.repeat(50));
  client.disconnect();
  await node.kill();
  rmSync(join(node.spec.dataDir, 'helios.lock'), { force: true });
  damageLog(node);
  const before = readdirSync(node.spec.dataDir, { recursive: true }).sort();
  await expect(node.start()).rejects.toThrow();
  expect(node.output).toMatch(
    /^\[FATAL\] E_LOG_CORRUPT: the log is damaged: \S+incr\.aof at offset \d+, where record \d+/m,
  );
  const after = readdirSync(node.spec.dataDir, { recursive: true }).sort();
  const stable = (names: unknown[]): unknown[] =>
    names.filter((name) => !/^raft\/|raft\.lock|helios\.lock/.test(String(name)));
  expect(stable(after)).toEqual(stable(before));
}, 60_000);
