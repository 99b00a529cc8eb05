// Owns: a real redis-server for the RDB and AOF tests: started on a free port with a directory,
// driven over RESP.

import { execFileSync, spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { Redis } from 'ioredis';
import { formatDouble, parseDouble } from '../../../../src/base/numbers.js';

export function hasProgram(name: string): boolean {
  try {
    execFileSync(name, ['--version'], { stdio: 'ignore' });
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ENOENT';
  }
}

export interface Oracle {
  readonly client: Redis;
  stop(): Promise<void>;
}

/**
 * Starts redis-server on what is in `directory`; rejects with its output when it does not come up.
 */
export async function startOracle(directory: string, ...options: string[]): Promise<Oracle> {
  const port = await freePort();
  const base = ['--port', String(port), '--save', '', '--dir', directory, '--bind', '127.0.0.1'];
  const child = spawn('redis-server', [...base, ...options], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  await new Promise<void>((resolve, reject) => {
    const onData = (chunk: Buffer): void => {
      output += chunk.latin1Slice();
      if (output.includes('Ready to accept connections')) resolve();
    };
    child.stdout.on('data', onData);
    child.stderr.on('data', onData);
    child.once('error', reject);
    child.once('exit', () => reject(new Error(`redis-server ended:\n${output}`)));
  });
  const client = new Redis(port, '127.0.0.1', { protocol: 2, retryStrategy: () => null });
  return {
    client,
    async stop() {
      client.disconnect();
      child.kill('SIGKILL');
      await exited;
    },
  };
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}

/** The contents of a database as text: type, value in canonical order, expiry. */
export async function dumpOracle(client: Redis, db: number): Promise<Map<string, string>> {
  await client.select(db);
  const out = new Map<string, string>();
  for (const key of await client.keysBuffer('*')) {
    const name = key.latin1Slice();
    const type = await client.type(key);
    const at = Number(await client.call('PEXPIRETIME', key));
    out.set(name, `${type} ${Math.max(at, 0)} ${await contents(client, type, key)}`);
  }
  return out;
}

function shortest(score: string): string {
  return formatDouble(parseDouble(score) ?? Number.NaN);
}

async function contents(client: Redis, type: string, key: Buffer): Promise<string> {
  const list = (items: (Buffer | null)[]) => items.map((item) => item!.latin1Slice());
  if (type === 'string') return (await client.getBuffer(key))!.latin1Slice();
  if (type === 'list') return JSON.stringify(list(await client.lrangeBuffer(key, 0, -1)));
  if (type === 'set') return JSON.stringify(list(await client.smembersBuffer(key)).sort());
  if (type === 'zset') {
    // Redis 7.0 prints scores with 17 digits, 7.2 with the shortest that read back: compare the
    // numbers.
    const flat = list((await client.callBuffer('ZRANGE', key, 0, -1, 'WITHSCORES')) as Buffer[]);
    return JSON.stringify(flat.map((text, i) => (i % 2 === 0 ? text : shortest(text))));
  }
  const flat = list((await client.callBuffer('HGETALL', key)) as Buffer[]);
  const pairs = flat.flatMap((field, i) => (i % 2 === 0 ? [[field, flat[i + 1]!]] : []));
  return JSON.stringify(pairs.sort((a, b) => (a[0]! < b[0]! ? -1 : 1)));
}
