// Owns: one question to one node over ioredis, without retries: a change must not be asked for
// twice. Errors of the server are thrown as they are; a node that cannot be reached, or is lost
// before it answered, as Unreachable.

import { Redis } from 'ioredis';

export interface AdminTarget {
  readonly host: string;
  readonly port: number;
  /** Empty for none. */
  readonly password: string;
}

const CONNECT_MS = 5000;
/** Longer than the leader takes for anything (replica/administration.ts). */
const ANSWER_MS = 40_000;

/** `sent`: the question may have arrived, and what it asked for may have been done. */
export class Unreachable extends Error {
  readonly sent: boolean;

  constructor(message: string, sent: boolean) {
    super(message);
    this.sent = sent;
  }
}

export class AdminClient {
  readonly #redis: Redis;
  readonly #where: string;
  #lastError = '';

  constructor({ host, port, password }: AdminTarget) {
    this.#where = `${host}:${port}`;
    this.#redis = new Redis({
      host,
      port,
      ...(password === '' ? {} : { password }),
      lazyConnect: true,
      connectTimeout: CONNECT_MS,
      commandTimeout: ANSWER_MS,
      retryStrategy: () => null,
      maxRetriesPerRequest: 0,
      enableOfflineQueue: false,
    });
    this.#redis.on('error', (error) => {
      this.#lastError = error.message;
    });
  }

  /** The reply; rejects with the server's error, or Unreachable. */
  async ask(words: readonly string[]): Promise<unknown> {
    try {
      await this.#redis.connect();
    } catch (error) {
      const reason = this.#lastError || (error as Error).message;
      throw new Unreachable(`${this.#where} cannot be reached: ${reason}`, false);
    }
    const [word, ...args] = words;
    try {
      return await this.#redis.call(word!, ...args);
    } catch (error) {
      if ((error as Error).name === 'ReplyError') throw error;
      const text = (error as Error).message;
      throw new Unreachable(`${this.#where} did not answer: ${text}; the outcome is unknown`, true);
    }
  }

  close(): void {
    this.#redis.disconnect();
  }
}
