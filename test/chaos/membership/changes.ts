// Owns: membership changes as an operator makes them over RESP, at any node, repeated until the
// list of members shows what was wanted: answers get lost when nodes are killed meanwhile.

import type { Rng } from '../../../src/base/rng.js';
import type { ChaosCluster } from '../cluster/chaos-cluster.js';
import type { ChaosNode } from '../cluster/chaos-node.js';
import { ServerError } from '../cluster/outcome.js';
import { RawSession } from '../cluster/raw-session.js';

/** Longer than a node waits for the leader's answer. */
const ANSWER_MS_MAX = 40_000;
const CHANGE_MS_MAX = 180_000;
/** Refusals that only mean: not now. */
const PASSING =
  /in progress|ask again|CLUSTERDOWN|LOADING|does not answer|did not answer|no leader|nothing answers|already|not a member|caught up|cannot be reached/i;

export interface Change {
  readonly command: readonly string[];
  /** True when the members are what the change wants them to be. */
  done(roles: ReadonlyMap<string, string>): boolean;
}

export function adding(node: ChaosNode): Change {
  return {
    command: ['RAFT.ADDPEER', node.id, node.raftAddress],
    done: (roles) => ['voter', 'leader'].includes(roles.get(node.id) ?? ''),
  };
}

export function removing(node: ChaosNode): Change {
  return { command: ['RAFT.REMOVEPEER', node.id], done: (roles) => !roles.has(node.id) };
}

async function askLong(node: ChaosNode, command: readonly string[]): Promise<unknown> {
  const session = await RawSession.connect(node.host, node.port, ANSWER_MS_MAX);
  try {
    return await session.call(command);
  } finally {
    session.close();
  }
}

/** Role of each member by id, as `RAFT.LISTPEERS` has it. */
async function rolesAt(node: ChaosNode): Promise<Map<string, string>> {
  const lines = (await node.ask('RAFT.LISTPEERS')) as readonly string[];
  return new Map(
    lines.map((line) => {
      const fields = new Map(line.split(' ').map((part) => part.split('=') as [string, string]));
      return [fields.get('id')!, fields.get('role')!];
    }),
  );
}

/** Asks for the change until it is so; the number of times it was asked. Throws after 3 minutes. */
export async function carryOut(cluster: ChaosCluster, change: Change, rng: Rng): Promise<number> {
  const until = performance.now() + CHANGE_MS_MAX;
  let asked = 0;
  let accepted = false;
  let last = 'nobody answered';
  while (performance.now() < until) {
    try {
      const leader = await cluster.leader(60_000);
      if (change.done(await rolesAt(leader))) return asked;
      if (!accepted) {
        const { running } = cluster;
        const node = running[rng.below(running.length)] ?? leader;
        asked++;
        last = String(await askLong(node, change.command));
        accepted = true;
      }
    } catch (error) {
      last = (error as Error).message;
      if (error instanceof ServerError && !PASSING.test(last)) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`${change.command.join(' ')} did not come about: ${last}`);
}
