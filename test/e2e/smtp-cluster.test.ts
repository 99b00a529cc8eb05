// The same node against a Redis Cluster: every script stays within one slot.

import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  eventually,
  HAS_REDIS,
  httpJson,
  type Sink,
  sendOne,
  startClusterNode,
  startNode,
  startSink,
  type TestStore,
  testYaml,
} from './smtp-harness.js';

describe.skipIf(!HAS_REDIS)('Redis Cluster', () => {
  let stores: TestStore[] = [];
  let sink: Sink;

  beforeAll(async () => {
    stores = await Promise.all([startClusterNode(), startClusterNode(), startClusterNode()]);
    const hosts = stores.map((store) => new URL(store.url).host);
    execFileSync('redis-cli', ['--cluster', 'create', ...hosts, '--cluster-yes']);
    sink = await startSink();
  });

  afterAll(async () => {
    await sink?.close();
    await Promise.all(stores.map((store) => store.stop()));
  });

  it('limits, queues, delivers and lists over three masters', async () => {
    const hosts = stores.map((store) => new URL(store.url).host).join(',');
    const yaml = testYaml({ store: '{ cluster: true }', rate_limit: '{ max: 6 }' });
    const plan = { id: 'node-1', storeUrl: `valkey://${hosts}`, nextHopPort: sink.port, yaml };
    const node = await startNode(plan);
    try {
      await eventually('the cluster is connected', () => node.storeUp);
      const large = `Subject: large\r\n\r\n${'x'.repeat(200_000)}\r\n`;
      const bodies = [undefined, undefined, undefined, undefined, undefined, large];
      const replies = await Promise.all(
        bodies.map((body) => sendOne(node.smtpPort, body === undefined ? {} : { body })),
      );
      expect(replies.every((reply) => reply.startsWith('250 '))).toBe(true);
      expect(await sendOne(node.smtpPort)).toMatch(/^421 4\.7\.0 /);
      await sink.until(() => sink.received.length === 6);
      await eventually('the queue is empty', async () => {
        const queue = await httpJson(node.httpPort, '/queue');
        return queue.pending === 0 && queue.leased === 0 && queue.failed === 0;
      });
      await eventually('the node is listed', async () => {
        const { nodes } = await httpJson(node.httpPort, '/nodes');
        return (nodes as unknown[]).length === 1;
      });
    } finally {
      await node.stop();
    }
  });
});
