// Owns: joining the raw bytes of writes into one payload (base/log-entry.ts): neighbours in the
// same chunk become one slice, SELECT lines keep the database right, and the payload ends in
// database 0. Bytes are copied once, into the payload.

import type { ProposedRun } from '../peer/proposal-codec.js';
import type { PendingWrite } from './group.js';

const SELECTS: readonly Buffer[] = Array.from({ length: 16 }, (_, db) => {
  const digits = String(db);
  return Buffer.from(`*2\r\n$6\r\nSELECT\r\n$${digits.length}\r\n${digits}\r\n`, 'latin1');
});

export interface BuiltPayload {
  readonly runs: readonly ProposedRun[];
  readonly payload: Buffer;
}

/** `writes` get the sequence numbers from `firstSeq` on, in order. */
export function buildPayload(writes: readonly PendingWrite[], firstSeq: number): BuiltPayload {
  const slices: Buffer[] = [];
  const runs: ProposedRun[] = [];
  let db = 0;
  let chunk: Buffer | null = null;
  let start = 0;
  let end = 0;
  let runStart = firstSeq;
  for (let i = 0; i < writes.length; i++) {
    const write = writes[i]!;
    if (write.chunk === chunk && write.start === end && write.db === db) {
      end = write.end;
    } else {
      if (chunk !== null) slices.push(chunk.subarray(start, end));
      if (write.db !== db) slices.push(SELECTS[write.db]!);
      chunk = write.chunk;
      start = write.start;
      end = write.end;
    }
    db = write.endDb;
    if (write.watchIndex === 0) continue;
    const seq = firstSeq + i;
    if (seq > runStart) runs.push({ firstSeq: runStart, count: seq - runStart, watchIndex: 0 });
    runs.push({ firstSeq: seq, count: 1, watchIndex: write.watchIndex });
    runStart = seq + 1;
  }
  if (chunk !== null) slices.push(chunk.subarray(start, end));
  if (db !== 0) slices.push(SELECTS[0]!);
  const last = firstSeq + writes.length;
  if (last > runStart) runs.push({ firstSeq: runStart, count: last - runStart, watchIndex: 0 });
  return { runs, payload: slices.length === 1 ? slices[0]! : Buffer.concat(slices) };
}
