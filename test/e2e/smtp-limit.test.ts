// The cluster-wide limit over real sockets: exact over nodes, by client address, and when the store
// is away.

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SmtpNode } from '../../src/smtp/node.js';
import {
  eventually,
  inspect,
  type Sink,
  sendOne,
  startNode,
  startSink,
  startStore,
  type TestStore,
  testYaml,
} from './smtp-harness.js';

const CLIENTS = 200;
const LIMIT = 100;

/** So that the limit is judged by the store also on a machine that is busy. */
const PATIENT = '{ command_timeout: 10s }';

describe('rate limit over three nodes', () => {
  let store: TestStore;
  let sink: Sink;
  let nodes: SmtpNode[] = [];

  const startNodes = async (yaml: string): Promise<void> => {
    for (const id of ['node-1', 'node-2', 'node-3']) {
      const plan = { id, storeUrl: store.url, nextHopPort: sink.port, yaml };
      nodes.push(await startNode(plan));
    }
  };
  const portOf = (at: number): number => nodes[at % nodes.length]?.smtpPort ?? 0;

  beforeEach(async () => {
    store = await startStore();
    sink = await startSink();
  });

  afterEach(async () => {
    await Promise.all(nodes.map((node) => node.stop()));
    nodes = [];
    await sink.close();
    await store.stop();
  });

  for (const count of ['connection', 'message']) {
    it(`lets exactly ${LIMIT} of ${CLIENTS} parallel clients through, counting each ${count}`, async () => {
      await startNodes(
        testYaml({ rate_limit: `{ max: ${LIMIT}, window: 1m, count: ${count} }`, store: PATIENT }),
      );
      const clients = Array.from({ length: CLIENTS }, (_, at) => sendOne(portOf(at)));
      const replies = await Promise.all(clients);
      const accepted = replies.filter((reply) => reply.startsWith('250 '));
      const refused = replies.filter((reply) => !reply.startsWith('250 '));
      expect(accepted.length).toBe(LIMIT);
      for (const reply of refused) {
        expect(reply).toMatch(
          /^421 4\.7\.0 Rate limit for 127\.0\.0\.1 reached \(100 \w+s per 60 s\), try again in \d+ s\r\n$/,
        );
      }
      const redis = inspect(store.url);
      expect(await redis.keys('elemta:ratelimit:*')).toEqual(['elemta:ratelimit:ip:127.0.0.1']);
      expect(await redis.zcard('elemta:ratelimit:ip:127.0.0.1')).toBe(LIMIT);
      redis.disconnect();
      await sink.until(() => sink.received.length === LIMIT);
      expect(sink.counts().size).toBe(LIMIT);
      let hits = 0;
      for (const node of nodes) {
        const text = await node.metrics.registry.metrics();
        hits += Number(/^rate_limit_hits_total\{.*\} (\d+)$/m.exec(text)?.[1]);
      }
      expect(hits).toBe(CLIENTS - LIMIT);
    });
  }

  it('frees a slot when the window has passed, on the clock of the store', async () => {
    await startNodes(testYaml({ rate_limit: '{ max: 2, window: 600ms }' }));
    expect(await sendOne(portOf(0))).toMatch(/^250 /);
    expect(await sendOne(portOf(1))).toMatch(/^250 /);
    expect(await sendOne(portOf(2))).toMatch(/^421 4\.7\.0 /);
    await eventually('a slot is free', async () => (await sendOne(portOf(2))).startsWith('250 '));
  });

  it('counts an IPv6 client under its own address', async () => {
    await startNodes(
      testYaml({
        rate_limit: '{ max: 1 }',
        smtp: '{ host: "::", hostname: mx.test, drain_timeout: 1s }',
      }),
    );
    expect(await sendOne(portOf(0), { host: '::1' })).toMatch(/^250 /);
    expect(await sendOne(portOf(1), { host: '::1' })).toMatch(/^421 4\.7\.0 Rate limit for ::1 /);
    expect(await sendOne(portOf(2), { host: '127.0.0.1' })).toMatch(/^250 /);
    expect(await sendOne(portOf(0), { host: '127.0.0.1' })).toMatch(/^421 .* 127\.0\.0\.1 /);
    const redis = inspect(store.url);
    expect((await redis.keys('elemta:ratelimit:*')).sort()).toEqual([
      'elemta:ratelimit:ip:127.0.0.1',
      'elemta:ratelimit:ip:::1',
    ]);
    redis.disconnect();
  });

  it('limits alone, to its share, while the store is away', async () => {
    await startNodes(testYaml({ rate_limit: '{ max: 9 }', store: '{ command_timeout: 200ms }' }));
    // The share is max / nodes: each must have seen the others' heartbeats, which go out at the
    // start.
    await nodes[0]?.stop();
    nodes[0] = await startNode({
      id: 'node-1',
      storeUrl: store.url,
      nextHopPort: sink.port,
      yaml: testYaml({ rate_limit: '{ max: 9 }', store: '{ command_timeout: 200ms }' }),
    });
    await store.kill();
    await eventually('the node has noticed', () => !(nodes[0]?.storeUp ?? true));
    const replies: string[] = [];
    for (let at = 0; at < 6; at += 1) replies.push(await sendOne(portOf(0)));
    expect(replies.slice(0, 3).every((reply) => reply.startsWith('451 4.3.0 '))).toBe(true);
    expect(replies.slice(3).every((reply) => reply.startsWith('421 4.7.0 '))).toBe(true);
    const text = await nodes[0]?.metrics.registry.metrics();
    expect(text).toMatch(/rate_limit_local_fallback_total\{node_id="node-1"\} 6/);
    expect(text).toMatch(/valkey_up\{node_id="node-1"\} 0/);
    await store.restart();
    await eventually('the store is used again', () => nodes[0]?.storeUp ?? false);
    expect(await sendOne(portOf(0))).toMatch(/^250 /);
  });
});
