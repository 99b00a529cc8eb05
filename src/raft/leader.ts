// Owns: what only a leader does: proposals, answers to its messages, heartbeats and quorum check,
// reads, and the steps that follow a commit. Replication itself is replication.ts, handing over
// handover.ts.

import { continueTransfer, expireTransfer, retire } from './handover.js';
import { isJoint, isVoter, leaveJoint } from './membership.js';
import type { AppendResponse, HeartbeatResponse, ReadIndexRequest } from './messages.js';
import type { Progress } from './progress.js';
import { jointIndex, majority } from './quorum.js';
import type { ReadRequest } from './read-index.js';
import {
  advanceCommit,
  handleAppendResponse,
  nudge,
  replicate,
  sendHeartbeat,
} from './replication.js';
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

export function onHeartbeatResponse<B>(state: RaftState<B>, message: HeartbeatResponse): void {
  const peer = state.progress.get(message.from);
  if (peer === undefined || message.readRound > state.leaderReads.round) return;
  peer.recentlyActive = true;
  nudge(state, peer);
  if (message.readRound <= peer.confirmedRound) return;
  peer.confirmedRound = message.readRound;
  if (state.leaderReads.waiting) confirmReads(state);
}

export function onReadIndex<B>(state: RaftState<B>, message: ReadIndexRequest): void {
  const request: ReadRequest = { from: message.from, id: message.id };
  if (!state.leaderReads.add(request)) answerRead(state, request, -1);
}

/** Once a turn: reads that came in since the last turn start a round of their own. */
export function startReadRound<B>(state: RaftState<B>): void {
  const reads = state.leaderReads;
  if (!reads.collecting || state.commitIndex < state.termStart) return;
  reads.startRound(state.commitIndex);
  for (const peer of askedFirst(state)) sendHeartbeat(state, peer, reads.round);
  confirmReads(state);
}

/**
 * As many voters as a round needs, those first that confirmed last; everybody in a joint state. Who
 * is left out is asked at the next tick if the round is still open (askRestForReads), so a silent
 * member costs one tick and then is no longer asked first.
 */
function askedFirst<B>(state: RaftState<B>): readonly Progress[] {
  const others = state.voters.filter((peer) => peer.id !== state.id);
  const needed = majority(state.voters.length) - (state.voters.length - others.length);
  if (state.outgoing.length > 0) {
    return state.peers.filter((peer) => isVoter(state.membership, peer.id));
  }
  if (others.length <= needed) return others;
  return others.sort((a, b) => b.confirmedRound - a.confirmedRound).slice(0, needed);
}

function askRestForReads<B>(state: RaftState<B>): void {
  const { round } = state.leaderReads;
  for (const peer of state.peers) {
    const open = peer.confirmedRound < round && isVoter(state.membership, peer.id);
    if (open) sendHeartbeat(state, peer, round);
  }
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

function confirmReads<B>(state: RaftState<B>): void {
  const round = jointIndex(rounds(state, state.voters), rounds(state, state.outgoing));
  state.leaderReads.confirm(round, (request, index) => answerRead(state, request, index));
}

function rounds<B>(state: RaftState<B>, members: readonly Progress[]): number[] {
  const own = state.leaderReads.round;
  const values: number[] = [];
  for (const member of members) {
    values.push(member.id === state.id ? own : member.confirmedRound);
  }
  return values;
}

function answerRead<B>(state: RaftState<B>, request: ReadRequest, index: number): void {
  if (request.from === state.id) {
    state.answerRead(request.id, index);
    return;
  }
  state.send({
    type: 'readIndexResponse',
    from: state.id,
    to: request.from,
    term: state.term,
    id: request.id,
    index,
  });
}
