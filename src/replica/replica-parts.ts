// Owns: what the driver of a group (replica.ts) is made of, and its fixed limits; node-life.ts puts
// it together.

import type { LoggedRecord } from '../base/log-entry.js';
import type { Machine } from '../machine/machine.js';
import type { Logger } from '../observe/logger.js';
import type { PeerLinks } from '../peer/links.js';
import type { Clock } from '../platform/clock.js';
import type { RaftCore } from '../raft/core.js';
import type { DiskSpace } from '../storage/disk-space.js';
import type { Administration } from './administration.js';
import type { EntryMaker } from './entry-maker.js';
import type { Members } from './members.js';
import type { Snapshots } from './snapshots.js';
import type { GroupStorage } from './storage-port.js';

export interface ReplicaSettings {
  readonly nodeId: string;
  /** This node's name among the origins of writes. */
  readonly origin: string;
  readonly incarnation: number;
  /** False for -raft=false: a group of one that says so. */
  readonly raftEnabled: boolean;
  /** Where clients reach this node, `host:port`. */
  readonly respAddress: string;
  /** Ms of one tick of the core. */
  readonly tickMs: number;
  /** Ticks after which a flush that has not ended counts as hanging: an election timeout. */
  readonly stallTicks: number;
  /** Ms a client waits for a write or a linearizable read before it gets an error. */
  readonly requestTimeoutMs: number;
  /** The core was made with leases: it wants to know what time it is. */
  readonly leaseReads: boolean;
}

export interface ReplicaParts {
  readonly settings: ReplicaSettings;
  readonly core: RaftCore<LoggedRecord>;
  readonly machine: Machine;
  readonly storage: GroupStorage;
  readonly links: PeerLinks;
  readonly snapshots: Snapshots;
  readonly members: Members;
  readonly administration: Administration;
  readonly clock: Clock;
  readonly maker: EntryMaker;
  readonly logger: Logger;
  /** The replies of this turn are complete: write them out. */
  readonly onTurnEnd: () => void;
  /** Room on this node's disk. */
  readonly space: DiskSpace;
  readonly fatal: (error: unknown) => void;
}

export const LIMITS = {
  /**
   * While one entry is on its way the next one waits and grows: a deep pipeline of small entries
   * undoes batching, and every entry costs a sync on each member. Once this much waits, more go
   * out.
   */
  worthAnEntryBytes: 256 * 1024,
  entriesInFlightMax: 4,
  /** Bytes of clients' writes waiting on this node beyond which new ones are refused. */
  waitingBytesMax: 512 * 2 ** 20,
  /** Ms after which a batch that a leader did not answer for is sent again. */
  resendMs: 1000,
} as const;
