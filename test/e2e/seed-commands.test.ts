// Goal: what a user of the seed document types works as it says there (research/seeds.md 4.1, 4.4
// and 1.4): the exact flags and variables, redis-cli at three ports, and the loss of the leader.

import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Cluster, Daemon, eventually, freePorts, raftInfo } from '../process/daemon.js';
import { cli, hasPrograms, shell, temporaryDirectory, traceIn } from './programs.js';

const CAN_RUN = hasPrograms('redis-cli');
/** H5: the seed's "wait 1-2 s". */
const FAILOVER_MS_MAX = 2000;

/** The three command lines of the quick start, with free ports. */
async function quickStart(): Promise<Cluster> {
  const directory = temporaryDirectory();
  const [a, b, c, ra, rb, rc] = await freePorts(6);
  const addresses = [`node-1:127.0.0.1:${ra}`, `node-2:127.0.0.1:${rb}`, `node-3:127.0.0.1:${rc}`];
  const daemons = [a!, b!, c!].map((port, i) => {
    const id = `node-${i + 1}`;
    const dataDir = join(directory, `data/node${i + 1}`);
    const raftPort = [ra!, rb!, rc!][i]!;
    return new Daemon(
      { id, port, raftPort, dataDir },
      [
        `-data-dir=${dataDir}`,
        `-listen=:${port}`,
        '-raft=true',
        `-raft-node-id=${id}`,
        `-raft-addr=127.0.0.1:${raftPort}`,
        `-raft-data-dir=${dataDir}/raft`,
      ],
      { HELIOS_RAFT_PEERS: addresses.filter((each) => !each.startsWith(id)).join(',') },
    );
  });
  return Cluster.of(directory, daemons);
}

describe.skipIf(!CAN_RUN)('the quick start', () => {
  let cluster: Cluster;
  let ports: number[];

  beforeAll(async () => {
    cluster = await quickStart();
    ports = cluster.ports;
    await Promise.all(cluster.daemons.map((daemon) => daemon.start()));
    await cluster.leader();
  });
  afterAll(() => cluster?.stop());

  const followers = async (): Promise<Daemon[]> => {
    const leader = await cluster.leader();
    return cluster.daemons.filter((daemon) => daemon !== leader);
  };

  it('has one Leader and two Followers that name the same leader', async () => {
    const states = await Promise.all(
      ports.map((port) => shell(`redis-cli -p ${port} INFO | tr -d '\\r' | grep raft_state`)),
    );
    expect(states.map((line) => line.replace(/\s/g, '')).sort()).toEqual([
      'raft_state:Follower',
      'raft_state:Follower',
      'raft_state:Leader',
    ]);
    const leaders = await Promise.all(
      ports.map((port) => shell(`redis-cli -p ${port} INFO | tr -d '\\r' | grep raft_leader:`)),
    );
    expect(new Set(leaders)).toEqual(new Set([`raft_leader:${(await cluster.leader()).spec.id}`]));
    const info = await cli(ports[0]!, 'INFO');
    for (const field of [
      'raft_enabled:true',
      'raft_term:',
      'raft_commit_index:',
      'raft_applied_index:',
    ]) {
      expect(info).toContain(field);
    }
  });

  it('answers PING at every port, as the start script asks', async () => {
    for (const port of ports) expect(await cli(port, 'PING')).toBe('PONG');
  });

  it('logs the election', async () => {
    const { output } = await cluster.leader();
    expect(output).toMatch(/\[INFO\] raft: Starting election \[term \d+\]/);
    expect(output).toMatch(/\[INFO\] raft: Won election \[votes [23] term \d+\]/);
    expect(output).toMatch(/\[INFO\] raft: Entering leader state \[term \d+\]/);
  });

  it('reads at one node what was written at another', async () => {
    expect(await cli(ports[0]!, 'SET', 'mykey', 'hello cluster')).toBe('OK');
    expect(await cli(ports[1]!, 'GET', 'mykey')).toBe('hello cluster');
    const [follower, other] = await followers();
    expect(await cli(follower!.spec.port, 'SET', 'mykey', 'from a follower')).toBe('OK');
    expect(await cli(other!.spec.port, 'GET', 'mykey')).toBe('from a follower');
    expect(await cli((await cluster.leader()).spec.port, 'GET', 'mykey')).toBe('from a follower');
  });

  it.each(['SIGTERM', 'SIGKILL'] as const)('goes on after %s of the leader', async (signal) => {
    const leader = await cluster.leader();
    const [follower] = await followers();
    const { port } = follower!.spec;
    await cli(port, 'SET', 'before', signal);
    const ended = leader.end(signal);
    if (signal === 'SIGKILL') await ended;
    const begun = performance.now();
    expect(await cli(port, 'SET', 'failover-test', `still-working ${signal}`)).toBe('OK');
    const took = performance.now() - begun;
    process.stderr.write(`${signal} of the leader: a write took ${took.toFixed(0)} ms\n`);
    expect(took).toBeLessThan(FAILOVER_MS_MAX);
    expect(await cli(port, 'GET', 'before')).toBe(signal);
    expect(await ended).toBe(signal === 'SIGTERM' ? 0 : null);
    await leader.start();
    await cluster.leader();
    expect(new Set(await cluster.digests()).size).toBe(1);
    const text = `still-working ${signal}`;
    expect(await cli(leader.spec.port, 'GET', 'failover-test')).toBe(text);
  });

  it('lets a key end everywhere at once, and it stays gone after a restart', async () => {
    await cli(ports[0]!, 'SET', 'session', 'x', 'PX', '800');
    for (const port of ports) {
      const left = Number(await cli(port, 'PTTL', 'session'));
      expect(left === -2 || (left > 0 && left <= 800)).toBe(true);
    }
    await eventually('the key is gone', async () =>
      (await cli(ports[1]!, 'EXISTS', 'session')) === '0' ? true : null,
    );
    await cluster.daemons[2]!.kill();
    await cluster.daemons[2]!.start();
    for (const port of ports) expect(await cli(port, 'GET', 'session')).toBe('');
  });

  it('runs the rate limiter of the mail server as it is written there (E4, E5, E18)', async () => {
    const key = 'elemta:ratelimit:ip:1.2.3.4';
    const now = 1_700_000_060;
    const [a, b, c] = ports as [number, number, number];
    expect(await cli(a, 'ZREMRANGEBYSCORE', key, '0', String(now - 60))).toBe('0');
    expect(await cli(b, 'ZCOUNT', key, String(now - 60), String(now))).toBe('0');
    expect(await cli(c, 'ZADD', key, String(now), `req_${now}_001`)).toBe('1');
    expect(await cli(a, 'EXPIRE', key, '120')).toBe('1');
    expect(await cli(b, 'ZRANGE', key, '0', '-1', 'WITHSCORES')).toBe(`req_${now}_001\n${now}`);
    expect(await cli(c, 'ZCARD', key)).toBe('1');
    expect(await cli(a, 'ZADD', 'elemta:ratelimit:ip:::1', String(now), 'x')).toBe('1');
    const wanted = ['elemta:ratelimit:ip:1.2.3.4', 'elemta:ratelimit:ip:::1'];
    for (const port of ports) {
      const scanned = await cli(port, '--scan', '--pattern', 'elemta:ratelimit:*');
      expect(scanned.split('\n').sort()).toEqual(wanted.sort());
      expect((await cli(port, 'KEYS', 'elemta:ratelimit:*')).split('\n').sort()).toEqual(wanted);
    }
    expect(await cli(a, 'SETEX', 'elemta:ratelimit:k:tokens', '60', '19.000000')).toBe('OK');
    expect(await cli(b, 'GET', 'elemta:ratelimit:k:tokens')).toBe('19.000000');
  });

  it('gives one of two nodes the lock, and the other when it ran out (E8, E9)', async () => {
    const [a, b, c] = ports as [number, number, number];
    const lock = 'elemta:cluster:leader';
    expect(await cli(a, 'SET', lock, 'node1', 'NX', 'PX', '500')).toBe('OK');
    await eventually('the lock is free', async () =>
      (await cli(b, 'SET', lock, 'node2', 'NX', 'EX', '30')) === 'OK' ? true : null,
    );
    expect(await cli(c, 'SET', lock, 'node3', 'NX', 'EX', '30')).toBe('');
    expect(await cli(c, 'GET', lock)).toBe('node2');
    for (const port of ports) {
      const ttl = Number(await cli(port, 'TTL', lock));
      expect(ttl).toBeGreaterThan(20);
      expect(ttl).toBeLessThanOrEqual(30);
    }
    expect(await cli(a, 'SET', 'elemta:cluster:nodes:n1', '{"id":"n1"}', 'EX', '30')).toBe('OK');
    expect(await cli(b, 'KEYS', 'elemta:cluster:nodes:*')).toBe('elemta:cluster:nodes:n1');
    expect(await cli(c, 'GET', 'elemta:cluster:nodes:n1')).toBe('{"id":"n1"}');
  });

  it('keeps the queue and the delivery counters (E10, E11)', async () => {
    const [a, b, c] = ports as [number, number, number];
    expect(await cli(a, 'ZADD', 'q:queue:pending', '1', 'a')).toBe('1');
    expect(await cli(b, '-3', 'ZPOPMIN', 'q:queue:pending', '1')).toBe('a\n1');
    expect(await cli(c, 'ZCARD', 'q:queue:pending')).toBe('0');
    expect(await cli(a, 'ZADD', 'q:queue:processing', '1699999999.5', 'job')).toBe('1');
    const due = ['ZRANGEBYSCORE', 'q:queue:processing', '-inf', '1700000000.000000'];
    expect(await cli(b, ...due)).toBe('job');
    expect(await cli(c, 'ZREM', 'q:queue:processing', 'job')).toBe('1');
    for (let i = 1; i <= 3; i++) {
      expect(await cli(ports[i % 3]!, 'INCR', 'elemta:metrics:delivered')).toBe(String(i));
    }
    expect(await cli(b, 'EXPIRE', 'elemta:metrics:delivered', '86400')).toBe('1');
    expect(await cli(c, 'LPUSH', 'elemta:metrics:recent_errors', 'e1', 'e2', 'e3')).toBe('3');
    expect(await cli(a, 'LTRIM', 'elemta:metrics:recent_errors', '0', '1')).toBe('OK');
    expect(await cli(b, 'LRANGE', 'elemta:metrics:recent_errors', '0', '9')).toBe('e3\ne2');
  });

  it('answers what monitoring asks (E1, E2, E3)', async () => {
    for (const port of ports) {
      expect(await shell(`redis-cli -p ${port} INFO memory | grep used_memory_human`)).toMatch(
        /^used_memory_human:[\d.]+[KMG]\s*$/,
      );
      expect(await shell(`redis-cli -p ${port} INFO clients | grep connected_clients`)).toMatch(
        /^connected_clients:[1-9]\d*\s*$/,
      );
      expect(await cli(port, 'SLOWLOG', 'RESET')).toBe('OK');
      expect(await cli(port, 'SLOWLOG', 'LEN')).toMatch(/^\d+$/);
      await cli(port, 'SLOWLOG', 'GET', '10');
    }
  });

  it('has the same digest everywhere after 200 pipelined writes at each node (H16)', async () => {
    const lines = Array.from({ length: 200 }, (_, i) => `APPEND log:${i % 7} ${i},`).join('\n');
    await Promise.all(ports.map((port) => shell(`printf '${lines}\\n' | redis-cli -p ${port}`)));
    expect(new Set(await cluster.digests()).size).toBe(1);
    const once = Array.from({ length: 200 }, (_, i) => (i % 7 === 0 ? `${i},` : '')).join('');
    expect(await cli(ports[0]!, 'STRLEN', 'log:0')).toBe(String(3 * once.length));
  });

  it('takes a wiped member back, with everything, before it counts again', async () => {
    const [follower] = await followers();
    const before = (await raftInfo(follower!.spec.port)).raft_node_uuid;
    await follower!.end('SIGTERM');
    rmSync(follower!.spec.dataDir, { recursive: true });
    await follower!.start();
    await eventually('it is a full member with a new UUID', async () => {
      const info = await raftInfo(follower!.spec.port);
      const whole = info.raft_standing === 'admitted' && info.raft_voters === '3';
      return whole && info.raft_node_uuid !== before ? true : null;
    });
    expect(traceIn(follower!.output)).toBeNull();
    expect(await cli((await cluster.leader()).spec.port, 'SET', 'after', 'loss')).toBe('OK');
    expect(new Set(await cluster.digests()).size).toBe(1);
  });
});
