// Runs seeds of the simulation. SEEDS=from:to (default 1:300) or SEED=n; a failing seed prints its
// number.
//   SEEDS=1:5000 npx vitest run test/sim/raft        SEED=1234 npx vitest run test/sim/raft

import { describe, expect, it } from 'vitest';
import { Simulation } from './simulation.js';

const [from = 1, to = 300] = (
  process.env.SEED ? `${process.env.SEED}:${process.env.SEED}` : (process.env.SEEDS ?? '1:300')
)
  .split(':')
  .map(Number);

function run(seed: number) {
  try {
    return new Simulation(seed).run();
  } catch (error) {
    throw new Error(`seed ${seed}: ${(error as Error).message}`, { cause: error });
  }
}

describe('simulated raft groups', () => {
  it(`keep every invariant and come back to life, seeds ${from} to ${to}`, () => {
    let committed = 0;
    for (let seed = from; seed <= to; seed++) committed += run(seed).committed;
    expect(committed).toBeGreaterThan(10 * (to - from));
  }, 3_600_000);

  it('are the same run for the same seed', () => {
    for (const seed of [from, from + 1, from + 2]) expect(run(seed)).toEqual(run(seed));
  });
});
