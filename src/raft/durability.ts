// Owns: what of term, vote and log has been handed to the disk, and what of that is durable.
// Completions come back by token, in order. A truncation lowers what older tokens vouch for, so an
// old write's completion can never make entries durable that have replaced its own (the append ABA
// race).

import { assert } from '../base/assert.js';
import { RingBuffer } from '../base/ring-buffer.js';
import type { HardState } from './types.js';

interface Write {
  readonly token: number;
  readonly term: number;
  readonly vote: string;
  lastIndex: number;
}

export class Durability {
  readonly #writes = new RingBuffer<Write>();
  #token = 0;
  #handedTerm: number;
  #handedVote: string;
  #handedIndex: number;
  #durableTerm: number;
  #durableVote: string;
  #durableIndex: number;
  /** The log begins with a snapshot that is being installed: no write vouches for any index yet. */
  #installing = false;

  constructor(boot: HardState, lastIndex: number) {
    this.#handedTerm = boot.term;
    this.#handedVote = boot.vote;
    this.#handedIndex = lastIndex;
    this.#durableTerm = boot.term;
    this.#durableVote = boot.vote;
    this.#durableIndex = lastIndex;
  }

  /** Last index of the present log that is durable, with everything before it. */
  get index(): number {
    return this.#durableIndex;
  }

  /** Last index of the present log that was handed over. */
  get handedIndex(): number {
    return this.#handedIndex;
  }

  isHanded(term: number, vote: string): boolean {
    return this.#handedTerm === term && this.#handedVote === vote;
  }

  isDurable(term: number, vote: string): boolean {
    return this.#durableTerm === term && this.#durableVote === vote;
  }

  /** Term, vote and the log up to `lastIndex` go to the disk now. */
  handOver(term: number, vote: string, lastIndex: number): number {
    assert(lastIndex >= this.#handedIndex, `handed over ${lastIndex} after ${this.#handedIndex}`);
    this.#handedTerm = term;
    this.#handedVote = vote;
    this.#handedIndex = lastIndex;
    const token = ++this.#token;
    this.#writes.push({ token, term, vote, lastIndex: this.#installing ? 0 : lastIndex });
    return token;
  }

  /** The write with this token and all before it are durable. Tokens seen before do nothing. */
  complete(token: number): void {
    assert(token <= this.#token, `token ${token} was never given out`);
    let write = this.#writes.peek();
    while (write !== undefined && write.token <= token) {
      this.#writes.shift();
      this.#durableTerm = write.term;
      this.#durableVote = write.vote;
      if (write.lastIndex > this.#durableIndex) this.#durableIndex = write.lastIndex;
      write = this.#writes.peek();
    }
  }

  /** `index` and what follows left the log. */
  truncateFrom(index: number): void {
    const last = index - 1;
    if (this.#handedIndex > last) this.#handedIndex = last;
    if (this.#durableIndex > last) this.#durableIndex = last;
    for (let i = 0; i < this.#writes.length; i++) {
      const write = this.#writes.at(i)!;
      if (write.lastIndex > last) write.lastIndex = last;
    }
  }

  /** A snapshot takes the log's place; it becomes durable with `snapshotInstalled`. */
  resetTo(snapshotIndex: number): void {
    this.truncateFrom(1);
    this.#handedIndex = snapshotIndex;
    this.#installing = true;
  }

  snapshotInstalled(snapshotIndex: number): void {
    this.#installing = false;
    this.#durableIndex = snapshotIndex;
  }
}
