// Owns: the pacer: when a slice is over, and to whom the time between slices goes.

import { describe, expect, it } from 'vitest';
import type { Clock, Timer } from '../../../src/platform/clock.js';
import { Pacer } from '../../../src/platform/pacer.js';

/** Time moves by hand; what was asked of it is kept. */
class HandClock implements Clock {
  time = 0;
  readonly asked: string[] = [];
  now = (): number => this.time;
  monotonic = (): number => this.time;
  after(ms: number, run: () => void): Timer {
    this.asked.push(`after ${ms}`);
    queueMicrotask(run);
    return { cancel: () => {} };
  }
  every(): Timer {
    throw new Error('not asked for');
  }
  endOfTurn(run: () => void): void {
    this.asked.push('endOfTurn');
    queueMicrotask(run);
  }
  soon(run: () => void): void {
    queueMicrotask(run);
  }
}

/** Steps until the slice is over, each `ms` long. */
function stepsOf(pacer: Pacer, clock: HandClock, ms: number): number {
  let steps = 0;
  do {
    clock.time += ms;
    steps++;
  } while (!pacer.due);
  return steps;
}

describe('pacer', () => {
  it('ends a slice at the first look at the clock after its time', () => {
    const clock = new HandClock();
    const pacer = new Pacer(clock, 1);
    const steps = stepsOf(pacer, clock, 0.05);
    expect(steps * 0.05).toBeGreaterThanOrEqual(1);
    expect(steps * 0.05).toBeLessThan(1.5);
  });

  it('goes on in the next turn when there is hurry, and after its rest when there is none', async () => {
    const clock = new HandClock();
    const pacer = new Pacer(clock, 1);
    await pacer.rest();
    pacer.restMs = 3;
    await pacer.rest();
    expect(clock.asked).toEqual(['endOfTurn', 'after 3']);
  });

  it('does not count the rest as work', async () => {
    const clock = new HandClock();
    const pacer = new Pacer(clock, 1, 3);
    const first = stepsOf(pacer, clock, 0.05);
    const rest = pacer.rest();
    clock.time += 100;
    await rest;
    expect(stepsOf(pacer, clock, 0.05)).toBe(first);
  });
});
