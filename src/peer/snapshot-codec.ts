// Owns: a snapshot on a bulk link (raft.md S8). One stream a connection:
//   snapshotBegin  JSON {term, index, snapshotTerm, membership, bytes}
//   snapshotChunk  number offset, bytes            in order, without a gap
//   snapshotEnd    sender: empty; receiver's answer: JSON {reason}, empty when it was taken
// The file's own CRC64 is checked by whoever loads it.

import { membershipFrom } from '../raft/membership-json.js';
import type { SnapshotMeta } from '../raft/types.js';
import { FieldReader, FieldWriter } from './fields.js';
import { BODY_AT, FrameKind, frameHead } from './frame.js';
import { encodeJson } from './handshake.js';

export interface SnapshotBegin {
  /** Sender's current term. */
  readonly term: number;
  readonly meta: SnapshotMeta;
  readonly bytes: number;
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
      return { term: begin.term, meta: { index, term, membership }, bytes: begin.bytes };
    }
  } catch {
    // Falls through to the one answer for everything malformed.
  }
  return 'malformed snapshot header';
}

export function encodeChunk(offset: number, bytes: Buffer): Buffer[] {
  const head = frameHead(FrameKind.snapshotChunk, 8 + bytes.length, 8);
  new FieldWriter(head, BODY_AT).number(offset);
  return [head, bytes];
}

export function decodeChunk(body: Buffer): { offset: number; bytes: Buffer } | string {
  const reader = new FieldReader(body);
  const offset = reader.number();
  const bytes = reader.rest();
  return reader.ok && bytes.length > 0 ? { offset, bytes } : 'malformed snapshot chunk';
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
