// Owns: faults of the network between nodes: cut both ways or one, around a node, a leader, or
// through the middle, and packets that get lost. Clients always reach every node: a client's own
// cut link says nothing.

import type { ChaosNode } from '../cluster/chaos-node.js';
import { anyNode, duration, type Fault, type FaultContext, leaderOrAny } from './fault.js';

type Direction = 'both' | 'out' | 'in';

async function held(context: FaultContext, what: string): Promise<void> {
  const { network } = context.cluster;
  const ms = duration(context, 100, 20_000);
  context.note(`${what} for ${ms.toFixed(0)} ms`);
  await network.apply();
  await context.sleep(ms);
  await network.heal();
}

function cut(context: FaultContext, a: ChaosNode, b: ChaosNode, direction: Direction): void {
  const { network } = context.cluster;
  const [from, to] = [a.place.number, b.place.number];
  if (direction !== 'in') network.thin(from, to, 1);
  if (direction !== 'out') network.thin(to, from, 1);
}

async function isolate(
  context: FaultContext,
  node: ChaosNode,
  direction: Direction,
): Promise<void> {
  for (const other of context.cluster.nodes) {
    if (other !== node) cut(context, node, other, direction);
  }
  await held(context, `isolate ${node.id} (${direction})`);
}

function shuffled<T>(items: readonly T[], context: FaultContext): T[] {
  const result = [...items];
  for (let i = result.length - 1; i > 0; i--) {
    const j = context.rng.below(i + 1);
    [result[i], result[j]] = [result[j]!, result[i]!];
  }
  return result;
}

function oneWay({ rng }: FaultContext): Direction {
  return rng.below(2) === 0 ? 'in' : 'out';
}

export const networkFaults: readonly Fault[] = [
  {
    name: 'isolate',
    needs: 'network',
    fast: true,
    run: async (context) => isolate(context, anyNode(context), 'both'),
  },
  {
    name: 'isolate-leader',
    needs: 'network',
    fast: true,
    run: async (context) => isolate(context, await leaderOrAny(context), 'both'),
  },
  {
    name: 'one-way',
    needs: 'network',
    fast: true,
    async run(context) {
      const leads = context.rng.below(2) === 0;
      const node = leads ? await leaderOrAny(context) : anyNode(context);
      await isolate(context, node, oneWay(context));
    },
  },
  {
    name: 'link',
    needs: 'network',
    fast: true,
    async run(context) {
      const [a, b] = shuffled(context.cluster.nodes, context);
      const direction = context.rng.below(2) === 0 ? 'both' : oneWay(context);
      cut(context, a!, b!, direction);
      await held(context, `link ${a!.id} - ${b!.id} (${direction})`);
    },
  },
  {
    name: 'halves',
    needs: 'network',
    fast: true,
    async run(context) {
      const nodes = shuffled(context.cluster.nodes, context);
      const few = nodes.slice(0, 1 + context.rng.below(nodes.length - 1));
      const direction = context.rng.below(3) === 0 ? oneWay(context) : 'both';
      for (const a of few) {
        for (const b of nodes) if (!few.includes(b)) cut(context, a, b, direction);
      }
      await held(context, `cut off ${few.map(({ id }) => id).join(', ')} (${direction})`);
    },
  },
  {
    name: 'loss',
    needs: 'network',
    fast: false,
    async run(context) {
      const { nodes, network } = context.cluster;
      const loss = 0.02 + context.rng.float() * 0.3;
      for (const a of nodes) {
        for (const b of nodes) if (a !== b) network.thin(a.place.number, b.place.number, loss);
      }
      await held(context, `${(loss * 100).toFixed(0)} % of all packets lost`);
    },
  },
];
