// Owns: what can go wrong in a run, one function per fault.

import type { SimulatedNode } from './node.js';
import { type Fault, TICK } from './options.js';
import type { Simulation } from './simulation.js';

type Perform = (simulation: Simulation, node: SimulatedNode) => void;

const PERFORM: { readonly [F in Fault]: Perform } = {
  crash: (simulation, node) => crash(simulation, node),
  crashAll: (simulation) => {
    if (simulation.faultRng.below(3) > 0) return;
    for (const node of simulation.nodes) crash(simulation, node);
  },
  pause: (simulation, node) => {
    const election = simulation.options.raft.electionTicks * TICK;
    const pause = 1 + simulation.faultRng.below(4 * election);
    node.pausedUntil = simulation.now + pause;
    // When it goes on, a client asks before the mail is read.
    simulation.at(pause, () => simulation.readAt(node));
  },
  partition: (simulation) => {
    const side = new Set(simulation.nodes.filter(() => simulation.faultRng.below(2) === 0));
    for (const from of simulation.nodes) {
      for (const to of simulation.nodes) {
        if (side.has(from) !== side.has(to)) simulation.cut.add(`${from.id}>${to.id}`);
      }
    }
    healLater(simulation);
  },
  oneWay: (simulation, node) => {
    const outwards = simulation.faultRng.below(2) === 0;
    for (const other of simulation.nodes) {
      if (simulation.faultRng.below(3) === 0) continue;
      simulation.cut.add(outwards ? `${node.id}>${other.id}` : `${other.id}>${node.id}`);
    }
    healLater(simulation);
  },
  heal: (simulation) => simulation.cut.clear(),
  transfer: (simulation, node) => {
    const { faultRng, nodes } = simulation;
    const to = nodes[faultRng.below(nodes.length)]!.id;
    const named = faultRng.below(2) === 0;
    leaders(simulation, node).act((core) => void core.transferLeadership(named ? to : null));
  },
  campaign: (_simulation, node) => node.act((core) => core.campaign()),
  compact: (simulation, node) => {
    if (node.core !== null && node.pausedUntil <= simulation.now) {
      node.compact();
      node.turn();
    }
  },
  membership: (simulation, node) => {
    const { faultRng, nodes } = simulation;
    const ids = nodes.map(({ id }) => id);
    const voters = ids.filter(() => faultRng.below(3) > 0);
    const learners = ids.filter(() => faultRng.below(3) === 0);
    leaders(simulation, node).act((core) => void core.proposeMembership(voters, learners));
  },
  linkDown: (simulation, node) => {
    const to = simulation.nodes[simulation.faultRng.below(simulation.nodes.length)]!.id;
    node.act((core) => core.linkDown(to));
  },
  unreachable: (simulation, node) => {
    const to = simulation.nodes[simulation.faultRng.below(simulation.nodes.length)]!.id;
    leaders(simulation, node).act((core) => core.unreachable(to));
  },
};

export function performFault(simulation: Simulation): void {
  const { faultRng, nodes, options } = simulation;
  const fault = options.faults[faultRng.below(options.faults.length)]!;
  const node = nodes[faultRng.below(nodes.length)]!;
  if (node.pausedUntil > simulation.now && fault !== 'crash') return;
  PERFORM[fault](simulation, node);
}

/**
 * Keeps a prefix of what is not synced, and starts again after a while. Others may notice the
 * closed link.
 */
function crash(simulation: Simulation, node: SimulatedNode): void {
  if (node.core === null) return;
  const { faultRng } = simulation;
  node.crash((pending) => faultRng.below(pending + 1));
  node.pausedUntil = 0;
  const election = simulation.options.raft.electionTicks * TICK;
  simulation.at(1 + faultRng.below(3 * election), () => {
    if (node.core === null) node.start();
  });
  if (faultRng.below(2) === 0) return;
  for (const other of simulation.nodes) {
    simulation.later(other, 1 + faultRng.below(TICK), () =>
      other.act((core) => core.linkDown(node.id)),
    );
  }
}

function healLater(simulation: Simulation): void {
  const election = simulation.options.raft.electionTicks * TICK;
  simulation.at(1 + simulation.faultRng.below(6 * election), () => simulation.cut.clear());
}

/** A leader that runs, rather than whoever was drawn. */
function leaders(simulation: Simulation, drawn: SimulatedNode): SimulatedNode {
  const awake = simulation.nodes.filter(
    (node) => node.core?.role === 'leader' && node.pausedUntil <= simulation.now,
  );
  return awake[simulation.faultRng.below(Math.max(1, awake.length))] ?? drawn;
}
