// Goal: data goes both ways between Helios and a real Redis by its directory alone (architecture
// D6): what a stopped node leaves is started by redis-server, and a directory of redis-server is
// started by a node.

import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { askLine, Cluster, Daemon, freePorts } from '../process/daemon.js';
import { dumpOracle, startOracle } from '../unit/storage/rdb/oracle.js';
import { atlasd, hasPrograms, run, temporaryDirectory, traceIn } from './programs.js';

const CAN_RUN = hasPrograms('redis-server', 'redis-check-aof');
let directory = '';
let daemon: Daemon | null = null;
let cluster: Cluster | null = null;

beforeEach(() => {
  directory = temporaryDirectory();
});
afterEach(async () => {
  await daemon?.kill();
  await cluster?.stop();
  daemon = null;
  cluster = null;
  rmSync(directory, { recursive: true, force: true });
});

function connect(port: number): Redis {
  return new Redis(port, '127.0.0.1', { protocol: 2, retryStrategy: () => null });
}

/** Every type, small and large encodings, binary names, expiries, two databases. */
async function fill(client: Redis): Promise<void> {
  const pipeline = client.pipeline();
  for (let i = 0; i < 300; i++) pipeline.set(`s:${i}`, 'v'.repeat(i));
  pipeline.set('number', '12345').set('bytes', Buffer.from([0, 255, 13, 10, 128]));
  pipeline.set(Buffer.from([1, 200, 13, 10]), 'name of bytes');
  pipeline.set('ttl', 'x', 'EX', 5000).set('px', 'x', 'PX', 987_654);
  pipeline.rpush('list', ...Array.from({ length: 500 }, (_, i) => `item ${i}`));
  pipeline.rpush('short', 'a', 'b').expire('short', 4000);
  for (let i = 0; i < 300; i++) pipeline.hset('hash', `f${i}`, `v${i}`).sadd('set', `m${i}`);
  pipeline.sadd('ints', 1, 2, 3, 1_000_000).hset('h', 'f', 'v').sadd('few', 'x', 'y');
  for (let i = 0; i < 200; i++) pipeline.zadd('zset', i / 3, `m${i}`);
  pipeline.zadd('z', '-inf', 'low', '+inf', 'high', '0.1', 'mid');
  pipeline.set('gone', 'x').del('gone').incrby('number', 5).append('s:1', '+');
  pipeline.select(3).set('other', 'database', 'EX', 6000).select(0);
  for (const [error] of (await pipeline.exec()) ?? []) if (error !== null) throw error;
}

async function contents(client: Redis): Promise<Map<string, string>> {
  const all = await dumpOracle(client, 0);
  for (const [key, value] of await dumpOracle(client, 3)) all.set(`3/${key}`, value);
  await client.select(0);
  return all;
}

async function single(dataDir: string): Promise<Daemon> {
  const [port, raftPort] = await freePorts(2);
  const spec = { id: 'node-1', port: port!, raftPort: raftPort!, dataDir };
  daemon = new Daemon(spec, [`-data-dir=${dataDir}`, `-listen=127.0.0.1:${port}`], {});
  await daemon.start();
  return daemon;
}

async function contentsAt(port: number): Promise<Map<string, string>> {
  const client = connect(port);
  try {
    return await contents(client);
  } finally {
    client.disconnect();
  }
}

describe.skipIf(!CAN_RUN)('a stopped node', () => {
  it('of three leaves a directory that redis-server starts on with equal data', async () => {
    cluster = await Cluster.start(3);
    const client = connect(cluster.ports[1]!);
    await fill(client);
    await cluster.digests();
    const expected = await contents(client);
    client.disconnect();
    expect(expected.size).toBeGreaterThan(310);
    for (const member of cluster.daemons.slice(0, 2)) {
      expect(await member.end('SIGTERM')).toBe(0);
      const copy = join(directory, member.spec.id);
      cpSync(member.spec.dataDir, copy, { recursive: true });
      const manifest = join(copy, 'appendonlydir/appendonly.aof.manifest');
      expect(readFileSync(manifest, 'latin1')).toMatch(/ type h first [1-9]/);
      const check = await run('redis-check-aof', [manifest]);
      expect(check.output).toMatch(/All AOF files and manifest are valid/);
      const oracle = await startOracle(copy, '--appendonly', 'yes');
      try {
        expect(await contents(oracle.client)).toEqual(expected);
      } finally {
        await oracle.stop();
      }
    }
  });

  it('after SIGKILL leaves a log that redis-check-aof and redis-server read', async () => {
    const { spec } = await single(join(directory, 'data'));
    const client = connect(spec.port);
    await client.mset('a', '1', 'b', '2');
    await client.multi().incr('a').select(3).set('c', '3').exec();
    await client.select(0);
    client.disconnect();
    await daemon!.kill();
    const manifest = join(spec.dataDir, 'appendonlydir/appendonly.aof.manifest');
    expect((await run('redis-check-aof', [manifest])).output).toMatch(/are valid/);
    const oracle = await startOracle(spec.dataDir, '--appendonly', 'yes');
    try {
      expect(await oracle.client.mget('a', 'b')).toEqual(['2', '2']);
      await oracle.client.select(3);
      expect(await oracle.client.get('c')).toBe('3');
    } finally {
      await oracle.stop();
    }
  });
});

describe.skipIf(!CAN_RUN)('a directory of redis-server', () => {
  /** Fills a real server over `dataDir` and stops it; returns what it held. */
  async function foreign(dataDir: string, ...options: string[]): Promise<Map<string, string>> {
    const oracle = await startOracle(dataDir, ...options);
    try {
      await fill(oracle.client);
      if (options.length === 0) await oracle.client.save();
      return await contents(oracle.client);
    } finally {
      await oracle.stop();
    }
  }

  it.each([
    ['with appendonly', ['--appendonly', 'yes'], true],
    [
      'with appendonly and timestamps',
      ['--appendonly', 'yes', '--aof-timestamp-enabled', 'yes'],
      true,
    ],
    ['with dump.rdb only', [], false],
  ])('%s is taken over, once, and keeps what was written since', async (_, options, aof) => {
    const expected = await foreign(directory, ...options);
    const { spec } = await single(directory);
    expect(daemon!.output).toMatch(/taken over/);
    expect(await contentsAt(spec.port)).toEqual(expected);
    expect(await askLine(spec.port, 'SET new 1')).toBe('OK');
    expect(await askLine(spec.port, 'DEL number')).toBe('1');
    await daemon!.kill();
    await daemon!.start();
    expect(daemon!.output).not.toMatch(/taken over/);
    expected.delete('number');
    const now = await contentsAt(spec.port);
    expect(now.get('new')).toBe('string 0 1');
    now.delete('new');
    expect(now).toEqual(expected);
    expect(existsSync(join(directory, aof ? 'appendonlydir.imported' : 'dump.rdb'))).toBe(true);
  });

  it('is not taken over a second time when the data that was made of it is gone', async () => {
    await foreign(directory);
    const { spec } = await single(directory);
    expect(await askLine(spec.port, 'SET new 1')).toBe('OK');
    await daemon!.kill();
    rmSync(join(directory, 'appendonlydir'), { recursive: true });
    const { code, stderr } = await atlasd([
      `-data-dir=${directory}`,
      `-listen=127.0.0.1:${spec.port}`,
    ]);
    expect(stderr).toMatch(/E_LOG_LOST/);
    expect(code).toBe(1);
    expect(existsSync(join(directory, 'dump.rdb'))).toBe(true);
  });

  it('with a half command at its end is taken over up to there', async () => {
    const log = '*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n*3\r\n$3\r\nSET\r\n$1\r\nb';
    writeFileSync(join(directory, 'appendonly.aof'), log);
    const { spec } = await single(directory);
    expect(daemon!.output).toMatch(/taken over .*cutBytes 18/);
    expect(await askLine(spec.port, 'DBSIZE')).toBe('1');
  });

  const UNUSABLE: [string, string, RegExp][] = [
    ['an unknown command', '*2\r\n$5\r\nXFOO9\r\n$1\r\na\r\n', /E_IMPORT: .*XFOO9/],
    ['a command that fails', '*2\r\n$4\r\nINCR\r\n$1\r\nl\r\n', /E_IMPORT: .*INCR.*WRONGTYPE/],
    [
      'a database too many',
      '*2\r\n$6\r\nSELECT\r\n$2\r\n99\r\n*2\r\n$4\r\nINCR\r\n$1\r\na\r\n',
      /E_IMPORT.*99/,
    ],
    ['damage', '*2\r\n$4\r\nINCR\r\n$1\r\naXX*1\r\n', /E_AOF: .*offset/],
  ];
  it.each(UNUSABLE)('with %s is refused and left as it is', async (_, commands, told) => {
    const text = `*3\r\n$5\r\nRPUSH\r\n$1\r\nl\r\n$1\r\nx\r\n${commands}`;
    writeFileSync(join(directory, 'appendonly.aof'), text, 'latin1');
    const before = readdirSync(directory);
    const [port] = await freePorts(1);
    const args = [`-data-dir=${directory}`, `-listen=127.0.0.1:${port}`];
    const { code, stderr } = await atlasd([...args, `-raft-data-dir=${directory}/../${port}-raft`]);
    rmSync(`${directory}/../${port}-raft`, { recursive: true, force: true });
    expect(stderr).toMatch(told);
    expect(code).toBe(1);
    expect(traceIn(stderr)).toBeNull();
    expect(readdirSync(directory)).toEqual(before);
  });

  it('is refused by a member of a cluster, with the way to do it', async () => {
    await foreign(directory, '--appendonly', 'yes');
    const [port, raftPort] = await freePorts(2);
    const { code, stderr } = await atlasd([
      ...[`-data-dir=${directory}`, `-listen=127.0.0.1:${port}`, '-raft=true'],
      ...['-raft-node-id=node-1', `-raft-addr=127.0.0.1:${raftPort}`],
      '-raft-peers=node-2:127.0.0.1:2,node-3:127.0.0.1:3',
    ]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/E_FOREIGN_DATA: .*-raft=false/);
    expect(traceIn(stderr)).toBeNull();
  });
});
