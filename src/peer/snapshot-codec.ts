// Owns: a snapshot on a bulk link (raft.md S8). One stream a connection:
//   snapshotBegin     sender: JSON {term, meta, bytes, checksum}
//   snapshotProgress  receiver: number offset, CRC   it has everything before; go on from there
//   snapshotChunk     sender: u32 crc32, number offset, bytes       in order, without a gap
//   snapshotEnd       sender: empty; receiver's answer: JSON {reason}, empty when it was taken
// A stream that broke is begun again on a new connection; what the receiver has of the same
// snapshot (meta, bytes, checksum, sender) need not be sent again. The checksum is the file's own
// CRC64, its last eight bytes; the whole is checked by whoever loads it.

import { crc32 } from '../platform/checksum.js';
import { membershipFrom } from '../raft/membership-json.js';
import type { SnapshotMeta } from '../raft/types.js';
import { FieldReader, FieldWriter } from './fields.js';
import { BODY_AT, FrameKind, frameHead } from './frame.js';
import { encodeJson } from './handshake.js';
import { openSealed, sealedFrame } from './sealed.js';

export interface SnapshotBegin {
  /** Sender's current term. */
  readonly term: number;
  readonly meta: SnapshotMeta;
  readonly bytes: number;
  /** The last eight bytes of the file, sixteen hexadecimal digits. */
  readonly checksum: string;
}

const PROGRESS_BYTES = 8;

/** True when what was received of one can be continued with the other. */
export function isSameSnapshot(a: SnapshotBegin, b: SnapshotBegin): boolean {
  return (
    a.meta.index === b.meta.index &&
    a.meta.term === b.meta.term &&
    a.bytes === b.bytes &&
    a.checksum === b.checksum
  );
}

export function encodeBegin(begin: SnapshotBegin): Buffer {
  return encodeJson(FrameKind.snapshotBegin, begin);
}

export function decodeBegin(body: Buffer): SnapshotBegin | string {
  try {
    const begin = JSON.parse(body.toString('utf8')) as SnapshotBegin;
    const { index, term } = begin.meta;
    const membership = membershipFrom(begin.meta.membership);
    const numbers = [begin.term, begin.bytes, index, term];
    if (membership !== null && numbers.every((n) => Number.isSafeInteger(n) && n >= 0)) {
      const { bytes, checksum } = begin;
      if (typeof checksum !== 'string' || !/^[0-9a-f]{16}$/.test(checksum)) {
        return 'snapshot header without a checksum';
      }
      return { term: begin.term, meta: { index, term, membership }, bytes, checksum };
    }
  } catch {
    // Falls through to the one answer for everything malformed.
  }
  return 'malformed snapshot header';
}

export function encodeChunk(offset: number, bytes: Buffer): Buffer[] {
  const head = frameHead(FrameKind.snapshotChunk, 12 + bytes.length, 12);
  const writer = new FieldWriter(head, BODY_AT);
  writer.u32(crc32(bytes));
  writer.number(offset);
  return [head, bytes];
}

export function decodeChunk(body: Buffer): { offset: number; bytes: Buffer } | string {
  const reader = new FieldReader(body);
  const sum = reader.u32();
  const offset = reader.number();
  const bytes = reader.rest();
  if (!reader.ok || bytes.length === 0) return 'malformed snapshot chunk';
  return crc32(bytes) === sum ? { offset, bytes } : `damaged snapshot chunk at ${offset}`;
}

export function encodeProgress(offset: number): Buffer {
  return sealedFrame(FrameKind.snapshotProgress, PROGRESS_BYTES, (writer) => writer.number(offset));
}

export function decodeProgress(body: Buffer): number | string {
  const reader = openSealed('snapshot progress', body, PROGRESS_BYTES);
  if (typeof reader === 'string') return reader;
  const offset = reader.number();
  return reader.ok && offset >= 0 ? offset : 'snapshot progress with an offset out of range';
}

export function encodeEnd(): Buffer {
  return frameHead(FrameKind.snapshotEnd, 0, 0);
}

/** The receiver's verdict: empty when the snapshot was taken. */
export function encodeVerdict(reason: string): Buffer {
  return encodeJson(FrameKind.snapshotEnd, { reason });
}

export function decodeVerdict(body: Buffer): string {
  try {
    const { reason } = JSON.parse(body.toString('utf8')) as { reason: unknown };
    return typeof reason === 'string' ? reason : 'malformed verdict';
  } catch {
    return 'malformed verdict';
  }
}
