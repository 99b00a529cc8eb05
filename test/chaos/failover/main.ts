// Owns: `npm run bench:failover`: how long nobody could write when the leader went, with default
// settings, seen by clients of the nodes that stayed: killed with SIGKILL, stopped with SIGTERM,
// leadership transferred, and cut off without a word (as a machine that loses its power is).

import { spawnSync } from 'node:child_process';
import { cpus, loadavg, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type BoxedWork, type Place, runBoxed } from '../boxed-program.js';
import { ChaosCluster } from '../cluster/chaos-cluster.js';
import type { ChaosNode } from '../cluster/chaos-node.js';
import { longestGap, percentile } from './gaps.js';
import { SteadyLoad } from './steady-load.js';

interface Options {
  readonly kills: number;
  readonly others: number;
  readonly nodes: number;
  readonly clients: number;
  readonly keep: boolean;
}

const USAGE = `npm run bench:failover -- [options]
  --kills N      leaders killed (50)
  --others N     leaders stopped, transferred from and cut off, each (20)
  --nodes N      3 to 7 daemons (3)
  --clients N    writing clients at each node that stays (2)
  --keep         keep data and logs`;

interface Event {
  readonly name: string;
  /** p99 at most, ms. */
  readonly goal: number | null;
  readonly count: (options: Options) => number;
  /** Makes the leader lose its office; what undoes it. */
  strike(leader: ChaosNode, cluster: ChaosCluster): Promise<() => Promise<void>>;
}

const EVENTS: readonly Event[] = [
  {
    // What the machine itself does to the figures.
    name: 'nothing',
    goal: null,
    count: ({ others }) => others,
    strike: async () => async () => {},
  },
  {
    name: 'SIGKILL',
    goal: 1000,
    count: ({ kills }) => kills,
    async strike(leader) {
      await leader.end('SIGKILL');
      return async () => leader.start();
    },
  },
  {
    name: 'SIGTERM',
    goal: 50,
    count: ({ others }) => others,
    async strike(leader) {
      const ended = leader.end('SIGTERM');
      return async () => {
        await ended;
        leader.start();
      };
    },
  },
  {
    name: 'RAFT.TRANSFER',
    goal: 50,
    count: ({ others }) => others,
    async strike(leader) {
      await leader.ask('RAFT.TRANSFER');
      return async () => {};
    },
  },
  {
    name: 'cut off',
    goal: null,
    count: ({ others }) => others,
    async strike(leader, cluster) {
      const { network } = cluster;
      for (const other of cluster.nodes) {
        if (other === leader) continue;
        network.thin(leader.place.number, other.place.number, 1);
        network.thin(other.place.number, leader.place.number, 1);
      }
      await network.apply();
      return () => network.heal();
    },
  },
];

const WATCH_MS = 1500;
const SETTLE_MS = 300;

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

class FailoverBench implements BoxedWork {
  readonly #options: Options;
  readonly #place: Place;
  #cluster: ChaosCluster | null = null;
  #missed = 0;

  constructor(options: Options, place: Place) {
    this.#options = options;
    this.#place = place;
  }

  async execute(): Promise<number> {
    const { directory, network } = this.#place;
    const { nodes } = this.#options;
    this.#cluster = await ChaosCluster.start({ directory, network, size: nodes, args: [] });
    for (const event of EVENTS) {
      if (event.name === 'cut off' && !network.cuttable) continue;
      await this.#measure(event);
    }
    await this.stop();
    return this.#missed > 0 ? 1 : 0;
  }

  async stop(): Promise<void> {
    await this.#cluster?.stop();
  }

  async #measure(event: Event): Promise<void> {
    const gaps: number[] = [];
    let errors = 0;
    for (let i = 0; i < event.count(this.#options); i++) {
      const { gap, failed } = await this.#once(event);
      gaps.push(gap);
      errors += failed;
    }
    if (gaps.length === 0) return;
    const [p50, p99, max] = [percentile(gaps, 0.5), percentile(gaps, 0.99), Math.max(...gaps)];
    const goal = event.goal === null ? '' : `goal p99 <= ${event.goal} ms: `;
    const missed = event.goal !== null && p99 > event.goal;
    if (missed) this.#missed++;
    const verdict = event.goal === null ? '' : missed ? 'missed' : 'met';
    const figures = [p50, p99, max].map((ms) => `${ms.toFixed(0).padStart(6)} ms`).join('');
    console.log(
      `${event.name.padEnd(14)}${String(gaps.length).padStart(4)} times${figures}  errors ${errors}  ${goal}${verdict}`,
    );
    console.log(`  all, ms: ${gaps.map((gap) => gap.toFixed(0)).join(' ')}`);
  }

  async #once(event: Event): Promise<{ gap: number; failed: number }> {
    const cluster = this.#cluster!;
    await cluster.ready(60_000);
    const leader = await cluster.leader();
    const stay = cluster.nodes.filter((node) => node !== leader);
    const load = new SteadyLoad(stay, this.#options.clients);
    await cluster.eventually('writes', 15_000, async () => (load.times.length > 50 ? true : null));
    await sleep(SETTLE_MS);
    const from = performance.now();
    const undo = await event.strike(leader, cluster);
    await sleep(WATCH_MS);
    const before = load.times.length;
    await cluster.eventually('writes afterwards', 60_000, async () =>
      load.times.length > before ? true : null,
    );
    await undo();
    const to = performance.now();
    await load.stop();
    return { gap: longestGap(load.times, from, to), failed: load.errors };
  }
}

function parse(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      kills: { type: 'string', default: '50' },
      others: { type: 'string', default: '20' },
      nodes: { type: 'string', default: '3' },
      clients: { type: 'string', default: '2' },
      keep: { type: 'boolean', default: false },
    },
  });
  const whole = (name: 'kills' | 'others' | 'nodes' | 'clients', low: number, high: number) => {
    const value = Number(values[name]);
    if (Number.isInteger(value) && value >= low && value <= high) return value;
    throw new Error(`--${name} takes a whole number from ${low} to ${high}, not "${values[name]}"`);
  };
  return {
    kills: whole('kills', 0, 10_000),
    others: whole('others', 0, 10_000),
    nodes: whole('nodes', 3, 7),
    clients: whole('clients', 1, 50),
    keep: values.keep,
  };
}

function machine(): string {
  const [load] = loadavg();
  const commit = spawnSync('git', ['rev-parse', '--short', 'HEAD']).stdout?.toString().trim();
  return (
    `machine: ${cpus().length} x ${cpus()[0]!.model}, ${Math.round(totalmem() / 2 ** 30)} GiB, ` +
    `load ${load!.toFixed(1)}; node ${process.version}; commit ${commit}`
  );
}

await runBoxed({
  file: fileURLToPath(import.meta.url),
  usage: USAGE,
  parse,
  argumentsOf: (_options, args) => args,
  title: ({ kills, others, nodes, clients }) =>
    `${machine()}\n${nodes} nodes, default settings, ${clients} writing clients at each node that ` +
    `stays; ${kills} kills, ${others} of the others\nlongest time without an acknowledged write: ` +
    'p50, p99, max',
  work: (options, place) => new FailoverBench(options, place),
});
