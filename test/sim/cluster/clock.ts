// Owns: the clock of one simulated process: drift, offset and steps of its wall clock, timers as
// events. Within one event time moves by as little as each look at the clock costs, so that code
// which works until a deadline gets there.

import type { Clock, Timer } from '../../../src/platform/clock.js';
import { type Actor, type Events, expectMicrotasks, type SimEvent } from './events.js';

/** Wall clock of a simulation that begins, ms since 1970. */
export const EPOCH = 1_700_000_000_000;

/** Microseconds between the end of the input that is ready and what was put off to the turn's end. */
const TURN = 20;

export interface ClockFaults {
  /** Simulated microseconds per microsecond of this clock: 1.05 is a slow clock. */
  readonly rate: number;
  /** Ms that the wall clock is ahead. Changes when the operator or NTP steps it. */
  offset: number;
  /** Microseconds each look at the clock costs. */
  lookCost: number;
}

const queue = queueMicrotask;

export class SimClock implements Clock {
  readonly #events: Events;
  readonly #actor: Actor;
  readonly #faults: ClockFaults;
  /** Microseconds this event has taken so far. */
  #skew = 0;
  #skewedAt = -1;
  #last = 0;

  constructor(events: Events, actor: Actor, faults: ClockFaults) {
    this.#events = events;
    this.#actor = actor;
    this.#faults = faults;
  }

  now(): number {
    return EPOCH + Math.floor(this.#look() / 1000 + this.#faults.offset);
  }

  monotonic(): number {
    return this.#look() / 1000;
  }

  after(ms: number, run: () => void): Timer {
    const event = this.#events.schedule(this.#wait(ms), this.#actor, run);
    return new SimTimer(event);
  }

  every(ms: number, run: () => void): Timer {
    return new SimInterval(this.#events, this.#actor, this.#wait(Math.max(1, ms)), run);
  }

  endOfTurn(run: () => void): void {
    this.#events.schedule(TURN, this.#actor, run);
  }

  soon(run: () => void): void {
    expectMicrotasks();
    queue(run);
  }

  /** Microseconds by this clock. */
  #look(): number {
    const { now } = this.#events;
    if (this.#skewedAt !== now) {
      this.#skewedAt = now;
      this.#skew = 0;
    }
    this.#skew += this.#faults.lookCost;
    this.#last = Math.max(this.#last, now / this.#faults.rate + this.#skew);
    return this.#last;
  }

  #wait(ms: number): number {
    return ms * 1000 * this.#faults.rate;
  }
}

class SimTimer implements Timer {
  readonly #event: SimEvent;

  constructor(event: SimEvent) {
    this.#event = event;
  }

  cancel(): void {
    this.#event.run = null;
  }
}

class SimInterval implements Timer {
  readonly #events: Events;
  readonly #actor: Actor;
  readonly #wait: number;
  readonly #run: () => void;
  #event: SimEvent;

  constructor(events: Events, actor: Actor, wait: number, run: () => void) {
    this.#events = events;
    this.#actor = actor;
    this.#wait = wait;
    this.#run = run;
    this.#event = events.schedule(wait, actor, this.#fire);
  }

  cancel(): void {
    this.#event.run = null;
  }

  readonly #fire = (): void => {
    this.#event = this.#events.schedule(this.#wait, this.#actor, this.#fire);
    this.#run();
  };
}
