// Owns: the one table from what went wrong in the group to what a client is told (architecture
// D13). Definite errors say the command was not executed and never will be; UNKNOWN says that it
// may have been. And what ends this node, for its operator.

import { OperationalError } from '../base/errors.js';
import { ErrorReply } from '../resp/reply.js';

/**
 * Definite: no leader could be reached before the time was up; nothing was handed to any leader.
 */
export const CLUSTER_DOWN = new ErrorReply(
  'CLUSTERDOWN No leader within the time limit; the command was not executed',
);
/** Definite: a read could not be made linearizable in time. */
export const READ_TIMEOUT = new ErrorReply(
  'CLUSTERDOWN No quorum confirmed the read within the time limit; use READONLY for local reads',
);
/** The write was handed over and its fate is not known here. */
export const UNKNOWN_OUTCOME = new ErrorReply(
  'UNKNOWN outcome: the cluster did not answer in time; the write may or may not have been executed',
);
/**
 * The write is in the state, but this node got that state as a snapshot and never computed the
 * reply.
 */
export const UNKNOWN_RESULT = new ErrorReply(
  'UNKNOWN outcome: this node caught up by snapshot; the write was executed or is repeated, its reply is lost',
);
/** Definite: too much is waiting on this node. */
export const BUSY = new ErrorReply('BUSY Too many writes are waiting on this node; not executed');
/** Definite: this node's data is wrong; nothing here is answered from it. */
export const QUARANTINED = new ErrorReply(
  "LOADING This node's data differs from the majority's and is being rebuilt; not executed, use another node",
);
/** Definite: this node holds the data as of its removal and gets nothing new. */
export const REMOVED = new ErrorReply(
  'CLUSTERDOWN This node was removed from the cluster; not executed. Connect to another member, ' +
    'or end this one',
);
export const SHUTTING_DOWN = new ErrorReply('CLUSTERDOWN This node is shutting down; not executed');

/** Writes that were answered here are not in the majority's state: their numbers cannot go on. */
export function lostWrites(nodeId: string): OperationalError {
  return new OperationalError(
    'E_ORIGIN_LOST',
    `${nodeId} answered writes that the majority does not have: its memory was damaged. Start it again; ` +
      'its data is rebuilt, and its writes begin a new sequence.',
  );
}

/** The core found that this node lost what it had promised to keep: it may not vote any more. */
export function lostLog(fault: string, nodeId: string): OperationalError {
  return new OperationalError(
    'E_LOG_LOST',
    `${nodeId} takes no part any more: ${fault}. Its data directory was emptied or replaced`,
  );
}
/**
 * Definite: writes that need room wait for none. The code is the one Redis gives when it cannot
 * write its append-only file.
 */
export const DISK_FULL = new ErrorReply(
  'MISCONF The disk is full: writes that need room are refused; the command was not executed. ' +
    'Reads, deletes and expiry go on',
);
/** Definite: this node can write nothing at all until there is room again. */
export const DISK_BLOCKED = new ErrorReply(
  'MISCONF The disk of this node has no room left at all; the command was not executed',
);
