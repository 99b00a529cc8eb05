// Owns: which faults happen when: two lanes that draw one after another, so that faults meet, and
// calm between them, so that load flows again and has something to lose.

import { Rng } from '../../../src/base/rng.js';
import type { ChaosCluster } from '../cluster/chaos-cluster.js';
import type { Fault, FaultContext } from './fault.js';
import { networkFaults } from './network-faults.js';
import { processFaults } from './process-faults.js';

export const allFaults: readonly Fault[] = [...processFaults, ...networkFaults];

export interface NemesisOptions {
  readonly cluster: ChaosCluster;
  readonly faults: readonly Fault[];
  readonly seed: number;
  readonly holdMsMax: number;
  /** Longest calm of a lane between two faults, ms. */
  readonly calmMsMax: number;
  note(text: string): void;
  /** Acknowledged writes so far. */
  writes(): number;
  /** One fault at a time, and only to a cluster that is whole. */
  readonly gentle: boolean;
}

const LANES = 2;
/**
 * A fault comes only to a cluster that did something since the last one, unless it takes too long
 * for that.
 */
const WRITES_BETWEEN = 60;
const PATIENCE_MS = 15_000;

export class Nemesis {
  readonly #options: NemesisOptions;
  readonly #lanes: Promise<void>[] = [];
  readonly counts: Map<string, number>;
  #running = true;
  #wake: () => void = () => {};
  readonly #stopped = new Promise<void>((resolve) => {
    this.#wake = resolve;
  });

  constructor(options: NemesisOptions, counts: Map<string, number>) {
    this.#options = options;
    this.counts = counts;
    if (options.faults.length === 0) return;
    const lanes = options.gentle ? 1 : LANES;
    for (let lane = 0; lane < lanes; lane++) this.#lanes.push(this.#run(lane));
  }

  /** Ends the faults under way early and waits until each is undone. */
  async stop(): Promise<void> {
    this.#running = false;
    this.#wake();
    await Promise.all(this.#lanes);
  }

  async #run(lane: number): Promise<void> {
    const { faults, seed, cluster, holdMsMax, calmMsMax, note } = this.#options;
    const rng = new Rng(seed * 10 + lane);
    const context: FaultContext = {
      ...{ cluster, rng, holdMsMax, note },
      sleep: (ms) => this.#sleep(ms),
      over: (ms) => this.#sleep(ms).then(() => !this.#running),
    };
    await this.#sleep(rng.below(calmMsMax));
    while (this.#running) {
      if (!(await this.#mayStrike())) continue;
      const fault = faults[rng.below(faults.length)]!;
      this.counts.set(fault.name, (this.counts.get(fault.name) ?? 0) + 1);
      await fault.run(context);
      await this.#writesFlow();
      await this.#sleep(rng.below(calmMsMax));
    }
  }

  async #mayStrike(): Promise<boolean> {
    const { gentle, cluster } = this.#options;
    if (!gentle || (await cluster.isWhole())) return true;
    await this.#sleep(50);
    return false;
  }

  /** A slow machine gets slower faults, not a cluster that is always down. */
  async #writesFlow(): Promise<void> {
    const enough = this.#options.writes() + WRITES_BETWEEN;
    const until = performance.now() + PATIENCE_MS;
    while (this.#running && this.#options.writes() < enough && performance.now() < until) {
      await this.#sleep(50);
    }
  }

  async #sleep(ms: number): Promise<void> {
    let timer: NodeJS.Timeout | null = null;
    const rest = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, ms);
    });
    await Promise.race([rest, this.#stopped]);
    clearTimeout(timer!);
  }
}
