// Owns: waiting for something, but not for ever.

import type { Clock } from '../platform/clock.js';

/** True when `work` settled within `ms`; its failure counts as settled. No timer stays behind. */
export function settledWithin(clock: Clock, work: Promise<unknown>, ms: number): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = clock.after(ms, () => resolve(false));
    const finish = (): void => {
      timer.cancel();
      resolve(true);
    };
    work.then(finish, finish);
  });
}

export function pause(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => {
    clock.after(ms, resolve);
  });
}
