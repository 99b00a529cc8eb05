// Owns: helios-cluster: starts the nodes, waits until they are ready, shows the screen, restarts
// what dies, and stops everything in order (SMTP nodes, mailbox, then atlasd). It keeps no state of
// its own but the child processes.

import { setTimeout as pause } from 'node:timers/promises';
import { OperationalError } from '../base/errors.js';
import { Child, type ChildEvents } from './child.js';
import { type ClusterOptions, clusterHelp, parseClusterOptions } from './cluster-options.js';
import {
  atlasSpec,
  type ClusterPlan,
  type Programs,
  planCluster,
  programs,
  smtpSpec,
} from './cluster-plan.js';
import { logTail, prepareDataDirectory, resetDataDirectory } from './data-directory.js';
import { type Mailbox, openMailbox } from './mailbox.js';
import { askAtlas, askSmtp } from './probe.js';
import { readyScreen } from './screen.js';

const READY_MS = 60_000;
const ASK_AGAIN_MS = 50;
/** A node that ends this often before it was ready will not become ready. */
const HOPELESS_DEATHS = 3;

export type Say = (line: string) => void;

export class Cluster {
  readonly plan: ClusterPlan;
  readonly #say: Say;
  readonly #atlas: readonly Child[];
  readonly #smtp: readonly Child[];
  #mailbox: Mailbox | null = null;
  #hopeless: Child | null = null;
  #ready = false;
  #stopped: Promise<void> | null = null;

  constructor(plan: ClusterPlan, say: Say, run: Programs = programs) {
    this.plan = plan;
    this.#say = say;
    const events = this.#events();
    this.#atlas = plan.atlas.map((node) => new Child(atlasSpec(plan, node, run), events));
    this.#smtp = plan.smtp.map((node) => new Child(smtpSpec(plan, node, run), events));
  }

  /** Process id by node name; 0 while a node is down. */
  get pids(): ReadonlyMap<string, number> {
    return new Map([...this.#atlas, ...this.#smtp].map((child) => [child.spec.name, child.pid]));
  }

  #events(): ChildEvents {
    return {
      onDeath: (child, reason, pauseMs) => {
        if (!this.#ready && child.deaths >= HOPELESS_DEATHS) this.#hopeless = child;
        const when = `starting it again in ${pauseMs / 1000} s`;
        this.#say(`${child.spec.name} ended (${reason}); ${when}; log: ${child.spec.logFile}`);
      },
      onRestart: (child) => this.#say(`${child.spec.name} is running again, pid ${child.pid}`),
    };
  }

  /**
   * Resolves with the leader's id when every node answers; rejects with E_START and the reason from
   * its log.
   */
  async start(): Promise<string> {
    const { mailbox, host } = this.plan;
    if (mailbox !== null) {
      this.#mailbox = await openMailbox({ host, ...mailbox }, (file) => {
        if (this.#ready) this.#say(`mail delivered: ${file}`);
      });
    }
    const deadline = performance.now() + READY_MS;
    for (const child of this.#atlas) child.start();
    const leader = await this.#until(deadline, 'a leader that all know', () => this.#leader());
    for (const child of this.#smtp) child.start();
    await this.#until(deadline, 'a greeting from every SMTP node', () => this.#smtpUp());
    this.#ready = true;
    return leader;
  }

  async #until<T>(deadline: number, what: string, ask: () => Promise<T | null>): Promise<T> {
    for (;;) {
      const answer = await ask();
      if (answer !== null) return answer;
      if (this.#stopped !== null) throw new OperationalError('E_STOPPED', 'stopped while starting');
      const child = this.#hopeless;
      if (child !== null) {
        const tail = logTail(child.spec.logFile, 15);
        throw new OperationalError('E_START', `${child.spec.name} does not start:\n${tail}`);
      }
      if (performance.now() > deadline) {
        const logs = [...this.#atlas, ...this.#smtp].map((each) => each.spec.logFile).join(' ');
        throw new OperationalError('E_START', `no ${what} in ${READY_MS / 1000} s; see ${logs}`);
      }
      await pause(ASK_AGAIN_MS);
    }
  }

  /** The leader's id when all nodes answer and agree on it. */
  async #leader(): Promise<string | null> {
    const { host, atlas } = this.plan;
    const answers = await Promise.all(atlas.map((node) => askAtlas(host, node.port)));
    const leader = answers[0]?.leader ?? '';
    const known = atlas.some((node) => node.id === leader);
    return known && answers.every((answer) => answer?.leader === leader) ? leader : null;
  }

  async #smtpUp(): Promise<true | null> {
    const { host, smtp } = this.plan;
    const up = await Promise.all(smtp.map((node) => askSmtp(host, node.port)));
    return up.every((each) => each) ? true : null;
  }

  /** Idempotent. Mail nodes first: they still need the store to put their work down. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stopInOrder();
    return this.#stopped;
  }

  async #stopInOrder(): Promise<void> {
    await Promise.all(this.#smtp.map((child) => child.stop()));
    await this.#mailbox?.close();
    await Promise.all(this.#atlas.map((child) => child.stop()));
  }
}

/** Runs helios-cluster until SIGINT or SIGTERM. Resolves with the exit status. */
export async function runCluster(argv: readonly string[], say: Say): Promise<number> {
  let cluster: Cluster;
  try {
    const options = parseClusterOptions(argv);
    if (options.help) {
      say(clusterHelp());
      return 0;
    }
    cluster = await prepare(options, say);
  } catch (error) {
    return report(error, say, 2);
  }
  const signalled = new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.on(signal, () => {
        say(`${signal}: stopping`);
        void cluster.stop().then(resolve);
      });
    }
  });
  try {
    const leader = await cluster.start();
    say(readyScreen({ plan: cluster.plan, leader, pids: cluster.pids }));
  } catch (error) {
    await cluster.stop();
    if (error instanceof OperationalError && error.code === 'E_STOPPED') return 0;
    return report(error, say, 1);
  }
  await signalled;
  say('stopped');
  return 0;
}

async function prepare(options: ClusterOptions, say: Say): Promise<Cluster> {
  const plan = await planCluster(options);
  if (options.reset) resetDataDirectory(options.dataDir);
  prepareDataDirectory(options.dataDir);
  const { nodes, smtp } = options;
  say(`starting ${nodes} atlasd and ${smtp} SMTP nodes, data in ${options.dataDir} ...`);
  return new Cluster(plan, say);
}

function report(error: unknown, say: Say, status: number): number {
  if (!(error instanceof OperationalError)) throw error;
  for (const line of error.message.split('\n')) say(`helios-cluster: ${line}`);
  return status;
}
