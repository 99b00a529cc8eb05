// Owns: what the group says about itself (INFO raft, metrics): the core's status joined with links
// and latencies.

import type { PeerLinks } from '../peer/links.js';
import type { RaftStatus } from '../raft/types.js';
import type { LatencySummary } from '../storage/latency-window.js';
import type { DiskStatus, GroupStatus, PeerInfo } from './group.js';
import type { IntegrityStatus } from './integrity.js';

export interface StatusSources {
  readonly settings: { readonly nodeId: string; readonly raftEnabled: boolean };
  readonly status: RaftStatus;
  readonly links: PeerLinks;
  /** Raft address of a member, `host:port`; empty when it is not known. */
  readonly addressOf: (id: string) => string;
  /** This node's own RESP address. */
  readonly respAddress: string;
  readonly fsyncMicros: LatencySummary;
  readonly replicationMicros: LatencySummary;
  readonly elections: number;
  readonly integrity: IntegrityStatus;
  readonly disk: DiskStatus;
}

export function describeStatus(sources: StatusSources): GroupStatus {
  const { settings, status, links } = sources;
  const { leader } = status;
  return {
    enabled: settings.raftEnabled,
    nodeId: settings.nodeId,
    role: roleName(status),
    leaderId: leader,
    leaderAddress:
      leader === settings.nodeId
        ? sources.respAddress
        : (links.identityOf(leader)?.respAddress ?? ''),
    term: status.term,
    commitIndex: status.commitIndex,
    appliedIndex: status.appliedIndex,
    lastIndex: status.lastIndex,
    firstIndex: status.firstIndex,
    voters: status.membership.voters.length,
    peers: describePeers(sources),
    fsyncMicros: sources.fsyncMicros,
    replicationMicros: sources.replicationMicros,
    elections: sources.elections,
    lease: status.lease,
    peerRefusals: links.refusals.counts,
    integrity: sources.integrity,
    disk: sources.disk,
  };
}

function roleName(status: RaftStatus): GroupStatus['role'] {
  if (status.membership.learners.includes(status.id)) return 'Learner';
  if (status.role === 'leader') return 'Leader';
  return status.role === 'follower' ? 'Follower' : 'Candidate';
}

/** A leader knows how far each member is; the others know only whether the link is up. */
function describePeers(sources: StatusSources): PeerInfo[] {
  const { status, links, addressOf } = sources;
  const { voters, outgoing, learners } = status.membership;
  const ids = [...new Set([...voters, ...outgoing, ...learners])].filter((id) => id !== status.id);
  return ids.sort().map((id) => {
    const progress = status.peers.find((peer) => peer.id === id);
    return {
      id,
      address: addressOf(id),
      respAddress: links.identityOf(id)?.respAddress ?? '',
      connected: links.isUp(id),
      match: progress?.match ?? 0,
      lag: progress === undefined ? 0 : status.lastIndex - progress.match,
      state: progress?.state ?? 'unknown',
    };
  });
}
