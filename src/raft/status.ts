// Owns: the picture of a core for INFO, metrics, invariant checks and traces. Plain data, no
// references into the core.

import { leaseMsLeft } from './leader-reads.js';
import { isVoter } from './membership.js';
import type { RaftState } from './state.js';
import type { LeaseStatus, PeerStatus, RaftStatus } from './types.js';

export function statusOf<B>(state: RaftState<B>): RaftStatus {
  const { log } = state;
  return {
    id: state.id,
    role: state.role,
    term: state.term,
    leader: state.leader,
    vote: state.vote,
    commitIndex: state.commitIndex,
    appliedIndex: state.appliedIndex,
    durableIndex: state.durability.index,
    lastIndex: log.lastIndex,
    firstIndex: log.baseIndex + 1,
    membership: state.membership,
    admission: state.admission,
    transferee: state.transferee,
    lease: leaseStatus(state),
    uncommittedBytes: log.bytesBetween(Math.max(state.commitIndex, log.baseIndex), log.lastIndex),
    fault: state.fault,
    peers: state.peers.map(
      (peer): PeerStatus => ({
        id: peer.id,
        state: peer.state,
        match: peer.match,
        next: peer.next,
        recentlyActive: peer.recentlyActive,
        alive: peer.alive,
        admitted: peer.admitted,
        learner: !isVoter(state.membership, peer.id),
      }),
    ),
  };
}

function leaseStatus<B>(state: RaftState<B>): LeaseStatus {
  const msLeft = leaseMsLeft(state);
  if (!state.lease.enabled) return { state: 'off', msLeft };
  if (state.role === 'leader' && state.lease.revoked) return { state: 'revoked', msLeft };
  return { state: msLeft > 0 ? 'held' : 'none', msLeft };
}
