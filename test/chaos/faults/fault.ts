// Owns: what a fault is: something done to the cluster, held for a while, and undone by the one
// that did it.

import type { Rng } from '../../../src/base/rng.js';
import type { ChaosCluster } from '../cluster/chaos-cluster.js';
import type { ChaosNode } from '../cluster/chaos-node.js';

export interface FaultContext {
  readonly cluster: ChaosCluster;
  readonly rng: Rng;
  /** Longest time that a fault of this run is held, ms. */
  readonly holdMsMax: number;
  /** Waits; earlier than asked when the run ends. */
  sleep(ms: number): Promise<void>;
  /** Waits as `sleep` does; true when the run ends. */
  over(ms: number): Promise<boolean>;
  /** Into the run's log. */
  note(text: string): void;
}

export interface Fault {
  readonly name: string;
  /** `network`: links that can be cut. `launcher`: nodes started by fault-daemon.ts. */
  readonly needs: 'nothing' | 'network' | 'launcher';
  /** Quick and mild enough for the short run of npm test. */
  readonly fast: boolean;
  run(context: FaultContext): Promise<void>;
}

/** Between `low` and `high` ms, short ones as likely as long ones by factor. */
export function duration({ rng, holdMsMax }: FaultContext, low: number, high: number): number {
  const limit = Math.max(low, Math.min(high, holdMsMax));
  return low * (limit / low) ** rng.float();
}

export function anyNode({ cluster, rng }: FaultContext): ChaosNode {
  return cluster.nodes[rng.below(cluster.nodes.length)]!;
}

/** Whom most nodes that answer hold to be the leader; any node when there is none. */
export async function leaderOrAny(context: FaultContext): Promise<ChaosNode> {
  const { cluster } = context;
  const named = await cluster.leadersNamed();
  const votes = new Map<string, number>();
  for (const leader of named.values()) votes.set(leader, (votes.get(leader) ?? 0) + 1);
  const [most] = [...votes].sort(([, a], [, b]) => b - a);
  return cluster.nodes.find((node) => node.id === most?.[0]) ?? anyNode(context);
}
