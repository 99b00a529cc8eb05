// Owns: what the leader chooses for an entry (architecture D3): its time, never less than of any
// entry before it whatever the wall clock does, and its seed; and the entry's bytes, made once.

import type { EntryKind, LoggedRecord, LogRecord, OriginRun } from '../base/log-entry.js';
import type { Clock } from '../platform/clock.js';
import type { Entropy } from '../platform/entropy.js';
import { encodeRecord } from '../storage/record.js';

const EMPTY = Buffer.alloc(0);

export interface EntryHead {
  readonly index: number;
  readonly term: number;
  readonly kind: EntryKind;
  readonly runs: readonly OriginRun[];
}

export class EntryMaker {
  readonly #clock: Clock;
  readonly #entropy: Entropy;
  #lastTime = 0;

  constructor(clock: Clock, entropy: Entropy) {
    this.#clock = clock;
    this.#entropy = entropy;
  }

  /** The log or the state holds this time (ms since 1970): later entries are not earlier. */
  noteTime(time: number): void {
    if (time > this.#lastTime) this.#lastTime = time;
  }

  make(head: EntryHead, chunks: readonly Uint8Array[]): LoggedRecord {
    this.noteTime(this.#clock.now());
    const { index, term, kind, runs } = head;
    const time = this.#lastTime;
    const seed = this.#entropy.seed48();
    const unpaid: LogRecord = { index, term, kind, time, seed, runs, payload: EMPTY };
    const bytes = encodeRecord(unpaid, chunks);
    if (kind !== 'batch') return { record: { ...unpaid, payload: chunks[0] ?? EMPTY }, bytes };
    let payloadBytes = 0;
    for (const chunk of chunks) payloadBytes += chunk.length;
    const payload = bytes.subarray(bytes.length - payloadBytes);
    return { record: { index, term, kind, time, seed, runs, payload }, bytes };
  }
}
