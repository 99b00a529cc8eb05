// Owns: campaigns and votes (Raft paper 5.2, 5.4.1; PreVote and leader stickiness: thesis 9.6,
// 4.2.3). Who may have lost what it promised grants nothing (Admission). A grant leaves only when
// term and vote are durable, and so does the request itself: a candidate that crashes before could
// ask again in the same term with a shorter log, and collect the grants given to the longer one.

import { openTerm } from './leader.js';
import type { VoteRequest, VoteResponse } from './messages.js';
import { jointVote } from './quorum.js';
import {
  becomeCandidate,
  becomeFollower,
  becomeLeader,
  becomePrecandidate,
  hurryElectionTimer,
  restartElectionTimer,
  voteFor,
} from './roles.js';
import { uuidOf } from './roster.js';
import type { RaftState } from './state.js';

/** Asks whether a campaign could be won; changes no term. */
export function campaign<B>(state: RaftState<B>): void {
  if (state.role === 'leader' || !state.promotable || state.lease.promised) return;
  becomePrecandidate(state);
  askForVotes(state, 'preVote', state.term + 1);
  count(state, state.id, true);
}

/** Campaigns for real. `transfer`: on behalf of the old leader, so nobody's stickiness applies. */
export function startElection<B>(state: RaftState<B>, transfer: boolean): void {
  becomeCandidate(state, transfer);
  askForVotes(state, 'vote', state.term);
}

/** The own vote counts once it is durable. */
export function candidateDurable<B>(state: RaftState<B>): void {
  if (state.votes.has(state.id) || !state.durability.isDurable(state.term, state.id)) return;
  count(state, state.id, true);
}

/** The same for every role. A grant promises nothing and changes nothing but timers. */
export function onPreVote<B>(state: RaftState<B>, message: VoteRequest): void {
  const granted =
    message.term > state.term &&
    state.mayVoteFor(message.lastIndex, message.voterUuid) &&
    (message.transfer || !state.hasRecentLeader) &&
    state.log.isUpToDate(message.lastIndex, message.lastTerm);
  if (granted) yieldTo(state, message);
  // The asker adopts our term from a refusal, so that a node left behind cannot block the others.
  respond(state, message, 'preVoteResponse', granted, granted ? message.term : state.term);
}

/** The same for every role; `message.term` is the current term. */
export function onVote<B>(state: RaftState<B>, message: VoteRequest): void {
  const free = state.vote === '' && state.leader === '';
  const granted =
    (free || state.vote === message.from) &&
    (message.transfer || !state.lease.promised) &&
    state.mayVoteFor(message.lastIndex, message.voterUuid) &&
    state.log.isUpToDate(message.lastIndex, message.lastTerm);
  if (granted) {
    voteFor(state, message.from);
    if (state.role === 'precandidate') becomeFollower(state, state.term, '');
    else restartElectionTimer(state);
  }
  respond(state, message, 'voteResponse', granted, state.term);
}

export function onPreVoteResponse<B>(state: RaftState<B>, message: VoteResponse): void {
  const expected = message.granted ? state.term + 1 : state.term;
  if (message.term === expected) count(state, message.from, message.granted);
}

export function onVoteResponse<B>(state: RaftState<B>, message: VoteResponse): void {
  count(state, message.from, message.granted);
}

export function respond<B>(
  state: RaftState<B>,
  message: VoteRequest,
  type: 'voteResponse' | 'preVoteResponse',
  granted: boolean,
  term: number,
): void {
  state.reply({ type, from: state.id, to: message.from, term, granted }, 0);
}

/**
 * Two nodes that lost their leader together would both win their pre-votes and then split the
 * votes. So one that was only about to campaign lets the asker go first, and of two that already
 * ask, the one with the lower id does.
 */
function yieldTo<B>(state: RaftState<B>, message: VoteRequest): void {
  if (state.role === 'precandidate' && message.from > state.id) {
    becomeFollower(state, state.term, '');
  } else if (state.hurried) {
    restartElectionTimer(state);
  }
}

function askForVotes<B>(state: RaftState<B>, type: 'vote' | 'preVote', term: number): void {
  const { lastIndex, lastTerm } = state.log;
  const { voters, outgoing } = state.membership;
  const transfer = state.transferCampaign;
  const ask = (to: string): void => {
    if (to === state.id) return;
    const voterUuid = uuidOf(state.membership.roster, to);
    const message = { type, from: state.id, to, term, lastIndex, lastTerm, transfer, voterUuid };
    if (type === 'vote') state.sendAfterDurable(message);
    else state.send(message);
  };
  for (const id of voters) ask(id);
  for (const id of outgoing) if (!voters.includes(id)) ask(id);
}

/** The first answer of a member stands. */
function count<B>(state: RaftState<B>, from: string, granted: boolean): void {
  const { votes, membership } = state;
  if (!votes.has(from)) votes.set(from, granted);
  const result = jointVote(membership.voters, membership.outgoing, votes);
  if (result === 'won') won(state);
  else if (result === 'lost' || (!granted && onlyDownAreMissing(state))) lost(state);
}

function won<B>(state: RaftState<B>): void {
  if (state.role === 'precandidate') {
    startElection(state, false);
  } else {
    state.votesGranted = [...state.votes.values()].filter((granted) => granted).length;
    becomeLeader(state);
    openTerm(state);
  }
}

/**
 * The term stays. A candidate that lost was in a race, and tries again soon; a pre-candidate was
 * told not to.
 */
function lost<B>(state: RaftState<B>): void {
  const raced = state.role === 'candidate';
  becomeFollower(state, state.term, '');
  if (raced) hurryElectionTimer(state, state.config.electionTicks / 2);
}

/** No answer is to be expected any more: whoever has not answered has no link. */
function onlyDownAreMissing<B>(state: RaftState<B>): boolean {
  const answeredOrDown = (id: string): boolean => state.votes.has(id) || state.linksDown.has(id);
  const { voters, outgoing } = state.membership;
  return voters.every(answeredOrDown) && outgoing.every(answeredOrDown);
}
