// Owns: what a seed is: the group, its limits and which faults exist at all are drawn first (swarm
// testing), so that some runs have only pauses and others everything at once.

import type { Rng } from '../../../src/base/rng.js';
import type { RaftConfig } from '../../../src/raft/types.js';

/** Simulated time units in a tick. */
export const TICK = 10;

export const FAULTS = [
  'crash',
  'crashAll',
  'pause',
  'partition',
  'oneWay',
  'heal',
  'transfer',
  'campaign',
  'compact',
  'membership',
  'linkDown',
  'unreachable',
] as const;

export type Fault = (typeof FAULTS)[number];

export interface Options {
  readonly seed: number;
  /** First members, and nodes that wait to be added. */
  readonly voters: number;
  readonly spares: number;
  /** Simulated time of the phase with faults. */
  readonly duration: number;
  readonly faults: readonly Fault[];
  /** Mean time between faults. */
  readonly faultEvery: number;
  readonly drop: number;
  readonly duplicate: number;
  readonly delayMax: number;
  /** Links keep order, as TCP does. */
  readonly ordered: boolean;
  readonly diskMax: number;
  readonly applyMax: number;
  readonly proposeEvery: number;
  readonly readEvery: number;
  /** Entries applied between snapshots; 0 for none. */
  readonly snapshotEvery: number;
  readonly keepBehind: number;
  readonly raft: Omit<RaftConfig, 'id' | 'uuid'>;
}

export function drawOptions(seed: number, rng: Rng): Options {
  const pick = <T>(...from: readonly T[]): T => from[rng.below(from.length)]!;
  const voters = pick(1, 2, 3, 3, 3, 4, 5, 5);
  return {
    seed,
    voters,
    spares: pick(0, 0, 1, 2),
    duration: pick(3000, 6000, 10_000),
    faults: drawFaults(rng),
    faultEvery: pick(10, 40, 100, 200, 400),
    drop: pick(0, 0, 0.02, 0.1, 0.3),
    duplicate: pick(0, 0, 0.05, 0.3),
    delayMax: pick(2, 10, 30, 100),
    ordered: rng.below(2) === 0,
    diskMax: pick(1, 5, 20, 100, 300),
    applyMax: pick(1, 10, 100),
    proposeEvery: pick(5, 10, 20, 50),
    readEvery: pick(10, 25, 50),
    snapshotEvery: pick(0, 5, 20, 100),
    keepBehind: pick(0, 0, 3, 10),
    raft: {
      electionTicks: pick(8, 10, 10, 20),
      heartbeatTicks: pick(1, 1, 2, 3),
      appendBytesMax: pick(1, 30, 100, 1000),
      inflightMessagesMax: pick(1, 2, 4, 16),
      inflightBytesMax: pick(20, 200, 10_000),
      uncommittedBytesMax: pick(20, 200, 100_000),
    },
  };
}

/** Half of them, or in one seed of three only a few, which then happen again and again. */
function drawFaults(rng: Rng): Fault[] {
  if (rng.below(3) > 0) return FAULTS.filter(() => rng.below(2) === 0);
  return Array.from({ length: 1 + rng.below(3) }, () => FAULTS[rng.below(FAULTS.length)]!);
}
