// Owns: linearizable reads of this node's clients (architecture D5): all that arrive in one turn
// share one ReadIndex request; they run when the machine has applied the answer. A refused request
// is asked again with a new id until its time is up. Never reads anything itself.

import { RingBuffer } from '../base/ring-buffer.js';
import type { ErrorReply } from '../resp/reply.js';
import { READ_TIMEOUT } from './errors.js';
import type { PendingRead } from './group.js';

interface ReadBatch {
  id: number;
  readonly reads: PendingRead[];
  /** Monotonic ms. */
  readonly arrivedAt: number;
  askedAt: number;
}

interface ConfirmedBatch {
  readonly index: number;
  readonly arrivedAt: number;
  readonly reads: readonly PendingRead[];
}

/** A request without answer for this long is asked again: its message may be lost. */
const ASK_AGAIN_MS = 200;

export class Reads {
  readonly #ask: (id: number) => void;
  #turn: PendingRead[] = [];
  #nextId = 1;
  /** Asked and not answered, by id. */
  readonly #asked = new Map<number, ReadBatch>();
  /** Refused: to be asked again at the next poll. */
  readonly #refused: ReadBatch[] = [];
  /** Answered and waiting for the machine, by ascending index. */
  readonly #confirmed = new RingBuffer<ConfirmedBatch>();

  /** `ask` starts a ReadIndex request; the answer comes through answered(). */
  constructor(ask: (id: number) => void) {
    this.#ask = ask;
  }

  add(read: PendingRead): void {
    this.#turn.push(read);
  }

  /** Reads wait and nothing keeps them from being sent off. */
  get ready(): boolean {
    return this.#turn.length > 0 && this.#asked.size === 0;
  }

  /**
   * Sends off the reads that wait, unless a request is under way: then they go together with its
   * answer, so that a busy node asks for many reads at once instead of for each turn.
   */
  dispatch(now: number): void {
    if (this.#turn.length === 0 || this.#asked.size > 0) return;
    const batch: ReadBatch = { id: 0, reads: this.#turn, arrivedAt: now, askedAt: now };
    this.#turn = [];
    this.#send(batch, now);
  }

  /** The answer to a request; index -1 for refused. */
  answered(id: number, index: number, appliedIndex: number): void {
    const batch = this.#asked.get(id);
    if (batch === undefined) return;
    this.#asked.delete(id);
    if (index < 0) {
      this.#refused.push(batch);
    } else if (index <= appliedIndex && this.#confirmed.length === 0) {
      run(batch.reads);
    } else {
      this.#confirmed.push({ index, arrivedAt: batch.arrivedAt, reads: batch.reads });
    }
  }

  /** The machine has applied up to `index`. */
  applied(index: number): void {
    for (let next = this.#confirmed.peek(); next !== undefined; next = this.#confirmed.peek()) {
      if (next.index > index) return;
      this.#confirmed.shift();
      run(next.reads);
    }
  }

  /**
   * Called every few ms: asks again what was refused or lost, and gives up what arrived before
   * `before`.
   */
  poll(now: number, before: number): void {
    for (const [id, batch] of this.#asked) {
      if (now - batch.askedAt < ASK_AGAIN_MS && batch.arrivedAt >= before) continue;
      this.#asked.delete(id);
      this.#refused.push(batch);
    }
    for (const batch of this.#refused.splice(0)) {
      if (batch.arrivedAt >= before) this.#send(batch, now);
      else fail(batch.reads, READ_TIMEOUT);
    }
    while ((this.#confirmed.peek()?.arrivedAt ?? before) < before) {
      fail(this.#confirmed.shift()!.reads, READ_TIMEOUT);
    }
  }

  /** Answers everything that waits with an error. */
  failAll(error: ErrorReply): void {
    fail(this.#turn.splice(0), error);
    for (const { reads } of this.#asked.values()) fail(reads, error);
    for (const { reads } of this.#refused.splice(0)) fail(reads, error);
    this.#asked.clear();
    while (this.#confirmed.length > 0) fail(this.#confirmed.shift()!.reads, error);
  }

  #send(batch: ReadBatch, now: number): void {
    batch.id = this.#nextId++;
    batch.askedAt = now;
    this.#asked.set(batch.id, batch);
    this.#ask(batch.id);
  }
}

function run(reads: readonly PendingRead[]): void {
  for (const read of reads) read.onReadable();
}

function fail(reads: readonly PendingRead[], error: ErrorReply): void {
  for (const read of reads) read.onFailed(error);
}
