// Owns: what stays broken when a core of the group is healed: whoever is not in it.

import type { SimHost } from './host.js';
import type { Simulation } from './simulation.js';

/**
 * Who is not in the core stays cut off from all of it, often in one direction. From a part of it
 * only: then it may lead, and the others could never tell it what they have.
 */
export function cutRest(
  simulation: Simulation,
  core: readonly SimHost[],
  rest: readonly SimHost[],
): void {
  const { net, rng, options } = simulation;
  const leader = simulation.leaderHost();
  const inside = core.map(({ address }) => address);
  const { lastCut } = options;
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
