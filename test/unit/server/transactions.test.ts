// MULTI, EXEC and WATCH where the log comes in: what is proposed, and touches between the check
// here and the entry. Replies that need no delay are compared with redis-server in
// same-as-redis.test.ts.

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { forEachCommand } from '../../../src/resp/request.js';
import { startServer, type TestServer } from './fake-group.js';
import { RawClient, resp } from './raw-client.js';

let it: TestServer;
let client: RawClient;

beforeEach(async () => {
  it = await startServer();
  it.group.automatic = false;
  client = new RawClient(it.port);
});

afterEach(async () => {
  client.destroy();
  await it.close();
});

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 1));
}

/** The commands of the write waiting at the group. */
async function proposed(): Promise<string[]> {
  await until(() => it.group.writes.length > 0);
  const { chunk, start, end } = it.group.writes[0]!;
  const commands: string[] = [];
  forEachCommand(chunk.subarray(start, end), (args) => commands.push(args.join(' ')));
  return commands;
}

const QUEUED = '+QUEUED\r\n';

describe('what is proposed', () => {
  test('the bytes as sent when nothing else came between', async () => {
    const text = resp('MULTI') + resp('SET', 'a', '1') + resp('GET', 'a') + resp('EXEC');
    client.send(text);
    expect(await proposed()).toEqual(['MULTI', 'SET a 1', 'GET a', 'EXEC']);
    const { chunk, start, end } = it.group.writes[0]!;
    expect(chunk.latin1Slice()).toBe(text);
    expect([start, end]).toEqual([0, text.length]);
    it.group.step();
    await client.expect(`+OK\r\n${QUEUED}${QUEUED}*2\r\n+OK\r\n$1\r\n1\r\n`);
  });

  test('one write, however it was sent; server commands stay here', async () => {
    await client.lines('MULTI').expect('+OK\r\n');
    await client.lines('set a 1').expect(QUEUED);
    await client.lines('ping', 'select 2', 'incr n', 'select 77').expect(QUEUED.repeat(4));
    client.lines('exec', 'incr n');
    expect(await proposed()).toEqual(['MULTI', 'set a 1', 'select 2', 'incr n', 'EXEC']);
    expect(it.group.writes[0]!.db).toBe(0);
    expect(it.group.writes[0]!.endDb).toBe(2);
    it.group.step();
    await client.expect('*5\r\n+OK\r\n+PONG\r\n+OK\r\n:1\r\n-ERR DB index is out of range\r\n');
    await until(() => it.group.writes.length === 1);
    expect(it.group.writes[0]!.db).toBe(2);
    it.group.step();
    await client.expect(':2\r\n');
  });

  test('nothing for a transaction that only reads', async () => {
    await client.lines('MULTI', 'GET a', 'EXEC').expect(`+OK\r\n${QUEUED}*1\r\n$-1\r\n`);
    it.group.canReadNow = false;
    client.lines('MULTI', 'GET a', 'PING', 'EXEC');
    await until(() => it.group.reads.length === 1);
    it.group.foreign('SET', 'a', 'x');
    it.group.applyNext();
    it.group.admitReads();
    await client.expect(`+OK\r\n${QUEUED}${QUEUED}*2\r\n$1\r\nx\r\n+PONG\r\n`);
    expect(it.group.writes).toHaveLength(0);
  });

  test('a read only transaction behind a write runs right after it', async () => {
    client.lines('SET a 1', 'MULTI', 'GET a', 'EXEC', 'SET a 2');
    await until(() => it.group.writes.length === 2);
    it.group.step(2);
    await client.expect(`+OK\r\n+OK\r\n${QUEUED}*1\r\n$1\r\n1\r\n+OK\r\n`);
  });
});

describe('WATCH', () => {
  test('is carried into the log with the index up to which the keys were untouched', async () => {
    it.group.foreign('SET', 'a', '0');
    it.group.applyNext();
    client.lines('WATCH a b', 'MULTI', 'SET a 1', 'EXEC');
    expect(await proposed()).toEqual(['WATCH a b', 'MULTI', 'SET a 1', 'EXEC']);
    expect(it.group.writes[0]!.watchIndex).toBe(2);
    it.group.step();
    await client.expect(`+OK\r\n+OK\r\n${QUEUED}*1\r\n+OK\r\n`);
    expect(it.server.watches.size).toBe(0);
  });

  test('a touch between the check here and the entry stops the transaction', async () => {
    await client.lines('WATCH a', 'MULTI', 'SET a 1').expect(`+OK\r\n+OK\r\n${QUEUED}`);
    it.group.foreign('SET', 'a', 'theirs');
    client.lines('EXEC');
    await proposed();
    it.group.step();
    await client.expect('*-1\r\n');
    await client.lines('GET a').expect('$6\r\ntheirs\r\n');
  });

  test('a touch by an own write that is still under way stops it too', async () => {
    client.lines('WATCH a', 'SET a own', 'MULTI', 'SET a 1', 'EXEC', 'GET a');
    await until(() => it.group.writes.length === 2);
    it.group.step(2);
    await client.expect(`+OK\r\n+OK\r\n+OK\r\n${QUEUED}*-1\r\n$3\r\nown\r\n`);
  });

  test('waits for a linearizable state, and what follows waits for it', async () => {
    it.group.canReadNow = false;
    it.group.foreign('SET', 'a', 'x');
    client.lines('WATCH a', 'MULTI', 'SET a 1', 'EXEC');
    await until(() => it.group.reads.length === 1);
    it.group.admitReads();
    expect(client.received).toBe('');
    it.group.applyNext();
    it.group.admitReads();
    await proposed();
    it.group.step();
    await client.expect(`+OK\r\n+OK\r\n${QUEUED}*1\r\n+OK\r\n`);
  });

  test('a key that dies of age counts as touched, and not for ever', async () => {
    it.group.foreign('SET', 'soon', 'x', 'PX', '200');
    it.group.applyNext();
    await client.lines('WATCH soon', 'MULTI', 'SET b 1').expect(`+OK\r\n+OK\r\n${QUEUED}`);
    await new Promise((resolve) => setTimeout(resolve, 210));
    await client.lines('EXEC').expect('*-1\r\n');
    expect(it.group.writes).toHaveLength(0);
    // Dead for this node now, but not in replicated time: the entry itself removes the key, which
    // is a touch.
    client.lines('WATCH soon', 'MULTI', 'SET b 1', 'EXEC');
    await proposed();
    it.group.step();
    await client.expect(`+OK\r\n+OK\r\n${QUEUED}*-1\r\n`);
    client.lines('WATCH soon', 'MULTI', 'SET b 1', 'EXEC');
    await proposed();
    it.group.step();
    await client.expect(`+OK\r\n+OK\r\n${QUEUED}*1\r\n+OK\r\n`);
  });

  test('in another database than the transaction', async () => {
    client.lines('WATCH a', 'SELECT 3', 'MULTI', 'SET b 1', 'EXEC');
    expect(await proposed()).toEqual(['WATCH a', 'MULTI', 'SELECT 3', 'SET b 1', 'EXEC']);
    it.group.foreign('SET', 'a', 'x');
    it.group.step();
    await client.expect(`+OK\r\n+OK\r\n+OK\r\n${QUEUED}*-1\r\n`);
    await client
      .lines('WATCH a', 'SELECT 0', 'WATCH a')
      .expect('+OK\r\n+OK\r\n-ERR WATCH on keys of more than one database is not supported\r\n');
  });

  test('leaves no mark behind when the client leaves', async () => {
    await client.lines('WATCH a b c').expect('+OK\r\n');
    expect(it.server.watches.size).toBe(3);
    client.destroy();
    await until(() => it.server.watches.size === 0);
  });
});
