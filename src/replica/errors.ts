// Owns: the one table from what went wrong in the group to what a client is told (architecture
// D13). Definite errors say the command was not executed and never will be; UNKNOWN says that it
// may have been.

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
export const SHUTTING_DOWN = new ErrorReply('CLUSTERDOWN This node is shutting down; not executed');
