// Owns: the one stream of writes to the log, and when a write counts as done (architecture D8).
// Group commit: while a write and its sync are under way, everything appended forms the next round,
// which is one write and one sync. Invariants: one disk operation at a time; done callbacks run in
// the order of append; after the first failure onFatal has been called once and nothing else is
// written or called back, ever. A write that found no room is no such failure: what it left is cut
// off and it is tried again (disk-space.ts), while everything behind it waits.

import { assert } from '../base/assert.js';
import type { Clock, Timer } from '../platform/clock.js';
import type { DiskFile } from '../platform/disk.js';
import { isDiskFull } from '../platform/disk-fault.js';
import { NO_PATIENCE, type Space } from './disk-space.js';
import { type LatencySummary, LatencyWindow } from './latency-window.js';

/** When an append is done: after fdatasync; after write, with a sync each second; after write. */
export type FsyncPolicy = 'every' | 'interval' | 'none';

export type Done = () => void;

const SYNC_INTERVAL_MS = 1000;

/**
 * What was appended since the last write began, then perhaps a step that must see all of it
 * durable.
 */
interface Round {
  buffers: Uint8Array[];
  done: Done[];
  bytes: number;
  step: (() => Promise<void>) | null;
}

export class LogWriter {
  readonly #clock: Clock;
  readonly #onFatal: (error: Error) => void;
  readonly #latency = new LatencyWindow();
  readonly #rounds: Round[] = [newRound()];
  readonly #timer: Timer;
  #policy: FsyncPolicy;
  #file: DiskFile;
  #busy = false;
  #failed = false;
  /** Bytes written since the last sync. */
  #unsynced = 0;
  #syncDue = false;
  #syncStarted = 0;
  #spare: Round | null = null;
  /** Length of the file before the write under way: what it is cut back to. */
  #goodLength = 0;
  readonly #space: Space;

  constructor(
    file: DiskFile,
    policy: FsyncPolicy,
    clock: Clock,
    onFatal: (error: Error) => void,
    space: Space = NO_PATIENCE,
  ) {
    this.#file = file;
    this.#space = space;
    this.#policy = policy;
    this.#clock = clock;
    this.#onFatal = onFatal;
    this.#timer = clock.every(SYNC_INTERVAL_MS, this.#onInterval);
  }

  get policy(): FsyncPolicy {
    return this.#policy;
  }

  /** Takes effect with the next round. */
  set policy(policy: FsyncPolicy) {
    this.#policy = policy;
  }

  /** Bytes appended and not yet durable. */
  get pendingBytes(): number {
    let bytes = this.#unsynced;
    for (const round of this.#rounds) bytes += round.bytes;
    return bytes;
  }

  get fsyncMicros(): LatencySummary {
    return this.#latency.summary();
  }

  /**
   * Queues buffers, which must not change any more; `done` runs as the policy says, never inside
   * this call.
   */
  append(buffers: readonly Uint8Array[], done: Done): void {
    if (this.#failed) return;
    const round = this.#rounds[this.#rounds.length - 1]!;
    for (const buffer of buffers) {
      round.buffers.push(buffer);
      round.bytes += buffer.length;
    }
    round.done.push(done);
    if (!this.#busy) this.#next();
  }

  /**
   * Runs `step` once everything appended so far is written and synced, before anything appended
   * later. Rejects when the step does; never settles after a fatal failure.
   */
  barrier(step: () => Promise<void>): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#failed) return;
      const round = this.#rounds[this.#rounds.length - 1]!;
      round.step = () => step().then(resolve, reject);
      this.#rounds.push(newRound());
      if (!this.#busy) this.#next();
    });
  }

  /** The file from now on; only inside a barrier's step. */
  switchTo(file: DiskFile): void {
    assert(this.#busy, 'the log file changes inside a barrier');
    this.#file = file;
  }

  /** Ends the process's use of the log: the failure is final for this writer. */
  fail(error: Error): void {
    if (this.#failed) return;
    this.#failed = true;
    this.#timer.cancel();
    this.#rounds.length = 0;
    this.#onFatal(error);
  }

  /** Writes and syncs what is queued, then accepts no more. */
  async close(): Promise<void> {
    await this.barrier(async () => {
      this.#timer.cancel();
    });
    this.#failed = true;
  }

  readonly #onInterval = (): void => {
    if (this.#policy !== 'interval' || this.#unsynced === 0) return;
    this.#syncDue = true;
    if (!this.#busy) this.#next();
  };

  #next(): void {
    const round = this.#rounds[0]!;
    const writes = round.buffers.length > 0;
    if (!writes && round.step === null && round.done.length === 0 && !this.#syncDue) return;
    this.#busy = true;
    if (this.#rounds.length === 1) {
      this.#rounds.push(this.#spare ?? newRound());
      this.#spare = null;
    }
    if (writes) {
      this.#goodLength = this.#file.size;
      this.#file.append(round.buffers, this.#onWritten);
    } else this.#afterWrite(round);
  }

  readonly #onNothingToSync = (): void => {
    if (!this.#failed) this.#complete();
  };

  readonly #onWritten = (error: Error | null): void => {
    if (this.#failed) return;
    const round = this.#rounds[0]!;
    if (error !== null) {
      if (isDiskFull(error)) void this.#writeAgain(round, error);
      else this.fail(error);
      return;
    }
    this.#unsynced += round.bytes;
    round.bytes = 0;
    this.#afterWrite(round);
  };

  /** The write found no room: cuts off what it left, and writes it again when there is some. */
  async #writeAgain(round: Round, noRoom: Error): Promise<void> {
    let first = true;
    try {
      await this.#file.truncate(this.#goodLength);
      await this.#space.retry(async () => {
        if (first) {
          first = false;
          throw noRoom;
        }
        await this.#appendOrNothing(round.buffers);
      });
    } catch (error) {
      this.fail(error as Error);
      return;
    }
    this.#onWritten(null);
  }

  async #appendOrNothing(buffers: readonly Uint8Array[]): Promise<void> {
    const file = this.#file;
    try {
      await new Promise<void>((resolve, reject) => {
        file.append(buffers, (error) => (error === null ? resolve() : reject(error)));
      });
    } catch (error) {
      await file.truncate(this.#goodLength);
      throw error;
    }
  }

  #afterWrite(round: Round): void {
    const mustSync = this.#policy === 'every' || round.step !== null || this.#syncDue;
    this.#syncDue = false;
    if (!mustSync || this.#unsynced === 0) {
      // The write may have happened inside append: its done runs behind it all the same, but still
      // before the event loop looks for more input, since there is nothing to wait for.
      this.#clock.soon(this.#onNothingToSync);
      return;
    }
    this.#syncStarted = this.#clock.monotonic();
    this.#file.sync(this.#onSynced);
  }

  readonly #onSynced = (error: Error | null): void => {
    if (this.#failed) return;
    if (error !== null) {
      this.fail(error);
      return;
    }
    this.#latency.record((this.#clock.monotonic() - this.#syncStarted) * 1000);
    this.#unsynced = 0;
    this.#complete();
  };

  #complete(): void {
    const round = this.#rounds[0]!;
    for (const done of round.done) done();
    if (this.#failed) return;
    if (round.step === null) {
      this.#endRound(round);
      return;
    }
    void round.step().then(() => {
      if (!this.#failed) this.#endRound(round);
    });
  }

  /** The arrays of a finished round serve again, so that a steady state allocates none. */
  #endRound(round: Round): void {
    this.#rounds.shift();
    round.buffers.length = 0;
    round.done.length = 0;
    round.bytes = 0;
    round.step = null;
    this.#spare = round;
    this.#busy = false;
    this.#next();
  }
}

function newRound(): Round {
  return { buffers: [], done: [], bytes: 0, step: null };
}
