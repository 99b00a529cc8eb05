// Owns: ioredis, the client our users have, as a Session: told never to send a command twice by
// itself, so that what the history says is what went over the wire.

import { Redis } from 'ioredis';
import type { Command, Reply } from '../check/history.js';
import { NoAnswer, ServerError } from './outcome.js';
import type { Session } from './raw-session.js';

function translated(error: unknown): Error {
  const { name, message } = error as Error;
  return name === 'ReplyError' ? new ServerError(message) : new NoAnswer(message);
}

export class IoredisSession implements Session {
  readonly #client: Redis;

  private constructor(client: Redis) {
    this.#client = client;
  }

  /** Rejects with NoAnswer when nobody accepts in time. */
  static async connect(host: string, port: number, timeoutMs: number): Promise<IoredisSession> {
    const client = new Redis({
      ...{ host, port, lazyConnect: true, connectTimeout: 2000, commandTimeout: timeoutMs },
      ...{ retryStrategy: () => null, autoResendUnfulfilledCommands: false },
      ...{ maxRetriesPerRequest: 0, enableReadyCheck: false, enableOfflineQueue: false },
    });
    client.on('error', () => {});
    try {
      await client.connect();
    } catch (error) {
      client.disconnect();
      throw new NoAnswer(String(error));
    }
    return new IoredisSession(client);
  }

  get usable(): boolean {
    return this.#client.status === 'ready';
  }

  async call([name, ...args]: Command): Promise<Reply> {
    try {
      return (await this.#client.call(name!, ...args)) as Reply;
    } catch (error) {
      throw translated(error);
    }
  }

  async transaction(commands: readonly Command[]): Promise<readonly Reply[] | null> {
    try {
      const multi = this.#client.multi();
      for (const [name, ...args] of commands) multi.call(name!, ...args);
      const replies = await multi.exec();
      if (replies === null) return null;
      const wrong = replies.find(([error]) => error !== null);
      if (wrong !== undefined) throw wrong[0];
      return replies.map(([, reply]) => reply as Reply);
    } catch (error) {
      throw translated(error);
    }
  }

  close(): void {
    this.#client.disconnect();
  }
}
