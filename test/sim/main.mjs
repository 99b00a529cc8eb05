// Owns: `npm run sim`: seeds of the whole-node simulation on all cores, and what they found. A
// failing seed is run twice; the same trace hash both times shows that it can be taken apart at
// leisure: `npm run sim -- --seed S --profile P --verbose`.

import { spawn, spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { build } from './build.mjs';
import { hunt, patchOf, SEEDS_MAX } from './hunt.mjs';
import { probePatches } from './probes.mjs';
import { Summary } from './summary.mjs';

const HELP = `usage: npm run sim -- [--seeds N] [--seed S] [--profile P] [--mutant M] [--mutants]
  --seeds N     run seeds 1 to N (default 100; with --mutants at most N for each, default 1000)
  --seed S      run this seed only
  --from F      with --seeds: begin at seed F
  --profile P   what goes wrong: one of the profiles, or "all" in turn (default swarm)
  --ms T        simulated ms of the phase with faults (default 20000)
  --mutant M    with this one-line fault built in
  --mutants     every mutant with its profile (or those of --mutant A,B), until each is caught
  --jobs N      processes at a time (default: one for each core)
  --twice       run each seed twice and compare the traces
  --nightly     many seeds of every profile (default 5000), a sample of them twice, every mutant;
                a probe that was never hit is a failure too
  --verbose     with --seed: what the nodes logged`;

/** Seeds handed to a process at a time. */
const BATCH = 50;
const SEEDS = 100;
const NIGHTLY_SEEDS = 5000;
/** Seeds between two lines that say how far a long run is. */
const PROGRESS = 500;
/** Of the nightly seeds: those that are run twice. */
const TWICE = 200;
/** Simulated ms in which mutants are hunted, at most. */
const MUTANT_MS = 5000;

function fail(message) {
  console.error(`sim: ${message}\n${HELP}`);
  process.exit(2);
}

function options() {
  try {
    const { values } = parseArgs({
      options: {
        seeds: { type: 'string' },
        seed: { type: 'string' },
        from: { type: 'string', default: '1' },
        profile: { type: 'string', default: 'swarm' },
        ms: { type: 'string', default: '20000' },
        jobs: { type: 'string', default: String(availableParallelism()) },
        mutant: { type: 'string' },
        mutants: { type: 'boolean', default: false },
        verbose: { type: 'boolean', default: false },
        twice: { type: 'boolean', default: false },
        nightly: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
    return values;
  } catch (error) {
    return fail(error.message);
  }
}

function count(text, name, least = 1) {
  const value = Number(text);
  if (!/^[0-9]+$/.test(text) || !Number.isSafeInteger(value) || value < least) {
    fail(`--${name} is "${text}"; expected a whole number from ${least} on`);
  }
  return value;
}

/** Runs one job in a process of its own; calls `onSeed` for each line. Resolves with its code. */
function runJob(directory, job, onSeed) {
  const script = join(directory, 'test/sim/cluster/run.js');
  const args = ['--enable-source-maps', '--stack-size=2000', script, JSON.stringify(job)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  createInterface({ input: child.stdout }).on('line', (line) => onSeed(JSON.parse(line)));
  return new Promise((resolve) => child.on('close', (code) => resolve(code ?? 1)));
}

async function runSeeds(directory, jobs, processes, onSeed) {
  const waiting = [...jobs];
  let broken = 0;
  const worker = async () => {
    for (let job = waiting.shift(); job !== undefined; job = waiting.shift()) {
      if ((await runJob(directory, job, onSeed)) !== 0) broken++;
    }
  };
  await Promise.all(Array.from({ length: processes }, worker));
  return broken;
}

function jobsFor(seeds, profiles, ms, processes, { verbose, twice }) {
  const jobs = [];
  const size = Math.min(BATCH, Math.ceil(seeds.length / processes));
  for (let at = 0; at < seeds.length; at += size) {
    jobs.push({ seeds: seeds.slice(at, at + size), profiles, durationMs: ms, verbose, twice });
  }
  return jobs;
}

/** The mutants named, separated by commas; undefined when none is. */
function chooseMutants(all, names) {
  return names?.split(',').map((name) => {
    const found = all.find((mutant) => mutant.name === name);
    const known = all.map((mutant) => mutant.name).join(', ');
    return found ?? fail(`no mutant "${name}"; there are: ${known}`);
  });
}

/** Every mutant until it is caught, a line of the table for each. */
async function huntAll(mutants, ms, processes, seedsMax) {
  const waiting = [...mutants];
  const alive = [];
  const hunter = async () => {
    for (let mutant = waiting.shift(); mutant !== undefined; mutant = waiting.shift()) {
      const { seeds, found } = await hunt(mutant, runJob, ms, seedsMax);
      if (seeds < 0) alive.push(mutant.name);
      const needed = seeds < 0 ? `ALIVE after ${seedsMax}` : seeds;
      const what = found.split('\n')[0].slice(0, 90);
      console.log(`| ${mutant.name} | ${mutant.profile} | ${needed} | ${what} |`);
    }
  };
  await Promise.all(Array.from({ length: processes }, hunter));
  console.log(`${mutants.length} mutants, alive: ${alive.join(', ') || 'none'}`);
  return alive.length > 0 ? 1 : 0;
}

function commit() {
  const { stdout } = spawnSync('git', ['describe', '--always', '--dirty'], { encoding: 'utf8' });
  return stdout.trim() || 'unknown';
}

/** Runs seeds and prints what they add up to; 1 when something is wrong. */
async function sweep(directory, { seeds, profiles, ms, processes, verbose, twice, probes }) {
  const summary = new Summary(commit());
  const jobs = jobsFor(seeds, profiles, ms, processes, { verbose, twice });
  let done = 0;
  const broken = await runSeeds(directory, jobs, processes, (outcome) => {
    summary.add(outcome);
    if (++done % PROGRESS === 0) console.error(`${done} of ${seeds.length} seeds`);
  });
  summary.print();
  if (broken > 0) console.error(`sim: ${broken} processes ended before their time`);
  const unseen = probes && summary.neverHit.length > 0;
  return summary.failures > 0 || broken > 0 || unseen ? 1 : 0;
}

async function nightly(base, mutants, common) {
  const { seeds, ms, processes } = common;
  let code = await sweep(base, { ...common, probes: true });
  console.log('twice:');
  code |= await sweep(base, { ...common, seeds: seeds.slice(0, TWICE), twice: true });
  console.log('mutants:');
  code |= await huntAll(mutants, Math.min(ms, MUTANT_MS), processes, SEEDS_MAX);
  return code;
}

/** Seeds that are run, by default. */
function seedsByDefault({ mutants, nightly: night }) {
  if (night) return NIGHTLY_SEEDS;
  return mutants ? SEEDS_MAX : SEEDS;
}

async function main() {
  const values = options();
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  const most = count(values.seeds ?? String(seedsByDefault(values)), 'seeds');
  const from = count(values.from, 'from');
  const seeds =
    values.seed === undefined
      ? Array.from({ length: most }, (_, i) => i + from)
      : [count(values.seed, 'seed', 0)];
  const ms = count(values.ms, 'ms');
  const processes = count(values.jobs, 'jobs');
  const base = build('base', probePatches());
  const { PROFILE_NAMES } = await import(join(base, 'test/sim/cluster/options.js'));
  const profiles = values.profile === 'all' ? PROFILE_NAMES : [values.profile];
  if (!profiles.every((name) => PROFILE_NAMES.includes(name))) {
    fail(`no profile "${values.profile}"; there are: ${PROFILE_NAMES.join(', ')}, all`);
  }
  const { MUTANTS } = await import(join(base, 'test/sim/mutants.js'));
  const chosen = chooseMutants(MUTANTS, values.mutant);
  if (values.mutants) return huntAll(chosen ?? MUTANTS, ms, processes, most);
  const { verbose, twice } = values;
  const common = { seeds, ms, processes, verbose, twice };
  if (values.nightly) return nightly(base, MUTANTS, { ...common, profiles: PROFILE_NAMES });
  const mutant = chosen?.[0];
  const directory = mutant === undefined ? base : build(`mutant-${mutant.name}`, [patchOf(mutant)]);
  return sweep(directory, { ...common, profiles });
}

process.exitCode = await main();
