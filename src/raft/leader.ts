// Owns: what only a leader does: proposals, acknowledgements, heartbeats and quorum check, and the
// steps that follow a commit. Replication itself is replication.ts, reads are leader-reads.ts,
// handing over is handover.ts.

import { continueTransfer, expireTransfer, retire } from './handover.js';
import { askRestForReads, openRound } from './leader-reads.js';
import { isJoint, isVoter, leaveJoint } from './membership.js';
import type { AppendResponse } from './messages.js';
import type { Progress } from './progress.js';
import { majority } from './quorum.js';
import { advanceCommit, handleAppendResponse, replicate, sendHeartbeat } from './replication.js';
import { becomeFollower, trackMembers } from './roles.js';
import type { RaftState } from './state.js';
import type { Entry, Membership, ProposalKind } from './types.js';

/** Bytes counted for a config entry, per member in it and per UUID that must not come back. */
const CONFIG_BYTES_PER_ID = 192;
const CONFIG_BYTES_PER_REMOVED = 40;

/**
 * The first entry of a leader's term (Raft paper 8). The first entry of all is the initial
 * membership: so a node that joins with nothing learns it from the log, and every index has a
 * membership on every node.
 */
export function openTerm<B>(state: RaftState<B>): void {
  const index = state.log.lastIndex + 1;
  if (index === 1) {
    const { membership } = state;
    appendMembership(state, { ...membership, roster: state.firstRoster(membership) });
    return;
  }
  const body = state.bodyOf('noop', index, state.term, null);
  state.appendEntry({ index, term: state.term, kind: 'noop', size: 0, body, membership: null });
}

export function propose<B>(
  state: RaftState<B>,
  kind: ProposalKind,
  size: number,
  bodyOf: (index: number, term: number) => B,
): Entry<B> | null {
  if (state.role !== 'leader' || state.transferee !== '') return null;
  const pending = state.log.bytesBetween(state.commitIndex, state.log.lastIndex);
  if (pending > 0 && pending + size > state.config.uncommittedBytesMax) return null;
  const index = state.log.lastIndex + 1;
  const body = bodyOf(index, state.term);
  const entry: Entry<B> = { index, term: state.term, kind, size, body, membership: null };
  state.appendEntry(entry);
  return entry;
}

/**
 * Appends a membership, in force from now on. The caller has checked that it may follow the present
 * one.
 */
export function appendMembership<B>(state: RaftState<B>, membership: Membership): Entry<B> {
  const index = state.log.lastIndex + 1;
  const ids = membership.voters.length + membership.outgoing.length + membership.learners.length;
  const body = state.bodyOf('config', index, state.term, membership);
  const removed = membership.roster.removed.length;
  const size = CONFIG_BYTES_PER_ID * ids + CONFIG_BYTES_PER_REMOVED * removed;
  const entry: Entry<B> = { index, term: state.term, kind: 'config', size, body, membership };
  state.appendEntry(entry);
  // Who leaves now is still sent the entry that says so; afterwards nobody writes to it any more.
  replicate(state);
  trackMembers(state);
  return entry;
}

export function leaderTick<B>(state: RaftState<B>): void {
  const { config } = state;
  state.electionElapsed++;
  state.heartbeatElapsed++;
  if (expireTransfer(state)) {
    if (state.role !== 'leader') return;
    goOnWithMembership(state);
  }
  if (state.electionElapsed >= config.electionTicks) {
    state.electionElapsed = 0;
    if (!heardQuorum(state)) {
      becomeFollower(state, state.term, '');
      return;
    }
  }
  if (state.heartbeatElapsed < config.heartbeatTicks) {
    if (state.leaderReads.waiting) askRestForReads(state);
    return;
  }
  state.heartbeatElapsed = 0;
  // Each beat is a round of its own, whose answers renew the lease.
  if (state.lease.enabled) openRound(state);
  for (const peer of state.peers) {
    peer.mayNudge = true;
    sendHeartbeat(state, peer, state.leaderReads.round);
  }
}

/** Something of the leader's own log became durable. */
export function leaderDurable<B>(state: RaftState<B>): void {
  const self = state.progress.get(state.id);
  if (self?.acknowledge(state.durability.index)) afterProgress(state);
}

export function onAppendResponse<B>(state: RaftState<B>, message: AppendResponse): void {
  const peer = state.progress.get(message.from);
  if (peer === undefined) return;
  const before = peer.match;
  handleAppendResponse(state, peer, message);
  if (peer.match === before) return;
  afterProgress(state);
  continueTransfer(state, peer);
}

/** A match moved: what is committed now, and what follows from that? */
function afterProgress<B>(state: RaftState<B>): void {
  if (advanceCommit(state)) goOnWithMembership(state);
}

/**
 * What a committed membership asks of its leader. Waits while leadership is handed over: another
 * entry would leave the target behind those that vote for it.
 */
function goOnWithMembership<B>(state: RaftState<B>): void {
  const { current, currentIndex } = state.memberships;
  if (currentIndex > state.commitIndex || state.commitIndex < state.termStart) return;
  if (state.transferee !== '') return;
  if (isJoint(current)) appendMembership(state, leaveJoint(current));
  else if (!isVoter(current, state.id)) retire(state);
}

/** Has a quorum been heard since the last check? Starts the next one. */
function heardQuorum<B>(state: RaftState<B>): boolean {
  const heard = heardHalf(state, state.voters) && heardHalf(state, state.outgoing);
  for (const peer of state.peers) peer.restartActivity();
  return heard;
}

function heardHalf<B>(state: RaftState<B>, members: readonly Progress[]): boolean {
  let count = 0;
  for (const member of members) if (member.id === state.id || member.recentlyActive) count++;
  return members.length === 0 || count >= majority(members.length);
}
