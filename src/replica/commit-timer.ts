// Owns: how long entries take from append to apply at a leader: one at a time is timed, which costs
// the others nothing.

import type { Clock } from '../platform/clock.js';
import { type LatencySummary, LatencyWindow } from '../storage/latency-window.js';

export class CommitTimer {
  readonly #clock: Clock;
  readonly #window = new LatencyWindow();
  /** The entry being timed, and monotonic ms of its append; index 0 for none. */
  #index = 0;
  #at = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  appended(index: number): void {
    if (this.#index !== 0) return;
    this.#index = index;
    this.#at = this.#clock.monotonic();
  }

  applied(index: number): void {
    if (this.#index === 0 || index < this.#index) return;
    this.#window.record((this.#clock.monotonic() - this.#at) * 1000);
    this.#index = 0;
  }

  /** Another leadership: what was appended may never be applied. */
  forget(): void {
    this.#index = 0;
  }

  /** Microseconds. */
  summary(): LatencySummary {
    return this.#window.summary();
  }
}
