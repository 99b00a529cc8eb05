// Owns: the frame by which a member tells the others how its disk is:
//   diskState  u8 flags: 1 full, 2 stalled
// Sent when it changes and when a link comes up, so that the last one heard is true while the link
// stands.

import { FieldReader, FieldWriter } from './fields.js';
import { BODY_AT, FrameKind, frameHead } from './frame.js';

export interface DiskState {
  /** Writes that need room are to be refused. */
  readonly full: boolean;
  /** Nothing can be made durable now. */
  readonly stalled: boolean;
}

const FULL = 1;
const STALLED = 2;

export function encodeDiskState({ full, stalled }: DiskState): Buffer {
  const frame = frameHead(FrameKind.diskState, 1, 1);
  new FieldWriter(frame, BODY_AT).u8((full ? FULL : 0) | (stalled ? STALLED : 0));
  return frame;
}

export function decodeDiskState(body: Buffer): DiskState | string {
  const reader = new FieldReader(body);
  const flags = reader.u8();
  if (!reader.ok || reader.left !== 0 || flags > (FULL | STALLED)) return 'malformed disk state';
  return { full: (flags & FULL) !== 0, stalled: (flags & STALLED) !== 0 };
}
