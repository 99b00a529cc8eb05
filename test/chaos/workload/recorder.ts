// Owns: the history of the current epoch, and the running counts: acknowledged, definite, unknown,
// errors that nothing explains, and the longest time without an acknowledged write.

import type { Operation, Outcome } from '../check/history.js';
import { readsOnly } from '../model/redis-model.js';

export interface Counts {
  acknowledged: number;
  definite: number;
  unknown: number;
  /** EXECs that found a watched key changed. */
  aborted: number;
}

/** A time without an acknowledged write at any node, ms. */
export interface Gap {
  readonly from: number;
  readonly length: number;
}

export class Recorder {
  readonly counts: Counts = { acknowledged: 0, definite: 0, unknown: 0, aborted: 0 };
  readonly unexpected: string[] = [];
  operations: Operation[] = [];
  transactions: Operation[] = [];
  longestGap: Gap = { from: 0, length: 0 };
  /** Acknowledged writes, for who waits until load flows. */
  writes = 0;
  #recentGap: Gap = { from: 0, length: 0 };
  #lastWrite = 0;
  #sequence = 0;

  /** A number no other value of the run has. */
  unique(): number {
    return ++this.#sequence;
  }

  /** Starts or ends the watch over gaps: nothing between runs of load is one. */
  restartGap(): void {
    this.#lastWrite = performance.now();
  }

  note(operation: Operation, isTransaction: boolean): void {
    (isTransaction ? this.transactions : this.operations).push(operation);
    this.count(operation.outcome);
    if (operation.outcome === 'ok' && !readsOnly(operation)) this.#wrote(operation.return);
  }

  count(outcome: Outcome): void {
    if (outcome === 'ok') this.counts.acknowledged++;
    else this.counts[outcome]++;
  }

  /** The longest gap since this was last asked; one that lasts still counts. */
  takeGap(): Gap {
    const current = { from: this.#lastWrite, length: performance.now() - this.#lastWrite };
    const longest = current.length > this.#recentGap.length ? current : this.#recentGap;
    this.#recentGap = { from: 0, length: 0 };
    return longest;
  }

  /** Takes the history out. */
  drain(): { operations: Operation[]; transactions: Operation[] } {
    const { operations, transactions } = this;
    this.operations = [];
    this.transactions = [];
    return { operations, transactions };
  }

  #wrote(at: number): void {
    this.writes++;
    const length = at - this.#lastWrite;
    if (length > this.longestGap.length) this.longestGap = { from: this.#lastWrite, length };
    if (length > this.#recentGap.length) this.#recentGap = { from: this.#lastWrite, length };
    this.#lastWrite = Math.max(this.#lastWrite, at);
  }
}
