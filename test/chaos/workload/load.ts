// Owns: the workers: each keeps one connection to one node, does one step after the other, and
// opens a new connection when the old one broke. Half of them are ioredis, half raw sockets.

import { Rng } from '../../../src/base/rng.js';
import type { ChaosNode } from '../cluster/chaos-node.js';
import { IoredisSession } from '../cluster/ioredis-session.js';
import { RawSession, type Session } from '../cluster/raw-session.js';
import { appends, type Family, families } from './families.js';
import type { KeyGroups } from './key-groups.js';
import { perform, performTransaction, performWatch, type Scene } from './performer.js';
import type { Recorder } from './recorder.js';

export interface LoadOptions {
  readonly recorder: Recorder;
  readonly groups: KeyGroups;
  readonly seed: number;
  readonly workersPerNode: number;
  /** Longest pause of a worker between two steps, ms. */
  readonly pauseMs: number;
  /** A reply later than this counts as none. */
  readonly timeoutMs: number;
}

const LOTTERY: readonly Family[] = families.flatMap((family) =>
  Array.from({ length: family.weight }, () => family),
);
const RECONNECT_MS = 50;

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

export class Load {
  readonly #options: LoadOptions;
  readonly #loops: Promise<void>[] = [];
  readonly #left = new Set<ChaosNode>();
  #running = true;

  constructor(options: LoadOptions, nodes: readonly ChaosNode[]) {
    this.#options = options;
    for (const node of nodes) this.join(node);
  }

  /** Workers for one more node. */
  join(node: ChaosNode): void {
    for (let i = 0; i < this.#options.workersPerNode; i++) {
      this.#loops.push(this.#work(node, this.#loops.length));
    }
  }

  /** Ends the workers of a node. */
  leave(node: ChaosNode): void {
    this.#left.add(node);
  }

  /** Resolves when the last operation has its outcome. */
  async stop(): Promise<void> {
    this.#running = false;
    await Promise.all(this.#loops);
  }

  async #work(node: ChaosNode, worker: number): Promise<void> {
    const { seed, pauseMs, timeoutMs } = this.#options;
    const rng = new Rng(seed * 1000 + worker);
    const Client = worker % 2 === 0 ? RawSession : IoredisSession;
    let session: Session | null = null;
    while (this.#running && !this.#left.has(node)) {
      try {
        session ??= await Client.connect(node.host, node.port, timeoutMs);
      } catch {
        await sleep(RECONNECT_MS);
        continue;
      }
      await this.#step(node, worker, rng, session);
      if (!session.usable) {
        session.close();
        session = null;
      }
      if (pauseMs > 0) await sleep(rng.below(pauseMs + 1));
    }
    session?.close();
  }

  async #step(node: ChaosNode, worker: number, rng: Rng, session: Session): Promise<void> {
    const { recorder, groups } = this.#options;
    const family = LOTTERY[rng.below(LOTTERY.length)]!;
    const keys = groups.keysFor(family, rng);
    const step = family.next(rng, keys, () => `${family.name}${worker}.${recorder.unique()}`);
    const isTransaction = family === appends;
    const scene: Scene = {
      worker,
      node: node.id,
      session,
      recorder,
      isTransaction,
      settled: false,
    };
    if (step.kind === 'transaction') await performTransaction(scene, step.commands);
    else if (step.kind === 'watch') await performWatch(scene, step.key, step.commands);
    else await Promise.all(step.commands.map((command) => perform(scene, command)));
  }
}
