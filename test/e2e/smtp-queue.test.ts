// The queue under failure: nothing that got 250 is lost, and duplicates come only where they are
// documented.

import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SmtpNode } from '../../src/smtp/node.js';
import {
  BUILT_BIN,
  endProcess,
  eventually,
  httpJson,
  inspect,
  queueIdOf,
  refuse,
  type Sink,
  SmtpClient,
  seeOutput,
  sendOne,
  spawnNode,
  startNode,
  startSink,
  startStore,
  type TestStore,
  testYaml,
} from './smtp-harness.js';

describe('mail queue', () => {
  let store: TestStore;
  let sink: Sink | null = null;
  let nodes: SmtpNode[] = [];
  let children: ChildProcess[] = [];

  beforeEach(async () => {
    store = await startStore();
  });

  afterEach(async () => {
    await Promise.all(children.map((child) => endProcess(child, 'SIGKILL')));
    await Promise.all(nodes.map((node) => node.stop()));
    await sink?.close();
    await store.stop();
    nodes = [];
    children = [];
    sink = null;
  });

  const start = async (id: string, nextHopPort: number, yaml = testYaml({})): Promise<SmtpNode> => {
    const node = await startNode({ id, storeUrl: store.url, nextHopPort, yaml });
    nodes.push(node);
    return node;
  };
  const leftovers = async (): Promise<string[]> => {
    const redis = inspect(store.url);
    const keys = await redis.keys('helios:mail:{q}:*');
    redis.disconnect();
    return keys.sort();
  };

  it('delivers with trace, queue id, and the lines that were missing', async () => {
    sink = await startSink();
    const node = await start('node-1', sink.port);
    const reply = await sendOne(node.smtpPort, { to: ['a@example.net', 'b@example.net'] });
    const id = queueIdOf(reply);
    await sink.until(() => sink?.received.length === 1);
    const [message] = sink.received;
    expect(message?.to).toEqual(['a@example.net', 'b@example.net']);
    expect(message?.from).toBe('sender@example.org');
    expect(message?.text).toMatch(
      new RegExp(
        `^Received: from client\\.test \\(\\[127\\.0\\.0\\.1\\]\\)\r\n\tby mx\\.test \\(Helios, node node-1\\) ` +
          `with ESMTP id ${id};\r\n\t\\w{3}, .* \\+0000\r\nX-Helios-Queue-Id: ${id}\r\n` +
          `Message-ID: <${id}@mx\\.test>\r\nDate: .*\r\nSubject: test\r\n\r\nhello\r\n$`,
      ),
    );
    await eventually('nothing but memory is left', async () => {
      const keys = await leftovers();
      return keys.join() === 'helios:mail:{q}:done,helios:mail:{q}:fence';
    });
  });

  it('keeps a null sender and an address in another script', async () => {
    sink = await startSink();
    const node = await start('node-1', sink.port);
    const client = SmtpClient.open(node.smtpPort);
    await client.reply();
    await client.say('EHLO client.test');
    expect(await client.say('MAIL FROM:<> SMTPUTF8 BODY=8BITMIME')).toMatch(/^250 /);
    const name = Buffer.from('jösé@exämple.net').toString('latin1');
    expect(await client.say(`RCPT TO:<${name}>`)).toMatch(/^250 /);
    await client.say('DATA');
    expect(await client.say('Subject: bounce\r\n\r\nx\r\n.')).toMatch(/^250 /);
    client.end();
    await sink.until(() => sink?.received.length === 1);
    expect(sink.received[0]?.from).toBe('');
    expect(sink.received[0]?.to).toEqual(['jösé@exämple.net']);
  });

  it('carries a message of many parts unchanged, dots and 8-bit bytes included', async () => {
    sink = await startSink();
    const node = await start('node-1', sink.port);
    const line = `..${'x\xe9'.repeat(300)}\r\n`;
    const body = `Message-ID: <mine@x>\r\nDate: now\r\n\r\n${line.repeat(700)}`;
    expect(await sendOne(node.smtpPort, { body })).toMatch(/^250 /);
    await sink.until(() => sink?.received.length === 1);
    const text = sink.received[0]?.text ?? '';
    // The client sent a stuffed dot, so one of the two is the message's own.
    expect(text.slice(text.indexOf('Message-ID:'))).toBe(body.replaceAll('\r\n..', '\r\n.'));
    await eventually('all parts are gone', async () => (await leftovers()).length === 2);
  });

  it('keeps every message that got 250 when the store is killed and restarted', async () => {
    sink = await startSink();
    const yaml = testYaml({ store: '{ command_timeout: 500ms }' });
    const ports: number[] = [];
    for (const id of ['node-1', 'node-2']) ports.push((await start(id, sink.port, yaml)).smtpPort);
    const accepted = new Set<string>();
    const refused: string[] = [];
    let running = true;
    const client = async (port: number): Promise<void> => {
      while (running) {
        const reply = await sendOne(port);
        if (reply.startsWith('250 ')) accepted.add(queueIdOf(reply));
        else refused.push(reply);
      }
    };
    const clients = Array.from({ length: 16 }, (_, at) => client(ports[at % 2] ?? 0));
    await eventually('load is flowing', () => accepted.size > 50);
    await store.kill();
    await eventually('mail is refused', () => refused.length > 10);
    const before = accepted.size;
    await store.restart();
    await eventually('mail flows again', () => accepted.size > before + 50);
    running = false;
    await Promise.all(clients);
    expect(refused.every((reply) => reply.startsWith('451 4.3.0 '))).toBe(true);
    const lost = (): string[] => [...accepted].filter((id) => !sink?.counts().has(id));
    await eventually('all accepted mail has arrived', () => lost().length === 0, 15_000);
    // No worker died, so nothing that was acknowledged at the next hop is sent again.
    const twice = [...sink.counts()].filter(([, count]) => count > 1);
    expect(twice).toEqual([]);
  });

  it('takes over from a worker killed in the middle of deliveries', async () => {
    expect(BUILT_BIN).toContain('bin/helios-smtp');
    const directory = mkdtempSync(join(tmpdir(), 'helios-smtp-'));
    const yamlFile = join(directory, 'node.yaml');
    const yaml = testYaml({ queue: '{ poll_interval: 50ms, concurrency: 4, lease: 1s }' });
    writeFileSync(yamlFile, yaml);
    let victim: ChildProcess | null = null;
    let held = 0;
    const never = new Promise<void>(() => undefined);
    sink = await startSink({
      // The first four stay in delivery until their worker is dead.
      data: () => (victim !== null && held++ < 4 ? never : undefined),
    });
    const plan = { id: 'victim', storeUrl: store.url, nextHopPort: sink.port };
    const child = spawnNode({ ...plan, yaml }, yamlFile);
    children.push(child);
    victim = child;
    const url = await seeOutputPorts(child, store.url);
    const replies = await Promise.all(Array.from({ length: 20 }, () => sendOne(url.smtp)));
    expect(replies.every((reply) => reply.startsWith('250 '))).toBe(true);
    await eventually('four deliveries are held', () => held >= 4);
    await endProcess(child, 'SIGKILL');
    const second = await start('node-2', sink.port, yaml);
    await sink.until(() => (sink?.counts().size ?? 0) === 20);
    const metrics = await second.metrics.registry.metrics();
    expect(metrics).toMatch(/queue_leases_recovered_total\{node_id="node-2"\} [1-9]/);
    const ids = new Set(replies.map(queueIdOf));
    expect(new Set(sink.counts().keys())).toEqual(ids);
    // The sink answered none of the held ones, so none may come twice.
    expect(Math.max(...sink.counts().values())).toBe(1);
    rmSync(directory, { recursive: true });
  });

  it('tries again on 4xx by the schedule, and only for those who were refused', async () => {
    let refusals = 0;
    sink = await startSink({
      rcpt: (address) => {
        if (address === 'slow@example.net' && refusals++ < 2) refuse(450, '4.2.0 later');
      },
    });
    const yaml = testYaml({ queue: '{ poll_interval: 20ms, retry_schedule: [300ms, 600ms] }' });
    const node = await start('node-1', sink.port, yaml);
    const started = performance.now();
    await sendOne(node.smtpPort, { to: ['fast@example.net', 'slow@example.net'] });
    await sink.until(() => sink?.received.length === 2);
    expect(performance.now() - started).toBeGreaterThan((300 + 600) * 0.9);
    expect(sink.received.map((one) => one.to)).toEqual([
      ['fast@example.net'],
      ['slow@example.net'],
    ]);
    expect(sink.counts().size).toBe(1);
  });

  it('gives up on 5xx and after the last attempt, with the reason', async () => {
    sink = await startSink({
      rcpt: (address) => {
        if (address.startsWith('bad')) refuse(550, '5.1.1 no such user');
        if (address.startsWith('full')) refuse(452, '4.2.2 mailbox full');
      },
    });
    const yaml = testYaml({ queue: '{ poll_interval: 20ms, retry_schedule: [50ms] }' });
    const node = await start('node-1', sink.port, yaml);
    await sendOne(node.smtpPort, { to: ['good@example.net', 'bad@example.net'] });
    await sendOne(node.smtpPort, { to: ['full@example.net'] });
    const failed = async (): Promise<{ reason: string; recipients: { to: string }[] }[]> => {
      const queue = await httpJson(node.httpPort, '/queue');
      return queue.last_failed as { reason: string; recipients: { to: string }[] }[];
    };
    await eventually('both have failed', async () => (await failed()).length === 2);
    const byRecipient = new Map((await failed()).map((one) => [one.recipients[0]?.to, one.reason]));
    expect(byRecipient.get('bad@example.net')).toMatch(/550 5\.1\.1 no such user/);
    expect(byRecipient.get('full@example.net')).toMatch(/no attempts left: .*452 4\.2\.2 mailbox/);
    expect(sink.received.map((one) => one.to)).toEqual([['good@example.net']]);
    const depth = await httpJson(node.httpPort, '/queue');
    expect(depth).toMatchObject({ pending: 0, leased: 0, failed: 2 });
  });

  it('extends the lease of a slow delivery instead of delivering twice', async () => {
    let release = (): void => undefined;
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    sink = await startSink({ data: () => gate });
    const yaml = testYaml({ queue: '{ poll_interval: 20ms, lease: 1s }' });
    const first = await start('node-1', sink.port, yaml);
    await start('node-2', sink.port, yaml);
    await sendOne(first.smtpPort);
    // Several lease times: an unextended lease would have been taken over by now.
    await new Promise((resolve) => setTimeout(resolve, 3_500));
    release();
    await sink.until(() => sink?.received.length === 1);
    await eventually('it is acknowledged', async () => (await leftovers()).length === 2);
    expect(sink.received.length).toBe(1);
  });

  it('says 451 within the timeout when the store is there but silent, and stores nothing twice', async () => {
    sink = await startSink();
    const yaml = testYaml({ store: '{ command_timeout: 200ms }', queue: '{ commit_timeout: 1s }' });
    const node = await start('node-1', sink.port, yaml);
    expect(await sendOne(node.smtpPort)).toMatch(/^250 /);
    store.freeze();
    const started = performance.now();
    expect(await sendOne(node.smtpPort)).toMatch(/^451 4\.3\.0 /);
    expect(performance.now() - started).toBeLessThan(4_000);
    store.thaw();
    await eventually('the store is used again', () => node.storeUp);
    expect(await sendOne(node.smtpPort)).toMatch(/^250 /);
    await sink.until(() => (sink?.counts().size ?? 0) >= 2);
    expect(Math.max(...sink.counts().values())).toBe(1);
  });
});

/** The ports of a node process, from its heartbeat in the store. */
async function seeOutputPorts(child: ChildProcess, storeUrl: string): Promise<{ smtp: number }> {
  const redis = inspect(storeUrl);
  const ended = seeOutput(child, /(?!)/).catch((error: unknown) => {
    throw error;
  });
  let smtp = 0;
  const look = eventually('the node has registered', async () => {
    const text = await redis.get('helios:mail:nodes:victim');
    smtp = text === null ? 0 : (JSON.parse(text) as { smtp_port: number }).smtp_port;
    return smtp > 0;
  });
  await Promise.race([look, ended]);
  ended.catch(() => undefined);
  redis.disconnect();
  return { smtp };
}
