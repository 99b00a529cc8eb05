// The steps of the queue one by one, against a real store: what happens when a reply was lost or a
// lease ran out.

import type { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { silentLogger } from '../../../src/observe/logger.js';
import { systemClock } from '../../../src/platform/clock.js';
import { mailKeys } from '../../../src/smtp/keys.js';
import { type Lease, MailQueue, type MessageFacts } from '../../../src/smtp/queue.js';
import { takeSlot } from '../../../src/smtp/scripts.js';
import { Store } from '../../../src/smtp/store.js';
import { parseStoreUrl } from '../../../src/smtp/store-url.js';
import {
  eventually,
  HAS_REDIS,
  inspect,
  startStore,
  type TestStore,
} from '../../e2e/smtp-harness.js';

const FACTS: MessageFacts = {
  envelope: { from: 'a@b', to: ['c@d'], eightBit: false, smtpUtf8: false },
  sizeBytes: 5,
  receivedAt: 1,
  node: 'n',
  clientIp: '::1',
  helo: 'h',
  user: '',
};
const BODY = Buffer.from('hello\xff', 'latin1');
const LEASE_MS = 150;

describe.skipIf(!HAS_REDIS)('MailQueue', () => {
  let server: TestStore;
  let store: Store;
  let queue: MailQueue;
  let redis: Redis;

  beforeAll(async () => {
    server = await startStore();
    const address = parseStoreUrl(server.url);
    if (typeof address === 'string') throw new Error(address);
    store = new Store({
      address,
      cluster: false,
      commandTimeoutMs: 1_000,
      tls: { ca: undefined, cert: undefined, key: undefined, verify: true },
      clientName: 'test',
      clock: systemClock,
      log: silentLogger,
      observe: () => undefined,
    });
    const settings = { commitTimeoutMs: 1_000, orphanTtlMs: 60_000, failedRetentionMs: 100 };
    queue = new MailQueue(store, mailKeys('t:'), { leaseMs: LEASE_MS, ...settings });
    redis = inspect(server.url);
    expect(await store.waitUntilUp(2_000)).toBe(true);
  });

  afterAll(async () => {
    redis.disconnect();
    store.close();
    await server.stop();
  });

  beforeEach(() => redis.flushall());

  const lease = async (owner: string): Promise<Lease[]> =>
    (await queue.lease(owner, 10, Date.now())).leases;
  const one = async (owner: string): Promise<Lease> => {
    const [found] = await lease(owner);
    if (found === undefined) throw new Error('nothing to lease');
    return found;
  };
  const expire = (owner: string): Promise<Lease> =>
    new Promise((resolve, reject) => {
      setTimeout(() => one(owner).then(resolve, reject), LEASE_MS + 30);
    });

  it('stores a message once however often its commit is repeated, also after its delivery', async () => {
    await queue.commit('m1', FACTS, BODY);
    await queue.commit('m1', FACTS, BODY);
    expect(await queue.depth()).toEqual({ pending: 1, leased: 0, failed: 0 });
    const first = await one('w1');
    expect((await queue.load('m1'))?.facts).toEqual(FACTS);
    expect(await queue.part('m1', 0)).toEqual(BODY);
    expect(await queue.ack(first, 1)).toBe(true);
    expect(await queue.ack(first, 1)).toBe(true);
    await queue.commit('m1', FACTS, BODY);
    expect(await queue.depth()).toEqual({ pending: 0, leased: 0, failed: 0 });
    expect(await queue.load('m1')).toBeNull();
  });

  it('makes no message visible whose body is not complete, and lets such parts expire', async () => {
    await queue.putPart('m2', 0, BODY);
    expect(await redis.pttl('t:{q}:body:m2:0')).toBeGreaterThan(50_000);
    await expect(queue.commit('m2', FACTS, 2)).rejects.toThrow(/a part of its body is missing/);
    expect(await queue.depth()).toEqual({ pending: 0, leased: 0, failed: 0 });
    await queue.putPart('m2', 1, BODY);
    await queue.commit('m2', FACTS, 2);
    expect(await redis.pttl('t:{q}:body:m2:0')).toBe(-1);
    expect(await redis.pttl('t:{q}:body:m2:1')).toBe(-1);
  });

  it('gives a lease to one worker only, with a growing fencing number', async () => {
    for (let at = 0; at < 20; at += 1) await queue.commit(`m${at}`, FACTS, BODY);
    const both = (await Promise.all([lease('w1'), lease('w2'), lease('w3')])).flat();
    expect(new Set(both.map((found) => found.id)).size).toBe(20);
    expect(both.length).toBe(20);
    const numbers = both.map((found) => Number(found.token.split(':')[1]));
    expect([...numbers].sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, n) => n + 1));
  });

  it('refuses every step of a worker whose lease another one took', async () => {
    await queue.commit('m', FACTS, BODY);
    const old = await one('w1');
    const now = await expire('w2');
    expect(now).toMatchObject({ id: 'm', attempt: 2 });
    const message = await queue.load('m');
    if (message === null) throw new Error('message lost');
    expect(await queue.extend(old)).toBe(false);
    expect(await queue.ack(old, 1)).toBe(false);
    expect(await queue.retry(old, message, { delayMs: 0, reason: '', failures: [] })).toBe(false);
    expect(await queue.fail(old, '', [])).toBe(false);
    expect(await queue.release(old)).toBe(false);
    expect(await queue.ack(now, 1)).toBe(true);
  });

  it('accepts the late ack of a lease that ran out but nobody took', async () => {
    await queue.commit('m', FACTS, BODY);
    const late = await one('w1');
    await new Promise((resolve) => setTimeout(resolve, LEASE_MS + 30));
    expect(await queue.ack(late, 1)).toBe(true);
    expect(await lease('w2')).toEqual([]);
  });

  it('gives back leases whose reply was lost, and no others', async () => {
    await queue.commit('known', FACTS, BODY);
    await one('w1');
    await queue.commit('lost', FACTS, BODY);
    await one('w1');
    await queue.commit('other', FACTS, BODY);
    await one('w11');
    expect(await queue.reclaim('w1', ['known'])).toBe(1);
    expect(await lease('w2')).toMatchObject([{ id: 'lost', attempt: 1 }]);
  });

  it('puts a retried message off, a released one not, and counts only the first', async () => {
    await queue.commit('m', FACTS, BODY);
    const first = await one('w1');
    expect(await queue.release(first)).toBe(true);
    expect(await queue.release(first)).toBe(true);
    const second = await one('w1');
    expect(second.attempt).toBe(1);
    const message = await queue.load('m');
    if (message === null) throw new Error('message lost');
    const plan = { delayMs: 5_000, reason: '450 later', failures: [] };
    expect(await queue.retry(second, message, plan)).toBe(true);
    expect(await lease('w1')).toEqual([]);
    const due = await queue.nextDueMs(Date.now());
    expect(due).toBeGreaterThan(4_000);
    expect(due).toBeLessThanOrEqual(5_100);
  });

  it('keeps a failed message with its reason, then forgets it with its body', async () => {
    await queue.commit('m', FACTS, BODY);
    const only = await one('w1');
    const failures = [{ to: 'c@d', code: 550, reason: 'no' }];
    expect(await queue.fail(only, 'no such user', failures)).toBe(true);
    expect(await queue.failures(5)).toMatchObject([{ id: 'm', reason: 'no such user' }]);
    await eventually('it is purged', async () => (await queue.purgeFailed(Date.now())) === 1);
    expect((await redis.keys('t:*')).sort()).toEqual(['t:{q}:fence']);
  });

  it('counts a rate limit unit once when its script is repeated', async () => {
    const take = (member: string): Promise<unknown> =>
      store.script(takeSlot, ['k'], [2, 60_000, member], 0);
    expect(await take('a')).toEqual([1, 1, 0]);
    expect(await take('a')).toEqual([1, 1, 0]);
    expect(await take('b')).toEqual([1, 2, 0]);
    expect(await take('c')).toMatchObject([0, 2, expect.any(Number)]);
    expect(await take('b')).toEqual([1, 2, 0]);
    expect(await redis.zcard('k')).toBe(2);
    expect(await redis.pttl('k')).toBeGreaterThan(59_000);
  });

  it('loads its scripts again when the store has forgotten them', async () => {
    await queue.commit('m', FACTS, BODY);
    await redis.script('FLUSH');
    await queue.commit('n', FACTS, BODY);
    expect((await queue.depth()).pending).toBe(2);
  });
});
