// Owns: how a leader brings the log to the others (Raft paper 5.3) and learns how far they are.
// Nothing is sent from inside a handler unless it recovers a loss: a turn's entries go out together
// in `replicate`.
//
// Conflict hints: a follower that refuses (prevIndex, prevTerm) answers with its last entry at or
// before prevIndex whose term is not above prevTerm: nothing of its log behind that can match. The
// leader then skips its own entries at or before the hint whose term is above the hint's term:
// those cannot match either. So finding the match costs one round trip per term that differs, not
// one per entry.

import type { AppendResponse } from './messages.js';
import type { Progress } from './progress.js';
import { jointIndex } from './quorum.js';
import type { RaftState } from './state.js';
import type { Entry } from './types.js';

const NO_ENTRIES: readonly never[] = [];

/**
 * Once a turn: sends each peer what its window allows, and the commit index where nothing carries
 * it.
 */
export function replicate<B>(state: RaftState<B>): void {
  const { peers, log } = state;
  for (let i = 0; i < peers.length; i++) {
    const peer = peers[i]!;
    if (peer.state === 'probe' && !peer.paused) sendAppend(state, peer);
    while (peer.state === 'replicate' && peer.next <= log.lastIndex && !peer.inflights.full) {
      sendAppend(state, peer);
    }
    const level = peer.state === 'replicate' && peer.inflights.count === 0;
    if (level && peer.sentCommit < Math.min(state.commitIndex, peer.match)) {
      sendHeartbeat(state, peer, 0);
    }
  }
}

/** `readRound` 0: a notice of the commit index that wants no answer. */
export function sendHeartbeat<B>(state: RaftState<B>, peer: Progress, readRound: number): void {
  const commitIndex = Math.min(state.commitIndex, peer.match);
  if (commitIndex > peer.sentCommit) peer.sentCommit = commitIndex;
  state.send({
    type: 'heartbeat',
    from: state.id,
    to: peer.id,
    term: state.term,
    commitIndex,
    readRound,
  });
}

/**
 * A heartbeat was answered: the peer is there, so what it still misses may have been lost on the
 * way.
 */
export function nudge<B>(state: RaftState<B>, peer: Progress): void {
  if (!peer.mayNudge) return;
  peer.mayNudge = false;
  if (peer.state === 'probe') {
    peer.paused = false;
    return;
  }
  const behind = peer.state === 'replicate' && peer.match < state.log.lastIndex;
  // Nothing else would go out: an empty append shows whether the window was lost (etcd #14633).
  if (behind && (peer.inflights.full || peer.next > state.log.lastIndex)) sendEmpty(state, peer);
}

export function handleAppendResponse<B>(
  state: RaftState<B>,
  peer: Progress,
  message: AppendResponse,
): void {
  peer.recentlyActive = true;
  if (!message.accepted) {
    peer.hint = message.hintIndex;
    peer.refusals++;
    const from = Math.min(message.hintIndex, state.log.lastIndex);
    peer.reject(message.index, state.log.findAtMost(from, message.hintTerm));
    return;
  }
  if (message.index > state.log.lastIndex) return;
  const news = peer.acknowledge(message.index);
  peer.inflights.freeTo(message.index);
  if (peer.state === 'probe') {
    if (news || message.index === peer.match) peer.replicate();
  } else if (peer.state === 'snapshot' && peer.match >= state.log.baseIndex) {
    peer.replicate();
  }
}

/**
 * Moves the commit index to what a quorum has durably, if that is an entry of this term (Raft paper
 * 5.4.2). True when it moved.
 */
export function advanceCommit<B>(state: RaftState<B>): boolean {
  const index = jointIndex(matches(state.voters), matches(state.outgoing));
  if (index <= state.commitIndex || state.log.termAt(index) !== state.term) return false;
  state.commitIndex = index;
  return true;
}

function matches(members: readonly Progress[]): number[] {
  const values: number[] = [];
  for (let i = 0; i < members.length; i++) values.push(members[i]!.match);
  return values;
}

function sendAppend<B>(state: RaftState<B>, peer: Progress): void {
  const { log, config } = state;
  const prevIndex = peer.next - 1;
  const prevTerm = log.termAt(prevIndex);
  if (prevTerm < 0) {
    requestSnapshot(state, peer);
    return;
  }
  if (peer.next > log.lastIndex) {
    sendEmpty(state, peer);
    peer.paused = true;
    return;
  }
  const last = log.lastWithin(peer.next, log.lastIndex, config.appendBytesMax);
  sendEntries(state, peer, prevIndex, prevTerm, log.slice(peer.next, last));
  peer.sentCommit = Math.max(peer.sentCommit, Math.min(state.commitIndex, last));
  peer.sent(last, log.bytesBetween(prevIndex, last));
}

function sendEmpty<B>(state: RaftState<B>, peer: Progress): void {
  const prevIndex = peer.next - 1;
  const prevTerm = state.log.termAt(prevIndex);
  if (prevTerm < 0) requestSnapshot(state, peer);
  else sendEntries(state, peer, prevIndex, prevTerm, NO_ENTRIES);
}

function sendEntries<B>(
  state: RaftState<B>,
  peer: Progress,
  prevIndex: number,
  prevTerm: number,
  entries: readonly Entry<B>[],
): void {
  state.send({
    type: 'append',
    from: state.id,
    to: peer.id,
    term: state.term,
    prevIndex,
    prevTerm,
    commitIndex: state.commitIndex,
    entries,
  });
}

/**
 * The peer needs entries that are compacted. Nobody streams a snapshot to a peer that does not
 * answer.
 */
function requestSnapshot<B>(state: RaftState<B>, peer: Progress): void {
  if (!peer.alive) {
    if (peer.state !== 'probe') peer.probe();
    return;
  }
  peer.awaitSnapshot(state.snapshotIndex);
  state.outbox.sendSnapshotTo.push(peer.id);
}
