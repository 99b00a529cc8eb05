// Owns: the fault atlas: whose data may be damaged now. What a majority acknowledged must stay on
// somebody's disk, so of the voters of each membership in force a majority is whole, and who was
// damaged counts for nothing before it has come back.

import { majority } from '../../../src/raft/quorum.js';
import type { Membership } from '../../../src/raft/types.js';
import type { SimHost } from './host.js';

export interface Atlas {
  readonly hosts: readonly SimHost[];
  /** Memberships that anybody counts with, as far as they run. */
  readonly inForce: readonly Membership[];
  /** An operator changes them in this run. */
  readonly votersChange: boolean;
}

export function mayDamage(host: SimHost, atlas: Atlas): boolean {
  if (host.damaged || host.stranger) return false;
  if (atlas.votersChange) return countsNowhere(host, atlas);
  if (!host.admitted) return false;
  const isWhole = (id: string): boolean => {
    const other = atlas.hosts.find((each) => each.id === id)!;
    return other !== host && other.admitted && !other.damaged;
  };
  return isQuorum(isWhole, atlas);
}

/** Whether these are a majority of the voters of each membership in force. */
export function isQuorum(isOne: (id: string) => boolean, { inForce }: Atlas): boolean {
  return inForce.every(({ voters, outgoing }) =>
    [voters, outgoing].every(
      (half) => half.length === 0 || half.filter(isOne).length >= majority(half.length),
    ),
  );
}

/** While voters change: nobody's majority has to do with this host, nor with it as one more. */
function countsNowhere({ id }: SimHost, { inForce }: Atlas): boolean {
  return inForce.every(({ voters, outgoing }) => {
    return !voters.includes(id) && !outgoing.includes(id) && voters.length !== 1;
  });
}
