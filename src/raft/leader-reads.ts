// Owns: linearizable reads at a leader (thesis 6.4): the rounds that confirm its leadership, the
// answers to heartbeats, and reads without a round while its lease holds. Nothing is read before an
// entry of the leader's own term is committed: until then it does not know what is.

import { isVoter } from './membership.js';
import type { HeartbeatResponse, ReadIndexRequest } from './messages.js';
import type { Progress } from './progress.js';
import { jointIndex, majority } from './quorum.js';
import type { ReadRequest } from './read-index.js';
import { nudge, sendHeartbeat } from './replication.js';
import type { RaftState } from './state.js';

export function onHeartbeatResponse<B>(state: RaftState<B>, message: HeartbeatResponse): void {
  const peer = state.progress.get(message.from);
  const { readRound, promised, admitted } = message;
  if (peer === undefined || readRound > state.leaderReads.round) return;
  peer.recentlyActive = true;
  peer.admitted = admitted;
  nudge(state, peer);
  if (promised && readRound > peer.promisedRound) peer.promisedRound = readRound;
  if (readRound <= peer.confirmedRound) return;
  peer.confirmedRound = readRound;
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
  if (leaseMsLeft(state) > 0) {
    reads.takeCollected((request) => answerRead(state, request, state.commitIndex));
    return;
  }
  reads.startRound(state.commitIndex);
  state.lease.roundOpened();
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

export function askRestForReads<B>(state: RaftState<B>): void {
  const { round } = state.leaderReads;
  for (const peer of state.peers) {
    const open = peer.confirmedRound < round && isVoter(state.membership, peer.id);
    if (open) sendHeartbeat(state, peer, round);
  }
}

/** Opens a round that no read waits for. */
export function openRound<B>(state: RaftState<B>): void {
  state.leaderReads.openRound();
  state.lease.roundOpened();
}

/** Ms for which nobody else can lead, so that a read needs no round; 0 when a round is needed. */
export function leaseMsLeft<B>(state: RaftState<B>): number {
  if (!state.lease.enabled || state.role !== 'leader') return 0;
  if (state.commitIndex < state.termStart) return 0;
  const round = jointIndex(promises(state, state.voters), promises(state, state.outgoing));
  return state.lease.msLeft(round);
}

function promises<B>(state: RaftState<B>, members: readonly Progress[]): number[] {
  const own = state.leaderReads.round;
  return members.map((member) => (member.id === state.id ? own : member.promisedRound));
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
