// Owns: this node's heartbeat `<ns>nodes:<id>` (JSON, expires) and the list of nodes seen by it.
// Invariant: a node that stops beating is gone from the list after NODE_TTL.

import type { Logger } from '../observe/logger.js';
import type { Clock, Timer } from '../platform/clock.js';
import type { MailKeys } from './keys.js';
import { reasonOf } from './reason.js';
import type { Store } from './store.js';

const NODE_TTL_S = 30;
const BEAT_MS = 5_000;

export type NodeFacts = Readonly<Record<string, string | number | boolean>>;

export class NodeRegistry {
  readonly #store: Store;
  readonly #keys: MailKeys;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #nodeId: string;
  readonly #facts: () => NodeFacts;
  #timer: Timer | null = null;
  #count = 1;
  #beating: Promise<void> | null = null;

  constructor(options: {
    store: Store;
    keys: MailKeys;
    clock: Clock;
    log: Logger;
    nodeId: string;
    facts: () => NodeFacts;
  }) {
    this.#store = options.store;
    this.#keys = options.keys;
    this.#clock = options.clock;
    this.#log = options.log;
    this.#nodeId = options.nodeId;
    this.#facts = options.facts;
  }

  /** Nodes alive when last looked, this one included. */
  get count(): number {
    return this.#count;
  }

  async start(): Promise<void> {
    this.#timer = this.#clock.every(BEAT_MS, () => void this.#beatOnce());
    await this.#beatOnce();
  }

  async stop(): Promise<void> {
    this.#timer?.cancel();
    await this.#beating;
    if (!this.#store.up) return;
    try {
      await this.#store.run('del', (client) => client.del(this.#keys.node(this.#nodeId)));
      await this.#store.run('zrem', (client) => client.zrem(this.#keys.nodes, this.#nodeId));
    } catch (error) {
      this.#log.debug('node: heartbeat not removed, it expires', { reason: reasonOf(error) });
    }
  }

  /** Every live node's last heartbeat, by id. */
  async list(): Promise<Record<string, unknown>[]> {
    const ids = await this.#store.run('zrange', (client) =>
      client.zrange(this.#keys.nodes, '0', '-1'),
    );
    const texts = await Promise.all(
      ids.map((id) => this.#store.run('get', (client) => client.get(this.#keys.node(id)))),
    );
    const gone = ids.filter((_, at) => texts[at] === null);
    if (gone.length > 0) {
      await this.#store.run('zrem', (client) => client.zrem(this.#keys.nodes, ...gone));
    }
    const listed: Record<string, unknown>[] = [];
    for (const text of texts) {
      if (typeof text === 'string') listed.push(JSON.parse(text) as Record<string, unknown>);
    }
    return listed.sort((a, b) => String(a.node_id).localeCompare(String(b.node_id)));
  }

  #beatOnce(): Promise<void> {
    this.#beating ??= this.#beat().finally(() => {
      this.#beating = null;
    });
    return this.#beating;
  }

  async #beat(): Promise<void> {
    if (!this.#store.up) return;
    const text = JSON.stringify({ node_id: this.#nodeId, ...this.#facts(), at: this.#clock.now() });
    try {
      const key = this.#keys.node(this.#nodeId);
      await this.#store.run('set', (client) => client.set(key, text, 'EX', NODE_TTL_S));
      await this.#store.run('zadd', (client) =>
        client.zadd(this.#keys.nodes, this.#clock.now(), this.#nodeId),
      );
      this.#count = Math.max(1, (await this.list()).length);
    } catch (error) {
      this.#log.debug('node: heartbeat failed', { reason: reasonOf(error) });
    }
  }
}
