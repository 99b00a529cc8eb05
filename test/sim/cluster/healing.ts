// Owns: who is healed first, so that the group must serve, and what stays broken then: whoever is
// not in that core.

import { majority } from '../../../src/raft/quorum.js';
import { type Atlas, isQuorum } from './atlas.js';
import type { SimHost } from './host.js';
import type { Simulation } from './simulation.js';

/** A majority of the voters that are whole, by chance; everybody while an operator changes them. */
export function chooseCore(simulation: Simulation, atlas: Atlas): SimHost[] {
  const { hosts, rng } = simulation;
  const voters = hosts.filter(({ id }) => atlas.inForce[0]!.voters.includes(id));
  const needed = majority(voters.length);
  // One that was never admitted votes for nobody who has a log, and cannot carry the others.
  const from = voters.filter((host) => host.admitted);
  if (from.length < needed || atlas.votersChange) return [...hosts];
  let size = needed + rng.below(from.length - needed + 1);
  const order = from.map((host) => ({ host, key: rng.uint32() }));
  order.sort((a, b) => a.key - b.key);
  const core = (): SimHost[] => order.slice(0, size).map(({ host }) => host);
  const isCore = (id: string): boolean => core().some((host) => host.id === id);
  // What is in force and not committed may need more.
  while (size < order.length && !isQuorum(isCore, atlas)) size++;
  if (!isQuorum(isCore, atlas)) return [...hosts];
  return cutsForGood(simulation) ? withoutLeader(simulation, core(), from) : core();
}

/**
 * Where somebody is to be taken in again, a leader that hears only him would make voters that the
 * core cannot do without.
 */
function cutsForGood({ hosts, options }: Simulation): boolean {
  return options.lastCut && hosts.every(({ admitted, damaged }) => admitted && !damaged);
}

/** A leader that cannot do without the core is the hardest neighbour for it. */
function withoutLeader(
  simulation: Simulation,
  core: SimHost[],
  from: readonly SimHost[],
): SimHost[] {
  const leader = simulation.leaderHost();
  const rest = from.filter((host) => !core.includes(host));
  const instead = rest[simulation.rng.below(rest.length)];
  if (leader === null || instead === undefined || !core.includes(leader)) return core;
  return [...core.filter((host) => host !== leader), instead];
}

/**
 * Who is not in the core stays cut off from all of it, often in one direction. From a part of it
 * only: then it may lead, and the others could never tell it what they have.
 */
export function cutRest(
  simulation: Simulation,
  core: readonly SimHost[],
  rest: readonly SimHost[],
): void {
  const { net, rng } = simulation;
  const leader = simulation.leaderHost();
  const inside = core.map(({ address }) => address);
  const lastCut = cutsForGood(simulation);
  const draw = (cut: boolean): boolean => (lastCut ? rng.below(2) === 0 : cut);
  for (const host of rest) {
    const outside = host.address;
    // A leader that hears nobody and is heard keeps the others from electing one that serves.
    const deaf = lastCut && host === leader;
    const inwards = deaf || draw(inside.some((address) => net.isCut(address, outside)));
    const outwards = !deaf && draw(inside.some((address) => net.isCut(outside, address)));
    for (const address of inside) {
      net.setCut(address, outside, inwards);
      net.setCut(outside, address, outwards);
    }
  }
  net.heal((path) => {
    const [from, to] = path.split('>') as [string, string];
    return net.isCut(from, to);
  });
}
