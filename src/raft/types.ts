// Owns: the vocabulary of the core: entries, hard state, membership, what a turn of the core asks
// of its driver. Index and term are JavaScript numbers, always safe integers; 0 means none. Node
// ids are strings ("node-1").

import type { EntryKind } from '../base/log-entry.js';
import type { Message } from './messages.js';
import type { LeaseConfig } from './read-lease.js';

/** One log entry. `body` is the driver's (LogRecord and its bytes); the core never looks inside. */
export interface Entry<B> {
  readonly index: number;
  readonly term: number;
  readonly kind: EntryKind;
  /** Size for flow control and the uncommitted limit, bytes; at least 1 except for noop. */
  readonly size: number;
  readonly body: B;
  /** For kind `config`. */
  readonly membership: Membership | null;
}

/**
 * Makes the body of an entry that the core itself starts: the `noop` of a new leader, and every
 * `config` (then `membership` is set), of which the initial membership is the very first entry of a
 * log. Called once per entry, in index order, inside a call of the core; must not call back into
 * it.
 */
export type BodyFactory<B> = (
  kind: 'noop' | 'config',
  index: number,
  term: number,
  membership: Membership | null,
) => B;

/** Durable before anything that depends on it (Raft paper, figure 2). */
export interface HardState {
  readonly term: number;
  /** Whom this node voted for in `term`; empty for none. */
  readonly vote: string;
}

/** One member as its cluster knows it. */
export interface RosterMember {
  readonly id: string;
  /** Made with its data directory; empty until it was seen. */
  readonly uuid: string;
  /** Where the other members reach it, `host:port`. */
  readonly address: string;
  /** As a learner: becomes a voter by itself once it has caught up. */
  readonly promote: boolean;
}

/** Who the members are; see roster.ts. Members are sorted by id. */
export interface Roster {
  /** Empty until the first leader made it. */
  readonly clusterId: string;
  readonly members: readonly RosterMember[];
  /** UUIDs that must never be members again. */
  readonly removed: readonly string[];
}

/**
 * Whether this node may vote. It cannot know whether it is new or lost everything it had promised
 * (its votes, what it acknowledged), so until its own UUID is in a membership that is committed, or
 * in the very first entry of its log, it votes only for a log that is empty: a true bootstrap.
 * `joining`: known to be brought into a cluster that exists, or back into it after damage: it votes
 * for nobody and never bootstraps.
 */
export type Admission = 'new' | 'joining' | 'admitted';

/**
 * Who counts. `outgoing` is non-empty in joint consensus (thesis 4.3); learners never count.
 * Sorted, no duplicates. A voter that is being demoted is in `outgoing` and already in `learners`:
 * it counts until the joint state is left.
 */
export interface Membership {
  readonly voters: readonly string[];
  readonly outgoing: readonly string[];
  readonly learners: readonly string[];
  /** Everyone in the three lists, while that is known. */
  readonly roster: Roster;
}

export interface SnapshotMeta {
  readonly index: number;
  readonly term: number;
  readonly membership: Membership;
}

export type Role = 'follower' | 'precandidate' | 'candidate' | 'leader';

/** What a driver may propose; the core makes the other kinds itself. */
export type ProposalKind = 'batch' | 'tick' | 'checkpoint';

export interface RaftConfig {
  readonly id: string;
  /** Of this node's data directory; see Admission. */
  readonly uuid: string;
  /**
   * Election timeout in ticks; a follower waits a random number in [electionTicks, 2 *
   * electionTicks).
   */
  readonly electionTicks: number;
  readonly heartbeatTicks: number;
  /** Bytes of entries in one append message; at least one entry goes whatever its size. */
  readonly appendBytesMax: number;
  /** Append messages in flight to one follower. */
  readonly inflightMessagesMax: number;
  /**
   * Bytes of entries in flight to one follower, a soft cap; default inflightMessagesMax *
   * appendBytesMax.
   */
  readonly inflightBytesMax?: number;
  /**
   * Bytes proposed and not committed, beyond which proposals are dropped; one is always taken when
   * none is pending.
   */
  readonly uncommittedBytesMax: number;
  /** Absent: every linearizable read confirms leadership by a round (read-index.ts). */
  readonly lease?: LeaseConfig;
}

/** What the driver found on disk. */
export interface BootState<B> {
  /** Its term is never below the last entry's. */
  readonly hardState: HardState;
  /**
   * Where the log begins: entries at or below are in the snapshot. index 0 for none; membership is
   * then the initial one.
   */
  readonly snapshot: SnapshotMeta;
  /** Entries after the snapshot, ascending without a gap. All durable. */
  readonly entries: readonly Entry<B>[];
  readonly admission: Admission;
  /**
   * What the first entry of a log says of the members, made by the leader that writes it: the
   * cluster's id, and who was seen so far. Called inside a call of the core; must not call back.
   */
  readonly firstRoster: (initial: Membership) => Roster;
}

/**
 * Answer to readIndex(id): linearizable once applied >= index; index -1: not now, ask again with a
 * new id.
 */
export interface ReadState {
  readonly id: number;
  readonly index: number;
}

/**
 * What one turn asks of the driver, in this order: (1) hand `messages` to the links at once; (2)
 * make durable, in one ordered stream: hardState, then truncation by the first entry's index, then
 * entries; (3) when that is durable, send `afterDurable` and call core.appended(token). A null
 * hardState and empty entries make (2) a no-op, but `afterDurable` still waits for what was handed
 * over before it. (4) apply up to `commitIndex`, then core.applied(index).
 */
export interface Ready<B> {
  readonly messages: readonly Message<B>[];
  readonly hardState: HardState | null;
  readonly entries: readonly Entry<B>[];
  /**
   * Install this received snapshot (replacing log and state, after everything handed over before is
   * durable or dropped), then core.snapshotInstalled(meta). Until then no entries are handed over
   * and nothing can be applied. A snapshot that was stepped and does not show up in the next Ready
   * was not needed: discard it.
   */
  readonly snapshot: SnapshotMeta | null;
  readonly afterDurable: readonly Message<B>[];
  /** Hand back with core.appended when durable; 0 when there is nothing to make durable. */
  readonly token: number;
  /** Entries up to here are committed and durable on this node: apply them. Never goes back. */
  readonly commitIndex: number;
  readonly reads: readonly ReadState[];
  /** Set when role, term or known leader changed in this turn. */
  readonly change: RoleChange | null;
  /** This node became a full member in this turn: remember it (BootState.admission). */
  readonly admitted: boolean;
  /**
   * Peers to stream the driver's newest snapshot to; each is answered once by core.snapshotSent.
   */
  readonly sendSnapshotTo: readonly string[];
  /**
   * Empty, or why this node must stop now and rejoin as a learner: it lost or changed what it had
   * promised to keep.
   */
  readonly fault: string;
}

/** What a driver needs to know to bring a peer forward with entries that the core has not. */
export interface BulkProgress {
  readonly term: number;
  /** The peer has the leader's log durably up to here. */
  readonly match: number;
  /** The last entry of its log that may match, at least `match`; a guess until it accepts. */
  readonly hint: number;
  /** Appends the peer has refused so far. */
  readonly refusals: number;
  /** The last entry the core does not have. */
  readonly base: number;
  readonly commitIndex: number;
}

export interface RoleChange {
  readonly role: Role;
  readonly term: number;
  /** Empty when unknown. */
  readonly leader: string;
}

export interface PeerStatus {
  readonly id: string;
  readonly state: 'probe' | 'replicate' | 'snapshot';
  readonly match: number;
  readonly next: number;
  readonly recentlyActive: boolean;
  /** Heard from within the last two quorum checks. */
  readonly alive: boolean;
  /** It has said that it may vote; see Admission. */
  readonly admitted: boolean;
  readonly learner: boolean;
}

export interface LeaseStatus {
  /** off: the option. none: not leader, or nobody has promised. revoked: until the next term. */
  readonly state: 'off' | 'none' | 'held' | 'revoked';
  /** Ms for which it still holds. */
  readonly msLeft: number;
}

export interface RaftStatus extends RoleChange {
  readonly id: string;
  readonly vote: string;
  readonly commitIndex: number;
  readonly appliedIndex: number;
  /** Last entry that is durable here. */
  readonly durableIndex: number;
  readonly lastIndex: number;
  readonly firstIndex: number;
  readonly membership: Membership;
  readonly admission: Admission;
  /** Whom leadership is being handed to; empty for nobody. */
  readonly transferee: string;
  readonly lease: LeaseStatus;
  /** Bytes of entries that are in the log and not committed. */
  readonly uncommittedBytes: number;
  readonly fault: string;
  /** Leader only, without itself; empty otherwise. */
  readonly peers: readonly PeerStatus[];
}

/** Why a membership change was not accepted; nothing was appended. */
export type MembershipRefusal =
  | 'not leader'
  | 'leadership is being transferred'
  | 'another change is in progress'
  | 'leader has not committed in its term yet'
  | 'no voters would remain'
  | 'nothing to change';
