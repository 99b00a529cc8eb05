// Owns: which function takes which message in which role, and what happens to a message before
// that: unknown senders and stale terms are dropped or answered, newer terms adopted. Nothing a
// peer sends makes this throw.

import { assert } from '../base/assert.js';
import {
  onPreVote,
  onPreVoteResponse,
  onVote,
  onVoteResponse,
  respond as respondVote,
} from './election.js';
import {
  onAppend,
  onHeartbeat,
  onReadIndexResponse,
  onSnapshot,
  onTimeoutNow,
  refuseReadIndex,
} from './follower.js';
import { onAppendResponse } from './leader.js';
import { onHeartbeatResponse, onReadIndex } from './leader-reads.js';
import { allMembers } from './membership.js';
import { MESSAGE_TYPES, type Message, type MessageOf, type MessageType } from './messages.js';
import { becomeFollower, hearLeader } from './roles.js';
import type { RaftState } from './state.js';
import type { Role } from './types.js';

type Handlers = {
  readonly [T in MessageType]: <B>(state: RaftState<B>, message: MessageOf<B, T>) => void;
};

const ROLES: readonly Role[] = ['follower', 'precandidate', 'candidate', 'leader'];

const EVERY_ROLE = { vote: onVote, preVote: onPreVote } as const;

const FOLLOWER: Handlers = {
  ...EVERY_ROLE,
  append: onAppend,
  heartbeat: onHeartbeat,
  snapshot: onSnapshot,
  timeoutNow: onTimeoutNow,
  readIndex: refuseReadIndex,
  readIndexResponse: onReadIndexResponse,
  voteResponse: drop,
  preVoteResponse: drop,
  appendResponse: drop,
  heartbeatResponse: drop,
};

/** Somebody leads this term: stop campaigning and listen. */
const CAMPAIGNING: Handlers = {
  ...FOLLOWER,
  append: (state, message) => {
    becomeFollower(state, state.term, message.from);
    onAppend(state, message);
  },
  heartbeat: (state, message) => {
    becomeFollower(state, state.term, message.from);
    onHeartbeat(state, message);
  },
  snapshot: (state, message) => {
    becomeFollower(state, state.term, message.from);
    onSnapshot(state, message);
  },
  timeoutNow: drop,
};

const HANDLERS: { readonly [R in Role]: Handlers } = {
  follower: FOLLOWER,
  precandidate: { ...CAMPAIGNING, preVoteResponse: onPreVoteResponse },
  candidate: { ...CAMPAIGNING, voteResponse: onVoteResponse },
  // Nobody else can lead this term; what claims so is dropped.
  leader: {
    ...EVERY_ROLE,
    append: drop,
    heartbeat: drop,
    snapshot: drop,
    timeoutNow: drop,
    readIndex: onReadIndex,
    readIndexResponse: drop,
    voteResponse: drop,
    preVoteResponse: drop,
    appendResponse: onAppendResponse,
    heartbeatResponse: onHeartbeatResponse,
  },
};

/** Answers, which only a member can owe us, and requests that only the leader's members make. */
const FROM_MEMBERS_ONLY: ReadonlySet<MessageType> = new Set([
  'voteResponse',
  'preVoteResponse',
  'appendResponse',
  'heartbeatResponse',
  'readIndex',
]);

const FROM_LEADER: ReadonlySet<MessageType> = new Set(['append', 'heartbeat', 'snapshot']);

/** No election count comes near it; a message that claims more would exhaust the safe integers. */
const TERM_MAX = 2 ** 52;

/** A hole in the table is a bug; found when the first core starts. */
export function checkHandlers(): void {
  for (const role of ROLES) {
    for (const type of MESSAGE_TYPES) {
      assert(typeof HANDLERS[role][type] === 'function', `no handler for ${type} as ${role}`);
    }
  }
}

export function dispatch<B>(state: RaftState<B>, message: Message<B>): void {
  if (message.to !== state.id || message.from === state.id) return;
  if (!Number.isSafeInteger(message.term) || message.term < 0 || message.term > TERM_MAX) return;
  if (FROM_MEMBERS_ONLY.has(message.type) && !isMember(state, message.from)) return;
  if (state.quarantined && !FROM_LEADER.has(message.type)) return;
  if (state.linksDown.size > 0) state.linksDown.delete(message.from);
  if (message.term > state.term) {
    if (!adoptTerm(state, message)) return;
  } else if (message.term < state.term && message.type !== 'preVote') {
    if (!state.quarantined) answerStale(state, message);
    return;
  }
  if (state.quarantined) {
    hearLeader(state, message.from);
    return;
  }
  const handler = HANDLERS[state.role][message.type] as (s: RaftState<B>, m: Message<B>) => void;
  handler(state, message);
}

/** Steps into the message's newer term, where it is one. False: the message is not for us. */
function adoptTerm<B>(state: RaftState<B>, message: Message<B>): boolean {
  if (message.type === 'preVote') return true;
  if (message.type === 'preVoteResponse' && message.granted) return true;
  // Who hears a leader supports nobody against it, unless the leader itself wants that.
  if (message.type === 'vote' && !message.transfer && state.hasRecentLeader) return false;
  becomeFollower(state, message.term, FROM_LEADER.has(message.type) ? message.from : '');
  return true;
}

/**
 * Requests from an older term are answered, so that the sender learns the newer one; the rest is
 * dropped.
 */
function answerStale<B>(state: RaftState<B>, message: Message<B>): void {
  if (message.type === 'vote') {
    respondVote(state, message, 'voteResponse', false, state.term);
  } else if (message.type === 'readIndex') {
    refuseReadIndex(state, message);
  } else if (FROM_LEADER.has(message.type)) {
    const { id: from, term } = state;
    const index = message.type === 'append' ? message.prevIndex : 0;
    state.reply(
      {
        type: 'appendResponse',
        from,
        to: message.from,
        term,
        accepted: false,
        index,
        hintIndex: 0,
        hintTerm: 0,
      },
      0,
    );
  }
}

function isMember<B>(state: RaftState<B>, id: string): boolean {
  if (state.role === 'leader') return state.progress.has(id);
  return allMembers(state.membership).includes(id);
}

function drop(): void {}
