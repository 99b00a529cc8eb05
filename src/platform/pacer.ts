// Owns: dividing long work into slices, each in an event-loop turn of its own, so that nothing else
// waits for more than about one slice; and, where there is no hurry, leaving most of the time
// between slices to others, also to other processes on a machine that is short of cores. The work
// asks `due` between its steps and, when it is, waits for `rest`.

import type { Clock } from './clock.js';

/** Steps between two looks at the clock, where a step is a few microseconds. */
const STEPS_PER_LOOK = 8;

export class Pacer {
  readonly #clock: Clock;
  readonly #sliceMs: number;
  /** Time left to others after each slice, ms; 0: until the event loop comes round again. */
  restMs: number;
  #until: number;
  #steps = 0;

  /** `sliceMs`: length of a slice, ms. The first one begins now. */
  constructor(clock: Clock, sliceMs: number, restMs = 0) {
    this.#clock = clock;
    this.#sliceMs = sliceMs;
    this.restMs = restMs;
    this.#until = clock.monotonic() + sliceMs;
  }

  /** Counts a step; true when the slice is over. */
  get due(): boolean {
    if (++this.#steps < STEPS_PER_LOOK) return false;
    this.#steps = 0;
    return this.#clock.monotonic() >= this.#until;
  }

  /** Resolves in a later turn, where the next slice begins. */
  async rest(): Promise<void> {
    await new Promise<void>((resolve) => {
      if (this.restMs > 0) this.#clock.after(this.restMs, resolve);
      else this.#clock.endOfTurn(resolve);
    });
    this.begin();
  }

  /** A slice begins now: the work waited for something else. */
  begin(): void {
    this.#until = this.#clock.monotonic() + this.#sliceMs;
  }
}
