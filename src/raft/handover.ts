// Owns: how a leader hands leadership on: to whom an operator or a stopping node says (thesis
// 3.10), and, once the membership without it is committed, to any voter that has its log (4.2.2).
// While one is under way the log does not grow, neither by proposals nor by the step out of a joint
// membership: the target must have all of it, and nothing may overtake its campaign.

import type { Progress } from './progress.js';
import { sendHeartbeat } from './replication.js';
import { becomeFollower } from './roles.js';
import type { RaftState } from './state.js';

/** False when there is nobody to hand leadership to. `to` null: the most caught-up voter. */
export function transferLeadership<B>(state: RaftState<B>, to: string | null): boolean {
  const target = to === null ? mostCaughtUp(state) : state.progress.get(to);
  if (target === undefined || target.id === state.id) return false;
  if (!state.membership.voters.includes(target.id)) return false;
  beginTransfer(state, target);
  return true;
}

/**
 * Its match moved: if it is the one, it may have the whole log now. Who retires takes any voter.
 */
export function continueTransfer<B>(state: RaftState<B>, peer: Progress): void {
  if (state.role !== 'leader' || state.transferee === '') return;
  const retired = isRetired(state);
  const suits = retired ? state.membership.voters.includes(peer.id) : peer.id === state.transferee;
  if (suits && offerLeadership(state, peer) && retired) becomeFollower(state, state.term, '');
}

/** True when its time is over; the leader goes on, unless it is not a member any more. */
export function expireTransfer<B>(state: RaftState<B>): boolean {
  if (state.transferee === '' || state.now < state.transferDeadline) return false;
  state.transferee = '';
  if (isRetired(state)) becomeFollower(state, state.term, '');
  return true;
}

/** The membership in force is committed, and this leader is not in it. */
export function isRetired<B>(state: RaftState<B>): boolean {
  const { memberships, membership } = state;
  const counts = membership.voters.includes(state.id) || membership.outgoing.includes(state.id);
  return !counts && memberships.currentIndex <= state.commitIndex;
}

/**
 * Tells everyone, and hands over. A successor that has not the whole log yet is given the time of
 * an election to get it: the clients of what is under way wait for nothing else.
 */
export function retire<B>(state: RaftState<B>): void {
  for (const peer of state.peers) sendHeartbeat(state, peer, 0);
  const successor = mostCaughtUp(state);
  if (successor !== undefined) beginTransfer(state, successor);
  if (successor === undefined || successor.match === state.log.lastIndex) {
    becomeFollower(state, state.term, '');
  }
}

function beginTransfer<B>(state: RaftState<B>, target: Progress): void {
  state.lease.revoke();
  state.transferee = target.id;
  state.transferDeadline = state.now + state.config.electionTicks;
  offerLeadership(state, target);
}

/** TimeoutNow goes only to a target that has the whole log. True when it went. */
function offerLeadership<B>(state: RaftState<B>, target: Progress): boolean {
  const { lastIndex, lastTerm } = state.log;
  if (target.match !== lastIndex) return false;
  const { id: from, term } = state;
  state.send({ type: 'timeoutNow', from, to: target.id, term, lastIndex, lastTerm });
  return true;
}

function mostCaughtUp<B>(state: RaftState<B>): Progress | undefined {
  let best: Progress | undefined;
  for (const member of state.voters) {
    if (member.id === state.id || !member.alive || state.linksDown.has(member.id)) continue;
    if (best === undefined || member.match > best.match) best = member;
  }
  return best;
}
