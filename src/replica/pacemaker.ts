// Owns: the tick entries by which a leader lets keys die when nothing else is written (architecture
// D12). It only decides when; the entry's time comes from entry-maker.ts.

import type { Clock, Timer } from '../platform/clock.js';

/** Ticks are at least this far apart, ms: many keys dying one after another share entries. */
const TICK_MS_MIN = 5;
/** A timer can wait this long at most; it looks again then. */
const WAIT_MS_MAX = 60_000;

export class Pacemaker {
  readonly #clock: Clock;
  readonly #proposeTick: () => void;
  #timer: Timer | null = null;
  #timerAt = Number.POSITIVE_INFINITY;
  #lastTickAt = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock, proposeTick: () => void) {
    this.#clock = clock;
    this.#proposeTick = proposeTick;
  }

  /**
   * Makes sure that a tick is proposed once the wall clock passes `deadline` (ms since 1970;
   * Infinity for never).
   */
  expect(deadline: number): void {
    if (deadline >= this.#timerAt) return;
    this.stop();
    if (deadline === Number.POSITIVE_INFINITY) return;
    const wait = Math.min(Math.max(deadline - this.#clock.now(), 0), WAIT_MS_MAX);
    this.#timerAt = deadline;
    this.#timer = this.#clock.after(Math.ceil(wait), () => this.#fire(deadline));
  }

  /** No longer the leader. */
  stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#timerAt = Number.POSITIVE_INFINITY;
  }

  #fire(deadline: number): void {
    this.stop();
    const sinceTick = this.#clock.monotonic() - this.#lastTickAt;
    if (this.#clock.now() < deadline || sinceTick < TICK_MS_MIN) {
      this.#timerAt = deadline;
      this.#timer = this.#clock.after(TICK_MS_MIN, () => this.#fire(deadline));
      return;
    }
    this.#lastTickAt = this.#clock.monotonic();
    this.#proposeTick();
  }
}
