// Owns: one epoch: an empty data set, load and faults for a while, healing, a last look at
// everything, equal digests, and the history for the judge.

import type { History } from './check/verdict.js';
import type { ChaosCluster } from './cluster/chaos-cluster.js';
import { Nemesis, type NemesisOptions } from './faults/nemesis.js';
import { readEverything } from './workload/final-reads.js';
import { KeyGroups } from './workload/key-groups.js';
import { Load } from './workload/load.js';
import type { Recorder } from './workload/recorder.js';

export interface EpochOptions {
  readonly number: number;
  readonly seconds: number;
  readonly seed: number;
  readonly cluster: ChaosCluster;
  readonly recorder: Recorder;
  readonly workersPerNode: number;
  readonly nemesis: Pick<NemesisOptions, 'faults' | 'holdMsMax' | 'calmMsMax' | 'note'>;
  readonly faultCounts: Map<string, number>;
  /** ms by which wall clocks may differ. */
  readonly clockError: number;
  /** Something to do meanwhile; the epoch ends when it is over, or after `seconds`. */
  readonly meanwhile?: (load: Load) => Promise<void>;
}

const HEAL_MS_MAX = 60_000;
const TIMEOUT_MS = 6000;
const PAUSE_MS = 12;

async function emptied(cluster: ChaosCluster): Promise<void> {
  await cluster.eventually('FLUSHALL', HEAL_MS_MAX, async () =>
    (await (await cluster.leader()).ask('FLUSHALL')) === 'OK' ? true : null,
  );
}

/** Throws when the cluster does not come back after healing, or its members differ. */
export async function runEpoch(options: EpochOptions): Promise<History> {
  const { cluster, recorder, number, seconds, seed } = options;
  await emptied(cluster);
  const groups = new KeyGroups(number);
  const { workersPerNode } = options;
  const load = new Load(
    { recorder, groups, seed, workersPerNode, pauseMs: PAUSE_MS, timeoutMs: TIMEOUT_MS },
    cluster.nodes,
  );
  recorder.restartGap();
  const nemesis = new Nemesis(
    { ...options.nemesis, cluster, seed, writes: () => recorder.writes },
    options.faultCounts,
  );
  const rest = new Promise<void>((resolve) => setTimeout(resolve, seconds * 1000));
  await (options.meanwhile === undefined ? rest : options.meanwhile(load));
  await nemesis.stop();
  await cluster.heal();
  await cluster.ready(HEAL_MS_MAX);
  const before = recorder.writes;
  await cluster.eventually('writes after healing', HEAL_MS_MAX, async () =>
    recorder.writes > before + 20 ? true : null,
  );
  await load.stop();
  const finalLists = await readEverything(cluster.nodes, groups, recorder);
  const digests = await cluster.digests(HEAL_MS_MAX);
  if (new Set(digests.values()).size > 1) {
    throw new Error(`members differ after healing: ${JSON.stringify([...digests])}`);
  }
  return { ...recorder.drain(), finalLists, clockError: options.clockError };
}
