// Owns: bringing the machine up to the commit index, a bounded stretch of time each turn, so that a
// long backlog never starves heartbeats. Tells right behind a checkpoint, and at an index that was
// asked for, before anything else is applied.

import type { LoggedRecord } from '../base/log-entry.js';
import type { Machine, ResultSink } from '../machine/machine.js';
import type { Clock } from '../platform/clock.js';
import type { RaftCore } from '../raft/core.js';

/** Bytes of entries taken from the core at a time. */
const FETCH_BYTES = 4 * 2 ** 20;
const SLICE_MS = 8;
const NOBODY: ResultSink = { beforeApply: () => {}, applied: () => {} };

export class Applier {
  readonly #core: RaftCore<LoggedRecord>;
  readonly #machine: Machine;
  readonly #sink: ResultSink;
  readonly #clock: Clock;
  /** 0, or the index at which `onStop` must see the machine before it goes on. */
  #stopAt = 0;
  #onStop: () => void = () => {};
  #onCancelled: () => void = () => {};
  /** Entries up to here were applied before: nobody waits for their results any more. */
  #repeatedTo = 0;
  /** Called right after a checkpoint entry, before the next one. */
  onCheckpoint: (index: number) => void = () => {};

  constructor(core: RaftCore<LoggedRecord>, machine: Machine, sink: ResultSink, clock: Clock) {
    this.#core = core;
    this.#machine = machine;
    this.#sink = sink;
    this.#clock = clock;
  }

  /**
   * Calls `onStop` once, when the machine stands exactly at `index` (at once if it does now), or
   * `onCancelled` when cancelStop comes first.
   */
  stopAt(index: number, onStop: () => void, onCancelled: () => void): void {
    if (this.#machine.appliedIndex === index) {
      onStop();
      return;
    }
    this.#stopAt = index;
    this.#onStop = onStop;
    this.#onCancelled = onCancelled;
  }

  cancelStop(): void {
    if (this.#stopAt === 0) return;
    this.#stopAt = 0;
    this.#onCancelled();
  }

  /** The machine went back: what follows up to `index` is applied for the second time. */
  repeatTo(index: number): void {
    this.#repeatedTo = index;
  }

  /** Applies what is committed; false when time ran out and there is more. */
  run(): boolean {
    const machine = this.#machine;
    if (machine.appliedIndex >= this.#core.commitIndex) return true;
    const deadline = this.#clock.monotonic() + SLICE_MS;
    while (machine.appliedIndex < this.#core.commitIndex) {
      const entries = this.#core.entriesFrom(machine.appliedIndex + 1, FETCH_BYTES);
      // Committed elsewhere but not durable here yet: the completion of the write starts the next
      // turn.
      if (entries.length === 0) return true;
      for (const entry of entries) {
        machine.apply(entry.body.record, entry.index > this.#repeatedTo ? this.#sink : NOBODY);
        if (entry.kind === 'checkpoint') this.onCheckpoint(entry.index);
        if (entry.index === this.#stopAt) this.#reachedStop();
        if (this.#clock.monotonic() > deadline) break;
      }
      this.#core.applied(machine.appliedIndex);
      if (this.#clock.monotonic() > deadline) break;
    }
    return machine.appliedIndex >= this.#core.commitIndex;
  }

  #reachedStop(): void {
    this.#stopAt = 0;
    this.#onStop();
  }
}
