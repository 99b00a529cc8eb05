// Owns: the cluster-wide limit per client address. One key per address, `<prefix>ip:<address>`, a
// zset of the units in the window; check and count are one atomic step in the store, on the store's
// clock. When the store is away or slow this process limits alone, to its share of the limit (max /
// nodes last seen), so the sum over the cluster stays near `max`; what it let through then is not
// counted in the store later. Invariants: a refused unit is never counted; a unit is counted once
// even if the reply was lost and it was sent again.

import type { Logger } from '../observe/logger.js';
import type { Clock } from '../platform/clock.js';
import { canonicalIp } from './ip-address.js';
import { type LimitDecision, LocalLimiter } from './local-limiter.js';
import { reasonOf } from './reason.js';
import { takeSlot } from './scripts.js';
import type { Store } from './store.js';

export interface RateLimitSettings {
  readonly max: number;
  readonly windowMs: number;
  readonly exempt: readonly string[];
}

export interface RateLimiterOptions extends RateLimitSettings {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Logger;
  readonly prefix: string;
  /** Makes members unique over nodes and restarts. */
  readonly owner: string;
  readonly commandTimeoutMs: number;
  /** Nodes that share the limit, as last seen. */
  readonly nodeCount: () => number;
  readonly onFallback: () => void;
}

export class RateLimiter {
  readonly #options: RateLimiterOptions;
  readonly #local: LocalLimiter;
  readonly #exempt: ReadonlySet<string>;
  #sequence = 0;

  constructor(options: RateLimiterOptions) {
    this.#options = options;
    this.#local = new LocalLimiter(options.windowMs);
    this.#exempt = new Set(options.exempt.map(canonicalIp));
  }

  keyOf(address: string): string {
    return `${this.#options.prefix}ip:${canonicalIp(address)}`;
  }

  /** Takes one unit for `address`. Never rejects. */
  async take(address: string): Promise<LimitDecision> {
    const { store, max, windowMs, commandTimeoutMs } = this.#options;
    if (max === 0 || this.#exempt.has(canonicalIp(address))) {
      return { allowed: true, count: 0, retryAfterMs: 0 };
    }
    // A store that has been away for longer than one timeout is not waited for: callers would only
    // pile up.
    if (store.downForMs > commandTimeoutMs) return this.#takeLocally(address);
    this.#sequence += 1;
    const member = `${this.#options.owner}:${this.#sequence}`;
    try {
      const args = [max, windowMs, member];
      const reply = await store.script(takeSlot, [this.keyOf(address)], args, commandTimeoutMs);
      return readDecision(reply);
    } catch (error) {
      this.#options.log.debug('rate limit: deciding alone', { reason: reasonOf(error) });
      return this.#takeLocally(address);
    }
  }

  #takeLocally(address: string): LimitDecision {
    const { max, clock, nodeCount, onFallback } = this.#options;
    onFallback();
    const share = Math.max(1, Math.floor(max / Math.max(1, nodeCount())));
    return this.#local.take(canonicalIp(address), share, clock.monotonic());
  }
}

function readDecision(reply: unknown): LimitDecision {
  if (!Array.isArray(reply)) throw new Error(`unexpected rate limit reply: ${String(reply)}`);
  const [allowed, count, retryAfterMs] = reply.map(Number);
  return { allowed: allowed === 1, count: count ?? 0, retryAfterMs: retryAfterMs ?? 0 };
}
