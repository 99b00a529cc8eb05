// Goal: nothing a client sends harms a node of a cluster or the others: no end, no stack trace, no
// memory that stays, no reply to the wrong command, and clients beside it are served.

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { askLine, Cluster, type Daemon } from './daemon.js';
import { HostileClient, harm, pause, residentBytes } from './hostile-client.js';
import { RandomSource } from './random-source.js';

const GROWTH_MAX = 250 * 2 ** 20;
const SLICE_MS = 2500;

let cluster: Cluster;
let target: Daemon;
let residentMax = 0;
let random: RandomSource;
const open: HostileClient[] = [];

beforeAll(async () => {
  cluster = await Cluster.start(3);
  const leader = await cluster.leader();
  target = cluster.daemons.find((daemon) => daemon !== leader)!;
  await askLine(target.spec.port, 'SET witness 1');
  residentMax = residentBytes(target.pid) + GROWTH_MAX;
  random = new RandomSource('fuzz-resp');
});
afterAll(() => cluster?.stop());

afterEach(async () => {
  for (const client of open.splice(0)) client.end();
  for (const daemon of cluster.daemons) expect(await harm(daemon, residentMax)).toBeNull();
  expect(await askLine(target.spec.port, 'SET witness 1')).toBe('OK');
});

function connect(): HostileClient {
  const client = new HostileClient(target.spec.port);
  open.push(client);
  return client;
}

async function forAWhile(step: () => Promise<void>): Promise<void> {
  const until = Date.now() + SLICE_MS;
  while (Date.now() < until) await step();
}

function command(...words: (string | Buffer)[]): Buffer {
  const parts: Buffer[] = [Buffer.from(`*${words.length}\r\n`)];
  for (const word of words) {
    const bytes = typeof word === 'string' ? Buffer.from(word, 'latin1') : word;
    parts.push(Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from('\r\n'));
  }
  return Buffer.concat(parts);
}

/** Names that do not stop, block or empty the server. */
const NAMES = [
  ...[
    'GET',
    'SET',
    'INCR',
    'APPEND',
    'SETRANGE',
    'GETRANGE',
    'LPUSH',
    'LRANGE',
    'LINSERT',
    'HSET',
    'HGETALL',
  ],
  ...[
    'SADD',
    'SPOP',
    'ZADD',
    'ZRANGE',
    'ZRANGESTORE',
    'EXPIRE',
    'SCAN',
    'SORT',
    'OBJECT',
    'COMMAND',
    'CONFIG',
  ],
  ...[
    'INFO',
    'CLIENT',
    'MULTI',
    'EXEC',
    'DISCARD',
    'WATCH',
    'HELLO',
    'SELECT',
    'BITFIELD',
    'DUMP',
    'RESTORE',
  ],
  ...[
    'COPY',
    'RENAME',
    'SETBIT',
    'LPOS',
    'XADD',
    'PING',
    'ECHO',
    'MSET',
    'SLOWLOG',
    'LATENCY',
    'MEMORY',
    'ACL',
  ],
];
const WORDS = [
  ...[
    'a',
    'b',
    '',
    '0',
    '-1',
    '1',
    '999999999999',
    '9223372036854775807',
    '-9223372036854775808',
    '1e400',
  ],
  ...[
    'nan',
    'inf',
    '(1',
    '[a',
    '+',
    '-',
    'NX',
    'XX',
    'EX',
    'PX',
    'GET',
    'LIMIT',
    'WITHSCORES',
    'COUNT',
    '3',
    '\r\n',
  ],
];

function randomCommand(): Buffer {
  const words: (string | Buffer)[] = [random.pick(NAMES)];
  for (let i = random.below(6); i > 0; i--) {
    words.push(random.below(6) === 0 ? random.bytes(random.below(40)) : random.pick(WORDS));
  }
  // These change the server for the clients beside it.
  const text = words.join(' ').toUpperCase();
  return /^(CONFIG|ACL|CLIENT|SETRANGE|SETBIT|BITFIELD)/.test(text)
    ? command('PING')
    : command(...words);
}

describe('the RESP port', () => {
  it('random bytes', async () => {
    await forAWhile(async () => {
      const client = connect();
      await client.send(random.bytes(1 + random.below(2000)));
      client.end();
    });
  });

  it.each([
    [
      'an endless inline command',
      'x'.repeat(100_000),
      /ERR Protocol error: too big inline request/,
    ],
    ['too many words', '*1048577\r\n', /ERR Protocol error: invalid multibulk length/],
    ['a length that is no number', '*1\r\n$abc\r\n', /ERR Protocol error: invalid bulk length/],
    [
      'a length beyond the limit',
      '*1\r\n$536870913\r\n',
      /ERR Protocol error: invalid bulk length/,
    ],
    ['a negative length', '*1\r\n$-5\r\n', /ERR Protocol error: invalid bulk length/],
    ['no dollar', '*1\r\n:5\r\n', /ERR Protocol error: expected '\$', got ':'/],
    ['an open quote', 'SET a "b\r\n', /ERR Protocol error: unbalanced quotes/],
  ])('%s is told and ends the connection', async (_, text, told) => {
    const client = connect();
    await client.send(text);
    expect(await client.answer(told)).toMatch(told);
    expect(await client.closes()).toBe(true);
  });

  it('huge lengths that never come keep no memory', async () => {
    const clients = Array.from({ length: 50 }, () => connect());
    for (const client of clients) {
      await client.send('*1048576\r\n$512000000\r\n');
      await client.send(Buffer.alloc(200_000));
    }
    await pause(100);
    expect(await harm(target, residentMax)).toBeNull();
  });

  it('damaged commands in pipelines', async () => {
    await forAWhile(async () => {
      const client = connect();
      const whole = Buffer.concat(Array.from({ length: 20 }, randomCommand));
      await client.send(random.damage(whole).bytes);
      client.end();
    });
  });

  it('sound commands with any words, each with one reply, in and out of MULTI', async () => {
    let rounds = 0;
    await forAWhile(async () => {
      const client = connect();
      const sent = Array.from({ length: 40 }, randomCommand);
      if (random.below(2) === 0) sent.unshift(command('MULTI'));
      sent.push(command('DISCARD'), command('RESET'), command('PING', `end-${rounds}`));
      await client.send(Buffer.concat(sent));
      const end = new RegExp(`end-${rounds}\r\n$`);
      expect(await client.answer(end)).toMatch(end);
      client.end();
      rounds++;
    });
    expect(rounds).toBeGreaterThan(5);
    expect(new Set(await cluster.digests()).size).toBe(1);
  });

  it('garbage inside MULTI aborts the transaction, and nothing of it is done', async () => {
    const client = connect();
    await client.send(command('MULTI'));
    await client.send(command('SET', 'half', '1'));
    await client.send(command('NOSUCH'));
    await client.send(command('SET', 'half'));
    await client.send(command('EXEC'));
    expect(await client.answer(/EXECABORT/)).toMatch(
      /QUEUED[\s\S]*unknown command[\s\S]*EXECABORT/,
    );
    const cut = connect();
    await cut.send(
      Buffer.concat([command('MULTI'), command('SET', 'half', '1'), random.bytes(50)]),
    );
    cut.end();
    const gone = connect();
    await gone.send(Buffer.concat([command('MULTI'), command('SET', 'half', '1')]));
    gone.end();
    expect(await askLine(target.spec.port, 'EXISTS half')).toBe('0');
  });

  it('a slow drip is served, and does not hold up others', async () => {
    const client = connect();
    const bytes = command('SET', 'drip', 'x'.repeat(30));
    for (const byte of bytes) {
      await client.send(Buffer.from([byte]));
      await pause(1);
    }
    expect(await client.answer(/\+OK/)).toMatch(/\+OK/);
    expect(await askLine(target.spec.port, 'STRLEN drip')).toBe('30');
  });

  it('a client that never reads is held back or closed', async () => {
    await askLine(target.spec.port, 'SETRANGE large 1000000 x');
    const client = connect();
    client.socket.pause();
    const batch = Buffer.concat(Array.from({ length: 100 }, () => command('GET', 'large')));
    for (let i = 0; i < 20; i++) await Promise.race([client.send(batch), pause(200)]);
    expect(await harm(target, residentMax)).toBeNull();
  }, 20_000);

  it('many connections at once', async () => {
    const clients = Array.from({ length: 500 }, () => connect());
    await Promise.all(clients.map((client) => client.send(command('INCR', 'many'))));
    const answers = await Promise.all(clients.map((client) => client.answer(/:\d+\r\n/)));
    expect(new Set(answers).size).toBe(500);
  });
});
