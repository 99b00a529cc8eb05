// Owns: a Redis client of a few lines: one socket, replies in order. It resends nothing, hides
// nothing and pipelines whatever is asked while an answer is awaited. The control connection of the
// harness, too.

import { createConnection, type Socket } from 'node:net';
import RedisParser from 'redis-parser';
import type { Command, Reply } from '../check/history.js';
import { NoAnswer, ServerError } from './outcome.js';

/** A client of one node, as workloads use it. Rejects with ServerError or NoAnswer (outcome.ts). */
export interface Session {
  /** False after it broke; it is then to be closed and replaced. */
  readonly usable: boolean;
  call(command: Command): Promise<Reply>;
  /** MULTI, the commands, EXEC; null when EXEC found a watched key changed. */
  transaction(commands: readonly Command[]): Promise<readonly Reply[] | null>;
  close(): void;
}

interface Waiter {
  resolve(reply: Reply): void;
  reject(error: Error): void;
}

export function encodeCommand(command: Command): string {
  const parts = command.map((part) => `$${Buffer.byteLength(part)}\r\n${part}\r\n`);
  return `*${command.length}\r\n${parts.join('')}`;
}

function failed(reply: Reply | Error): reply is Error {
  return reply instanceof Error;
}

export class RawSession implements Session {
  readonly #socket: Socket;
  readonly #timeoutMs: number;
  readonly #waiting: Waiter[] = [];
  #timer: NodeJS.Timeout | null = null;
  #broken: Error | null = null;

  private constructor(socket: Socket, timeoutMs: number) {
    this.#socket = socket;
    this.#timeoutMs = timeoutMs;
    const parser = new RedisParser({
      returnReply: (reply: Reply) => this.#answer(reply),
      returnError: (error: Error) => this.#answer(new ServerError(error.message)),
      returnFatalError: (error: Error) => this.#break(error),
    });
    socket.on('data', (chunk) => parser.execute(chunk));
    socket.on('error', (error) => this.#break(error));
    socket.on('close', () => this.#break(new NoAnswer('connection closed')));
  }

  /**
   * Rejects with NoAnswer when nobody accepts in time. `timeoutMs`: the longest wait for a reply.
   */
  static connect(host: string, port: number, timeoutMs: number): Promise<RawSession> {
    return new Promise((resolve, reject) => {
      const socket = createConnection({ host, port, noDelay: true });
      const timer = setTimeout(() => socket.destroy(), Math.min(timeoutMs, 2000));
      socket.once('error', () => {});
      socket.once('close', () => {
        clearTimeout(timer);
        reject(new NoAnswer(`cannot connect to ${host}:${port}`));
      });
      socket.once('connect', () => {
        clearTimeout(timer);
        resolve(new RawSession(socket, timeoutMs));
      });
    });
  }

  get usable(): boolean {
    return this.#broken === null;
  }

  call(command: Command): Promise<Reply> {
    return this.#expect(encodeCommand(command));
  }

  async transaction(commands: readonly Command[]): Promise<readonly Reply[] | null> {
    const all = [['MULTI'], ...commands, ['EXEC']];
    const answers = all.map((command) => this.call(command));
    for (const answer of answers) answer.catch(() => {});
    const replies = await answers[answers.length - 1]!;
    if (replies === null) return null;
    const wrong = (replies as readonly (Reply | Error)[]).find(failed);
    if (wrong !== undefined) throw new ServerError(wrong.message);
    return replies as readonly Reply[];
  }

  close(): void {
    this.#break(new NoAnswer('closed'));
  }

  #expect(bytes: string): Promise<Reply> {
    return new Promise((resolve, reject) => {
      if (this.#broken !== null) {
        reject(this.#broken);
        return;
      }
      this.#waiting.push({ resolve, reject });
      this.#timer ??= setTimeout(() => this.#break(new NoAnswer('no reply')), this.#timeoutMs);
      this.#socket.write(bytes);
    });
  }

  #answer(reply: Reply | ServerError): void {
    const waiter = this.#waiting.shift();
    if (waiter === undefined) {
      this.#break(new Error(`a reply nobody asked for: ${String(reply)}`));
      return;
    }
    this.#timer?.refresh();
    if (this.#waiting.length === 0) {
      clearTimeout(this.#timer!);
      this.#timer = null;
    }
    if (reply instanceof ServerError) waiter.reject(reply);
    else waiter.resolve(reply);
  }

  #break(error: Error): void {
    if (this.#broken !== null) return;
    this.#broken = error;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#socket.destroy();
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }
}
