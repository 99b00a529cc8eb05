// The same bytes as redis-server for what belongs to the connection: errors, MULTI and WATCH, AUTH,
// inline, protocol faults. Runs the redis-server found on PATH; without one these tests are
// skipped.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startServer, type TestServer } from './fake-group.js';
import { RawClient, resp } from './raw-client.js';

const HAVE_REDIS = spawnSync('redis-server', ['--version']).status === 0;
if (!HAVE_REDIS) console.warn('redis-server is not on PATH: comparison with it is skipped');

let ours: TestServer;
let theirs: ChildProcess;
let theirPort = 0;
let directory = '';

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const address = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}

beforeAll(async () => {
  if (!HAVE_REDIS) return;
  ours = await startServer();
  directory = mkdtempSync(join(tmpdir(), 'helios-redis-'));
  theirPort = await freePort();
  const args = [
    '--port',
    String(theirPort),
    '--save',
    '',
    '--dir',
    directory,
    '--bind',
    '127.0.0.1',
  ];
  theirs = spawn('redis-server', args, { stdio: ['ignore', 'pipe', 'ignore'] });
  await new Promise<void>((resolve) => {
    theirs.stdout!.on('data', (data: Buffer) => {
      if (String(data).includes('Ready to accept')) resolve();
    });
  });
});

afterAll(async () => {
  if (!HAVE_REDIS) return;
  await ours.close();
  const exited = new Promise((resolve) => theirs.once('exit', resolve));
  theirs.kill('SIGKILL');
  await exited;
  rmSync(directory, { recursive: true, force: true });
});

/** One step: who sends what; `await` until that connection has been answered by both. */
type Talk = readonly (readonly [who: number, text: string])[];

const MARK = 'end-of-step-mark';

/**
 * Everything the connections are sent, with a mark behind each step so that we know when it has
 * been answered.
 */
async function transcript(port: number, talk: Talk): Promise<string[]> {
  const clients = new Map<number, RawClient>();
  const heard: string[] = [];
  for (const [who, text] of [[0, 'FLUSHALL\r\n'] as const, ...talk]) {
    let client = clients.get(who);
    if (client === undefined) clients.set(who, (client = new RawClient(port)));
    client.send(text);
    heard.push(await answer(client));
  }
  for (const client of clients.values()) client.destroy();
  return heard;
}

/**
 * Waits until the connection is quiet: it closed, or answered a PING with an argument (queued or
 * not).
 */
async function answer(client: RawClient): Promise<string> {
  const before = client.received.length;
  client.send(resp('ECHO', MARK));
  const mark = `$${MARK.length}\r\n${MARK}\r\n`;
  // The step itself may be answered by such a line: the mark's comes behind it.
  const alike = ['+QUEUED\r\n', '-NOAUTH Authentication required.\r\n'];
  const seen = (): boolean => {
    const heard = client.received.slice(before);
    return heard.endsWith(mark) || alike.some((end) => heard.endsWith(end) && heard !== end);
  };
  while (!client.ended && !seen()) await new Promise((resolve) => setTimeout(resolve, 1));
  // A late second packet would be part of this answer as well.
  await new Promise((resolve) => setTimeout(resolve, 2));
  // 7.0 wrote this text with one word less.
  const heard = client.received.slice(before).replace('the HELLO AUTH', 'the HELLO <proto> AUTH');
  return heard + (client.ended ? '<closed>' : '');
}

const one = (...lines: string[]): Talk => lines.map((line) => [1, `${line}\r\n`] as const);

const TALKS: Readonly<Record<string, Talk>> = {
  'unknown commands': [
    ...one('FOO', 'foo bar "b z"', `foo ${'x'.repeat(300)}`, `${'y'.repeat(300)} z`),
    ...one(
      'foo a b c d e f g h i j k l m n o p q r s t u v w x y z a b c d e f g h i j k l m n o p',
    ),
    ...one(
      'foo "a\\r\\nb"',
      '"fo\\r\\no"',
      'object',
      'object nosuch',
      'OBJECT "no\\nsuch" x',
      '""',
    ),
  ],
  arity: one(
    'get',
    'get a b',
    'set a',
    'mset a',
    'echo',
    'ping a b',
    'select',
    'multi x',
    'exec x',
  ),
  ping: one('ping', 'PING hello', 'echo "a b"', 'pInG'),
  select: one(
    'select 1',
    'set a 1',
    'select 0',
    'get a',
    'select 16',
    'select -1',
    'select x',
    'select 01',
  ),
  'select far': one('select 99999999999', 'select 2147483648', 'select 18446744073709551616'),
  'auth without a password': one('auth x', 'auth default x', 'auth nobody x', 'auth a b c', 'auth'),
  hello: one(
    'hello 4',
    'hello 1',
    'hello x',
    'hello 3 foo',
    'hello 3 auth a',
    'hello 3 setname "a b"',
    'hello 2 auth nobody x',
  ),
  reset: one('select 3', 'set k v', 'multi', 'reset', 'get k', 'exec'),
  'multi and exec': one('multi', 'set a 1', 'incr a', 'get a', 'lpush a x', 'exec', 'get a'),
  'empty exec': one('multi', 'exec'),
  'no multi': one('exec', 'discard', 'unwatch'),
  'nested multi': one('multi', 'set a 1', 'multi', 'exec'),
  discard: one('set a 1', 'multi', 'set a 2', 'discard', 'get a', 'exec'),
  'error while queueing': one('multi', 'set a 1', 'nosuch', 'exec', 'get a'),
  'arity while queueing': one(
    'multi',
    'set a',
    'set a 1',
    'exec',
    'get a',
    'multi',
    'set a 3',
    'exec',
  ),
  'watch inside multi': one('multi', 'watch a', 'set a 1', 'exec'),
  'select inside multi': one(
    'multi',
    'set a 1',
    'select 2',
    'set a 2',
    'exec',
    'get a',
    'select 0',
    'get a',
  ),
  'bad select inside multi': one('multi', 'select 99', 'set a 2', 'exec', 'get a'),
  'read only multi': one(
    'set a 1',
    'multi',
    'get a',
    'select 1',
    'get a',
    'select 0',
    'exec',
    'get a',
  ),
  'server commands inside multi': one(
    'multi',
    'ping',
    'set a 1',
    'echo x',
    'get a',
    'ping y',
    'exec',
  ),
  'only server commands': one('multi', 'ping', 'echo x', 'exec'),
  'watch untouched': one('set a 1', 'watch a', 'multi', 'incr a', 'exec'),
  'watch touched by itself': one('watch a', 'set a 1', 'multi', 'incr a', 'exec', 'get a'),
  'watch touched by another': [
    ...one('set a 1', 'watch a b', 'get a'),
    [2, 'incr a\r\n'],
    ...one('multi', 'set a 9', 'exec', 'get a', 'multi', 'set a 9', 'exec'),
  ],
  'watch touched while queueing': [
    ...one('watch a', 'multi', 'set a 9'),
    [2, 'set a 1\r\n'],
    ...one('exec', 'get a'),
  ],
  'watch and a read only multi': [
    ...one('watch a', 'multi', 'get a'),
    [2, 'set a 1\r\n'],
    ...one('exec', 'multi', 'get a', 'exec'),
  ],
  unwatch: [...one('watch a', 'unwatch'), [2, 'set a 1\r\n'], ...one('multi', 'set a 9', 'exec')],
  'discard unwatches': [
    ...one('watch a', 'multi', 'discard'),
    [2, 'set a 1\r\n'],
    ...one('multi', 'set a 9', 'exec'),
  ],
  'exec unwatches': [
    ...one('watch a', 'multi', 'exec'),
    [2, 'set a 1\r\n'],
    ...one('multi', 'set a 9', 'exec'),
  ],
  'watch in another database': [
    ...one('watch a', 'select 1', 'multi', 'set b 1', 'exec'),
    ...one('get b'),
  ],
  'watch in another database, touched': [
    ...one('watch a', 'select 1', 'multi', 'set b 1'),
    [2, 'set a 1\r\n'],
    ...one('exec', 'get b'),
  ],
  'watch is about one database': [
    ...one('watch a'),
    [2, 'select 1\r\nset a 1\r\n'],
    ...one('multi', 'set b 1', 'exec'),
  ],
  'watch and flushall': [
    ...one('set a 1', 'watch a'),
    [2, 'flushall\r\n'],
    ...one('multi', 'set b 1', 'exec'),
  ],
  'watch and delete': [
    ...one('set a 1', 'watch a'),
    [2, 'del a\r\n'],
    ...one('multi', 'set b 1', 'exec'),
  ],
  quit: one('set a 1', 'quit'),
  'quit inside multi': one('multi', 'quit'),
  'pipelined quit': [[1, 'set a 1\r\nget a\r\nquit\r\nget a\r\n']],
  'http post': [[1, 'POST / HTTP/1.1\r\nHost: x\r\n\r\nset a 1\r\n']],
  'http host': [[1, 'GET / HTTP/1.1\r\nHost: x\r\n\r\nset a 1\r\n']],
  'bad multibulk': [[1, 'ping\r\n*x\r\n']],
  'bad bulk': [[1, '*1\r\n$x\r\n']],
  'not a bulk': [[1, '*2\r\n$3\r\nGET\r\nfoo\r\n']],
  quotes: [[1, 'set a "b\r\n']],
  'empty lines': [[1, '\r\n\r\n*0\r\n*-1\r\nping\r\n']],
  pipeline: [
    [1, resp('SET', 'a', '\r\n\0\xff') + resp('GET', 'a') + resp('STRLEN', 'a') + resp('PING')],
  ],
};

describe.skipIf(!HAVE_REDIS)('same bytes as redis-server', () => {
  test.each(Object.entries(TALKS))('%s', async (_name, talk) => {
    const expected = await transcript(theirPort, talk);
    expect(await transcript(ours.port, talk)).toEqual(expected);
  });

  test('with a password', async () => {
    const talk = one(
      'get a',
      'nosuch',
      'get',
      'ping',
      'multi',
      'hello 3',
      'hello 3 auth default wrong',
      'auth wrong',
      'auth nobody secret',
      'quit now',
    );
    const login = one('auth secret', 'get a', 'reset', 'get a', 'auth default secret', 'get a');
    const limits: Talk = [[2, `*11\r\n`]];
    const bulks: Talk = [[3, '*1\r\n$16385\r\n']];
    const talks = [talk, login, limits, bulks];
    const admin = new RawClient(theirPort);
    admin.lines('config set requirepass secret');
    await admin.expect('+OK\r\n');
    ours.settings.set(['requirepass', 'secret']);
    for (const each of talks) {
      const expected = await transcript(theirPort, each);
      expect(await transcript(ours.port, each)).toEqual(expected);
    }
    ours.settings.set(['requirepass', '']);
    admin.lines('config set requirepass ""');
    await admin.expect('+OK\r\n');
    admin.destroy();
  });
});
