// Owns: this node's writes from the moment a client sent them until its own machine applied them
// (architecture D4). Invariants: sequence numbers have no gap and are given in the order of
// arrival; a batch keeps its bytes until it is applied, so that it can be sent again to another
// leader; every write is answered exactly once. Never decides who leads and never looks into the
// bytes.

import { assert } from '../base/assert.js';
import { RingBuffer } from '../base/ring-buffer.js';
import type { ResultSink } from '../machine/machine.js';
import type { ProposedRun } from '../peer/proposal-codec.js';
import type { ErrorReply, Reply } from '../resp/reply.js';
import { CLUSTER_DOWN, UNKNOWN_OUTCOME, UNKNOWN_RESULT } from './errors.js';
import type { PendingWrite } from './group.js';
import { buildPayload } from './payload-builder.js';

/** Writes with consecutive sequence numbers that travel together. */
export interface ProposalBatch {
  readonly firstSeq: number;
  readonly runs: readonly ProposedRun[];
  readonly payload: Buffer;
  /** Entries become null when their client was answered before they were applied. */
  readonly writes: (PendingWrite | null)[];
  /** Monotonic ms of the oldest write's arrival. */
  readonly arrivedAt: number;
}

/** Bytes of one batch beyond which the rest waits for the next one. */
const BATCH_BYTES_MAX = 4 * 2 ** 20;

export class Proposals implements ResultSink {
  /** Not yet given a sequence number, oldest first, with their arrival times. */
  readonly #queue = new RingBuffer<PendingWrite>();
  readonly #arrivals = new RingBuffer<number>();
  #queuedBytes = 0;
  /** Given sequence numbers and not yet applied, oldest first. */
  readonly #batches = new RingBuffer<ProposalBatch>();
  #batchedBytes = 0;
  #nextSeq = 1;

  get queued(): number {
    return this.#queue.length;
  }

  /** Bytes of writes without a sequence number. */
  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  /** Bytes held for writes that are not applied yet. */
  get bytes(): number {
    return this.#queuedBytes + this.#batchedBytes;
  }

  add(write: PendingWrite, now: number): void {
    this.#queue.push(write);
    this.#arrivals.push(now);
    this.#queuedBytes += write.end - write.start;
  }

  /** Gives sequence numbers to what waits, up to a batch's size; null when nothing waits. */
  nextBatch(): ProposalBatch | null {
    const arrivedAt = this.#arrivals.peek();
    if (arrivedAt === undefined) return null;
    const writes: PendingWrite[] = [];
    let bytes = 0;
    while (this.#queue.length > 0 && bytes < BATCH_BYTES_MAX) {
      const write = this.#queue.shift()!;
      this.#arrivals.shift();
      bytes += write.end - write.start;
      writes.push(write);
    }
    this.#queuedBytes -= bytes;
    const firstSeq = this.#nextSeq;
    this.#nextSeq += writes.length;
    const { runs, payload } = buildPayload(writes, firstSeq);
    this.#batchedBytes += payload.length;
    const batch: ProposalBatch = { firstSeq, runs, payload, writes, arrivedAt };
    this.#batches.push(batch);
    return batch;
  }

  /** Batches not applied yet whose last sequence number is at least `fromSeq`, in order. */
  *unapplied(fromSeq: number): IterableIterator<ProposalBatch> {
    for (let i = 0; i < this.#batches.length; i++) {
      const batch = this.#batches.at(i)!;
      if (batch.firstSeq + batch.writes.length > fromSeq) yield batch;
    }
  }

  beforeApply(seq: number): void {
    this.#writeOf(seq)?.beforeApply();
  }

  applied(seq: number, reply: Reply): void {
    this.#writeOf(seq)?.onApplied(reply);
    this.#retire(seq);
  }

  /** The state jumped (snapshot): writes up to `lastSeq` are in it, their replies are not known. */
  skipTo(lastSeq: number): void {
    for (const batch of this.unapplied(0)) {
      for (let i = 0; i < batch.writes.length; i++) {
        if (batch.firstSeq + i <= lastSeq) answer(batch.writes, i, UNKNOWN_RESULT);
      }
    }
    for (let batch = this.#batches.peek(); batch !== undefined; batch = this.#batches.peek()) {
      if (batch.firstSeq + batch.writes.length - 1 > lastSeq) return;
      this.#dropFirstBatch(batch);
    }
  }

  /**
   * Answers writes older than `before` (monotonic ms): definitely not executed while they have no
   * sequence number, unknown after. Batches stay, since a gap in the sequence would hold up all
   * that follows.
   */
  expire(before: number): void {
    while (this.#queue.length > 0 && this.#arrivals.peek()! < before) {
      this.#failFirstQueued(CLUSTER_DOWN);
    }
    for (const batch of this.unapplied(0)) {
      if (batch.arrivedAt >= before) break;
      for (let i = 0; i < batch.writes.length; i++) answer(batch.writes, i, UNKNOWN_OUTCOME);
    }
  }

  /** The next sequence number to be applied here, of those given out or to be given. */
  get firstUnapplied(): number {
    return this.#batches.peek()?.firstSeq ?? this.#nextSeq;
  }

  /** Answers everything: the node stops, or its data is not to be trusted. */
  failAll(): void {
    this.expire(Number.POSITIVE_INFINITY);
  }

  #failFirstQueued(error: ErrorReply): void {
    const write = this.#queue.shift()!;
    this.#arrivals.shift();
    this.#queuedBytes -= write.end - write.start;
    write.onFailed(error);
  }

  #writeOf(seq: number): PendingWrite | null {
    const batch = this.#batches.peek();
    assert(batch !== undefined, 'an applied write was proposed by this node');
    const write = batch.writes[seq - batch.firstSeq];
    assert(write !== undefined, 'own writes are applied in order');
    return write;
  }

  #retire(seq: number): void {
    const batch = this.#batches.peek()!;
    if (seq === batch.firstSeq + batch.writes.length - 1) this.#dropFirstBatch(batch);
  }

  #dropFirstBatch(batch: ProposalBatch): void {
    this.#batches.shift();
    this.#batchedBytes -= batch.payload.length;
  }
}

function answer(writes: (PendingWrite | null)[], at: number, error: ErrorReply): void {
  const write = writes[at];
  writes[at] = null;
  write?.onFailed(error);
}
