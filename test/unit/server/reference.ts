// A redis-server from PATH on a unix socket, to compare answers with; and our replies in the form
// its client gives.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import {
  AttributedReply,
  BigNumberReply,
  DoubleReply,
  ErrorReply,
  MapReply,
  NullArray,
  PairsReply,
  PushReply,
  type Reply,
  SetReply,
  SimpleString,
  VerbatimReply,
} from '../../../src/resp/reply.js';
import type { ServerResult } from '../../../src/server/command.js';

/** HELIOS_REFERENCE_SERVER names another binary (a 7.2 build). */
const BINARY = process.env.HELIOS_REFERENCE_SERVER ?? 'redis-server';

/**
 * `redis-server` answers --version: false when there is none, and the suite is skipped with that in
 * its title.
 */
export const hasReference = spawnSync(BINARY, ['--version']).status === 0;

export class Reference {
  readonly #child: ChildProcess;
  readonly #directory: string;
  readonly client: Redis;

  constructor(child: ChildProcess, directory: string, client: Redis) {
    this.#child = child;
    this.#directory = directory;
    this.client = client;
  }

  static async start(): Promise<Reference> {
    const directory = mkdtempSync(join(tmpdir(), 'helios-reference-'));
    const socket = join(directory, 'redis.sock');
    const options = ['--port', '0', '--unixsocket', socket, '--save', '', '--dir', directory];
    const child = spawn(BINARY, [...options, '--enable-debug-command', 'yes'], { stdio: 'pipe' });
    await new Promise<void>((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', () => reject(new Error('redis-server ended at once')));
      child.stdout!.on('data', () => {
        if (existsSync(socket)) resolve();
      });
    });
    return new Reference(child, directory, new Redis({ path: socket }));
  }

  /** The reply, errors as `{ error }`. */
  async call(...args: string[]): Promise<unknown> {
    try {
      return await this.client.call(args[0]!, ...args.slice(1));
    } catch (error) {
      return { error: (error as Error).message };
    }
  }

  async stop(): Promise<void> {
    this.client.disconnect();
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill('SIGKILL');
    await ended;
    rmSync(this.#directory, { recursive: true });
  }
}

/** A reply as a RESP2 client sees it. */
export function plain(reply: ServerResult): unknown {
  if (typeof reply === 'symbol') throw new Error('no reply yet');
  return plainReply(reply);
}

function plainReply(reply: Reply): unknown {
  if (reply instanceof ErrorReply) return { error: reply.text };
  if (reply instanceof SimpleString || reply instanceof VerbatimReply) return reply.text;
  if (reply instanceof AttributedReply) return plainReply(reply.reply);
  if (reply instanceof NullArray) return null;
  if (reply instanceof DoubleReply) return String(reply.value);
  if (reply instanceof BigNumberReply) return reply.digits;
  if (typeof reply === 'boolean') return reply ? 1 : 0;
  if (
    reply instanceof MapReply ||
    reply instanceof SetReply ||
    reply instanceof PairsReply ||
    reply instanceof PushReply
  ) {
    return reply.items.map(plainReply);
  }
  if (typeof reply === 'object' && reply !== null) return reply.map(plainReply);
  return reply;
}
