// Owns: the sliding window that one process keeps for itself while the store is away.
// Invariants: exact for this process; at most `maxClients` clients are remembered, the longest idle
// is forgotten first.

export interface LimitDecision {
  readonly allowed: boolean;
  /** Units used in the window, this one included when allowed. */
  readonly count: number;
  /** Until a unit is free again; 0 when allowed. */
  readonly retryAfterMs: number;
}

const MAX_CLIENTS = 100_000;

export class LocalLimiter {
  readonly #windowMs: number;
  readonly #maxClients: number;
  /**
   * Times of the units in the window, oldest first. Map order is idle order: a client moves to the
   * end when used.
   */
  readonly #clients = new Map<string, number[]>();

  constructor(windowMs: number, maxClients = MAX_CLIENTS) {
    this.#windowMs = windowMs;
    this.#maxClients = maxClients;
  }

  take(client: string, max: number, now: number): LimitDecision {
    const times = this.#clients.get(client) ?? [];
    this.#clients.delete(client);
    this.#clients.set(client, times);
    if (this.#clients.size > this.#maxClients) this.#forgetOldest();
    while (times.length > 0 && (times[0] ?? 0) <= now - this.#windowMs) times.shift();
    if (times.length >= max) {
      const wait = (times[0] ?? now) + this.#windowMs - now;
      return { allowed: false, count: times.length, retryAfterMs: Math.max(wait, 1) };
    }
    times.push(now);
    return { allowed: true, count: times.length, retryAfterMs: 0 };
  }

  #forgetOldest(): void {
    for (const client of this.#clients.keys()) {
      this.#clients.delete(client);
      return;
    }
  }
}
