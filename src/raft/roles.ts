// Owns: role, term, vote and known leader: every change of them is in this file (Raft paper, figure
// 4). Leaving a role refuses what only that role could have answered.

import { assert } from '../base/assert.js';
import { allMembers } from './membership.js';
import { Progress } from './progress.js';
import { LeaderReads } from './read-index.js';
import { uuidOf } from './roster.js';
import type { RaftState } from './state.js';

/** `leader` is empty when it is not known. */
export function becomeFollower<B>(state: RaftState<B>, term: number, leader: string): void {
  assert(term >= state.term, `term ${term} below ${state.term}`);
  if (term > state.term) {
    state.term = term;
    state.vote = '';
  }
  leaveRole(state);
  state.role = 'follower';
  setLeader(state, leader);
  restartElectionTimer(state);
}

/** Ends what a candidacy or leadership had begun; also done when a candidacy begins. */
export function becomePrecandidate<B>(state: RaftState<B>): void {
  assert(state.role !== 'leader', 'a leader does not campaign');
  leaveRole(state);
  state.role = 'precandidate';
  setLeader(state, '');
  restartElectionTimer(state);
}

export function becomeCandidate<B>(state: RaftState<B>, transfer: boolean): void {
  assert(state.role !== 'leader', 'a leader does not campaign');
  leaveRole(state);
  state.role = 'candidate';
  state.term++;
  state.vote = state.id;
  state.transferCampaign = transfer;
  setLeader(state, '');
  restartElectionTimer(state);
}

/** The caller opens the term with a noop. */
export function becomeLeader<B>(state: RaftState<B>): void {
  assert(state.role === 'candidate', `a ${state.role} cannot become leader`);
  leaveRole(state);
  state.role = 'leader';
  setLeader(state, state.id);
  restartElectionTimer(state);
  state.heartbeatElapsed = 0;
  state.termStart = state.log.lastIndex + 1;
  state.leaderReads = new LeaderReads();
  state.lease.begin(state.leaderReads.round + 1);
  trackMembers(state);
}

/** Records a vote for someone else in the current term. */
export function voteFor<B>(state: RaftState<B>, candidate: string): void {
  assert(state.vote === '' || state.vote === candidate, 'second vote in one term');
  state.vote = candidate;
}

/** A message of the current term's leader arrived at a follower. */
export function hearLeader<B>(state: RaftState<B>, leader: string): void {
  state.electionElapsed = 0;
  state.lease.promise();
  if (state.leader === leader) return;
  setLeader(state, leader);
  restartElectionTimer(state);
}

/** The leader is gone or unknown; the node stays a follower. */
export function forgetLeader<B>(state: RaftState<B>): void {
  setLeader(state, '');
}

/** A random timeout in [electionTicks, 2 * electionTicks): drawn again at every change of role. */
export function restartElectionTimer<B>(state: RaftState<B>): void {
  const ticks = state.config.electionTicks;
  state.electionElapsed = 0;
  state.hurried = false;
  // A lone follower need not wait; a lone candidate must, or a slow disk would see one term after
  // another.
  const alone = state.soleVoter && state.role === 'follower';
  state.electionTimeout = alone ? 1 : ticks + state.rng.below(ticks);
}

/**
 * Campaign after 1 to `within` ticks instead: only the wait is shorter, the rules of voting stay.
 */
export function hurryElectionTimer<B>(state: RaftState<B>, within: number): void {
  state.electionElapsed = 0;
  state.hurried = true;
  state.electionTimeout = 1 + state.rng.below(Math.max(1, Math.floor(within)));
}

/**
 * Leader: progress for exactly the members of the current membership; what is known of those that
 * stay is kept. An id that stands for another data directory now is a newcomer: what the old one
 * acknowledged is gone.
 */
export function trackMembers<B>(state: RaftState<B>): void {
  const { config, membership, progress } = state;
  const ids = allMembers(membership);
  const known = new Map(progress);
  progress.clear();
  const bytesMax = config.inflightBytesMax ?? config.inflightMessagesMax * config.appendBytesMax;
  for (const id of ids) {
    let member = known.get(id);
    const uuid = uuidOf(membership.roster, id);
    if (member === undefined || (member.uuid !== uuid && id !== state.id)) {
      const next = state.log.lastIndex + 1;
      member = new Progress(id, uuid, next, config.inflightMessagesMax, bytesMax);
      // A newcomer has until the next quorum check to be heard.
      member.recentlyActive = known.size > 0;
    }
    progress.set(id, member);
  }
  state.peers = ids.filter((id) => id !== state.id).map((id) => progress.get(id)!);
  state.voters = membership.voters.map((id) => progress.get(id)!);
  state.outgoing = membership.outgoing.map((id) => progress.get(id)!);
  const self = progress.get(state.id);
  if (self !== undefined) self.acknowledge(state.durability.index);
  if (state.transferee !== '' && !membership.voters.includes(state.transferee)) {
    state.transferee = '';
  }
}

function setLeader<B>(state: RaftState<B>, leader: string): void {
  if (state.leader === leader) return;
  state.leader = leader;
  state.forwardedReads.refuseAll((id) => state.answerRead(id, -1));
}

function leaveRole<B>(state: RaftState<B>): void {
  state.votes.clear();
  state.transferCampaign = false;
  if (state.role !== 'leader') return;
  state.progress.clear();
  state.peers = [];
  state.voters = [];
  state.outgoing = [];
  state.transferee = '';
  state.leaderReads.refuseAll((request) => {
    if (request.from === state.id) state.answerRead(request.id, -1);
    else state.send(refusal(state, request.from, request.id));
  });
}

function refusal<B>(state: RaftState<B>, to: string, id: number) {
  return {
    type: 'readIndexResponse',
    from: state.id,
    to,
    term: state.term,
    id,
    index: -1,
  } as const;
}
