// Owns: time, as the rest of the code may ask for it. Real here, fake in test/sim.

export interface Timer {
  /** Stops it; harmless after it fired. */
  cancel(): void;
}

export interface Clock {
  /** Wall clock, ms since 1970. May step either way. */
  now(): number;
  /** Monotonic ms with fractions, from an arbitrary origin. */
  monotonic(): number;
  /** Calls once after `ms`; the process may exit with timers pending only if `unref`. */
  after(ms: number, run: () => void): Timer;
  /** Calls each `ms` until cancelled. */
  every(ms: number, run: () => void): Timer;
  /** Calls at the end of this event-loop turn, after the input that is ready now has been read. */
  endOfTurn(run: () => void): void;
  /** Calls right behind the code that runs now, before the event loop looks for more input. */
  soon(run: () => void): void;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(ms, run) {
    const timer = setTimeout(run, ms);
    return { cancel: () => clearTimeout(timer) };
  },
  every(ms, run) {
    const timer = setInterval(run, ms);
    return { cancel: () => clearInterval(timer) };
  },
  endOfTurn(run) {
    setImmediate(run);
  },
  soon(run) {
    queueMicrotask(run);
  },
};
