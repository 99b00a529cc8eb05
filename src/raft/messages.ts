// Owns: the messages members exchange, a glossary of the protocol. peer/ gives them bytes.
// Every message has all the fields of its kind; `from`, `to` and `term` are in all of them.

import type { Entry, SnapshotMeta } from './types.js';

interface Envelope {
  readonly from: string;
  readonly to: string;
  /** Sender's term; for a PreVote, the term it would campaign in. */
  readonly term: number;
}

/** Would you vote for me (preVote) / vote for me. `transfer`: overrides leader stickiness, sent after TimeoutNow. */
export interface VoteRequest extends Envelope {
  readonly type: 'vote' | 'preVote';
  readonly lastIndex: number;
  readonly lastTerm: number;
  readonly transfer: boolean;
}

export interface VoteResponse extends Envelope {
  readonly type: 'voteResponse' | 'preVoteResponse';
  readonly granted: boolean;
}

/** Entries after (prevIndex, prevTerm); empty ones probe and carry the commit index. */
export interface Append<B> extends Envelope {
  readonly type: 'append';
  readonly prevIndex: number;
  readonly prevTerm: number;
  readonly commitIndex: number;
  readonly entries: readonly Entry<B>[];
}

/** index: last entry known to match when accepted; the rejected prevIndex when not. Hints: see conflict hints in leader.ts. */
export interface AppendResponse extends Envelope {
  readonly type: 'appendResponse';
  readonly accepted: boolean;
  readonly index: number;
  readonly hintIndex: number;
  readonly hintTerm: number;
}

/** commitIndex is never above what the receiver is known to have. readRound: see read-index.ts. */
export interface Heartbeat extends Envelope {
  readonly type: 'heartbeat';
  readonly commitIndex: number;
  readonly readRound: number;
}

export interface HeartbeatResponse extends Envelope {
  readonly type: 'heartbeatResponse';
  readonly readRound: number;
}

/** A member asks the leader for a read index; `id` is the asker's own. */
export interface ReadIndexRequest extends Envelope {
  readonly type: 'readIndex';
  readonly id: number;
}

/** index -1: refused (not leader, or no commit in this term yet and the queue is full). */
export interface ReadIndexResponse extends Envelope {
  readonly type: 'readIndexResponse';
  readonly id: number;
  readonly index: number;
}

/** A whole snapshot arrived over the bulk link; stepped by the receiver's driver. */
export interface SnapshotReceived extends Envelope {
  readonly type: 'snapshot';
  readonly meta: SnapshotMeta;
}

/** Campaign now: leadership is handed to you. */
export interface TimeoutNow extends Envelope {
  readonly type: 'timeoutNow';
  /** The leader's last entry; the target campaigns only when it has it durably. */
  readonly lastIndex: number;
  readonly lastTerm: number;
}

export type Message<B> =
  | VoteRequest
  | VoteResponse
  | Append<B>
  | AppendResponse
  | Heartbeat
  | HeartbeatResponse
  | ReadIndexRequest
  | ReadIndexResponse
  | SnapshotReceived
  | TimeoutNow;

export type MessageType = Message<unknown>['type'];
