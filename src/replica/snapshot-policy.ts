// Owns: when a snapshot is due: by writes, by time, by size of the log; and not too soon after one
// that failed. Only answers; never takes one.

import type { Machine } from '../machine/machine.js';
import type { Clock } from '../platform/clock.js';
import type { LogStore } from '../storage/log-store.js';

export interface SnapshotPolicy {
  /** Writes since the last snapshot after which one is due; 0 for never. */
  readonly intervalWrites: number;
  /** Ms since the last one after which it is due if anything was written; 0 for never. */
  readonly intervalMs: number;
  /** Ms between two at least. */
  readonly intervalMsMin: number;
  /** Entries kept in memory behind a snapshot, for members that are a little late. */
  readonly entriesKept: number;
}

/**
 * Of the log since the last snapshot, relative to the snapshot: below it, writing everything again
 * is not worth it.
 */
const LOG_SHARE_MIN = 0.5;
/** Bytes of log after which a snapshot is due whatever else is said. */
const LOG_BYTES_MAX = 512 * 2 ** 20;
/** After a snapshot that failed the next one is tried so much later, ms. */
const RETRY_MS = 30_000;

export class SnapshotSchedule {
  readonly #policy: SnapshotPolicy;
  readonly #clock: Clock;
  readonly #machine: Machine;
  readonly #store: LogStore;
  /** Wall clock of the last snapshot's end, and machine.writes at its beginning. */
  #lastAt: number;
  #lastWrites = 0;
  /** Monotonic ms from which a failed one is tried again; 0 when the last succeeded. */
  #retryAt = 0;

  constructor(policy: SnapshotPolicy, clock: Clock, machine: Machine, store: LogStore) {
    this.#policy = policy;
    this.#clock = clock;
    this.#machine = machine;
    this.#store = store;
    this.#lastAt = clock.now();
  }

  get lastAt(): number {
    return this.#lastAt;
  }

  /** One that began when the machine had applied `writes` is the base now. */
  succeeded(writes: number): void {
    this.#lastAt = this.#clock.now();
    this.#lastWrites = writes;
    this.#retryAt = 0;
  }

  failed(): void {
    this.#retryAt = this.#clock.monotonic() + RETRY_MS;
  }

  /** Time to try again what failed here. */
  get retryDue(): boolean {
    return this.#retryAt > 0 && this.#clock.monotonic() >= this.#retryAt;
  }

  /** For the one who decides for all: time for a checkpoint. */
  get due(): boolean {
    const policy = this.#policy;
    const writes = this.#machine.writes - this.#lastWrites;
    const { logBytes, snapshot } = this.#store;
    if (writes === 0 || this.#retryAt > 0) return false;
    if (logBytes > LOG_BYTES_MAX) return true;
    const age = this.#clock.now() - this.#lastAt;
    if (age < policy.intervalMsMin) return false;
    if (policy.intervalMs > 0 && age >= policy.intervalMs) return true;
    const worth = logBytes >= LOG_SHARE_MIN * (snapshot?.bytes ?? 0);
    return policy.intervalWrites > 0 && writes >= policy.intervalWrites && worth;
  }

  /** The log has grown as if nobody decided: time for a snapshot of one's own. */
  get overdue(): boolean {
    return this.#retryAt === 0 && this.#store.logBytes > 2 * LOG_BYTES_MAX;
  }
}
