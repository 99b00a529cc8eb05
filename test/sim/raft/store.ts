// Owns: the simulated disk of one node: what is durable, and the ordered stream of what is not yet.
// A crash keeps a random prefix of the stream, single records included, as a torn write would.

import type { Entry, HardState, SnapshotMeta } from '../../../src/raft/types.js';

export type Body = number;

export type Operation =
  | { readonly kind: 'hardState'; readonly hardState: HardState }
  | { readonly kind: 'truncate'; readonly from: number }
  | { readonly kind: 'entry'; readonly entry: Entry<Body> };

export class Store {
  hardState: HardState = { term: 0, vote: '' };
  snapshot: SnapshotMeta;
  entries: Entry<Body>[] = [];
  #pending: Operation[] = [];

  constructor(initial: SnapshotMeta) {
    this.snapshot = initial;
  }

  get lastIndex(): number {
    return this.snapshot.index + this.entries.length;
  }

  termAt(index: number): number {
    if (index === this.snapshot.index) return this.snapshot.term;
    return this.entries[index - this.snapshot.index - 1]?.term ?? -1;
  }

  /** True when everything up to (index, term) is here. */
  holds(index: number, term: number): boolean {
    return index < this.snapshot.index || this.termAt(index) === term;
  }

  write(operations: readonly Operation[]): void {
    this.#pending.push(...operations);
  }

  /** The oldest `count` operations become durable. */
  sync(count: number): void {
    for (const operation of this.#pending.splice(0, count)) this.#perform(operation);
  }

  crash(kept: (pending: number) => number): void {
    this.sync(kept(this.#pending.length));
    this.#pending = [];
  }

  /** A snapshot the node made itself: durable at once, the log before it goes. */
  compact(meta: SnapshotMeta): void {
    this.entries = this.entries.filter((entry) => entry.index > meta.index);
    this.snapshot = meta;
  }

  /** A received snapshot takes the place of everything, at once and durably. */
  install(meta: SnapshotMeta): void {
    this.snapshot = meta;
    this.entries = [];
  }

  #perform(operation: Operation): void {
    switch (operation.kind) {
      case 'hardState':
        this.hardState = operation.hardState;
        break;
      case 'truncate':
        this.entries.length = Math.max(0, operation.from - this.snapshot.index - 1);
        break;
      case 'entry':
        this.#append(operation.entry);
        break;
    }
  }

  #append(entry: Entry<Body>): void {
    if (entry.index !== this.lastIndex + 1) {
      throw new Error(`disk: entry ${entry.index} written after ${this.lastIndex}`);
    }
    if (entry.term > this.hardState.term) {
      throw new Error(`disk: entry of term ${entry.term} before hard state ${this.hardState.term}`);
    }
    this.entries.push(entry);
  }
}
