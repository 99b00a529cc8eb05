// Owns: a real redis-server as the truth for replies: started on a free port, spoken to over one
// connection, ended by pid. HELIOS_ORACLE names another binary than the redis-server on PATH.

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Protocol, parseTree, type Tree } from './resp-tree.js';

const BINARY = process.env.HELIOS_ORACLE ?? 'redis-server';

/** Version as `7.2`, or null when there is no binary to compare with. */
export function oracleVersion(): string | null {
  try {
    const text = execFileSync(BINARY, ['--version'], { encoding: 'latin1' });
    return /v=(\d+\.\d+)/.exec(text)?.[1] ?? null;
  } catch {
    return null;
  }
}

interface Waiter {
  readonly count: number;
  readonly resolve: (trees: Tree[]) => void;
}

export class Oracle {
  readonly version: string;
  readonly #child: ChildProcess;
  readonly #directory: string;
  readonly #socket: Socket;
  readonly #waiters: Waiter[] = [];
  #received = '';
  #trees: Tree[] = [];

  private constructor(version: string, child: ChildProcess, directory: string, socket: Socket) {
    this.version = version;
    this.#child = child;
    this.#directory = directory;
    this.#socket = socket;
    socket.on('data', (chunk) => this.#receive(chunk.latin1Slice(0, chunk.length)));
  }

  /** True when the oracle behaves as 7.2; Debian's 7.0 differs in a few known places. */
  get isCurrent(): boolean {
    return this.version >= '7.2';
  }

  static async start(): Promise<Oracle> {
    const version = oracleVersion();
    if (version === null) throw new Error(`no ${BINARY} to compare with`);
    const directory = mkdtempSync(join(tmpdir(), 'helios-oracle-'));
    const port = await freePort();
    const options = `--port ${port} --bind 127.0.0.1 --appendonly no --enable-debug-command yes`;
    const child = spawn(BINARY, [...options.split(' '), '--save', '', '--dir', directory]);
    await ready(child);
    const socket = connect(port, '127.0.0.1');
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    return new Oracle(version, child, directory, socket);
  }

  /** Sends the commands in one write; their replies in order. */
  send(commands: readonly (readonly string[])[]): Promise<Tree[]> {
    if (commands.length === 0) return Promise.resolve([]);
    let text = '';
    for (const args of commands) {
      text += `*${args.length}\r\n`;
      for (const arg of args) text += `$${arg.length}\r\n${arg}\r\n`;
    }
    return new Promise((resolve) => {
      this.#waiters.push({ count: commands.length, resolve });
      this.#socket.write(text, 'latin1');
    });
  }

  async speak(protocol: Protocol): Promise<void> {
    await this.send([['hello', String(protocol)]]);
  }

  async stop(): Promise<void> {
    this.#socket.destroy();
    const gone = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill('SIGKILL');
    await gone;
    rmSync(this.#directory, { recursive: true, force: true });
  }

  #receive(text: string): void {
    this.#received += text;
    let at = 0;
    for (let next = parseTree(this.#received, at); next !== null; ) {
      this.#trees.push(next.tree);
      at = next.end;
      next = parseTree(this.#received, at);
    }
    this.#received = this.#received.slice(at);
    while (this.#waiters.length > 0 && this.#trees.length >= this.#waiters[0]!.count) {
      const waiter = this.#waiters.shift()!;
      waiter.resolve(this.#trees.splice(0, waiter.count));
    }
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

function ready(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let output = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      output += chunk.latin1Slice(0, chunk.length);
      if (output.includes('eady to accept connections')) resolve();
    });
    child.once('error', reject);
    child.once('exit', () => reject(new Error(`the oracle ended: ${output}`)));
  });
}
