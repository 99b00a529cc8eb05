// Owns: noticing that a connection swallows what is sent on it. TCP alone does not tell: after a
// cut that dropped segments it waits for its next repetition, as long again as the cut lasted, and
// for a machine that is gone a quarter of an hour. So the sending side beats, and the receiving one
// answers anything it gets with a sign; without any sign for a while the connection is replaced.
// What is slow but arrives is not taken for dead: it draws signs, too.

import type { Clock, Timer } from '../platform/clock.js';
import { FrameKind, frameHead } from './frame.js';

const BEAT_MS = 500;
/**
 * Beats without a sign. Counted, not timed: a process that was itself stopped finds one beat gone
 * by, not a dead link.
 */
const MISSES_MAX = 6;
/** Signs are as far apart as this: below a beat, so that each beat draws one. */
const SIGN_MS_MIN = BEAT_MS / 2;

export const BEAT: Buffer = frameHead(FrameKind.beat, 0, 0);
export const SIGN: Buffer = frameHead(FrameKind.sign, 0, 0);

/** The sending side. Begins with the first sign: who gives none is of an older version. */
export class Pulse {
  readonly #clock: Clock;
  readonly #beat: () => void;
  readonly #dead: () => void;
  #timer: Timer | null = null;
  #misses = 0;

  /** `beat` sends BEAT; `dead` is called once when no sign came for too long. */
  constructor(clock: Clock, beat: () => void, dead: () => void) {
    this.#clock = clock;
    this.#beat = beat;
    this.#dead = dead;
  }

  sign(): void {
    this.#misses = 0;
    this.#timer ??= this.#clock.every(BEAT_MS, () => this.#tick());
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#misses = 0;
  }

  #tick(): void {
    if (this.#misses < MISSES_MAX) {
      this.#misses++;
      this.#beat();
      return;
    }
    this.stop();
    this.#dead();
  }
}

/** The receiving side. */
export class Signs {
  readonly #clock: Clock;
  #last: number;

  /** The first sign, SIGN, has just been given. */
  constructor(clock: Clock) {
    this.#clock = clock;
    this.#last = clock.monotonic();
  }

  /** Something arrived: true when a sign is due. */
  received(): boolean {
    const now = this.#clock.monotonic();
    if (now - this.#last < SIGN_MS_MIN) return false;
    this.#last = now;
    return true;
  }
}
