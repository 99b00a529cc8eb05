// Owns: what the log says of a node's role. The words are those of the documented log lines.

import type { Logger } from '../observe/logger.js';
import type { RoleChange } from '../raft/types.js';

export function logRole(
  logger: Logger,
  { role, term, leader }: RoleChange,
  nodeId: string,
  votes: number,
): void {
  if (role === 'candidate') {
    logger.info('Starting election', { term });
  } else if (role === 'leader') {
    logger.info('Won election', { votes, term });
    logger.info('Entering leader state', { term });
  } else if (leader !== '' && leader !== nodeId) {
    logger.info('Following leader', { leader, term });
  }
}

/** A node that was removed and still runs says so once. */
export function logRemoval(logger: Logger, nodeId: string): void {
  logger.error('This node was removed from the cluster; it serves nobody any more', {
    node: nodeId,
    next: `end it, or RAFT.RESET ${nodeId} and add it again`,
  });
}
