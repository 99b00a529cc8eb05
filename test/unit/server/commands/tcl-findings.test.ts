// What the Tcl test-suite of Redis 7.2 found (test/compat/tcl-suite.mjs): each test here failed
// before its fix.

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Rng } from '../../../../src/base/rng.js';
import { serverCommands } from '../../../../src/server/commands/registry.js';
import { MemoryPolicy } from '../../../../src/server/memory-policy.js';
import { startServer, type TestServer } from '../fake-group.js';
import { RawClient, resp } from '../raw-client.js';

let it: TestServer;
let client: RawClient;
const others: RawClient[] = [];

function another(): RawClient {
  const one = new RawClient(it.port);
  others.push(one);
  return one;
}

beforeEach(async () => {
  it = await startServer([...serverCommands.values()]);
  client = new RawClient(it.port);
});

afterEach(async () => {
  for (const one of [client, ...others.splice(0)]) one.destroy();
  await it.close();
});

/** The value of a field of INFO or CLIENT INFO. */
async function field(command: string, pattern: RegExp): Promise<string> {
  const one = another();
  one.lines(command, 'PING');
  for (let size = 1; !one.received.endsWith('+PONG\r\n'); size = one.received.length + 1) {
    await one.length(size);
  }
  return pattern.exec(one.received)?.[1] ?? '';
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

describe('CLIENT KILL of oneself', () => {
  test('is answered, and then the connection ends', async () => {
    client.lines('CLIENT KILL SKIPME NO', 'PING');
    expect(await client.closed()).toBe(':1\r\n');
  });

  test('ends the connection also when nothing is to be answered', async () => {
    client.lines('CLIENT REPLY OFF', 'CLIENT KILL SKIPME NO', 'CLIENT REPLY ON');
    expect(await client.closed()).toBe('');
  });

  test('inside a transaction the whole reply of EXEC comes first', async () => {
    client.lines('MULTI', 'SET k v', 'CLIENT KILL SKIPME NO', 'GET k', 'EXEC');
    const queued = '+QUEUED\r\n'.repeat(3);
    expect(await client.closed()).toBe(`+OK\r\n${queued}*3\r\n+OK\r\n:1\r\n$1\r\nv\r\n`);
  });
});

test('a connection held by CLIENT PAUSE counts as blocked', async () => {
  client.lines('CLIENT PAUSE 100000 WRITE', 'SET k v');
  await client.expect('+OK\r\n');
  await until(() => [...it.server.clients.values()].some((one) => one.blocked));
  expect(await field('INFO clients', /blocked_clients:(\d+)/)).toBe('1');
});

test('CLIENT LIST counts the bytes of the command that asks', async () => {
  const line = await new Promise<string>((resolve) => {
    client.send(resp('client', 'list'));
    client.length(100).then(() => resolve(client.received));
  });
  expect(line).toContain(' qbuf=26 ');
});

describe('maxmemory', () => {
  test('binds the next command, and lets it go again', async () => {
    const policy = new MemoryPolicy(it.server, new Rng(1));
    it.settings.onChange('maxmemory', () => {
      policy.reload();
      return null;
    });
    client.lines('SET k v', 'CONFIG SET maxmemory 1', 'SET k w');
    client.lines('CONFIG SET maxmemory 0', 'SET k x');
    const refused = "-OOM command not allowed when used memory > 'maxmemory'.\r\n";
    await client.expect(`+OK\r\n+OK\r\n${refused}+OK\r\n+OK\r\n`);
  });

  test.each([
    ['allkeys-lru', 'IDLETIME 1000', 'IDLETIME', /^:100[01]\r\n$/],
    ['allkeys-lfu', 'FREQ 100', 'FREQ', /^:100\r\n$/],
  ])('under %s RESTORE %s is what OBJECT %s tells', async (policy, option, question, answer) => {
    it.settings.set(['maxmemory-policy', policy]);
    new MemoryPolicy(it.server, new Rng(1));
    client.lines('SET k v', 'DUMP k');
    await client.length(8);
    await until(() => client.received.startsWith('+OK\r\n$') && client.received.endsWith('\r\n'));
    const payload = /\r\n\$\d+\r\n([\s\S]*)\r\n$/.exec(client.received)![1]!;
    const restored = another();
    restored.send(resp('RESTORE', 'r', '0', payload, ...option.split(' ')));
    await restored.expect('+OK\r\n');
    restored.lines(`OBJECT ${question} r`);
    await until(() => restored.received.endsWith('\r\n'));
    expect(restored.received).toMatch(answer);
  });

  test('RESTORE takes IDLETIME or FREQ, not both', async () => {
    client.lines('RESTORE r 0 x IDLETIME 1 FREQ 1', 'RESTORE r 0 x FREQ 1 IDLETIME 1');
    await client.expect('-ERR syntax error\r\n'.repeat(2));
  });
});

test('DEBUG SLEEP is one slow command, for as long as it slept', async () => {
  client.lines('CONFIG SET slowlog-log-slower-than 0 latency-monitor-threshold 10');
  client.lines('SLOWLOG RESET', 'DEBUG SLEEP 0.05', 'CONFIG SET slowlog-log-slower-than -1');
  await client.expect('+OK\r\n'.repeat(4));
  const kept = it.server.instruments.slowlog.latest(-1).filter(({ args }) => args[0] === 'DEBUG');
  expect(kept.map(({ args }) => args)).toEqual([['DEBUG', 'SLEEP', '0.05']]);
  expect(kept[0]!.micros).toBe(50_000);
  expect(it.server.instruments.latency.events().map(({ event }) => event)).toEqual(['command']);
});

describe('CONFIG', () => {
  test('SET of port takes the value it has and no other', async () => {
    client.lines('CONFIG SET port 6379 bind *', 'CONFIG SET port 1');
    const refusal = 'Unable to listen on this port: it is chosen at start';
    const failed = `-ERR CONFIG SET failed (possibly related to argument 'port') - ${refusal}`;
    await client.expect(`+OK\r\n${failed}\r\n`);
  });

  test('GET shows hidden parameters by name only', () => {
    expect(it.settings.matching('key-load-delay')).toEqual([['key-load-delay', '0']]);
    expect(it.settings.matching('key-load-dela?')).toEqual([]);
    expect(it.settings.load('port', '7777')).toBeNull();
  });
});

test('COMMAND GETKEYSANDFLAGS of SET and BITFIELD depends on their options', async () => {
  const ask = 'COMMAND GETKEYSANDFLAGS';
  client.lines(`${ask} SET k v`, `${ask} SET k v EX 1 get`, `${ask} BITFIELD k GET u8 0`);
  const overwrites = '*2\r\n$1\r\nk\r\n*2\r\n+OW\r\n+update\r\n';
  const updates = '*2\r\n$1\r\nk\r\n*3\r\n+RW\r\n+access\r\n+update\r\n';
  const reads = '*2\r\n$1\r\nk\r\n*2\r\n+RO\r\n+access\r\n';
  await client.expect(`*1\r\n${overwrites}*1\r\n${updates}*1\r\n${reads}`);
});

test('DEBUG PROTOCOL attrib has attributes in RESP3 only', async () => {
  client.lines('DEBUG PROTOCOL attrib');
  const reply = '$39\r\nSome real reply following the attribute\r\n';
  await client.expect(reply);
  const modern = another();
  modern.lines('HELLO 3');
  await until(() => modern.received.includes('modules'));
  await until(() => modern.received.endsWith('*0\r\n'));
  await modern.expect(modern.received);
  modern.lines('DEBUG PROTOCOL attrib');
  await modern.expect(`|1\r\n$14\r\nkey-popularity\r\n*2\r\n$7\r\nkey:123\r\n:90\r\n${reply}`);
});

test('FUNCTION answers as a server without libraries', async () => {
  client.lines('FUNCTION FLUSH', 'FUNCTION FLUSH SYNC', 'FUNCTION FLUSH X', 'FUNCTION LIST');
  const wrong = '-ERR FUNCTION FLUSH only supports SYNC|ASYNC option\r\n';
  await client.expect(`+OK\r\n+OK\r\n${wrong}*0\r\n`);
});

describe('MONITOR', () => {
  /** Lines a watcher got, without time and address. */
  async function shown(watcher: RawClient, count: number): Promise<string[]> {
    const lines = (): string[] => watcher.received.split('\r\n').slice(0, -1);
    await until(() => lines().length >= count);
    return lines().map((line) => line.replace(/^\+\d+\.\d{6} \[(\d+) [\d.:]+\] /, '$1 '));
  }

  async function watching(): Promise<RawClient> {
    const watcher = another();
    watcher.lines('MONITOR');
    await watcher.expect('+OK\r\n');
    return watcher;
  }

  test('shows commands, transactions when they run, and no passwords or administration', async () => {
    const watcher = await watching();
    client.lines('SELECT 3', 'SET a "\\x00\\"\\\\\\n~"', 'AUTH user secret', 'CONFIG GET port');
    client.lines('MULTI', 'GET a', 'SET b c', 'EXEC', 'MULTI', 'NONSENSE', 'EXEC');
    expect(await shown(watcher, 9)).toEqual([
      '0 "SELECT" "3"',
      String.raw`3 "SET" "a" "\x00\"\\\n~"`,
      '3 "AUTH" "(redacted)" "(redacted)"',
      ...['3 "MULTI"', '3 "GET" "a"', '3 "SET" "b" "c"', '3 "EXEC"', '3 "MULTI"', '3 "EXEC"'],
    ]);
  });

  test('RESET and the end of the connection end it', async () => {
    const first = await watching();
    const second = await watching();
    expect(await field('CLIENT LIST', /flags=(O) /)).toBe('O');
    first.lines('RESET');
    await until(() => first.received.endsWith('+RESET\r\n'));
    expect(await shown(second, 2)).toContain('0 "RESET"');
    expect(first.received).not.toContain('"RESET"');
    second.destroy();
    await until(() => it.server.monitor === null);
  });

  test('is refused in a transaction', async () => {
    client.lines('MULTI', 'MONITOR', 'EXEC');
    const refusal = "-ERR MONITOR isn't allowed for DENY BLOCKING client\r\n";
    await client.expect(`+OK\r\n+QUEUED\r\n*1\r\n${refusal}`);
  });
});

test('what happens inside EXEC is counted, and EXEC that aborts as failed', async () => {
  client.lines('MULTI', 'SET a b', 'LPUSH a x', 'EXEC', 'EXEC', 'MULTI', 'SET', 'EXEC');
  client.lines('MULTI', 'GET a', 'LLEN a', 'EXEC', 'DISCARD');
  await until(() => client.received.endsWith('-ERR DISCARD without MULTI\r\n'));
  const counts = (name: string): number[] => {
    const { calls, failed, rejected } = it.server.stats.commands.get(name)!;
    return [calls, failed, rejected];
  };
  expect(['set', 'lpush', 'get', 'llen'].map(counts)).toEqual([
    [1, 0, 1],
    [1, 1, 0],
    [1, 0, 0],
    [1, 1, 0],
  ]);
  expect(counts('exec')).toEqual([4, 2, 0]);
  expect(counts('discard')).toEqual([1, 1, 0]);
  expect(Object.fromEntries(it.server.stats.errors)).toEqual({
    WRONGTYPE: 2,
    ERR: 3,
    EXECABORT: 1,
  });
});

test('a new key begins with the LFU count of Redis, and grows with the next use', async () => {
  it.settings.set(['maxmemory-policy', 'allkeys-lfu']);
  new MemoryPolicy(it.server, new Rng(1));
  client.lines('SET k v', 'OBJECT FREQ k', 'GET k', 'OBJECT FREQ k');
  await client.expect('+OK\r\n:5\r\n$1\r\nv\r\n:6\r\n');
});

test('beyond the output limit asked for no reply is sent, and the transaction has run', async () => {
  it.settings.set(['client-output-buffer-limit', 'normal 100000 0 0']);
  client.send(resp('SET', 'big', 'x'.repeat(40_000)));
  await client.expect('+OK\r\n');
  client.lines('GET big', 'PING');
  await client.length(40_000 + 10 + 7);
  await client.expect(client.received);
  client.lines('MULTI', 'SET k v', 'GET big', 'GET big', 'GET big', 'EXEC');
  expect(await client.closed()).toBe(`+OK\r\n${'+QUEUED\r\n'.repeat(4)}`);
  const after = another();
  after.lines('GET k');
  await after.expect('$1\r\nv\r\n');
});

test('BGSAVE and BGREWRITEAOF inside a transaction say that they are scheduled', async () => {
  client.lines('MULTI', 'BGSAVE', 'BGREWRITEAOF', 'EXEC');
  const rewriting = '+Background append only file rewriting scheduled\r\n';
  const replies = `*2\r\n+Background saving scheduled\r\n${rewriting}`;
  await client.expect(`+OK\r\n+QUEUED\r\n+QUEUED\r\n${replies}`);
});
