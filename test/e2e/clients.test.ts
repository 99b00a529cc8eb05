// Goal: the clients that people have work unchanged against a cluster of three, at the leader and
// at a follower: every mode of redis-cli, redis-benchmark's default tests, and ioredis with what
// applications use of it.

import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Cluster, type Daemon } from '../process/daemon.js';
import { cli, hasPrograms, run } from './programs.js';

const HAS_CLI = hasPrograms('redis-cli', 'stdbuf');
const HAS_BENCHMARK = hasPrograms('redis-benchmark');
const PLACES = ['leader', 'follower'] as const;

let cluster: Cluster;
let leader: Daemon;
let followers: Daemon[];
const open: Redis[] = [];

beforeAll(async () => {
  cluster = await Cluster.start(3);
  leader = await cluster.leader();
  followers = cluster.daemons.filter((daemon) => daemon !== leader);
});
afterAll(async () => {
  for (const client of open) client.disconnect();
  await cluster?.stop();
});

function portOf(place: (typeof PLACES)[number]): number {
  return (place === 'leader' ? leader : followers[0]!).spec.port;
}

function connect(port: number, options: object = {}): Redis {
  const client = new Redis({ port, host: '127.0.0.1', ...options });
  client.on('error', () => {});
  open.push(client);
  return client;
}

describe.skipIf(!HAS_CLI).each(PLACES)('redis-cli at the %s', (place) => {
  const at = (): string[] => ['-p', String(portOf(place))];
  beforeAll(async () => {
    await cli(portOf(place), 'FLUSHALL');
    const lines = Array.from({ length: 100 }, (_, i) => `SET scan:${i} ${'x'.repeat(i)}`);
    lines.push('RPUSH biglist a b c', 'HSET bighash f v', 'ZADD bigz 1 a', 'SADD bigset a b');
    await run('redis-cli', at(), { input: `${lines.join('\n')}\n` });
  });

  it('--scan --pattern', async () => {
    const found = await cli(portOf(place), '--scan', '--pattern', 'scan:1*');
    expect(found.split('\n').sort()).toHaveLength(11);
  });

  it('--pipe with 10000 commands', async () => {
    const input = Array.from({ length: 10_000 }, (_, i) => {
      const key = `pipe:${i}`;
      return `*3\r\n$3\r\nSET\r\n$${key.length}\r\n${key}\r\n$1\r\nv\r\n`;
    }).join('');
    const { code, output } = await run('redis-cli', [...at(), '--pipe'], { input });
    expect(output).toMatch(/errors: 0, replies: 10000/);
    expect(code).toBe(0);
    expect(await cli(portOf(place), 'GET', 'pipe:9999')).toBe('v');
  });

  it('--bigkeys and --memkeys', async () => {
    const big = await run('redis-cli', [...at(), '--bigkeys']);
    expect(big.output).toMatch(/Biggest string found .*scan:99.* has 99 bytes/);
    expect(big.output).toMatch(/Biggest\s+list found .*biglist.* has 3 items/);
    expect(big.code).toBe(0);
    const memory = await run('redis-cli', [...at(), '--memkeys']);
    expect(memory.output).toMatch(/Biggest string found .* bytes/);
    expect(memory.code).toBe(0);
  });

  it('--latency for a second and --stat until Ctrl-C', async () => {
    const latency = await run('redis-cli', [...at(), '--latency', '--raw'], { msMax: 6000 });
    const [min, max, average, samples] = latency.output.trim().split(/\s+/).map(Number);
    expect(samples).toBeGreaterThan(10);
    expect(average).toBeGreaterThanOrEqual(min!);
    expect(max).toBeGreaterThanOrEqual(average!);
    const stat = await run('stdbuf', ['-oL', 'redis-cli', ...at(), '--stat'], { msMax: 2000 });
    expect(stat.output).toMatch(/keys\s+mem\s+clients\s+blocked\s+requests/);
    expect(stat.output).toMatch(/^\d{4,}\s+[\d.]+[KMG]\s+\d+/m);
  });

  it('-3 and -n', async () => {
    const port = portOf(place);
    expect(await cli(port, '-3', 'HGETALL', 'bighash')).toBe('f v');
    expect(await cli(port, '-3', '--json', 'HGETALL', 'bighash')).toBe('{"f":"v"}');
    expect(await cli(port, '-n', '5', 'SET', 'only5', '1')).toBe('OK');
    expect(await cli(port, '-n', '5', 'DBSIZE')).toBe('1');
    expect(await cli(port, 'GET', 'only5')).toBe('');
  });

  it('--rdb fails clearly or gives a file, and the node goes on', async () => {
    const { code, output } = await run('redis-cli', [...at(), '--rdb', '-'], { msMax: 5000 });
    if (code !== 0) expect(output).toMatch(/ERR|failed|error/i);
    else expect(output).toContain('REDIS');
    expect(await cli(portOf(place), 'PING')).toBe('PONG');
  });

  it('interactively: hints come from COMMAND DOCS', async () => {
    const docs = await cli(portOf(place), '-3', '--json', 'COMMAND', 'DOCS', 'set', 'zadd');
    const parsed = JSON.parse(docs) as Record<string, { summary: string }>;
    expect(Object.keys(parsed).sort()).toEqual(['set', 'zadd']);
    expect(parsed.set!.summary).not.toBe('');
    const input = 'help set\nSET a 1\nGET a\nMULTI\nINCR a\nEXEC\n';
    const { output, code } = await run('redis-cli', [...at(), '-i', '0'], { input });
    expect(output).toMatch(/OK\n1\nOK\nQUEUED\n2/);
    expect(code).toBe(0);
  });

  it.skipIf(!hasPrograms('script', 'stty'))('in a terminal', async () => {
    // Without a window size redis-cli asks the terminal, and nobody would answer.
    const command = `stty cols 80 rows 24; redis-cli -p ${portOf(place)}`;
    const { code } = await run('script', ['-qec', command, '/dev/null'], {
      steps: [
        [/127\.0\.0\.1:\d+> /, 'help zadd\r'],
        [/ZADD[\s\S]*summary:[\s\S]*> $/, 'SET term 1\r'],
        [/OK[\s\S]*> $/, 'GET term\r'],
        [/"1"[\s\S]*> $/, 'exit\r'],
      ],
    });
    expect(code).toBe(0);
  });
});

describe.skipIf(!HAS_BENCHMARK).each(PLACES)('redis-benchmark at the %s', (place) => {
  const TESTS = [
    ...['ping_inline', 'ping_mbulk', 'set', 'get', 'incr', 'lpush', 'rpush', 'lpop', 'rpop'],
    ...['sadd', 'hset', 'spop', 'zadd', 'zpopmin', 'lrange', 'mset'],
  ];
  it.each([
    [1, 400],
    [16, 1600],
  ])('pipeline %i', async (pipeline, requests) => {
    const { code, output } = await run(
      'redis-benchmark',
      [
        ...['-p', String(portOf(place)), '-t', TESTS.join(','), '-n', String(requests)],
        ...['-c', '20', '-P', String(pipeline), '-r', '1000', '--csv'],
      ],
      { msMax: 25_000 },
    );
    expect(code).toBe(0);
    expect(output).not.toMatch(/error/i);
    const rows = output.split('\n').filter((line) => /^"[^"]+","\d/.test(line));
    expect(rows.length).toBeGreaterThanOrEqual(TESTS.length);
  });
});

describe.each(PLACES)('ioredis at the %s', (place) => {
  it.each([2, 3] as const)('RESP%i: types, binary, large values', async (protocol) => {
    const client = connect(portOf(place), { protocol });
    await client.flushall();
    expect(await client.set('a', '1')).toBe('OK');
    expect(await client.incrby('a', 4)).toBe(5);
    expect(await client.get('nothing')).toBeNull();
    expect(await client.hset('h', { a: '1', b: '2' })).toBe(2);
    expect(await client.hgetall('h')).toEqual({ a: '1', b: '2' });
    await client.zadd('z', 1.5, 'm');
    await client.zadd('z', 2, 'n');
    expect((await client.zrange('z', '0', '-1', 'WITHSCORES')).map(String)).toEqual([
      'm',
      '1.5',
      'n',
      '2',
    ]);
    await client.sadd('s', 'x', 'y');
    expect((await client.smembers('s')).sort()).toEqual(['x', 'y']);
    const every = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
    await client.set(every, every);
    expect(await client.getBuffer(every)).toEqual(every);
    const large = Buffer.alloc(1 << 20, 'helios ');
    await client.set('large', large);
    expect((await client.getBuffer('large'))!.equals(large)).toBe(true);
    await expect(client.incr('h')).rejects.toThrow(/WRONGTYPE/);
    await expect(client.call('NOSUCH')).rejects.toThrow(/unknown command/);
  });

  it('pipelines, by hand and automatically', async () => {
    const client = connect(portOf(place), { enableAutoPipelining: true });
    await client.del('n', 'text');
    const results = await client.pipeline().incr('n').lpush('n', 'x').incr('n').get('n').exec();
    expect(results!.map(([error, value]) => error?.message.split(' ')[0] ?? value)).toEqual([
      1,
      'WRONGTYPE',
      2,
      '2',
    ]);
    const values = await Promise.all(Array.from({ length: 500 }, () => client.incr('n')));
    expect(values).toEqual(Array.from({ length: 500 }, (_, i) => i + 3));
  });

  it('transactions, and WATCH against another node', async () => {
    const here = connect(portOf(place));
    const there = connect(followers[1]!.spec.port);
    await here.set('balance', '10');
    const results = await here.multi().incrby('balance', 5).get('balance').exec();
    expect(results).toEqual([
      [null, 15],
      [null, '15'],
    ]);
    await here.watch('balance');
    await there.set('balance', '100');
    expect(await here.multi().incr('balance').exec()).toBeNull();
    expect(await there.get('balance')).toBe('100');
    await here.watch('balance');
    await there.set('unrelated', '1');
    expect(await here.multi().incr('balance').exec()).toEqual([[null, 101]]);
    await expect(here.multi().call('SET', 'a').exec()).rejects.toThrow(/EXECABORT|wrong number/);
  });

  it('scanStream and the other cursors', async () => {
    const client = connect(portOf(place));
    await client.flushall();
    const pipeline = client.pipeline();
    for (let i = 0; i < 1000; i++)
      pipeline.set(`k:${i}`, `${i}`).hset('h', `f${i}`, `${i}`).sadd('s', `${i}`);
    await pipeline.exec();
    const found = new Set<string>();
    for await (const keys of client.scanStream({ match: 'k:*', count: 100 })) {
      for (const key of keys as string[]) found.add(key);
    }
    expect(found.size).toBe(1000);
    const members = new Set<string>();
    for await (const part of client.sscanStream('s', { count: 50 })) {
      for (const member of part as string[]) members.add(member);
    }
    expect(members.size).toBe(1000);
  });

  it('defineCommand runs its script on every node', async () => {
    const client = connect(portOf(place));
    client.defineCommand('addCapped', {
      numberOfKeys: 1,
      lua:
        "local n = tonumber(redis.call('GET', KEYS[1]) or '0') " +
        'if n >= tonumber(ARGV[1]) then return -1 end ' +
        "return redis.call('INCR', KEYS[1])",
    });
    const scripted = client as Redis & { addCapped(key: string, cap: number): Promise<number> };
    await client.del('capped');
    const many = await Promise.all(
      Array.from({ length: 8 }, () => scripted.addCapped('capped', 5)),
    );
    expect(many.sort((a, b) => a - b)).toEqual([-1, -1, -1, 1, 2, 3, 4, 5]);
    for (const port of cluster.ports) expect(await connect(port).get('capped')).toBe('5');
  });
});

describe('ioredis through a failover', () => {
  it('keeps its connection to a follower and sees no error', async () => {
    const client = connect(followers[0]!.spec.port, { maxRetriesPerRequest: 1 });
    await client.del('n');
    const before = await client.incr('n');
    await leader.kill();
    const values = await Promise.all(Array.from({ length: 50 }, () => client.incr('n')));
    expect(values).toEqual(Array.from({ length: 50 }, (_, i) => before + 1 + i));
    await leader.start();
    leader = await cluster.leader();
  });

  it('gives up after maxRetriesPerRequest, and works when its node is back', async () => {
    const [node] = followers;
    const client = connect(node!.spec.port, { maxRetriesPerRequest: 2, retryStrategy: () => 50 });
    await client.set('here', '1');
    await node!.kill();
    await expect(client.get('here')).rejects.toThrow(/Reached the max retries|closed/);
    await node!.start();
    expect(await client.get('here')).toBe('1');
    expect(new Set(await cluster.digests()).size).toBe(1);
  });
});
