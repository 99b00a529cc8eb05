// Owns: waiting for something that nothing announces, with a limit. For rare steps of an operator
// only; whatever happens often has an event.

import type { Clock } from '../platform/clock.js';

const POLL_MS = 5;

/** Resolves when `done()` or after `limitMs`; with what `done()` says then. */
export async function waitUntil(
  clock: Clock,
  limitMs: number,
  done: () => boolean,
): Promise<boolean> {
  const until = clock.monotonic() + limitMs;
  while (!done() && clock.monotonic() < until) {
    await new Promise<void>((resolve) => clock.after(POLL_MS, resolve));
  }
  return done();
}
