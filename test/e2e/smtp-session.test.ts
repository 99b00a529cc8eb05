// One SMTP conversation at a time: hostile input, limits, TLS, logins, shared sessions, starting
// and stopping.

import { type ChildProcess, execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import SMTPConnection from 'nodemailer/lib/smtp-connection';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { SmtpNode } from '../../src/smtp/node.js';
import {
  endProcess,
  eventually,
  freePort,
  httpJson,
  inspect,
  type NodeTls,
  type Sink,
  SmtpClient,
  sendOne,
  spawnNode,
  startNode,
  startSink,
  startStore,
  type TestStore,
  testYaml,
} from './smtp-harness.js';

describe('SMTP node', () => {
  let store: TestStore;
  let sink: Sink;
  let directory: string;
  let nodes: SmtpNode[] = [];
  let children: ChildProcess[] = [];

  beforeAll(async () => {
    store = await startStore();
    sink = await startSink();
    directory = mkdtempSync(join(tmpdir(), 'helios-smtp-'));
  });

  afterAll(async () => {
    await sink.close();
    await store.stop();
    rmSync(directory, { recursive: true });
  });

  beforeEach(async () => {
    const redis = inspect(store.url);
    await redis.flushall();
    redis.disconnect();
  });

  afterEach(async () => {
    await Promise.all(children.map((child) => endProcess(child, 'SIGKILL')));
    await Promise.all(nodes.map((node) => node.stop()));
    nodes = [];
    children = [];
  });

  const start = async (
    sections: Record<string, string> = {},
    options: { id?: string; tls?: NodeTls; url?: string } = {},
  ): Promise<SmtpNode> => {
    const yaml = testYaml(sections);
    const { id = 'node-1', tls = null, url = store.url } = options;
    const node = await startNode({ id, storeUrl: url, nextHopPort: sink.port, yaml }, tls);
    nodes.push(node);
    return node;
  };
  const launch = (id: string, yaml: string, url = store.url): ChildProcess => {
    const file = join(directory, `${id}.yaml`);
    writeFileSync(file, yaml);
    const child = spawnNode({ id, storeUrl: url, nextHopPort: sink.port, yaml }, file);
    children.push(child);
    return child;
  };
  const portsOf = async (id: string): Promise<{ smtp_port: number; http_port: number }> => {
    const redis = inspect(store.url);
    let text: string | null = null;
    await eventually(`${id} has registered`, async () => {
      text = await redis.get(`helios:mail:nodes:${id}`);
      return text !== null;
    });
    redis.disconnect();
    return JSON.parse(text ?? '{}') as { smtp_port: number; http_port: number };
  };
  const greet = async (port: number): Promise<SmtpClient> => {
    const client = SmtpClient.open(port);
    expect(await client.reply()).toMatch(/^220 mx\.test ESMTP Helios\r\n$/);
    await client.say('EHLO client.test');
    return client;
  };

  it.each([
    ['an unknown command', 'FOO', /^500 /],
    ['bytes that are no command', '\x00\xff\xfe\x80', /^500 /],
    ['a line of 100 kB', 'A'.repeat(100_000), /^421 /],
    ['an HTTP request', 'GET / HTTP/1.1', /^421 /],
    ['a sender without brackets', 'MAIL FROM:me', /^501 /],
    ['a recipient before a sender', 'RCPT TO:<a@b>', /^503 /],
    ['data before a recipient', 'DATA', /^503 /],
    ['STARTTLS without a certificate', 'STARTTLS', /^500 /],
    ['AUTH without users', 'AUTH PLAIN AGEAYg==', /^500 /],
    ['a message announced as too large', 'MAIL FROM:<a@b> SIZE=99999999', /^552 /],
  ])('answers %s and goes on serving', async (_what, line, expected) => {
    const node = await start();
    const client = await greet(node.smtpPort);
    expect(await client.say(line)).toMatch(expected);
    client.end();
    expect(await sendOne(node.smtpPort)).toMatch(/^250 /);
  });

  it('refuses a message over the limit after its data and keeps the conversation', async () => {
    const smtp =
      '{ host: 127.0.0.1, hostname: mx.test, max_message_size: 200kb, max_recipients: 2 }';
    const node = await start({ smtp });
    const client = await greet(node.smtpPort);
    const large = await client.message({ body: `Subject: x\r\n\r\n${'y'.repeat(300 * 1024)}\r\n` });
    expect(large).toBe('552 5.3.4 Message is larger than the limit of 204800 bytes\r\n');
    const to = ['a@x', 'b@x', 'c@x'];
    expect(await client.message({ to })).toBe(
      '452 4.5.3 Too many recipients, at most 2 in one message\r\n',
    );
    await client.say('RSET');
    expect(await client.message()).toMatch(/^250 /);
    client.end();
    const redis = inspect(store.url);
    await eventually('no part of the refused one is left', async () => {
      return (await redis.keys('helios:mail:{q}:body:*')).length === 0;
    });
    redis.disconnect();
  });

  it('forgets a message whose client hangs up in the middle', async () => {
    const node = await start();
    const client = await greet(node.smtpPort);
    await client.say('MAIL FROM:<a@b>');
    await client.say('RCPT TO:<c@d>');
    await client.say('DATA');
    client.write(`Subject: x\r\n\r\n${'z'.repeat(200_000)}`);
    const redis = inspect(store.url);
    await eventually('a part is stored', async () => {
      return (await redis.keys('helios:mail:{q}:body:*')).length > 0;
    });
    client.end();
    await eventually('the parts are gone', async () => {
      return (await redis.keys('helios:mail:{q}:*')).length === 0;
    });
    redis.disconnect();
  });

  it('offers STARTTLS with the given certificate only, and logins only behind it', async () => {
    const key = join(directory, 'key.pem');
    const cert = join(directory, 'cert.pem');
    const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
    const subject = ['-subj', '/CN=mx.test', '-days', '2', '-keyout', key, '-out', cert];
    execFileSync('openssl', ['req', '-x509', ...kind, ...subject], { stdio: 'ignore' });
    const tls = { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') };
    const node = await start(
      {
        smtp: `{ host: 127.0.0.1, hostname: mx.test, recipient_domains: [ours.test],
          tls: { cert: ${cert}, key: ${key} }, auth: { users: ["alice:se:cret"] } }`,
      },
      { tls },
    );
    const plain = SmtpClient.open(node.smtpPort);
    await plain.reply();
    const offered = await plain.say('EHLO client.test');
    expect(offered).toContain('STARTTLS');
    expect(await plain.say('AUTH PLAIN AGFsaWNlAHNlOmNyZXQ=')).toMatch(/^538 /);
    await plain.say('MAIL FROM:<a@b>');
    expect(await plain.say('RCPT TO:<x@elsewhere.test>')).toMatch(/^550 5\.7\.1 /);
    expect(await plain.say('RCPT TO:<x@OURS.test>')).toMatch(/^250 /);
    plain.end();

    const connection = new SMTPConnection({
      host: '127.0.0.1',
      port: node.smtpPort,
      requireTLS: true,
      tls: { ca: tls.cert, servername: 'mx.test' },
    });
    const step = (run: (done: (error?: Error | null) => void) => void): Promise<unknown> =>
      new Promise((resolve) => run(resolve));
    expect(await step((done) => connection.connect(done))).toBeUndefined();
    const wrong = await step((done) => connection.login({ user: 'alice', pass: 'no' }, done));
    expect(String(wrong)).toContain('535 5.7.8');
    const user = { user: 'alice', pass: 'se:cret' };
    expect(await step((done) => connection.login(user, done))).toBeNull();
    const relayed = await new Promise((resolve) => {
      const envelope = { from: 'a@b', to: ['x@elsewhere.test'] };
      connection.send(envelope, 'Subject: relayed\r\n\r\nx\r\n', (error) => resolve(error));
    });
    expect(relayed).toBeNull();
    connection.quit();
    await sink.until(() => sink.received.some((one) => one.text.includes('with ESMTPSA id')));
  });

  it('shows a session on every node while it lives', async () => {
    const first = await start();
    const second = await start({}, { id: 'node-2' });
    const client = await greet(first.smtpPort);
    await client.say('MAIL FROM:<who@example.org>');
    const list = async (): Promise<Record<string, string>[]> => {
      return (await httpJson(second.httpPort, '/sessions')).sessions as Record<string, string>[];
    };
    await eventually(
      'it is listed',
      async () => (await list())[0]?.mail_from === 'who@example.org',
    );
    expect((await list())[0]).toMatchObject({
      node: 'node-1',
      client_ip: '127.0.0.1',
      helo: 'client.test',
      state: 'mail',
      mail_from: 'who@example.org',
    });
    client.end();
    await eventually('it is gone', async () => (await list()).length === 0);
    const { nodes: listed } = await httpJson(second.httpPort, '/nodes');
    expect((listed as { node_id: string }[]).map((one) => one.node_id)).toEqual([
      'node-1',
      'node-2',
    ]);
  });

  it("lets a dead node's sessions vanish", async () => {
    const child = launch('doomed', testYaml({ sessions: '{ ttl: 700ms }' }));
    const { smtp_port } = await portsOf('doomed');
    const client = await greet(smtp_port);
    const witness = await start();
    const count = async (): Promise<number> =>
      ((await httpJson(witness.httpPort, '/sessions')).sessions as unknown[]).length;
    await eventually('it is listed', async () => (await count()) === 1);
    await endProcess(child, 'SIGKILL');
    await eventually('it is gone', async () => (await count()) === 0);
    client.end();
  });

  it('finishes a running transaction on SIGTERM, turns others away, and exits 0', async () => {
    const child = launch('stopping', testYaml({}));
    const { smtp_port } = await portsOf('stopping');
    const idle = await greet(smtp_port);
    const busy = await greet(smtp_port);
    await busy.say('MAIL FROM:<a@b>');
    await busy.say('RCPT TO:<c@d>');
    await busy.say('DATA');
    busy.write('Subject: last\r\n\r\n');
    child.kill('SIGTERM');
    expect(await idle.reply()).toBe('421 4.3.2 This server is stopping\r\n');
    const ended = new Promise((resolve) => child.once('exit', resolve));
    expect(await busy.say('.')).toMatch(/^250 /);
    expect(await busy.reply()).toBe('421 4.3.2 This server is stopping\r\n');
    expect(await ended).toBe(0);
    const redis = inspect(store.url);
    expect(await redis.keys('helios:mail:nodes:*')).toEqual([]);
    expect(await redis.zcard('helios:mail:{q}:leased')).toBe(0);
    redis.disconnect();
  });

  it('says what is wrong with a taken port, a bad setting, a bad flag, and starts nothing', async () => {
    const node = await start();
    const outcome = async (child: ChildProcess): Promise<[number | null, string]> => {
      let text = '';
      child.stderr?.on('data', (chunk: Buffer) => {
        text += chunk.toString();
      });
      const code = await new Promise<number | null>((resolve) => child.once('exit', resolve));
      return [code, text];
    };
    const taken = launch('taken', testYaml({}));
    taken.kill('SIGKILL');
    const file = join(directory, 'taken.yaml');
    const run = (flags: string[]): ChildProcess => {
      const plan = { id: 'x', storeUrl: store.url, nextHopPort: sink.port };
      const child = spawnNode({ ...plan, flags }, file);
      children.push(child);
      return child;
    };
    const [code, text] = await outcome(run([`--smtp-port=${node.smtpPort}`]));
    expect(code).toBe(1);
    expect(text).toContain(`cannot listen for SMTP on 127.0.0.1:${node.smtpPort}: another process`);
    const [badCode, badText] = await outcome(run(['-log-level', 'loud']));
    expect(badCode).toBe(2);
    expect(badText).toMatch(
      /^helios-smtp: --log-level: "loud" is not known; expected one of debug/,
    );
    const pem = join(directory, 'no.pem');
    writeFileSync(pem, 'nothing');
    writeFileSync(file, testYaml({ smtp: `{ tls: { cert: ${pem}, key: ${pem} } }` }));
    const [pemCode, pemText] = await outcome(run([]));
    expect(pemCode).toBe(2);
    expect(pemText).toMatch(/^helios-smtp: smtp\.tls: .*; expected PEM files/);
    const [flagCode, flagText] = await outcome(run(['--valkey-ur=x']));
    expect(flagCode).toBe(2);
    expect(flagText).toContain('did you mean "-valkey-url"');
  });

  it('uses the next host of the URL when one is dead, and again when one dies', async () => {
    const other = await startStore();
    const { host } = new URL(store.url);
    const dead = await freePort();
    const url = `valkey://127.0.0.1:${dead},${new URL(other.url).host},${host}`;
    const yaml = { store: '{ command_timeout: 300ms }', queue: '{ commit_timeout: 5s }' };
    const node = await start(yaml, { url });
    expect(await sendOne(node.smtpPort)).toMatch(/^250 /);
    await eventually('delivered', async () => {
      const queue = await httpJson(node.httpPort, '/queue');
      return queue.pending === 0 && queue.leased === 0;
    });
    other.freeze();
    await eventually('the other store is in use', async () => {
      return (await sendOne(node.smtpPort)).startsWith('250 ');
    });
    await other.stop();
    expect(await sendOne(node.smtpPort)).toMatch(/^250 /);
  });

  it('is alive but not ready while the store is away', async () => {
    const own = await startStore();
    const node = await start({ store: '{ command_timeout: 200ms }' }, { url: own.url });
    const status = async (path: string): Promise<number> =>
      (await fetch(`http://127.0.0.1:${node.httpPort}${path}`)).status;
    expect([await status('/healthz'), await status('/readyz')]).toEqual([200, 200]);
    await own.stop();
    await eventually('not ready', async () => (await status('/readyz')) === 503);
    expect([await status('/healthz'), await status('/metrics')]).toEqual([200, 200]);
    expect([await status('/queue'), await status('/nothing')]).toEqual([503, 404]);
  });
});
