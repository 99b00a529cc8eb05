// Owns: a whole run inside its box: cluster up, epochs until the time is over or something is
// wrong, result.

import { appendFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BoxedWork, Place } from './boxed-program.js';
import { ChaosCluster } from './cluster/chaos-cluster.js';
import { runEpoch } from './epoch.js';
import type { Fault } from './faults/fault.js';
import { CLOCK_STEP_MS_MAX } from './faults/process-faults.js';
import { judgeInThread } from './judge-thread.js';
import type { ChaosOptions } from './options.js';
import { addTo, exitCodeOf, summary, type Totals, writeViolations } from './report.js';
import { programDirectory, SABOTAGE } from './sabotage.js';
import { Recorder } from './workload/recorder.js';

const FAULT_DAEMON = join(dirname(fileURLToPath(import.meta.url)), 'fault-daemon.js');
/**
 * Snapshots all the time (about every 32 kB of log), hardly any log kept, answers within the
 * clients' patience.
 */
const ARGS: readonly string[] = [
  ...['-snapshot-interval-cmds=500', '-snapshot-min-interval=0', '-raft-snapshot-threshold=50'],
  ...['-write-timeout=4s', '-log-level=info'],
];
const WORKERS_PER_NODE = 4;
/** Two nodes' clocks may be off in opposite directions; some ms are the machine's. */
const CLOCK_ERROR_MS = 20;

export class Run implements BoxedWork {
  readonly #options: ChaosOptions;
  readonly #place: Place;
  readonly #faults: readonly Fault[];
  readonly #recorder = new Recorder();
  readonly #counts = new Map<string, number>();
  readonly #totals: Totals = {
    parts: 0,
    undecided: 0,
    transactions: 0,
    violations: [],
    failures: [],
  };
  readonly #started = performance.now();
  #cluster: ChaosCluster | null = null;

  constructor(options: ChaosOptions, place: Place) {
    this.#options = options;
    this.#place = place;
    this.#faults = options.faults.filter(
      ({ needs }) => needs !== 'network' || place.network.cuttable,
    );
  }

  /** Runs to the end and returns the exit code. */
  async execute(): Promise<number> {
    try {
      await this.#start();
      await this.#epochs();
    } catch (error) {
      this.#totals.failures.push(error instanceof Error ? error.message : String(error));
    }
    for (const node of this.#cluster?.nodes ?? []) this.#totals.failures.push(...node.surprises);
    this.#totals.failures.push(...this.#recorder.unexpected.slice(0, 20));
    await this.#cluster?.stop();
    return this.#conclude();
  }

  async stop(): Promise<void> {
    await this.#cluster?.stop();
  }

  async #start(): Promise<void> {
    const { network, directory } = this.#place;
    const launched = this.#faults.some(({ needs }) => needs === 'launcher');
    const { sabotage } = this.#options;
    const program = programDirectory(sabotage, directory);
    const launcher = [process.execPath, FAULT_DAEMON];
    this.#cluster = await ChaosCluster.start({
      directory,
      network,
      size: this.#options.nodes,
      args: [...ARGS, ...SABOTAGE[sabotage]!.args],
      command: launched ? launcher : [join(program, 'bin', 'helios-atlasd')],
      env: { HELIOS_CHAOS_PROGRAM: program },
    });
  }

  async #epochs(): Promise<void> {
    const { minutes, epochSeconds, seed, holdMsMax } = this.#options;
    const clockStep = this.#faults.some(({ name }) => name === 'clock') ? 2 * CLOCK_STEP_MS_MAX : 0;
    let left = minutes * 60;
    for (let number = 1; left > 0.5 && exitCodeOf(this.#totals) === 0; number++) {
      const seconds = Math.min(left, epochSeconds);
      left -= seconds;
      const { history, failure } = await runEpoch({
        ...{
          number,
          seconds,
          seed: seed + number,
          cluster: this.#cluster!,
          recorder: this.#recorder,
        },
        workersPerNode: WORKERS_PER_NODE,
        nemesis: {
          faults: this.#faults,
          gentle: false,
          holdMsMax: Math.min(holdMsMax, seconds * 300),
          calmMsMax: Math.min(4000, seconds * 100),
          note: (text) => this.#note(text),
        },
        faultCounts: this.#counts,
        clockError: CLOCK_ERROR_MS + clockStep,
      });
      if (failure !== null) this.#totals.failures.push(failure);
      const judgement = await judgeInThread(history);
      addTo(this.#totals, judgement, history.transactions.length);
      const { acknowledged, unknown } = this.#recorder.counts;
      const judged = `${judgement.parts} parts (${judgement.undecided} undecided)`;
      const found = `${judgement.violations.length} violations`;
      this.#note(
        `epoch ${number}: ${acknowledged} acknowledged, ${unknown} unknown so far; ${judged}, ${found}`,
      );
      const ended = this.#cluster!.nodes.flatMap((node) => node.surprises);
      if (ended.length + this.#recorder.unexpected.length > 0) return;
    }
  }

  #conclude(): number {
    const { directory } = this.#place;
    const code = exitCodeOf(this.#totals);
    writeViolations(this.#totals, directory);
    console.log(summary(this.#totals, this.#recorder, this.#counts));
    for (const failure of this.#totals.failures) console.log(`failure: ${failure}`);
    for (const { kind, text } of this.#totals.violations.slice(0, 10))
      console.log(`${kind}: ${text}`);
    console.log(
      code === 0 ? 'nothing wrong' : `wrong; seed ${this.#options.seed}, see ${directory}`,
    );
    return code;
  }

  #note(text: string): void {
    const line = `${((performance.now() - this.#started) / 1000).toFixed(2).padStart(8)} ${text}`;
    appendFileSync(join(this.#place.directory, 'run.log'), `${line}\n`);
    if (!this.#options.quiet) console.log(line);
  }
}
