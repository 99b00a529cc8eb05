// Owns: hunting mutants: each is built, and seeds run until one of them fails. What counts is the
// number of seeds that took.

import { build } from './build.mjs';

/** A mutant that lives longer has won. */
export const SEEDS_MAX = 1000;
/** Seeds handed to a process at a time; the first is small, since most mutants die at once. */
const FIRST_BATCH = 10;
const BATCH = 50;

/** The patch of a mutant, for build.mjs. */
export function patchOf({ file, from, to }) {
  return { file: `src/${file}`, from, to };
}

/**
 * Resolves with the number of seeds it took and what was found; seeds -1 when nothing was.
 * `runJob(directory, job, onSeed)` runs a job in a process and resolves with its exit code.
 */
export async function hunt(mutant, runJob, ms, seedsMax = SEEDS_MAX) {
  const directory = build(`mutant-${mutant.name}`, [patchOf(mutant)]);
  let tried = 0;
  while (tried < seedsMax) {
    const size = Math.min(tried === 0 ? FIRST_BATCH : BATCH, seedsMax - tried);
    const seeds = Array.from({ length: size }, (_, i) => tried + i + 1);
    let killed = null;
    const job = {
      seeds,
      profiles: [mutant.profile],
      durationMs: ms,
      untilFailure: true,
      once: true,
    };
    const code = await runJob(directory, job, (outcome) => {
      tried++;
      if (outcome.failure !== '') killed ??= { seeds: tried, found: outcome.failure };
    });
    if (killed !== null) return killed;
    if (code !== 0) return { seeds: tried + 1, found: `the process ended with code ${code}` };
  }
  return { seeds: -1, found: '' };
}
