// Server commands behind the real dispatch and encoder, asked by a stock client over TCP.

import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../../../src/platform/clock.js';
import { type Listener, tcp } from '../../../../src/platform/net.js';
import { systemProcess } from '../../../../src/platform/process.js';
import { serverCommands } from '../../../../src/server/commands/registry.js';
import { Instruments } from '../../../../src/server/instruments.js';
import { RespServer } from '../../../../src/server/resp-server.js';
import { Settings } from '../../../../src/server/settings.js';
import { FakeGroup } from '../fakes.js';

const settings = new Settings();
const instruments = new Instruments(settings, systemProcess, {
  version: '0.1.0',
  runId: 'a'.repeat(40),
  replicationId: 'b'.repeat(40),
  configFile: '',
});
const server = new RespServer({
  clock: systemClock,
  group: new FakeGroup(),
  settings,
  instruments,
  commands: [...serverCommands.values()],
  seed: 1,
  shutdown: () => {},
  warn: () => {},
});

let listener: Listener;
let redis: Redis;

beforeAll(async () => {
  listener = await tcp.listen({ host: '127.0.0.1', port: 0 }, (connection) => {
    server.accept(connection);
  });
  redis = new Redis(listener.port, '127.0.0.1', { connectionName: 'wire' });
});

afterAll(async () => {
  redis.disconnect();
  server.close();
  await listener.close();
});

describe('over TCP', () => {
  it('INFO without arguments shows the raft section', async () => {
    const text = await redis.info();
    expect(text).toContain('# Raft\r\n');
    expect(text).toContain('raft_state:Leader\r\n');
    expect(text).toMatch(/used_memory_rss:[1-9]\d{6,}/);
  });

  it('COMMAND and COMMAND DOCS come whole', async () => {
    const rows = (await redis.call('COMMAND')) as unknown[][];
    expect(rows.length).toBe(await redis.call('COMMAND', 'COUNT'));
    expect(rows.every((row) => row.length === 10)).toBe(true);
    const docs = (await redis.call('COMMAND', 'DOCS')) as unknown[];
    expect(docs.length).toBe(2 * rows.length);
  });

  it('CLIENT LIST, SLOWLOG, CONFIG and commandstats see this connection', async () => {
    await redis.call('CONFIG', 'SET', 'slowlog-log-slower-than', '0');
    expect(await redis.call('CLIENT', 'LIST')).toMatch(/ name=wire .* cmd=client\|list /);
    const slow = (await redis.call('SLOWLOG', 'GET', '1')) as unknown[][];
    expect(slow[0]![3]).toEqual(['CLIENT', 'LIST']);
    expect(await redis.info('commandstats')).toMatch(/cmdstat_client\|list:calls=1,/);
  });

  it('DEBUG SLEEP and WAIT hold back their own connection only', async () => {
    const other = redis.duplicate();
    const order: string[] = [];
    await Promise.all([
      other.call('DEBUG', 'SLEEP', '0.05').then(() => order.push('slept')),
      other.call('WAIT', '0', '0').then(() => order.push('waited')),
      redis.ping().then(() => order.push('pong')),
    ]);
    expect(order.filter((what) => what !== 'pong')).toEqual(['slept', 'waited']);
    expect(order[0]).toBe('pong');
    other.disconnect();
  });

  it('CLIENT KILL ends a connection', async () => {
    const victim = new Redis(listener.port, '127.0.0.1', { retryStrategy: () => null });
    const id = await victim.call('CLIENT', 'ID');
    const ended = new Promise((resolve) => victim.once('end', resolve));
    expect(await redis.call('CLIENT', 'KILL', 'ID', String(id))).toBe(1);
    await ended;
  });
});
