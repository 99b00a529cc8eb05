// Owns: the state of every live SMTP session as all nodes can see it: one hash per session with a
// time to live, and an index. A session ends with its connection; those of a dead node end with
// their time to live. Writes are best effort and coalesced: a change is written with the others of
// the last 100 ms, per session at most one write is under way, and SMTP never waits for it. The
// index is written only when the time to live moves. Must never: hold the body of a message, or a
// password.

import type { Logger } from '../observe/logger.js';
import type { Clock, Timer } from '../platform/clock.js';
import type { MailKeys } from './keys.js';
import { reasonOf } from './reason.js';
import { putSession } from './scripts.js';
import type { Store } from './store.js';

export interface SessionState {
  readonly node: string;
  readonly clientIp: string;
  readonly startedAt: number;
  helo: string;
  user: string;
  tls: boolean;
  /** What the session is doing: connected, mail, data. */
  state: string;
  mailFrom: string;
  recipients: number;
  accepted: number;
  rejected: number;
}

export type ListedSession = Readonly<Record<string, string>> & { readonly id: string };

interface LiveSession {
  readonly id: string;
  readonly state: SessionState;
  dirty: boolean;
  /** The time to live is to be set anew. */
  indexed: boolean;
  writing: boolean;
  ended: boolean;
}

const LIST_MAX = 1_000;
const FLUSH_MS = 100;

export class SessionRegistry {
  readonly #store: Store;
  readonly #keys: MailKeys;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #ttlMs: number;
  readonly #live = new Map<string, LiveSession>();
  readonly #changed = new Set<LiveSession>();
  #refresh: Timer | null = null;
  #flush: Timer | null = null;

  constructor(options: {
    store: Store;
    keys: MailKeys;
    clock: Clock;
    log: Logger;
    ttlMs: number;
  }) {
    this.#store = options.store;
    this.#keys = options.keys;
    this.#clock = options.clock;
    this.#log = options.log;
    this.#ttlMs = options.ttlMs;
  }

  get size(): number {
    return this.#live.size;
  }

  start(): void {
    this.#refresh = this.#clock.every(Math.max(this.#ttlMs / 3, 50), () => {
      for (const session of this.#live.values()) {
        session.indexed = false;
        this.#write(session);
      }
    });
  }

  /** Removes what is left of this node's sessions. */
  async stop(): Promise<void> {
    this.#refresh?.cancel();
    this.#flush?.cancel();
    await Promise.all([...this.#live.values()].map((session) => this.#end(session)));
  }

  open(id: string, state: SessionState): void {
    const session = { id, state, dirty: false, indexed: false, writing: false, ended: false };
    this.#live.set(id, session);
    this.#write(session);
  }

  /** Null when the session is not (or no longer) known. */
  get(id: string): SessionState | null {
    return this.#live.get(id)?.state ?? null;
  }

  update(id: string, change: Partial<SessionState>): void {
    const session = this.#live.get(id);
    if (session === undefined) return;
    Object.assign(session.state, change);
    this.#touch(session);
  }

  close(id: string): void {
    const session = this.#live.get(id);
    if (session !== undefined) void this.#end(session);
  }

  /**
   * Sessions of all nodes, newest expiry first, at most 1000. Drops index entries whose session is
   * gone.
   */
  async list(): Promise<ListedSession[]> {
    const index = this.#keys.sessions;
    const ids = await this.#store.run('zrevrange', (client) =>
      client.zrevrange(index, 0, LIST_MAX - 1),
    );
    const found = await Promise.all(
      ids.map((id) =>
        this.#store.run('hgetall', (client) => client.hgetall(this.#keys.session(id))),
      ),
    );
    const listed: ListedSession[] = [];
    const gone: string[] = [];
    ids.forEach((id, at) => {
      const fields = found[at] ?? {};
      if (Object.keys(fields).length === 0) gone.push(id);
      else listed.push({ ...fields, id });
    });
    if (gone.length > 0) await this.#store.run('zrem', (client) => client.zrem(index, ...gone));
    return listed;
  }

  #touch(session: LiveSession): void {
    this.#changed.add(session);
    this.#flush ??= this.#clock.after(FLUSH_MS, () => {
      this.#flush = null;
      for (const changed of this.#changed) this.#write(changed);
      this.#changed.clear();
    });
  }

  #write(session: LiveSession): void {
    session.dirty = true;
    if (!session.writing && !session.ended) void this.#writeWhileDirty(session);
  }

  async #writeWhileDirty(session: LiveSession): Promise<void> {
    session.writing = true;
    try {
      while (session.dirty && !session.ended && this.#store.up) {
        session.dirty = false;
        await this.#put(session);
      }
    } catch (error) {
      this.#log.debug('session: not written', { id: session.id, reason: reasonOf(error) });
    } finally {
      session.writing = false;
      if (session.ended) void this.#remove(session.id);
    }
  }

  async #put(session: LiveSession): Promise<void> {
    const fields: (string | number)[] = [this.#ttlMs];
    for (const [name, value] of Object.entries(session.state)) {
      fields.push(toSnakeCase(name), String(value));
    }
    const writes = [this.#store.script(putSession, [this.#keys.session(session.id)], fields, 0)];
    if (!session.indexed) {
      session.indexed = true;
      const expiry = this.#clock.now() + this.#ttlMs;
      writes.push(
        this.#store.run('zadd', (client) => client.zadd(this.#keys.sessions, expiry, session.id)),
      );
    }
    await Promise.all(writes);
  }

  async #end(session: LiveSession): Promise<void> {
    session.ended = true;
    this.#live.delete(session.id);
    this.#changed.delete(session);
    // A write under way would bring the session back: then its end removes it.
    if (!session.writing) await this.#remove(session.id);
  }

  async #remove(id: string): Promise<void> {
    if (!this.#store.up) return;
    try {
      await Promise.all([
        this.#store.run('del', (client) => client.del(this.#keys.session(id))),
        this.#store.run('zrem', (client) => client.zrem(this.#keys.sessions, id)),
      ]);
    } catch (error) {
      this.#log.debug('session: not removed, it expires', { id, reason: reasonOf(error) });
    }
  }
}

function toSnakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
