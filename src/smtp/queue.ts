// Owns: the mail queue in the store, as steps that are each atomic there (scripts.ts).
// A message is visible only after its whole body is stored; parts of one that never got that far
// expire. A message is leased, never taken: who dies while delivering loses the lease, and another
// node delivers. Semantics: at least once. The lease token carries a counter that only grows, so a
// late ack, retry or extension of a lost lease is refused.
// Why ids of delivered messages are remembered for a while (`done`): the reply to a commit can be
// lost, and the same commit sent again after another node has already delivered the message must
// not bring it back.

import type { MailKeys } from './keys.js';
import {
  ackMessage,
  commitMessage,
  dropFailed,
  extendLease,
  failMessage,
  leaseMessages,
  reclaimLeases,
  retryMessage,
  type Script,
} from './scripts.js';
import type { Store, StoreValue } from './store.js';

/** Bytes of a body part; a message up to this size goes with its commit in one step. */
export const PART_BYTES = 64 * 1024;

export interface Envelope {
  readonly from: string;
  readonly to: readonly string[];
  readonly eightBit: boolean;
  readonly smtpUtf8: boolean;
}

export interface RecipientFailure {
  readonly to: string;
  readonly code: number;
  readonly reason: string;
}

export interface MessageFacts {
  readonly envelope: Envelope;
  readonly sizeBytes: number;
  readonly receivedAt: number;
  readonly node: string;
  readonly clientIp: string;
  readonly helo: string;
  readonly user: string;
}

export interface Lease {
  readonly id: string;
  /** `<owner>:<fencing number>`. */
  readonly token: string;
  /** 1 for the first delivery attempt. */
  readonly attempt: number;
}

export interface QueuedMessage {
  readonly id: string;
  readonly facts: MessageFacts;
  readonly parts: number;
  /** Recipients that were refused for good in earlier attempts. */
  readonly failures: readonly RecipientFailure[];
}

export interface QueueDepth {
  readonly pending: number;
  readonly leased: number;
  readonly failed: number;
}

export interface QueueSettings {
  readonly leaseMs: number;
  /** How long a commit is repeated until its outcome is known. */
  readonly commitTimeoutMs: number;
  /** After this the parts of a message that was never committed are gone. */
  readonly orphanTtlMs: number;
  readonly failedRetentionMs: number;
}

const MINUTE_MS = 60_000;
/** A step that ends a lease is repeated this long before the caller hears of it. */
const STEP_MS = 3_000;

export class MailQueue {
  readonly #store: Store;
  readonly #keys: MailKeys;
  readonly #settings: QueueSettings;
  /** Store clock minus ours as of the last lease, ms. */
  #clockOffsetMs = 0;

  constructor(store: Store, keys: MailKeys, settings: QueueSettings) {
    this.#store = store;
    this.#keys = keys;
    this.#settings = settings;
  }

  get leaseMs(): number {
    return this.#settings.leaseMs;
  }

  /** Stores part `part` of a message that is not committed yet. Repeating it is harmless. */
  async putPart(id: string, part: number, bytes: Buffer): Promise<void> {
    await this.#store.run('set', (client) =>
      client.set(this.#keys.body(id, part), bytes, 'PX', this.#settings.orphanTtlMs),
    );
  }

  /**
   * Makes the message visible. `body` is the whole message, or the number of parts already put.
   * Rejects when after `commitTimeoutMs` it is not known to be stored: the caller must not say 250.
   */
  async commit(id: string, facts: MessageFacts, body: Buffer | number): Promise<void> {
    const parts = typeof body === 'number' ? body : 1;
    const inline: StoreValue[] = typeof body === 'number' ? ['0', ''] : ['1', body];
    const keys = [this.#keys.message(id), this.#keys.pending, this.#keys.done];
    const reply = await this.#store.script(
      commitMessage,
      [...keys, ...this.#keys.bodies(id, parts)],
      [id, ...inline, 'facts', JSON.stringify(facts), 'parts', parts],
      this.#settings.commitTimeoutMs,
    );
    if (reply === 0) throw new Error(`message ${id}: a part of its body is missing in the store`);
  }

  /** Forgets the parts of a message that will not be committed. */
  async discard(id: string, parts: number): Promise<void> {
    if (parts === 0) return;
    await this.#store.run('unlink', (client) => client.unlink(...this.#keys.bodies(id, parts)));
  }

  /** Leases up to `count` due messages, after taking back what expired leases held. */
  async lease(
    owner: string,
    count: number,
    now: number,
  ): Promise<{ leases: Lease[]; recovered: number }> {
    const { pending, leased, owners, attempts, fence } = this.#keys;
    const keys = [pending, leased, owners, attempts, fence];
    const reply = await this.#store.script(
      leaseMessages,
      keys,
      [owner, this.#settings.leaseMs, count],
      0,
    );
    if (!Array.isArray(reply)) throw new Error(`unexpected lease reply: ${String(reply)}`);
    this.#clockOffsetMs = Number(reply[0]) - now;
    const leases: Lease[] = [];
    for (let at = 2; at < reply.length; at += 3) {
      const attempt = Number(reply[at + 2]);
      leases.push({ id: String(reply[at]), token: String(reply[at + 1]), attempt });
    }
    return { leases, recovered: Number(reply[1]) };
  }

  /**
   * After a lease whose reply was lost: gives back what `owner` holds but does not know of; replies
   * how many.
   */
  async reclaim(owner: string, known: readonly string[]): Promise<number> {
    const { pending, leased, owners, attempts } = this.#keys;
    const keys = [pending, leased, owners, attempts];
    return Number(await this.#store.script(reclaimLeases, keys, [owner, ...known], 0));
  }

  /**
   * Ms until something is due or a lease expires; null when there is nothing. Reads only, so idle
   * nodes write nothing.
   */
  async nextDueMs(now: number): Promise<number | null> {
    const heads = await Promise.all(
      [this.#keys.pending, this.#keys.leased].map((key) =>
        this.#store.run('zrange', (client) => client.zrange(key, '0', '0', 'WITHSCORES')),
      ),
    );
    let due: number | null = null;
    for (const head of heads) {
      if (head[1] === undefined) continue;
      const wait = Number(head[1]) - (now + this.#clockOffsetMs);
      due = Math.min(due ?? wait, wait);
    }
    return due === null ? null : Math.max(0, due);
  }

  /** Null when the message is not there: its id stayed in a set, which is damage. */
  async load(id: string): Promise<QueuedMessage | null> {
    const fields = await this.#store.run('hgetall', (client) =>
      client.hgetall(this.#keys.message(id)),
    );
    if (fields.facts === undefined) return null;
    return {
      id,
      facts: JSON.parse(fields.facts) as MessageFacts,
      parts: Number(fields.parts),
      failures: JSON.parse(fields.failures ?? '[]') as RecipientFailure[],
    };
  }

  /** Rejects when the part is missing. */
  async part(id: string, part: number): Promise<Buffer> {
    const key = this.#keys.body(id, part);
    const bytes = await this.#store.run('get', (client) => client.getBuffer(key));
    if (bytes === null) throw new Error(`message ${id}: part ${part} of its body is missing`);
    return bytes;
  }

  /** False: somebody else holds the lease now. */
  extend(lease: Lease): Promise<boolean> {
    const { leased, pending, owners } = this.#keys;
    const args = [lease.id, lease.token, this.#settings.leaseMs];
    return this.#step(extendLease, [leased, pending, owners], args);
  }

  ack(lease: Lease, parts: number): Promise<boolean> {
    const { leased, pending, owners, attempts, done } = this.#keys;
    const message = [this.#keys.message(lease.id), ...this.#keys.bodies(lease.id, parts)];
    const remember = this.#settings.commitTimeoutMs + MINUTE_MS;
    const keys = [leased, pending, owners, attempts, done, ...message];
    return this.#step(ackMessage, keys, [lease.id, lease.token, remember]);
  }

  /** Back to pending, due after `delayMs`, for the recipients in `message`. */
  retry(
    lease: Lease,
    message: QueuedMessage,
    plan: { delayMs: number; reason: string; failures: readonly RecipientFailure[] },
  ): Promise<boolean> {
    return this.#step(retryMessage, this.#retryKeys(lease.id), [
      ...[lease.id, lease.token, Math.round(plan.delayMs), '0'],
      ...['facts', JSON.stringify(message.facts), 'last_error', plan.reason],
      ...['failures', JSON.stringify(plan.failures)],
    ]);
  }

  /** Gives the lease back unused: due now, the attempt not counted. */
  release(lease: Lease): Promise<boolean> {
    return this.#step(retryMessage, this.#retryKeys(lease.id), [lease.id, lease.token, 0, '1']);
  }

  /** To the failed set, where it stays for `failedRetentionMs`. */
  fail(lease: Lease, reason: string, failures: readonly RecipientFailure[]): Promise<boolean> {
    const { leased, pending, owners, attempts, failed } = this.#keys;
    const keys = [leased, pending, owners, attempts, failed, this.#keys.message(lease.id)];
    const fields = ['last_error', reason, 'failures', JSON.stringify(failures)];
    return this.#step(failMessage, keys, [lease.id, lease.token, ...fields]);
  }

  /** Forgets messages that failed longer ago than the retention; replies how many. */
  async purgeFailed(now: number): Promise<number> {
    const until = Math.floor(now + this.#clockOffsetMs - this.#settings.failedRetentionMs);
    const { failed } = this.#keys;
    const ids = await this.#store.run('zrangebyscore', (client) =>
      client.zrangebyscore(failed, '-inf', until, 'LIMIT', 0, 100),
    );
    for (const id of ids) {
      const parts = (await this.load(id))?.parts ?? 0;
      const keys = [failed, this.#keys.message(id), ...this.#keys.bodies(id, parts)];
      await this.#store.script(dropFailed, keys, [id], 0);
    }
    return ids.length;
  }

  async depth(): Promise<QueueDepth> {
    const { pending, leased, failed } = this.#keys;
    const count = (key: string): Promise<number> =>
      this.#store.run('zcard', (client) => client.zcard(key));
    const [waiting, active, dead] = await Promise.all([
      count(pending),
      count(leased),
      count(failed),
    ]);
    return { pending: waiting, leased: active, failed: dead };
  }

  /** The last failed messages, newest first, with why. */
  async failures(limit: number): Promise<Record<string, unknown>[]> {
    const ids = await this.#store.run('zrevrange', (client) =>
      client.zrevrange(this.#keys.failed, 0, limit - 1),
    );
    const fields = await Promise.all(
      ids.map((id) => this.#store.run('hgetall', (c) => c.hgetall(this.#keys.message(id)))),
    );
    return ids.map((id, at) => {
      const found = fields[at] ?? {};
      return {
        id,
        failed_at: Number(found.failed_at ?? 0),
        reason: found.last_error ?? '',
        recipients: JSON.parse(found.failures ?? '[]') as unknown,
      };
    });
  }

  #retryKeys(id: string): string[] {
    const { leased, pending, owners, attempts } = this.#keys;
    return [leased, pending, owners, attempts, this.#keys.message(id)];
  }

  async #step(
    script: Script,
    keys: readonly string[],
    args: readonly StoreValue[],
  ): Promise<boolean> {
    return (await this.#store.script(script, keys, args, STEP_MS)) === 1;
  }
}
