// Owns: what a node answers when a cluster asks it to join (architecture D11), as a pure function
// of how it stands: who has nothing is welcome, a cluster of one that never took a write leaves
// itself for it, and who has data is refused with the command that would throw it away.

import type { Hello, Refusal } from '../peer/handshake.js';
import { refusalOf } from '../peer/handshake.js';
import type { Admission } from '../raft/types.js';
import { parseMembers } from './bootstrap.js';

export interface OwnStanding {
  readonly nodeId: string;
  /** Empty while this node belongs to none. */
  readonly clusterId: string;
  readonly admission: Admission;
  /** The only member of its cluster. */
  readonly alone: boolean;
  /** Its log or its snapshot holds a client's write. */
  readonly written: boolean;
}

/** `leave`: give up the own cluster of one and wait, with nothing, for the asker. */
export interface JoinAnswer {
  readonly refusal: Refusal | null;
  readonly leave: boolean;
}

const WELCOME: JoinAnswer = { refusal: null, leave: false };

/** To a greeting of kind `join`. */
export function answerJoin(hello: Hello, self: OwnStanding): JoinAnswer {
  const { nodeId, clusterId, admission } = self;
  if (hello.to !== nodeId) return refuse(`this node is ${nodeId}, not ${hello.to}`);
  if (clusterId !== '' && clusterId === hello.clusterId) return WELCOME;
  if (admission !== 'admitted' && !self.written) return WELCOME;
  if (self.alone && !self.written) return leaving(nodeId);
  const what = self.alone ? 'has data of its own' : 'is a member of another cluster';
  return refuse(
    `${nodeId} ${what} (cluster ${clusterId}). To throw that away: ` +
      `${self.alone ? '' : 'remove it there, then '}RAFT.RESET ${nodeId} at ${nodeId} ` +
      `(helios-cli reset ${nodeId}), and add it again`,
  );
}

/**
 * To a greeting of a member that was refused: it counts this node in, as a node that lost its disk
 * and has meanwhile begun for itself, or one whose peers were started late.
 */
export function answerCounted(hello: Hello, self: OwnStanding): JoinAnswer | null {
  const { nodeId, clusterId } = self;
  if (hello.to !== nodeId || hello.clusterId === clusterId) return null;
  const counted = parseMembers(hello.members)?.some(({ id }) => id === nodeId) ?? false;
  if (!counted || !self.alone) return null;
  if (!self.written) return leaving(nodeId);
  return refuse(
    `${hello.nodeId} counts ${nodeId} in, and ${nodeId} serves alone and has data, since nobody ` +
      'contacted it in time (raft-bootstrap-grace). There are two clusters now. ' +
      `To throw the data of ${nodeId} away and let it join: RAFT.RESET ${nodeId} at it. ` +
      `To keep it: start ${hello.nodeId} with empty directories and without peers, and add it ` +
      `with RAFT.ADDPEER at ${nodeId}`,
  );
}

function leaving(nodeId: string): JoinAnswer {
  return {
    refusal: refusalOf(`${nodeId} leaves its empty cluster of one: ask again`, 'again'),
    leave: true,
  };
}

function refuse(reason: string): JoinAnswer {
  return { refusal: refusalOf(reason), leave: false };
}
