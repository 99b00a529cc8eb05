// Owns: what a node does with the messages of its term's leader: append, heartbeat, snapshot,
// timeoutNow, and the answer to a read it forwarded. Candidates of any kind step back to follower
// first (handlers.ts). An accepting answer leaves only when the entries it vouches for are durable.

import { startElection } from './election.js';
import type {
  Append,
  AppendResponse,
  Heartbeat,
  MessageOf,
  ReadIndexRequest,
  ReadIndexResponse,
  TimeoutNow,
} from './messages.js';
import { hearLeader } from './roles.js';
import type { RaftState } from './state.js';
import type { Entry } from './types.js';

export function onAppend<B>(state: RaftState<B>, message: Append<B>): void {
  hearLeader(state, message.from);
  if (state.pendingSnapshot !== null || !wellFormed(message)) return;
  if (message.prevIndex < state.commitIndex) {
    // An old or repeated append: what is committed matches whatever the leader has there.
    accept(state, state.commitIndex);
    return;
  }
  if (state.log.termAt(message.prevIndex) !== message.prevTerm) {
    refuse(state, message);
    return;
  }
  const at = firstNew(state, message.entries);
  const conflict = message.entries[at];
  if (conflict !== undefined && conflict.index <= state.commitIndex) {
    state.fail(`committed entry ${conflict.index} differs from the leader's`);
    return;
  }
  state.appendFrom(message, at);
  const last = message.prevIndex + message.entries.length;
  state.commitTo(Math.min(message.commitIndex, last));
  accept(state, last);
}

export function onHeartbeat<B>(state: RaftState<B>, message: Heartbeat): void {
  hearLeader(state, message.from);
  if (message.commitIndex > state.log.lastIndex) {
    state.fail(`entries up to ${message.commitIndex} were acknowledged and are gone`);
    return;
  }
  state.commitTo(message.commitIndex);
  if (message.readRound === 0) return;
  state.reply(
    {
      type: 'heartbeatResponse',
      from: state.id,
      to: message.from,
      term: state.term,
      readRound: message.readRound,
      promised: state.lease.enabled,
      admitted: state.admission === 'admitted',
    },
    0,
  );
}

export function onSnapshot<B>(state: RaftState<B>, message: MessageOf<B, 'snapshot'>): void {
  hearLeader(state, message.from);
  const { meta } = message;
  // While one is being installed nothing of the log can be vouched for.
  if (state.pendingSnapshot !== null || meta.index <= 0 || meta.term > message.term) return;
  const known = state.log.termAt(meta.index);
  if (meta.index <= state.commitIndex) {
    if (known >= 0 && known !== meta.term) {
      state.fail(`snapshot at ${meta.index} has term ${meta.term}, the log ${known}`);
      return;
    }
    accept(state, state.commitIndex);
  } else if (known === meta.term) {
    // The log holds all of it: only the news that it is committed is of use.
    state.commitTo(meta.index);
    accept(state, meta.index);
  } else {
    state.beginSnapshot(meta);
  }
}

export function onTimeoutNow<B>(state: RaftState<B>, message: TimeoutNow): void {
  const { log, durability } = state;
  const complete =
    durability.index >= message.lastIndex && log.termAt(message.lastIndex) === message.lastTerm;
  if (complete && state.promotable) startElection(state, true);
}

export function onReadIndexResponse<B>(state: RaftState<B>, message: ReadIndexResponse): void {
  for (const id of state.forwardedReads.take(message.id)) state.answerRead(id, message.index);
}

export function refuseReadIndex<B>(state: RaftState<B>, message: ReadIndexRequest): void {
  const { id: from, term } = state;
  const { from: to, id } = message;
  state.send({ type: 'readIndexResponse', from, to, term, id, index: -1 });
}

/** The log matches the leader's up to `index`. */
export function accept<B>(state: RaftState<B>, index: number): void {
  respond(state, true, index, 0, 0, index);
}

function refuse<B>(state: RaftState<B>, message: Append<B>): void {
  const { log } = state;
  const hint = log.findAtMost(Math.min(message.prevIndex, log.lastIndex), message.prevTerm);
  respond(state, false, message.prevIndex, hint, Math.max(0, log.termAt(hint)), 0);
}

function respond<B>(
  state: RaftState<B>,
  accepted: boolean,
  index: number,
  hintIndex: number,
  hintTerm: number,
  restsOn: number,
): void {
  const response: AppendResponse = {
    type: 'appendResponse',
    from: state.id,
    to: state.leader,
    term: state.term,
    accepted,
    index,
    hintIndex,
    hintTerm,
  };
  state.reply(response, restsOn);
}

/**
 * Position of the first entry this log does not have; the number of entries when it has them all.
 */
function firstNew<B>(state: RaftState<B>, entries: readonly Entry<B>[]): number {
  let at = 0;
  while (at < entries.length && state.log.termAt(entries[at]!.index) === entries[at]!.term) at++;
  return at;
}

/** Entries follow prevIndex without a gap, with terms that never go down. */
function wellFormed<B>(message: Append<B>): boolean {
  const { entries } = message;
  let term = message.prevTerm;
  for (let i = 0; i < entries.length; i++) {
    const entry = entries[i]!;
    if (entry.index !== message.prevIndex + 1 + i) return false;
    if (entry.term < term || entry.term > message.term) return false;
    term = entry.term;
  }
  return true;
}
