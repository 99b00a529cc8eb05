// Owns: the process that runs seeds: one after the other, a line of JSON on standard output for
// each. Started by test/sim/main.mjs and by the tests, always as a plain Node process of its own.

import { sealed } from './guard.js';
import { preloadLua } from './host.js';
import type { ProfileName } from './options.js';
import { type Outcome, Simulation } from './simulation.js';

interface Job {
  readonly seeds: readonly number[];
  /** Of seed S: profiles[S % length]. */
  readonly profiles: readonly ProfileName[];
  readonly durationMs: number;
  /** Print what happened, line by line. */
  readonly verbose: boolean;
  /** Run each seed twice and compare. */
  readonly twice: boolean;
  /** Stop at the first seed that fails. */
  readonly untilFailure: boolean;
  /** Do not run a failing seed again. */
  readonly once: boolean;
}

function profileOf(seed: number, { profiles }: Job): ProfileName {
  return profiles[seed % profiles.length]!;
}

async function runSeed(seed: number, job: Job): Promise<Outcome> {
  const simulation = new Simulation(seed, profileOf(seed, job), job.durationMs);
  const lines: string[] = [];
  if (job.verbose) {
    simulation.onLine = (line) => lines.push(line);
    lines.push(JSON.stringify(simulation.options));
  }
  let escaped = '';
  const outcome = await sealed(
    () => simulation.run(),
    (door) => {
      escaped = door;
    },
  );
  for (const line of lines) process.stderr.write(`${line}\n`);
  if (escaped !== '') return { ...outcome, failure: `reached for the real ${escaped}` };
  return outcome;
}

async function main(job: Job): Promise<void> {
  preloadLua();
  for (const seed of job.seeds) {
    const outcome = await runSeed(seed, job);
    let same = true;
    if (job.twice || (outcome.failure !== '' && !job.once)) {
      const again = await runSeed(seed, { ...job, verbose: false });
      same = again.trace === outcome.trace && again.failure === outcome.failure;
    }
    const counts = Object.fromEntries(outcome.counts);
    process.stdout.write(
      `${JSON.stringify({ ...outcome, profile: profileOf(seed, job), counts, same })}\n`,
    );
    if (outcome.failure !== '' && job.untilFailure) return;
  }
}

await main(JSON.parse(process.argv[2]!) as Job);
