// Owns: real helios-atlasd processes for tests: free ports, start, SIGKILL, SIGTERM, restart on the
// same data, and what they printed. Everything a test starts ends with it, by pid, also when the
// test never comes to its end; data lives in a temporary directory that is removed.

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createConnection, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const BIN = fileURLToPath(new URL('../../bin/helios-atlasd', import.meta.url));
const START_MS_MAX = 30_000;
const END_WITH_PARENT = `--import=${new URL('end-with-parent.mjs', import.meta.url).href}`;

/** What runs of this process' daemons; those that are stopped by a signal see no end of a pipe. */
const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

export interface NodeSpec {
  readonly id: string;
  readonly port: number;
  readonly raftPort: number;
  readonly dataDir: string;
}

/** Ports that were free a moment ago, all different. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, () => {
      const server = createServer();
      return new Promise<typeof server>((resolve) =>
        server.listen(0, '127.0.0.1', () => resolve(server)),
      );
    }),
  );
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

/** Sends one inline command and returns the raw reply, until `done` says that it is whole. */
export function ask(
  port: number,
  command: string,
  done: (reply: string) => boolean,
  ms = 5000,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ port, host: '127.0.0.1' }, () =>
      socket.write(`${command}\r\n`),
    );
    let reply = '';
    socket.setTimeout(ms, () => socket.destroy(new Error(`no answer to ${command}`)));
    socket.on('data', (chunk) => {
      reply += chunk.toString('latin1');
      if (!done(reply)) return;
      socket.destroy();
      resolve(reply);
    });
    socket.on('error', reject);
    socket.on('close', () => reject(new Error(`connection closed during ${command}: ${reply}`)));
  });
}

function bulkIsWhole(reply: string): boolean {
  if (!reply.startsWith('$')) return reply.endsWith('\r\n');
  const end = reply.indexOf('\r\n');
  return end > 0 && reply.length >= end + 4 + Number(reply.slice(1, end));
}

/** The fields of INFO raft. */
export async function raftInfo(port: number): Promise<Record<string, string>> {
  const text = await ask(port, 'INFO raft', bulkIsWhole);
  const lines = text.split('\r\n').filter((line) => line.includes(':'));
  return Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)]),
  );
}

/** A simple-string, integer or one-line reply without its marker. */
export async function askLine(port: number, command: string): Promise<string> {
  const reply = await ask(port, command, bulkIsWhole);
  return reply.startsWith('$') ? reply.split('\r\n')[1]! : reply.slice(1).trimEnd();
}

/** Polls until `check` answers something but null; fails with `what` after `ms`. */
export async function eventually<T>(
  what: string,
  check: () => Promise<T | null>,
  ms = START_MS_MAX,
): Promise<T> {
  const until = Date.now() + ms;
  let last: unknown = null;
  for (;;) {
    try {
      const found = await check();
      if (found !== null) return found;
    } catch (error) {
      last = error;
    }
    if (Date.now() > until) throw new Error(`not in ${ms} ms: ${what}`, { cause: last });
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

export class Daemon {
  readonly spec: NodeSpec;
  readonly #args: readonly string[];
  readonly #env: NodeJS.ProcessEnv;
  readonly #command: readonly string[];
  #child: ChildProcess | null = null;
  output = '';

  /** `command`: another program than bin/helios-atlasd, and what comes before the arguments. */
  constructor(
    spec: NodeSpec,
    args: readonly string[],
    env: NodeJS.ProcessEnv,
    command: readonly string[] = [BIN],
  ) {
    this.#command = command;
    this.spec = spec;
    this.#args = args;
    this.#env = env;
  }

  get running(): boolean {
    return this.#child !== null;
  }

  get pid(): number {
    return this.#child!.pid!;
  }

  /** Resolves when it accepts connections. */
  async start(): Promise<void> {
    this.output = '';
    const [program, ...before] = this.#command;
    const env = { ...process.env, NODE_OPTIONS: END_WITH_PARENT, ...this.#env };
    const child = spawn(program!, [...before, ...this.#args], { env, stdio: 'pipe' });
    this.#child = child;
    running.add(child);
    const note = (chunk: Buffer): void => {
      this.output += chunk.toString('utf8');
    };
    child.stdout.on('data', note);
    child.stderr.on('data', note);
    child.on('exit', () => {
      running.delete(child);
      if (this.#child === child) this.#child = null;
    });
    const ended = new Promise<never>((_, reject) => {
      child.on('close', () => reject(new Error(`${this.spec.id} ended: ${this.output}`)));
    });
    const ready = eventually(`${this.spec.id} listens`, async () =>
      this.output.includes('Ready to accept connections') || this.#child !== child ? true : null,
    );
    await Promise.race([ready.then(() => (this.#child === child ? true : ended)), ended]);
  }

  /** Sends a signal and waits for the end; the exit code, or null when the signal killed it. */
  async end(signal: NodeJS.Signals): Promise<number | null> {
    const child = this.#child;
    if (child === null) return null;
    const ended = new Promise<number | null>((resolve) =>
      child.once('exit', (code) => resolve(code)),
    );
    child.kill(signal);
    return ended;
  }

  kill(): Promise<number | null> {
    return this.end('SIGKILL');
  }
}

export class Cluster {
  readonly directory: string;
  readonly daemons: Daemon[];

  private constructor(directory: string, daemons: Daemon[]) {
    this.directory = directory;
    this.daemons = daemons;
  }

  /** Starts `size` members with each other as peers. `args` and `env` go to every one. */
  static async start(
    size: number,
    args: readonly string[] = [],
    env: NodeJS.ProcessEnv = {},
  ): Promise<Cluster> {
    const directory = mkdtempSync(join(tmpdir(), 'helios-test-'));
    const ports = await freePorts(size * 2);
    const specs = Array.from({ length: size }, (_, i) => ({
      id: `node-${i + 1}`,
      port: ports[i * 2]!,
      raftPort: ports[i * 2 + 1]!,
      dataDir: join(directory, `node-${i + 1}`),
    }));
    const peers = specs.map(({ id, raftPort }) => `${id}:127.0.0.1:${raftPort}`).join(',');
    const daemons = specs.map(
      (spec) =>
        new Daemon(
          spec,
          [
            `-data-dir=${spec.dataDir}`,
            `-listen=127.0.0.1:${spec.port}`,
            `-raft=${size > 1}`,
            `-raft-node-id=${spec.id}`,
            `-raft-addr=127.0.0.1:${spec.raftPort}`,
            ...args,
          ],
          size > 1 ? { HELIOS_RAFT_PEERS: peers, ...env } : env,
        ),
    );
    const cluster = new Cluster(directory, daemons);
    try {
      await Promise.all(daemons.map((daemon) => daemon.start()));
      await cluster.leader();
    } catch (error) {
      await cluster.stop();
      throw error;
    }
    return cluster;
  }

  /** Daemons made by the test itself, with `directory` removed at the end; starts nothing. */
  static of(directory: string, daemons: Daemon[]): Cluster {
    return new Cluster(directory, daemons);
  }

  get ports(): number[] {
    return this.daemons.map(({ spec }) => spec.port);
  }

  /** The running daemon that leads, once all running ones agree on it. */
  leader(): Promise<Daemon> {
    return eventually('one leader that all agree on', async () => {
      const running = this.daemons.filter((daemon) => daemon.running);
      const infos = await Promise.all(running.map(({ spec }) => raftInfo(spec.port)));
      const leaders = new Set(infos.map((info) => info.raft_leader));
      const leading = running.filter((_, i) => infos[i]!.raft_state === 'Leader');
      const [leader] = leading;
      return leading.length === 1 && leaders.size === 1 && leaders.has(leader!.spec.id)
        ? leader!
        : null;
    });
  }

  /** Waits until all running members have applied everything, and returns their DEBUG DIGESTs. */
  async digests(): Promise<string[]> {
    const running = this.daemons.filter((daemon) => daemon.running);
    await eventually('all members applied the same index', async () => {
      const infos = await Promise.all(running.map(({ spec }) => raftInfo(spec.port)));
      const applied = new Set(
        infos.flatMap((info) => [info.raft_applied_index, info.raft_last_log_index]),
      );
      return applied.size === 1 ? true : null;
    });
    return Promise.all(running.map(({ spec }) => askLine(spec.port, 'DEBUG DIGEST')));
  }

  /** Ends what runs and removes the data. */
  async stop(): Promise<void> {
    await Promise.all(this.daemons.map((daemon) => daemon.kill()));
    rmSync(this.directory, { recursive: true, force: true });
  }
}
