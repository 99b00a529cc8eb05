// What one connection may cost, and what many may (architecture D15); flow control; accounting.

import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { NO_KEYS } from '../../../src/commands/spec.js';
import { ErrorReply, OK, PushReply, type Reply } from '../../../src/resp/reply.js';
import type { Client } from '../../../src/server/client.js';
import { LATER, type ServerCommand } from '../../../src/server/command.js';
import { startServer, type TestServer } from './fake-group.js';
import { RawClient, resp } from './raw-client.js';

/** A server command that answers when the test says so. */
const waiting: Client[] = [];
const slow: ServerCommand = {
  name: 'test|wait',
  arity: 2,
  flags: [],
  keys: NO_KEYS,
  group: 'server',
  since: '1.0.0',
  summary: 'Waits.',
  run: (client) => {
    if (client.inMulti) return null;
    waiting.push(client);
    client.unblockWith = (how): Reply => (how === 'timeout' ? null : new ErrorReply('UNBLOCKED'));
    return LATER;
  },
};

let it: TestServer;
const open: RawClient[] = [];

beforeEach(async () => {
  waiting.length = 0;
  it = await startServer([slow]);
});

afterEach(async () => {
  for (const client of open.splice(0)) client.destroy();
  await it.close();
});

function client(): RawClient {
  const made = new RawClient(it.port);
  open.push(made);
  return made;
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 1));
}

function onlySession(): Client {
  return [...it.server.clients.values()][0]!;
}

describe('large and many', () => {
  test('a value of 64 MB goes in and out', async () => {
    const redis = new Redis({ port: it.port, host: '127.0.0.1', enableReadyCheck: false });
    const value = Buffer.alloc(64 << 20, 'ab\xff\0', 'latin1');
    expect(await redis.set('big', value)).toBe('OK');
    const back = await redis.getBuffer('big');
    expect(back!.equals(value)).toBe(true);
    expect(await redis.strlen('big')).toBe(value.length);
    redis.disconnect();
  });

  test('a thousand connections', async () => {
    const clients = Array.from({ length: 1000 }, client);
    for (const [i, each] of clients.entries()) each.lines(`SET k${i} v${i}`, `GET k${i}`);
    await Promise.all(
      clients.map((each, i) => each.expect(`+OK\r\n$${String(i).length + 1}\r\nv${i}\r\n`)),
    );
    expect(it.server.clients.size).toBe(1000);
    for (const each of clients) each.destroy();
    await until(() => it.server.clients.size === 0);
  });

  test('ioredis: pipelines, transactions, autopipelining, both protocols', async () => {
    for (const protocol of [2, 3] as const) {
      const redis = new Redis({
        port: it.port,
        host: '127.0.0.1',
        protocol,
        enableAutoPipelining: true,
        enableReadyCheck: false,
      });
      await redis.flushall();
      const sets = Array.from({ length: 500 }, (_, i) => redis.set(`k${i}`, i));
      const gets = Array.from({ length: 500 }, (_, i) => redis.get(`k${i}`));
      await Promise.all(sets);
      expect(await Promise.all(gets)).toEqual(gets.map((_, i) => String(i)));
      const results = await redis.multi().incr('n').hset('h', { a: 1, b: 2 }).hgetall('h').exec();
      expect(results).toEqual([
        [null, 1],
        [null, 2],
        [null, { a: '1', b: '2' }],
      ]);
      redis.disconnect();
    }
  });

  test('connections that break off at any point leave nothing behind', async () => {
    const text = resp('SET', 'k', 'x'.repeat(5000)) + resp('GET', 'k') + resp('WATCH', 'k');
    for (let i = 0; i < 200; i++) {
      const each = new RawClient(it.port);
      each.send(text.slice(0, (i * 37) % text.length));
      each.socket.once('connect', () => {
        if (i % 2 === 0) each.socket.resetAndDestroy();
        else each.socket.end(resp('MULTI'));
      });
      await each.closed();
    }
    await until(() => it.server.clients.size === 0);
    expect(it.server.watches.size).toBe(0);
    const last = client().lines('PING');
    await last.expect('+PONG\r\n');
  });
});

describe('bounds', () => {
  test('maxclients', async () => {
    it.settings.set(['maxclients', '2']);
    await client().lines('PING').expect('+PONG\r\n');
    await client().lines('PING').expect('+PONG\r\n');
    expect(await client().closed()).toBe('-ERR max number of clients reached\r\n');
    expect(it.server.stats.connectionsRejected).toBe(1);
    open[0]!.destroy();
    await until(() => it.server.clients.size === 1);
    await client().lines('PING').expect('+PONG\r\n');
  });

  test('writes under way are bounded; all are answered in the end', async () => {
    it.group.automatic = false;
    const one = client();
    const count = 60_000;
    one.send(resp('SET', 'k', 'v').repeat(count));
    await until(() => it.group.writes.length >= 10_000);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(it.group.writes.length).toBe(10_000);
    it.group.automatic = true;
    it.group.step(1);
    one.lines('PING');
    while (it.group.writes.length > 0) {
      it.group.step(1000);
      await new Promise(setImmediate);
    }
    await one.expect(`${'+OK\r\n'.repeat(count)}+PONG\r\n`);
  });

  test('bytes of writes under way are bounded', async () => {
    it.group.automatic = false;
    const one = client();
    const write = Buffer.from(resp('SET', 'k', 'v'.repeat(1 << 20)));
    for (let i = 0; i < 200; i++) one.send(write);
    await until(() => it.group.writes.length >= 64);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(it.group.writes.length).toBe(64);
    it.group.automatic = true;
    it.group.step(1000);
    await one.expect('+OK\r\n'.repeat(200));
  });

  test('a client that does not read is served again when it does', async () => {
    const one = client();
    await one.send(resp('SET', 'k', 'v'.repeat(100_000))).expect('+OK\r\n');
    one.socket.pause();
    const count = 1000;
    one.send(resp('GET', 'k').repeat(count));
    await until(() => onlySession().outputBytes > 1 << 20);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(onlySession().outputBytes).toBeLessThan(4 << 20);
    one.socket.resume();
    const size = '$100000\r\n'.length + 100_000 + 2;
    await one.length(count * size);
    expect(one.received.length).toBe(count * size);
  });

  test('output that nobody asked for ends the connection at the hard limit', async () => {
    it.settings.set(['client-output-buffer-limit', 'normal 10485760 0 0']);
    const one = client();
    await one.lines('HELLO 3', 'PING').length(10);
    one.socket.pause();
    const session = onlySession();
    const message = new PushReply(['message', 'x'.repeat(1 << 20)]);
    for (let i = 0; i < 100 && it.server.clients.size > 0; i++) {
      session.push(message);
      await new Promise(setImmediate);
      expect(session.outputBytes).toBeLessThan(12 << 20);
    }
    expect(it.server.clients.size).toBe(0);
  });

  test('the query buffer limit', async () => {
    it.settings.set(['client-query-buffer-limit', '1048576']);
    const one = client();
    one.send(`*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$2000000\r\n`, 'x'.repeat(100));
    expect(await one.closed()).toBe('-ERR Protocol error: too big request\r\n');
  });

  test('idle connections end after the timeout, others stay', async () => {
    it.settings.set(['timeout', '1']);
    const idle = client();
    const waits = client();
    waits.lines('TEST WAIT');
    await idle.lines('PING').expect('+PONG\r\n');
    const started = Date.now();
    await idle.closed();
    expect(Date.now() - started).toBeGreaterThan(900);
    expect(it.server.clients.size).toBe(1);
  }, 10_000);
});

describe('waiting', () => {
  test('a command that answers later holds up the connection, not others', async () => {
    const one = client();
    one.lines('SET a 1', 'TEST WAIT', 'SET a 2', 'GET a');
    await until(() => waiting.length === 1);
    await one.expect('+OK\r\n');
    await client().lines('GET a').expect('$1\r\n1\r\n');
    expect(waiting[0]!.blocked).toBe(true);
    waiting[0]!.resolve('done');
    await one.expect('$4\r\ndone\r\n+OK\r\n$1\r\n2\r\n');
    expect(waiting[0]!.blocked).toBe(false);
  });

  test('CLIENT UNBLOCK', async () => {
    const one = client();
    one.lines('TEST WAIT', 'TEST WAIT');
    await until(() => waiting.length === 1);
    expect(waiting[0]!.unblock('timeout')).toBe(true);
    await one.expect('$-1\r\n');
    await until(() => waiting.length === 2);
    expect(waiting[1]!.unblock('error')).toBe(true);
    await one.expect('-UNBLOCKED\r\n');
    expect(waiting[1]!.unblock('error')).toBe(false);
  });

  test('inside MULTI it does not wait', async () => {
    await client()
      .lines('MULTI', 'SET a 1', 'TEST WAIT', 'EXEC')
      .expect('+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n+OK\r\n$-1\r\n');
  });

  test('input that arrives meanwhile is bounded by the socket', async () => {
    const one = client();
    one.lines('TEST WAIT');
    await until(() => waiting.length === 1);
    one.send(resp('SET', 'k', 'v').repeat(500_000));
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(onlySession().inputBytes).toBeLessThan(1 << 20);
    waiting[0]!.resolve(OK);
    await one.expect('+OK\r\n'.repeat(500_001));
  });

  test('CLIENT PAUSE holds writes or everything', async () => {
    const writer = client();
    const reader = client();
    it.server.pause = { until: Date.now() + 300, mode: 'write' };
    writer.lines('SET a 1', 'GET a');
    await reader
      .lines('GET a', 'MULTI', 'GET a', 'EXEC')
      .expect('$-1\r\n+OK\r\n+QUEUED\r\n*1\r\n$-1\r\n');
    await writer.expect('+OK\r\n$1\r\n1\r\n');
    expect(Date.now()).toBeGreaterThanOrEqual(it.server.pause.until);
    it.server.pause = { until: Date.now() + 60_000, mode: 'all' };
    reader.lines('GET a');
    await until(() => it.server.heldByPause.size === 1);
    expect(reader.received).toBe('');
    it.server.pause = { until: 0, mode: 'all' };
    await reader.expect('$1\r\n1\r\n');
  });
});

describe('replies', () => {
  test('CLIENT REPLY', async () => {
    const one = client();
    await one.lines('PING').expect('+PONG\r\n');
    onlySession().replyMode = 'skip';
    await one.lines('SET a 1', 'PING').expect('+PONG\r\n');
    onlySession().replyMode = 'off';
    one.lines('SET a 2', 'GET a', 'PING');
    await until(() => it.server.stats.commandsProcessed >= 6);
    onlySession().replyMode = 'on';
    await one.lines('GET a').expect('$1\r\n2\r\n');
  });

  test('one packet for a pipeline', async () => {
    const one = client();
    await one.lines('PING').expect('+PONG\r\n');
    let packets = 0;
    one.socket.on('data', () => packets++);
    await one.lines(...new Array(100).fill('SET a 1')).expect('+OK\r\n'.repeat(100));
    expect(packets).toBe(1);
  });

  test('HTTP is shown the door', async () => {
    const one = client();
    one.send('POST / HTTP/1.1\r\nHost: localhost\r\n\r\nSET a 1\r\n');
    expect(await one.closed()).toBe('');
    expect(it.warnings).toHaveLength(1);
    await client().lines('GET a').expect('$-1\r\n');
  });
});

describe('a client that closes its side', () => {
  test('gets the answers to what it sent, then the close', async () => {
    it.group.automatic = false;
    const one = client();
    one.socket.end('SET a 1\r\nGET a\r\nECHO done\r\n');
    await until(() => it.group.writes.length === 1);
    await new Promise((resolve) => setTimeout(resolve, 20));
    it.group.step(1);
    expect(await one.closed()).toBe('+OK\r\n$1\r\n1\r\n$4\r\ndone\r\n');
    await until(() => it.server.clients.size === 0);
  });

  test('has left when it waits for something', async () => {
    const one = client();
    one.socket.end('TEST WAIT\r\n');
    await one.closed();
    expect(it.server.clients.size).toBe(0);
    waiting[0]!.resolve('too late');
  });
});

describe('accounting', () => {
  test('calls, failures, rejections, errors by code, bytes', async () => {
    const one = client();
    one.lines(
      'SET a x',
      'INCR a',
      'INCR a b',
      'NOSUCH',
      'LPUSH a 1',
      'MULTI',
      'GET a',
      'EXEC',
      'PING',
    );
    await until(() => one.received.endsWith('+PONG\r\n'));
    const { stats } = it.server;
    expect(stats.commands.get('set')).toMatchObject({ calls: 1, failed: 0, rejected: 0 });
    expect(stats.commands.get('incr')).toMatchObject({ calls: 1, failed: 1, rejected: 1 });
    expect(stats.commands.get('get')).toMatchObject({ calls: 1 });
    expect(stats.commands.get('exec')).toMatchObject({ calls: 1 });
    expect(stats.errors).toEqual(
      new Map([
        ['ERR', 3],
        ['WRONGTYPE', 1],
      ]),
    );
    expect(stats.bytesOut).toBe(one.received.length);
    expect(stats.bytesIn).toBeGreaterThan(50);
    expect(stats.commands.get('set')!.micros).toBeGreaterThan(0);
  });

  test('slow commands are noted with their arguments, reads and writes', async () => {
    it.settings.set(['slowlog-log-slower-than', '0']);
    const one = client();
    await one.lines('SET a 1', 'GET a').expect('+OK\r\n$1\r\n1\r\n');
    const noted = it.server.instruments.slowlog.latest(-1).map((entry) => entry.args);
    expect(noted).toEqual([
      ['GET', 'a'],
      ['SET', 'a', '1'],
    ]);
  });
});
