// Owns: the messages members exchange, a glossary of the protocol. peer/ gives them bytes. Every
// message has all the fields of its kind; `from`, `to` and `term` are in all of them. Requests are
// heard from anyone (a member may be newer than this node's membership), responses from members
// only.

import type { Entry, SnapshotMeta } from './types.js';

interface Envelope {
  readonly from: string;
  readonly to: string;
  /**
   * Sender's term. A preVote carries the term it would campaign in, and so does a preVoteResponse
   * that grants it.
   */
  readonly term: number;
}

/**
 * Would you vote for me (preVote) / vote for me. `transfer`: overrides leader stickiness, sent
 * after TimeoutNow.
 */
export interface VoteRequest extends Envelope {
  readonly type: 'vote' | 'preVote';
  readonly lastIndex: number;
  readonly lastTerm: number;
  readonly transfer: boolean;
  /** The receiver's uuid in the asker's membership; empty while it was never seen. */
  readonly voterUuid: string;
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

/**
 * index: last entry known to match when accepted; the rejected prevIndex when not. Hints (when not
 * accepted): the follower's last entry at or before prevIndex whose term is not above prevTerm; see
 * replication.ts.
 */
export interface AppendResponse extends Envelope {
  readonly type: 'appendResponse';
  readonly accepted: boolean;
  readonly index: number;
  readonly hintIndex: number;
  readonly hintTerm: number;
}

/**
 * commitIndex is never above what the receiver is known to have. readRound: see read-index.ts; 0
 * makes it a mere notice of the commit index, which is not answered.
 */
export interface Heartbeat extends Envelope {
  readonly type: 'heartbeat';
  readonly commitIndex: number;
  readonly readRound: number;
}

/** Answers the heartbeat with this readRound. */
export interface HeartbeatResponse extends Envelope {
  readonly type: 'heartbeatResponse';
  readonly readRound: number;
  /** The sender helps nobody else to lead for a while; see read-lease.ts. */
  readonly promised: boolean;
  /** The sender may vote; see Admission. */
  readonly admitted: boolean;
}

/**
 * A member asks the leader for a read index; `id` is the asker's own, one per turn of the asker.
 */
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

/**
 * A whole snapshot arrived over the bulk link; stepped by the receiver's driver, with the leader
 * that sent it as `from` and the leader's term. Never crosses a link.
 */
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

/** The message with this type. */
export type MessageOf<B, T extends MessageType> = Message<B> & { readonly type: T };

/** Every type, for tables that must have no holes. */
export const MESSAGE_TYPES: readonly MessageType[] = [
  'vote',
  'preVote',
  'voteResponse',
  'preVoteResponse',
  'append',
  'appendResponse',
  'heartbeat',
  'heartbeatResponse',
  'readIndex',
  'readIndexResponse',
  'snapshot',
  'timeoutNow',
];
