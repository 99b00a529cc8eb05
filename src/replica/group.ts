// Owns: what the server may ask of the replicated group this process is a member of. replica.ts
// implements it. Calls come from the server's turn; answers come later in the same order per
// origin, never inside the call.

import type { Machine } from '../machine/machine.js';
import type { AdminOutcome } from '../peer/admin-codec.js';
import type { RefusalCounts } from '../peer/refusals.js';
import type { LeaseStatus } from '../raft/types.js';
import type { ErrorReply, Reply } from '../resp/reply.js';
import type { LatencySummary } from '../storage/latency-window.js';
import type { IntegrityStatus } from './integrity.js';

/**
 * One client write on its way: a command, or MULTI ... EXEC with an optional WATCH before it, as
 * raw RESP.
 */
export interface PendingWrite {
  /**
   * The bytes are `chunk[start, end)`; neighbours in the same chunk travel as one slice. Must not
   * change any more.
   */
  readonly chunk: Buffer;
  readonly start: number;
  readonly end: number;
  /** Database selected when the command was sent. */
  readonly db: number;
  /** Database selected after it: differs from db only for a transaction with SELECT inside. */
  readonly endDb: number;
  /**
   * 0, or the applied index up to which this node saw the WATCHed keys untouched
   * (OriginRun.watchIndex).
   */
  readonly watchIndex: number;
  /**
   * Called right before this write is applied here, so that reads queued ahead of it run at their
   * place.
   */
  beforeApply(): void;
  /** Exactly one of the two ends it. */
  onApplied(reply: Reply): void;
  onFailed(error: ErrorReply): void;
}

export interface PendingRead {
  /** The machine's state now is linearizable for a read that was asked before this call. */
  onReadable(): void;
  onFailed(error: ErrorReply): void;
}

export interface PeerInfo {
  readonly id: string;
  /** Raft address, `host:port`. */
  readonly address: string;
  /** Where clients reach it, `host:port`; empty while it was never greeted. */
  readonly respAddress: string;
  readonly connected: boolean;
  readonly match: number;
  /** Entries behind this leader's last index. */
  readonly lag: number;
  readonly state: string;
}

export interface GroupStatus {
  readonly enabled: boolean;
  readonly nodeId: string;
  readonly role: 'Leader' | 'Follower' | 'Candidate' | 'Learner';
  readonly leaderId: string;
  /** RESP address of the leader, `host:port`; empty when unknown. */
  readonly leaderAddress: string;
  readonly term: number;
  readonly commitIndex: number;
  readonly appliedIndex: number;
  readonly lastIndex: number;
  readonly firstIndex: number;
  readonly voters: number;
  readonly peers: readonly PeerInfo[];
  /** Microseconds, over the last samples. */
  readonly fsyncMicros: LatencySummary;
  readonly replicationMicros: LatencySummary;
  readonly elections: number;
  readonly lease: LeaseStatus;
  /** What this node refused of others, by cause. */
  readonly peerRefusals: RefusalCounts;
  /** Comparison of the members' data at checkpoints. */
  readonly integrity: IntegrityStatus;
  readonly disk: DiskStatus;
}

export interface DiskStatus {
  /** This node has less room than it is told to keep. */
  readonly full: boolean;
  /** This node can make nothing durable now. */
  readonly stalled: boolean;
  /** Times it was stalled since the start. */
  readonly stalls: number;
  /** Writes that need room are refused here: for this node, the leader, or a majority. */
  readonly refusing: boolean;
  /** Infinity when it is not known. */
  readonly freeBytes: number;
}

/** One member as an operator sees it. */
export interface MemberInfo {
  readonly id: string;
  /** Of its data directory; empty while it was never seen. */
  readonly uuid: string;
  /** Raft address, `host:port`. */
  readonly address: string;
  /** Where clients reach it, `host:port`; empty while it was never greeted. */
  readonly respAddress: string;
  /** `leaving`: counts until the joint membership is left. */
  readonly role: 'voter' | 'learner' | 'leaving';
  readonly leader: boolean;
  /** As a learner: becomes a voter by itself. */
  readonly promote: boolean;
  readonly connected: boolean;
  /** How the leader sends to it; `unknown` at the others. */
  readonly state: string;
  readonly match: number;
  /** Entries behind the leader's last one; 0 where that is not known. */
  readonly lag: number;
}

export interface MembershipStatus {
  /** Empty while this node belongs to none. */
  readonly clusterId: string;
  /** Of this node's data directory. */
  readonly uuid: string;
  /** Whether this node is a full member; see Admission of the core. */
  readonly standing: 'new' | 'joining' | 'admitted' | 'removed';
  /** A change of the membership that is not over. */
  readonly pending: 'none' | 'joint' | 'uncommitted';
  /** Whom leadership is being handed to; empty for nobody. */
  readonly transferee: string;
  /** UUIDs that must not come back. */
  readonly removed: number;
  readonly members: readonly MemberInfo[];
}

export interface Group {
  readonly machine: Machine;
  /** Index of the last entry this node's machine has applied. */
  readonly appliedIndex: number;
  /** The definite error for commands that need room, while the disk is full; null otherwise. */
  readonly growthRefusal: ErrorReply | null;
  /** True while a linearizable read may run at once (a group of one, or a valid lease). */
  readonly canReadNow: boolean;
  write(write: PendingWrite): void;
  read(read: PendingRead): void;
  /**
   * Null, or the definite error to answer to everything that reads or writes data: this node's is
   * in quarantine.
   */
  readonly quarantine: ErrorReply | null;
  /**
   * Null when writes are welcome; otherwise the definite error to answer instead (-CLUSTERDOWN,
   * -LOADING, ...).
   */
  refusal(): ErrorReply | null;
  status(): GroupStatus;
  membership(): MembershipStatus;
  /** Carries out a request of an operator (administration.ts) at the leader. Never rejects. */
  administer(words: readonly string[]): Promise<AdminOutcome>;
  /**
   * Writes a snapshot of this node's state, at full speed when somebody waits for it (`hurried`);
   * rejects when one is running or it fails.
   */
  snapshot(hurried: boolean): Promise<void>;
  /** Snapshot facts for INFO persistence. */
  persistence(): PersistenceStatus;
}

export interface PersistenceStatus {
  readonly snapshotRunning: boolean;
  readonly lastSnapshotAt: number;
  readonly lastSnapshotOk: boolean;
  readonly lastSnapshotMs: number;
  /** Snapshots that could not be written or did not read back as meant, since the start. */
  readonly snapshotFailures: number;
  readonly logBytes: number;
  /** Bytes of log kept behind the snapshot. */
  readonly historyBytes: number;
  readonly snapshotBytes: number;
  readonly fsync: 'every' | 'interval' | 'none';
  readonly pendingFsync: number;
}
