// Owns: the last look at everything the epoch wrote, at every node, as part of the history.

import type { Reply } from '../check/history.js';
import type { ChaosNode } from '../cluster/chaos-node.js';
import { RawSession } from '../cluster/raw-session.js';
import { appends } from './families.js';
import type { KeyGroups } from './key-groups.js';
import { perform, type Scene } from './performer.js';
import type { Recorder } from './recorder.js';

const AT_ONCE = 50;

/** Lists of the list transactions as every node has them. Throws when a key cannot be read. */
export async function readEverything(
  nodes: readonly ChaosNode[],
  groups: KeyGroups,
  recorder: Recorder,
): Promise<Map<string, readonly string[]>> {
  const lists = new Map<string, readonly string[]>();
  const all = groups.all();
  for (const [i, node] of nodes.entries()) {
    const session = await RawSession.connect(node.host, node.port, 10_000);
    for (let at = 0; at < all.length; at += AT_ONCE) {
      const part = all.slice(at, at + AT_ONCE);
      const replies = await Promise.all(
        part.map(({ family, key }) => {
          const isTransaction = family === appends;
          const scene: Scene = {
            ...{ worker: -1 - i, node: node.id, session, recorder, isTransaction, settled: true },
          };
          return perform(scene, family.finalRead(key));
        }),
      );
      part.forEach(({ family, key }, j) => {
        const reply = replies[j];
        if (reply === undefined)
          throw new Error(`${key} cannot be read at ${node.id} after healing`);
        if (family === appends) lists.set(key, shorter(lists.get(key), reply));
      });
    }
    session.close();
  }
  return lists;
}

/** An append must be in the list at every node, so the shortest counts. */
function shorter(known: readonly string[] | undefined, reply: Reply): readonly string[] {
  const list = reply as readonly string[];
  return known !== undefined && known.length <= list.length ? known : list;
}
