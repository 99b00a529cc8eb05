// Owns: what the SMTP end-to-end tests run against: a store, a next hop, SMTP nodes in this process
// or as processes of their own, and SMTP clients over real sockets. Everything listens on a free
// port and is ended by pid. The store is a Helios daemon; HELIOS_TEST_STORE=redis runs the same
// tests against a redis-server.

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { SMTPServer } from 'smtp-server';
import { silentLogger } from '../../src/observe/logger.js';
import { systemClock } from '../../src/platform/clock.js';
import { loadMailConfig } from '../../src/smtp/config.js';
import { SmtpNode } from '../../src/smtp/node.js';
import { SmtpReply } from '../../src/smtp/smtp-reply.js';

export interface TestStore {
  /** For VALKEY_URL; the same after a restart. */
  readonly url: string;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** Starts it again with its data. */
  restart(): Promise<void>;
  /** SIGSTOP and SIGCONT: there, but silent. */
  freeze(): void;
  thaw(): void;
  stop(): Promise<void>;
}

/** The same tests run against a real Redis: SMTP nodes use nothing that only Helios has. */
const ON_REDIS = process.env.HELIOS_TEST_STORE === 'redis';

export const HAS_REDIS = hasRedis();

function hasRedis(): boolean {
  try {
    execFileSync('redis-server', ['--version']);
    return true;
  } catch {
    return false;
  }
}

type Launch = (port: number, directory: string) => Promise<ChildProcess>;

/** One Helios daemon, or with HELIOS_TEST_STORE=redis one redis-server. */
export function startStore(): Promise<TestStore> {
  return startOn(ON_REDIS ? launchRedis : launchHelios);
}

/** A redis-server that is a node of a Redis Cluster to be made. */
export function startClusterNode(): Promise<TestStore> {
  return startOn((port, directory) => launchRedis(port, directory, ['--cluster-enabled', 'yes']));
}

async function startOn(launch: Launch): Promise<TestStore> {
  const directory = mkdtempSync(join(tmpdir(), 'helios-smtp-store-'));
  const port = await freePort();
  let child = await launch(port, directory);
  return {
    url: `valkey://127.0.0.1:${port}`,
    kill: () => endProcess(child, 'SIGKILL'),
    async restart() {
      child = await launch(port, directory);
    },
    freeze: () => child.kill('SIGSTOP'),
    thaw: () => child.kill('SIGCONT'),
    async stop() {
      child.kill('SIGCONT');
      await endProcess(child, 'SIGKILL');
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

async function launchHelios(port: number, directory: string): Promise<ChildProcess> {
  const bin = new URL('../../bin/helios-atlasd', import.meta.url).pathname;
  const child = spawn(bin, [`-data-dir=${directory}`, `-listen=127.0.0.1:${port}`]);
  await seeOutput(child, /Entering leader state/);
  return child;
}

async function launchRedis(
  port: number,
  directory: string,
  extra: readonly string[] = [],
): Promise<ChildProcess> {
  const options = ['--port', String(port), '--bind', '127.0.0.1', '--dir', directory, '--save', ''];
  const durable = ['--appendonly', 'yes', '--appendfsync', 'always'];
  const child = spawn('redis-server', [...options, ...durable, ...extra]);
  await seeOutput(child, /Ready to accept connections/);
  return child;
}

export function endProcess(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.once('exit', () => resolve());
    child.kill(signal);
  });
}

/**
 * Resolves with the match when the process has printed it; rejects with all it printed when it ends
 * first.
 */
export function seeOutput(child: ChildProcess, pattern: RegExp): Promise<RegExpExecArray> {
  return new Promise((resolve, reject) => {
    let seen = '';
    const look = (chunk: Buffer): void => {
      seen += chunk.toString('latin1');
      const match = pattern.exec(seen);
      if (match !== null) resolve(match);
    };
    child.stdout?.on('data', look);
    child.stderr?.on('data', look);
    child.once('exit', (code) => reject(new Error(`ended with ${code} after: ${seen}`)));
  });
}

export function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer();
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}

export interface Received {
  readonly queueId: string;
  readonly from: string;
  readonly to: readonly string[];
  readonly text: string;
}

export interface Sink {
  readonly port: number;
  readonly received: Received[];
  /** How many times each queue id came. */
  counts(): Map<string, number>;
  /** Resolves when `enough` holds; looked at after each message. */
  until(enough: () => boolean): Promise<void>;
  close(): Promise<void>;
}

export interface SinkRules {
  /** Refuse a recipient by throwing SmtpReply. */
  readonly rcpt?: (address: string) => void;
  /** Before the message is kept; refuse by throwing. */
  readonly data?: (message: Received) => void | Promise<void>;
}

/** A next hop that keeps what it gets. */
export async function startSink(rules: SinkRules = {}): Promise<Sink> {
  const received: Received[] = [];
  const watchers = new Set<() => void>();
  const server = new SMTPServer({
    disabledCommands: ['AUTH', 'STARTTLS'],
    disableReverseLookup: true,
    logger: false,
    onRcptTo(address, _session, done) {
      try {
        rules.rcpt?.(address.address);
        done();
      } catch (error) {
        done(error as Error);
      }
    },
    onData(stream, session, done) {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('error', () => undefined);
      stream.on('end', async () => {
        const text = Buffer.concat(chunks).toString('latin1');
        const { mailFrom, rcptTo } = session.envelope;
        const message = {
          queueId: /^X-Helios-Queue-Id: (\S+)/m.exec(text)?.[1] ?? '',
          from: mailFrom === false ? '' : mailFrom.address,
          to: rcptTo.map((one) => one.address),
          text,
        };
        try {
          await rules.data?.(message);
        } catch (error) {
          done(error as Error);
          return;
        }
        received.push(message);
        done(null, 'kept');
        for (const look of watchers) look();
      });
    },
  });
  server.on('error', () => undefined);
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    received,
    counts() {
      const counts = new Map<string, number>();
      for (const { queueId } of received) counts.set(queueId, (counts.get(queueId) ?? 0) + 1);
      return counts;
    },
    until(enough) {
      return new Promise((resolve) => {
        const look = (): void => {
          if (!enough()) return;
          watchers.delete(look);
          resolve();
        };
        watchers.add(look);
        look();
      });
    },
    close: () =>
      new Promise((resolve) => {
        for (const connection of server.connections) connection.close();
        server.close(() => resolve());
      }),
  };
}

export const refuse = (code: number, text: string): never => {
  throw new SmtpReply(code, text);
};

/** Flags of a node for tests; `yaml` is the rest of its configuration. */
export interface NodePlan {
  readonly id: string;
  readonly storeUrl: string;
  readonly nextHopPort: number;
  readonly yaml?: string;
  /** More flags for `spawnNode`; they come last and so win. */
  readonly flags?: readonly string[];
}

const TEST_YAML = `
queue: { poll_interval: 50ms, concurrency: 4, lease: 10s }
next_hop: { tls: none, timeout: 5s }
smtp: { host: 127.0.0.1, drain_timeout: 3s, hostname: mx.test }
metrics: { host: 127.0.0.1 }
rate_limit: { max: 0 }
log: { level: silent }
`;

function flagsOf(plan: NodePlan): Record<string, string> {
  return {
    'node-id': plan.id,
    'valkey-url': plan.storeUrl,
    'next-hop-host': '127.0.0.1',
    'next-hop-port': String(plan.nextHopPort),
    'smtp-port': '0',
    'metrics-port': '0',
  };
}

export interface NodeTls {
  readonly cert: string;
  readonly key: string;
}

/** A node in this process. */
export async function startNode(plan: NodePlan, tls: NodeTls | null = null): Promise<SmtpNode> {
  const file = { name: 'test.yaml', text: plan.yaml ?? TEST_YAML };
  const config = loadMailConfig({ flags: flagsOf(plan), env: {}, file, machineName: 'mx.test' });
  const node = new SmtpNode({
    config,
    tls,
    storeTls: { ca: undefined, cert: undefined, key: undefined, verify: true },
    clock: systemClock,
    log: silentLogger,
    random: Math.random,
  });
  await node.start();
  return node;
}

/** `TEST_YAML` with some sections replaced, each given as a flow map. */
export function testYaml(sections: Readonly<Record<string, string>>): string {
  const lines = TEST_YAML.trim()
    .split('\n')
    .filter((line) => !(line.slice(0, line.indexOf(':')) in sections));
  const given = Object.entries(sections).map(([name, map]) => `${name}: ${map}`);
  return [...lines, ...given].join('\n');
}

export const BUILT_BIN = new URL('../../bin/helios-smtp', import.meta.url).pathname;

/** A node as its own process; the file of `yaml` must exist. */
export function spawnNode(plan: NodePlan, yamlFile: string): ChildProcess {
  const flags = Object.entries(flagsOf(plan)).map(([name, value]) => `--${name}=${value}`);
  return spawn(
    process.execPath,
    [BUILT_BIN, ...flags, ...(plan.flags ?? []), '--config', yamlFile],
    {
      env: { ...process.env, NODE_ID: '', VALKEY_URL: '' },
    },
  );
}

/** A raw SMTP client: one line out, one reply (all its lines) in. */
export class SmtpClient {
  readonly #socket: Socket;
  #received = '';
  #waiting: ((reply: string) => void) | null = null;
  #closed = false;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (chunk) => {
      this.#received += chunk.toString('latin1');
      this.#deliver();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.#closed = true;
      this.#deliver();
    });
  }

  static open(port: number, host = '127.0.0.1'): SmtpClient {
    return new SmtpClient(connect(port, host));
  }

  /** The next reply; '' when the connection is closed. */
  reply(): Promise<string> {
    return new Promise((resolve) => {
      this.#waiting = resolve;
      this.#deliver();
    });
  }

  async say(line: string): Promise<string> {
    this.#socket.write(`${line}\r\n`, 'latin1');
    return this.reply();
  }

  write(text: string): void {
    this.#socket.write(text, 'latin1');
  }

  /** HELO to the reply after the data; stops at the first refusal and replies that. */
  async message(options: { to?: readonly string[]; body?: string } = {}): Promise<string> {
    for (const line of [
      'MAIL FROM:<sender@example.org>',
      ...(options.to ?? ['one@example.net']).map((to) => `RCPT TO:<${to}>`),
    ]) {
      const reply = await this.say(line);
      if (!reply.startsWith('2')) return reply;
    }
    const reply = await this.say('DATA');
    if (!reply.startsWith('354')) return reply;
    this.write(options.body ?? 'Subject: test\r\n\r\nhello\r\n');
    return this.say('.');
  }

  end(): void {
    this.#socket.destroy();
  }

  #deliver(): void {
    if (this.#waiting === null) return;
    const end = /^\d{3} .*\r\n/m.exec(this.#received);
    if (end === null && !this.#closed) return;
    const length = end === null ? this.#received.length : end.index + end[0].length;
    const reply = this.#received.slice(0, length);
    this.#received = this.#received.slice(length);
    const waiting = this.#waiting;
    this.#waiting = null;
    waiting(reply);
  }
}

/**
 * Connects, greets, sends one message, hangs up. The last reply seen; '' when the connection broke.
 */
export async function sendOne(
  port: number,
  options: { host?: string; to?: readonly string[]; body?: string } = {},
): Promise<string> {
  const client = SmtpClient.open(port, options.host);
  try {
    const greeting = await client.reply();
    if (!greeting.startsWith('220')) return greeting;
    const hello = await client.say('EHLO client.test');
    if (!hello.startsWith('250')) return hello;
    return await client.message(options);
  } finally {
    client.end();
  }
}

/** The queue id in a 250 reply. */
export function queueIdOf(reply: string): string {
  return /queued as (\S+)/.exec(reply)?.[1] ?? '';
}

export function inspect(url: string): Redis {
  return new Redis(url.replace(/^valkey/, 'redis'));
}

export async function httpJson(port: number, path: string): Promise<Record<string, unknown>> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`);
  return (await response.json()) as Record<string, unknown>;
}

/** Looks every 20 ms until it holds; for states that send no event. Rejects after `ms`. */
export async function eventually(
  what: string,
  holds: () => boolean | Promise<boolean>,
  ms = 10_000,
): Promise<void> {
  const deadline = performance.now() + ms;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`not within ${ms} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
