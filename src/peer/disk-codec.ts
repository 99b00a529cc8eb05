// Owns: the frame by which a member tells the others how its disk is:
//   diskState  u8 flags: 1 full, 2 stalled; with its CRC (sealed.ts)
// Sent when it changes and when a link comes up, so that the last one heard is true while the link
// stands.

import { FrameKind } from './frame.js';
import { openSealed, sealedFrame } from './sealed.js';

export interface DiskState {
  /** Writes that need room are to be refused. */
  readonly full: boolean;
  /** Nothing can be made durable now. */
  readonly stalled: boolean;
}

const FULL = 1;
const STALLED = 2;

export function encodeDiskState({ full, stalled }: DiskState): Buffer {
  const flags = (full ? FULL : 0) | (stalled ? STALLED : 0);
  return sealedFrame(FrameKind.diskState, 1, (writer) => writer.u8(flags));
}

export function decodeDiskState(body: Buffer): DiskState | string {
  const reader = openSealed('disk state', body, 1);
  if (typeof reader === 'string') return reader;
  const flags = reader.u8();
  if (flags > (FULL | STALLED)) return `disk state with flags ${flags}, expected 0 to 3`;
  return { full: (flags & FULL) !== 0, stalled: (flags & STALLED) !== 0 };
}
