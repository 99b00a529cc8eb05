// Owns: the members as an operator sees them (RAFT.LISTPEERS, INFO, metrics): roster, links and,
// at a leader, how far each is. Plain data.

import type { LoggedRecord } from '../base/log-entry.js';
import type { PeerLinks } from '../peer/links.js';
import type { RaftCore } from '../raft/core.js';
import { allMembers, isJoint, sameMembership } from '../raft/membership.js';
import { rosterMember } from '../raft/roster.js';
import type { Membership } from '../raft/types.js';
import type { MemberInfo, MembershipStatus } from './group.js';

export interface ListSources {
  readonly nodeId: string;
  /** Of this node. */
  readonly respAddress: string;
  readonly core: RaftCore<LoggedRecord>;
  readonly links: PeerLinks;
}

/** A leader knows how far each member is; the others know only whether the link is up. */
export function listMembers(
  { nodeId, respAddress, core, links }: ListSources,
  addressOf: (id: string) => string,
): MemberInfo[] {
  const { membership } = core;
  const status = core.status();
  return allMembers(membership).map((id): MemberInfo => {
    const row = rosterMember(membership.roster, id);
    const progress = status.peers.find((peer) => peer.id === id);
    const own = id === nodeId;
    const match = own ? status.durableIndex : (progress?.match ?? 0);
    return {
      id,
      uuid: row?.uuid ?? '',
      address: addressOf(id),
      respAddress: own ? respAddress : (links.identityOf(id)?.respAddress ?? ''),
      role: roleOf(membership, id),
      leader: id === status.leader,
      promote: row?.promote ?? true,
      connected: own || links.isUp(id),
      state: own ? 'self' : (progress?.state ?? 'unknown'),
      match,
      lag: own || progress !== undefined ? Math.max(0, status.lastIndex - match) : 0,
    };
  });
}

function roleOf({ voters, learners }: Membership, id: string): MemberInfo['role'] {
  if (voters.includes(id)) return 'voter';
  return learners.includes(id) ? 'learner' : 'leaving';
}

export function pendingChange(
  membership: Membership,
  committed: Membership,
): MembershipStatus['pending'] {
  if (isJoint(membership)) return 'joint';
  return sameMembership(membership, committed) ? 'none' : 'uncommitted';
}
