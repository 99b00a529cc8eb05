// Owns: two frames by which members compare their data outside of consensus (architecture D7).
//   digest          number index, u32 high half, u32 low half, u8 wanted
//   snapshotWanted  number index
// `digest`: the sender's data at an index the log fixed; wanted 1: the receiver's is not known there
// and asked for. `snapshotWanted`: the sender's data differs from the majority's; it needs a
// snapshot at this index or later.

import { FieldReader, FieldWriter } from './fields.js';
import { BODY_AT, FrameKind, frameHead } from './frame.js';

export interface DigestNote {
  /** At least 1. */
  readonly index: number;
  /** Sixteen hexadecimal digits. */
  readonly digest: string;
  readonly wanted: boolean;
}

export function encodeDigest({ index, digest, wanted }: DigestNote): Buffer {
  const frame = frameHead(FrameKind.digest, 17, 17);
  const writer = new FieldWriter(frame, BODY_AT);
  writer.number(index);
  writer.u32(Number.parseInt(digest.slice(0, 8), 16));
  writer.u32(Number.parseInt(digest.slice(8), 16));
  writer.u8(wanted ? 1 : 0);
  return frame;
}

/** The note in a frame body, or what is wrong with it. */
export function decodeDigest(body: Buffer): DigestNote | string {
  const reader = new FieldReader(body);
  const index = reader.number();
  const digest = hex(reader.u32()) + hex(reader.u32());
  const wanted = reader.u8();
  if (!reader.ok || reader.left > 0) return `digest of ${body.length} bytes, expected 17`;
  if (index < 1) return `digest at index ${index}, expected 1 or more`;
  if (wanted > 1) return `digest with flag ${wanted}, expected 0 or 1`;
  return { index, digest, wanted: wanted === 1 };
}

export function encodeSnapshotWanted(index: number): Buffer {
  const frame = frameHead(FrameKind.snapshotWanted, 8, 8);
  new FieldWriter(frame, BODY_AT).number(index);
  return frame;
}

/** The index in a frame body, or what is wrong with it. */
export function decodeSnapshotWanted(body: Buffer): number | string {
  const reader = new FieldReader(body);
  const index = reader.number();
  if (!reader.ok || reader.left > 0) return `snapshot request of ${body.length} bytes, expected 8`;
  return index >= 1 ? index : `snapshot request for index ${index}, expected 1 or more`;
}

function hex(half: number): string {
  return half.toString(16).padStart(8, '0');
}
