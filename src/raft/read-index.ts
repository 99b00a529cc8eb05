// Owns: reads waiting for a confirmed read index (thesis 6.4), on the leader and on a member that
// asks it. Leader: requests of a turn share one round; a round is confirmed only by heartbeat
// answers that carry its number or a later one, so an answer to an earlier heartbeat can never
// confirm a later read. Numbers are the leader's own. Member: one request per turn stands for all
// reads of the turn; everything is refused when the leader changes.

import { RingBuffer } from '../base/ring-buffer.js';

/** Requests a leader keeps, and reads a member keeps; more are refused. */
export const PENDING_READS_MAX = 65_536;

export interface ReadRequest {
  /** Member that asked; the leader's own id for its own reads. */
  readonly from: string;
  readonly id: number;
}

interface Round {
  readonly number: number;
  readonly index: number;
  readonly requests: readonly ReadRequest[];
}

/** Reads at a leader, for one term. */
export class LeaderReads {
  /**
   * Number of the latest round; every heartbeat carries it. From 1: 0 on the wire means no answer
   * wanted.
   */
  round = 1;
  #collecting: ReadRequest[] = [];
  readonly #rounds = new RingBuffer<Round>();
  #pending = 0;

  get collecting(): boolean {
    return this.#collecting.length > 0;
  }

  get waiting(): boolean {
    return this.#rounds.length > 0;
  }

  /** False when there are too many. */
  add(request: ReadRequest): boolean {
    if (this.#pending >= PENDING_READS_MAX) return false;
    this.#collecting.push(request);
    this.#pending++;
    return true;
  }

  /** A round that nothing waits for: only its answers are of interest. */
  openRound(): void {
    this.round++;
  }

  /** Hands over every request of the collection: nothing needs to be confirmed for it. */
  takeCollected(answer: (request: ReadRequest) => void): void {
    const requests = this.#collecting;
    this.#collecting = [];
    this.#pending -= requests.length;
    for (const request of requests) answer(request);
  }

  /**
   * Closes the collection: its requests get `index` (the commit index now) once this round is
   * confirmed.
   */
  startRound(index: number): void {
    this.round++;
    this.#rounds.push({ number: this.round, index, requests: this.#collecting });
    this.#collecting = [];
  }

  /** Hands over every request of rounds up to `round`, with its read index. */
  confirm(round: number, answer: (request: ReadRequest, index: number) => void): void {
    let first = this.#rounds.peek();
    while (first !== undefined && first.number <= round) {
      this.#rounds.shift();
      this.#pending -= first.requests.length;
      for (const request of first.requests) answer(request, first.index);
      first = this.#rounds.peek();
    }
  }

  /** Hands over every request there is: leadership is lost. */
  refuseAll(refuse: (request: ReadRequest) => void): void {
    this.confirm(Number.POSITIVE_INFINITY, refuse);
    for (const request of this.#collecting) refuse(request);
    this.#collecting = [];
    this.#pending = 0;
  }
}

interface Forward {
  readonly id: number;
  readonly reads: readonly number[];
  /** Tick count at which it is given up. */
  readonly deadline: number;
}

/** Reads at a member that is not the leader. */
export class ForwardedReads {
  #collecting: number[] = [];
  readonly #forwards = new RingBuffer<Forward>();
  #nextId: number;
  #pending = 0;

  /**
   * `firstId` is random, so that an answer to a request of an earlier life of this node matches
   * none of this one.
   */
  constructor(firstId: number) {
    this.#nextId = firstId;
  }

  get collecting(): boolean {
    return this.#collecting.length > 0;
  }

  /** False when there are too many. */
  add(read: number): boolean {
    if (this.#pending >= PENDING_READS_MAX) return false;
    this.#collecting.push(read);
    this.#pending++;
    return true;
  }

  /** Closes the collection; returns the id of the request that stands for it. */
  forward(deadline: number): number {
    const id = this.#nextId++;
    this.#forwards.push({ id, reads: this.#collecting, deadline });
    this.#collecting = [];
    return id;
  }

  /** The reads that request `id` stood for; empty when it is unknown. Earlier requests stay. */
  take(id: number): readonly number[] {
    const count = this.#forwards.length;
    let taken: readonly number[] = [];
    for (let i = 0; i < count; i++) {
      const forward = this.#forwards.shift()!;
      if (forward.id === id) taken = forward.reads;
      else this.#forwards.push(forward);
    }
    this.#pending -= taken.length;
    return taken;
  }

  /** The next request whose deadline has passed, removed; null when there is none. */
  takeExpired(now: number): readonly number[] | null {
    const first = this.#forwards.peek();
    if (first === undefined || first.deadline > now) return null;
    this.#forwards.shift();
    this.#pending -= first.reads.length;
    return first.reads;
  }

  refuseAll(refuse: (read: number) => void): void {
    let first = this.#forwards.shift();
    while (first !== undefined) {
      for (const read of first.reads) refuse(read);
      first = this.#forwards.shift();
    }
    for (const read of this.#collecting) refuse(read);
    this.#collecting = [];
    this.#pending = 0;
  }
}
