// Owns: `npm run chaos:membership`: three nodes become five and three again, then every original
// node is replaced by a new one, under load at all of them and random kills. The history is judged
// as in a chaos run, and each step says how long nobody could write.

import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Rng } from '../../../src/base/rng.js';
import { type BoxedWork, type Place, runBoxed } from '../boxed-program.js';
import { ChaosCluster } from '../cluster/chaos-cluster.js';
import type { ChaosNode } from '../cluster/chaos-node.js';
import { type EpochEnd, runEpoch } from '../epoch.js';
import { allFaults } from '../faults/nemesis.js';
import { judgeInThread } from '../judge-thread.js';
import { addTo, exitCodeOf, summary, type Totals, writeViolations } from '../report.js';
import type { Load } from '../workload/load.js';
import { Recorder } from '../workload/recorder.js';
import { adding, type Change, carryOut, removing } from './changes.js';

interface Options {
  readonly seed: number;
  readonly restSeconds: number;
  readonly kills: boolean;
  readonly keep: boolean;
}

const USAGE = `npm run chaos:membership -- [options]
  --seed S       choice of nodes, kills and load (drawn)
  --rest N       seconds of load between two steps (3)
  --calm         no kills
  --keep         keep data and logs also of a good run
Exit code as of npm run chaos.`;

const SIZE = 3;
const WORKERS_PER_NODE = 3;
const KILLS: readonly string[] = ['kill', 'kill-leader'];
/** Snapshots all the time, so that a new node gets one and the log behind it. */
const ARGS: readonly string[] = [
  ...['-snapshot-interval-cmds=500', '-snapshot-min-interval=0', '-raft-snapshot-threshold=50'],
  '-write-timeout=4s',
];

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

class MembershipRun implements BoxedWork {
  readonly #options: Options;
  readonly #place: Place;
  readonly #rng: Rng;
  readonly #recorder = new Recorder();
  readonly #faultCounts = new Map<string, number>();
  readonly #gone: ChaosNode[] = [];
  #cluster: ChaosCluster | null = null;

  constructor(options: Options, place: Place) {
    this.#options = options;
    this.#place = place;
    this.#rng = new Rng(options.seed);
  }

  async execute(): Promise<number> {
    const { directory, network } = this.#place;
    this.#cluster = await ChaosCluster.start({ directory, network, size: SIZE, args: ARGS });
    const { seed, kills } = this.#options;
    const end = await runEpoch({
      ...{ number: 1, seconds: 0, seed, clockError: 20, workersPerNode: WORKERS_PER_NODE },
      ...{ cluster: this.#cluster, recorder: this.#recorder, faultCounts: this.#faultCounts },
      nemesis: {
        faults: kills ? allFaults.filter(({ name }) => KILLS.includes(name)) : [],
        ...{ gentle: true, holdMsMax: 2000, calmMsMax: 3000, note: () => {} },
      },
      meanwhile: (load) => this.#steps(load),
    });
    return this.#conclude(end);
  }

  async stop(): Promise<void> {
    await this.#cluster?.stop();
    await Promise.all(this.#gone.map((node) => node.end('SIGKILL')));
  }

  async #steps(load: Load): Promise<void> {
    const originals = [...this.#cluster!.nodes];
    const fourth = await this.#add(load);
    const fifth = await this.#add(load);
    await this.#remove(fourth, load);
    await this.#remove(fifth, load);
    for (const node of originals) {
      await this.#add(load);
      await this.#remove(node, load);
    }
  }

  async #add(load: Load): Promise<ChaosNode> {
    const node = await this.#cluster!.newNode();
    node.start();
    await this.#step(`add ${node.id}`, adding(node), () => {
      this.#cluster!.nodes = [...this.#cluster!.nodes, node];
    });
    load.join(node);
    return node;
  }

  /** Its clients stay a while: they must be told, and told the truth. */
  async #remove(node: ChaosNode, load: Load): Promise<void> {
    await this.#step(`remove ${node.id}`, removing(node), () => {});
    const cluster = this.#cluster!;
    cluster.nodes = cluster.nodes.filter((each) => each !== node);
    this.#gone.push(node);
    await sleep(500);
    load.leave(node);
    await node.end('SIGTERM');
  }

  async #step(name: string, change: Change, begun: () => void): Promise<void> {
    await sleep(this.#options.restSeconds * 1000);
    this.#recorder.takeGap();
    const started = performance.now();
    begun();
    const asked = await carryOut(this.#cluster!, change, this.#rng);
    const took = performance.now() - started;
    const gap = this.#recorder.takeGap();
    const times = `${(took / 1000).toFixed(2)} s, asked ${asked} times`;
    const without = `longest without a write ${(gap.length / 1000).toFixed(2)} s`;
    console.log(`${name.padEnd(16)} ${times}, ${without}`);
  }

  async #conclude({ history, failure }: EpochEnd): Promise<number> {
    const totals: Totals = {
      ...{ parts: 0, undecided: 0, transactions: 0, violations: [], failures: [] },
    };
    const nodes = [...this.#cluster!.nodes, ...this.#gone];
    if (failure !== null) totals.failures.push(failure);
    totals.failures.push(...nodes.flatMap((node) => node.surprises));
    totals.failures.push(...this.#recorder.unexpected.slice(0, 20));
    addTo(totals, await judgeInThread(history), history.transactions.length);
    await this.stop();
    writeViolations(totals, this.#place.directory);
    console.log(summary(totals, this.#recorder, this.#faultCounts));
    for (const text of totals.failures) console.log(`failure: ${text}`);
    for (const { kind, text } of totals.violations.slice(0, 10)) console.log(`${kind}: ${text}`);
    const code = exitCodeOf(totals);
    const { seed } = this.#options;
    console.log(code === 0 ? 'nothing wrong' : `wrong; seed ${seed}, see ${this.#place.directory}`);
    return code;
  }
}

function parse(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seed: { type: 'string', default: String(Math.floor(Math.random() * 1e9)) },
      rest: { type: 'string', default: '3' },
      calm: { type: 'boolean', default: false },
      keep: { type: 'boolean', default: false },
    },
  });
  const [seed, restSeconds] = [Number(values.seed), Number(values.rest)];
  if (!Number.isSafeInteger(seed))
    throw new Error(`--seed takes a whole number, not ${values.seed}`);
  if (!(restSeconds >= 0 && restSeconds <= 600)) {
    throw new Error(`--rest takes seconds from 0 to 600, not ${values.rest}`);
  }
  return { seed, restSeconds, kills: !values.calm, keep: values.keep };
}

await runBoxed({
  file: fileURLToPath(import.meta.url),
  usage: USAGE,
  parse,
  argumentsOf: ({ seed }, args) => [...args, '--seed', String(seed)],
  title: ({ seed, kills }) =>
    `membership: 3 to 5 to 3 nodes, then each original replaced; ${kills ? 'with' : 'no'} kills, seed ${seed}`,
  work: (options, place) => new MembershipRun(options, place),
});
