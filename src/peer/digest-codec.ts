// Owns: two frames by which members compare their data outside of consensus (architecture D7).
//   digest          number index, u32 high half, u32 low half, u8 wanted
//   snapshotWanted  number index
// each with its CRC (sealed.ts).
// `digest`: the sender's data at an index the log fixed; wanted 1: the receiver's is not known there
// and asked for. `snapshotWanted`: the sender's data differs from the majority's; it needs a
// snapshot at this index or later.

import { FrameKind } from './frame.js';
import { openSealed, sealedFrame } from './sealed.js';

export interface DigestNote {
  /** At least 1. */
  readonly index: number;
  /** Sixteen hexadecimal digits. */
  readonly digest: string;
  readonly wanted: boolean;
}

const DIGEST_BYTES = 17;
const WANTED_BYTES = 8;

export function encodeDigest({ index, digest, wanted }: DigestNote): Buffer {
  return sealedFrame(FrameKind.digest, DIGEST_BYTES, (writer) => {
    writer.number(index);
    writer.u32(Number.parseInt(digest.slice(0, 8), 16));
    writer.u32(Number.parseInt(digest.slice(8), 16));
    writer.u8(wanted ? 1 : 0);
  });
}

/** The note in a frame body, or what is wrong with it. */
export function decodeDigest(body: Buffer): DigestNote | string {
  const reader = openSealed('digest', body, DIGEST_BYTES);
  if (typeof reader === 'string') return reader;
  const index = reader.number();
  const digest = hex(reader.u32()) + hex(reader.u32());
  const wanted = reader.u8();
  if (!reader.ok || index < 1) return `digest at index ${index}, expected 1 or more`;
  if (wanted > 1) return `digest with flag ${wanted}, expected 0 or 1`;
  return { index, digest, wanted: wanted === 1 };
}

export function encodeSnapshotWanted(index: number): Buffer {
  return sealedFrame(FrameKind.snapshotWanted, WANTED_BYTES, (writer) => writer.number(index));
}

/** The index in a frame body, or what is wrong with it. */
export function decodeSnapshotWanted(body: Buffer): number | string {
  const reader = openSealed('snapshot request', body, WANTED_BYTES);
  if (typeof reader === 'string') return reader;
  const index = reader.number();
  return reader.ok && index >= 1
    ? index
    : `snapshot request for index ${index}, expected 1 or more`;
}

function hex(half: number): string {
  return half.toString(16).padStart(8, '0');
}
