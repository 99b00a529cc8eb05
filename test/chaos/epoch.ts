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
  readonly nemesis: Pick<NemesisOptions, 'faults' | 'holdMsMax' | 'calmMsMax' | 'note' | 'gentle'>;
  readonly faultCounts: Map<string, number>;
  /** ms by which wall clocks may differ. */
  readonly clockError: number;
  /** Something to do meanwhile; the epoch ends when it is over, or after `seconds`. */
  readonly meanwhile?: (load: Load) => Promise<void>;
}

/** Generous, as a busy machine takes long to start a process. */
const HEAL_MS_MAX = 60_000;
const TIMEOUT_MS = 6000;
const PAUSE_MS = 12;

async function emptied(cluster: ChaosCluster): Promise<void> {
  await cluster.eventually('FLUSHALL', HEAL_MS_MAX, async () =>
    (await (await cluster.leader()).ask('FLUSHALL')) === 'OK' ? true : null,
  );
}

/** What an epoch ended with: its history, and why the cluster was not whole at its end, if so. */
export interface EpochEnd {
  readonly history: History;
  readonly failure: string | null;
}

/** Heals, waits until writes flow again, reads everything, compares the members. */
async function concluded(
  { cluster, recorder }: EpochOptions,
  load: Load,
  groups: KeyGroups,
): Promise<Map<string, readonly string[]>> {
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
  return finalLists;
}

export async function runEpoch(options: EpochOptions): Promise<EpochEnd> {
  const { cluster, recorder, number, seconds, seed, workersPerNode } = options;
  await emptied(cluster);
  const groups = new KeyGroups(number);
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
  let finalLists: ReadonlyMap<string, readonly string[]> = new Map();
  let failure: string | null = null;
  try {
    await (options.meanwhile === undefined ? rest : options.meanwhile(load));
    await nemesis.stop();
    finalLists = await concluded(options, load, groups);
  } catch (error) {
    failure = (error as Error).message;
    await Promise.all([nemesis.stop(), load.stop()]);
  }
  const history = { ...recorder.drain(), finalLists, clockError: options.clockError };
  return { history, failure };
}
