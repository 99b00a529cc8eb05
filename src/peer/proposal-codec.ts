// Owns: what travels between the origin of writes and the leader besides raft messages.
//   propose      u32 incarnation, u32 run count, per run {number firstSeq, u32 count, number
//   watchIndex}, u32 CRC-32 of all that and the payload, payload
//   proposeNack  u8 reason, number expectedSeq; with its CRC (sealed.ts)
// The origin is the link's sender. A payload begins and ends in database 0 (base/log-entry.ts), so
// payloads can be joined.

import { crc32 } from '../platform/checksum.js';
import { FieldReader, FieldWriter } from './fields.js';
import { BODY_AT, FrameKind, frameHead } from './frame.js';
import { openSealed, sealedFrame } from './sealed.js';

export interface ProposedRun {
  readonly firstSeq: number;
  readonly count: number;
  readonly watchIndex: number;
}

export interface Proposal {
  readonly incarnation: number;
  readonly runs: readonly ProposedRun[];
  readonly payload: Buffer;
}

/**
 * Why a leader did not take a proposal: it does not lead, it is full for now, or writes before it
 * are missing.
 */
export const NackReason = { notLeader: 1, busy: 2, gap: 3 } as const;
export type NackReasonCode = (typeof NackReason)[keyof typeof NackReason];

export interface ProposeNack {
  readonly reason: number;
  /** For `gap`: the sequence number the leader wants next. */
  readonly expectedSeq: number;
}

const RUN_BYTES = 20;
const NACK_BYTES = 9;

export function encodeProposal(proposal: Proposal): Buffer[] {
  const fixed = 8 + RUN_BYTES * proposal.runs.length + 4;
  const head = frameHead(FrameKind.propose, fixed + proposal.payload.length, fixed);
  const writer = new FieldWriter(head, BODY_AT);
  writer.u32(proposal.incarnation);
  writer.u32(proposal.runs.length);
  for (const run of proposal.runs) {
    writer.number(run.firstSeq);
    writer.u32(run.count);
    writer.number(run.watchIndex);
  }
  const own = crc32(head.subarray(BODY_AT, writer.at));
  writer.u32(crc32(proposal.payload, own));
  return [head, proposal.payload];
}

export function decodeProposal(body: Buffer): Proposal | string {
  const reader = new FieldReader(body);
  const incarnation = reader.u32();
  const count = reader.u32();
  if (count * RUN_BYTES > reader.left) return `proposal claims ${count} runs`;
  const runs: ProposedRun[] = [];
  for (let i = 0; i < count; i++) {
    const firstSeq = reader.number();
    const writes = reader.u32();
    const watchIndex = reader.number();
    if (firstSeq < 1 || writes < 1 || watchIndex < 0 || (watchIndex > 0 && writes !== 1)) {
      return 'proposal with a run out of range';
    }
    runs.push({ firstSeq, count: writes, watchIndex });
  }
  const own = reader.at;
  const sum = reader.u32();
  const payload = reader.rest();
  if (!reader.ok || count === 0) return 'proposal cut short';
  // Clients' writes: nothing else would notice a bit that flipped on the way.
  if (sum !== crc32(payload, crc32(body.subarray(0, own)))) return 'proposal with a wrong CRC';
  return { incarnation, runs, payload };
}

export function encodeNack(nack: ProposeNack): Buffer {
  return sealedFrame(FrameKind.proposeNack, NACK_BYTES, (writer) => {
    writer.u8(nack.reason);
    writer.number(nack.expectedSeq);
  });
}

export function decodeNack(body: Buffer): ProposeNack | string {
  const reader = openSealed('nack', body, NACK_BYTES);
  if (typeof reader === 'string') return reader;
  const nack = { reason: reader.u8(), expectedSeq: reader.number() };
  return reader.ok ? nack : 'nack with a number out of range';
}
