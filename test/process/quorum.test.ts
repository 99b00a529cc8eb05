// Goal: what clients of three nodes see around the loss of a majority, in transactions under load,
// and of expiry.

import type { Redis } from 'ioredis';
import { afterEach, describe, expect, it } from 'vitest';
import { askLine, Cluster, type Daemon, eventually, raftInfo } from './daemon.js';
import { Load, strictClient } from './load.js';

const WRITE_TIMEOUT_MS = 700;
let cluster: Cluster;
const open: Redis[] = [];

afterEach(async () => {
  for (const client of open.splice(0)) client.disconnect();
  await cluster?.stop();
});

function connect(port: number): Redis {
  const client = strictClient(port);
  open.push(client);
  return client;
}

async function others(leader: Daemon): Promise<Daemon[]> {
  return cluster.daemons.filter((daemon) => daemon !== leader);
}

/** The error a command ends with, or its reply as JSON. */
async function outcome(reply: Promise<unknown>): Promise<string> {
  try {
    return JSON.stringify(await reply);
  } catch (error) {
    return (error as Error).message;
  }
}

describe('a minority', () => {
  it.each(['leader', 'follower'] as const)(
    'of one %s refuses, reads locally, and recovers',
    async (survivor) => {
      cluster = await Cluster.start(3, [`-write-timeout=${WRITE_TIMEOUT_MS}ms`]);
      const leader = await cluster.leader();
      const alone = survivor === 'leader' ? leader : (await others(leader))[0]!;
      const client = connect(alone.spec.port);
      const reader = connect(alone.spec.port);
      expect(await client.set('a', '1')).toBe('OK');
      expect(await reader.readonly()).toBe('OK');
      expect(await reader.get('a')).toBe('1');
      const dead = cluster.daemons.filter((daemon) => daemon !== alone);
      await Promise.all(dead.map((daemon) => daemon.kill()));

      // The first write may have been handed over before the loss was noticed; then nobody can say.
      const first = await outcome(client.set('a', '2'));
      expect(first).toMatch(/^(CLUSTERDOWN|UNKNOWN)/);
      await eventually('writes are refused at once', async () =>
        (await outcome(client.set('maybe', '1'))).startsWith('CLUSTERDOWN') ? true : null,
      );
      const begun = performance.now();
      expect(await outcome(client.set('never', '1'))).toMatch(/^CLUSTERDOWN/);
      expect(await outcome(client.get('a'))).toMatch(/^CLUSTERDOWN/);
      expect(await outcome(client.multi().set('never', '1').exec())).toMatch(/CLUSTERDOWN/);
      expect(performance.now() - begun).toBeLessThan(4 * WRITE_TIMEOUT_MS);
      expect(await reader.get('a')).toMatch(/^[12]$/);
      expect((await raftInfo(alone.spec.port)).raft_state).not.toBe('Leader');

      await dead[0]!.start();
      await cluster.leader();
      await eventually('writes work', async () =>
        (await outcome(client.set('b', '3'))) === '"OK"' ? true : null,
      );
      expect(await client.get('b')).toBe('3');
      expect(await client.get('never')).toBeNull();
      if (first.startsWith('CLUSTERDOWN')) expect(await client.get('a')).toBe('1');
      await dead[1]!.start();
      expect(new Set(await cluster.digests()).size).toBe(1);
    },
  );
});

describe('transactions under load', () => {
  it('WATCH at three nodes never loses an update', async () => {
    cluster = await Cluster.start(3);
    const load = new Load(cluster.ports, 1);
    let wins = 0;
    let losses = 0;
    const contend = async (port: number): Promise<void> => {
      const client = connect(port);
      for (let i = 0; i < 60; i++) {
        await client.watch('shared');
        const seen = Number((await client.get('shared')) ?? 0);
        const done = await client
          .multi()
          .set('shared', String(seen + 1))
          .rpush('history', String(seen + 1))
          .exec();
        if (done === null) losses++;
        else wins++;
      }
    };
    await Promise.all([...cluster.ports, ...cluster.ports].map(contend));
    await load.stop();
    const client = connect(cluster.ports[0]!);
    expect(await client.get('shared')).toBe(String(wins));
    const history = await client.lrange('history', 0, -1);
    expect(history).toEqual(Array.from({ length: wins }, (_, i) => String(i + 1)));
    expect(losses).toBeGreaterThan(0);
    expect(wins + losses).toBe(360);
    expect(new Set(await cluster.digests()).size).toBe(1);
  });
});

describe('expiry', () => {
  it('happens at one place of the log, everywhere, and is not undone by a restart', async () => {
    cluster = await Cluster.start(3);
    const leader = await cluster.leader();
    const client = connect(leader.spec.port);
    for (let i = 0; i < 20; i++) await client.set(`short:${i}`, 'x', 'PX', 100 + i * 20);
    await client.set('long', 'x', 'PX', 3_600_000);
    // Written beside the expirations: the reply to each tells which keys its log entry saw alive.
    const seen: number[] = [];
    const names = Array.from({ length: 20 }, (_, i) => `short:${i}`);
    await eventually('all short ones are gone', async () => {
      const alive = (await client
        .multi()
        .exists(...names)
        .rpush('probe', 'x')
        .exec())!;
      seen.push(Number(alive[0]![1]));
      return seen.at(-1) === 0 ? true : null;
    });
    expect(seen).toEqual([...seen].sort((a, b) => b - a));
    await cluster.digests();
    const ends = new Set(
      await Promise.all(cluster.ports.map((port) => askLine(port, 'PEXPIRETIME long'))),
    );
    expect(ends.size).toBe(1);
    await Promise.all(cluster.daemons.map((daemon) => daemon.kill()));
    await Promise.all(cluster.daemons.map((daemon) => daemon.start()));
    await cluster.leader();
    for (const port of cluster.ports) {
      expect(await askLine(port, `EXISTS ${names.join(' ')}`)).toBe('0');
      expect(await askLine(port, 'PEXPIRETIME long')).toBe([...ends][0]);
      expect(Number(await askLine(port, 'LLEN probe'))).toBe(seen.length);
    }
    expect(new Set(await cluster.digests()).size).toBe(1);
  });

  it('of a key that ended while all were down stays its end', async () => {
    cluster = await Cluster.start(3);
    await askLine(cluster.ports[0]!, 'SET k v PX 300');
    expect(await askLine(cluster.ports[0]!, 'GET k')).toBe('v');
    await Promise.all(cluster.daemons.map((daemon) => daemon.kill()));
    await new Promise((resolve) => setTimeout(resolve, 300));
    await Promise.all(cluster.daemons.map((daemon) => daemon.start()));
    await cluster.leader();
    expect(await askLine(cluster.ports[1]!, 'INCRBY k 1')).toBe('1');
    expect(await askLine(cluster.ports[2]!, 'TTL k')).toBe('-1');
    expect(new Set(await cluster.digests()).size).toBe(1);
  });
});
