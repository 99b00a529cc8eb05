// Owns: the one ordered stream of what the core wants durable: hard state before the entries that
// depend on it, every completion in the order of submission (raft.md section 3, P0 and P2). Votes
// go to the stable store, entries to the log. A failure of either ends the process; nothing here
// retries.

import { RingBuffer } from '../base/ring-buffer.js';
import type { HardState } from '../raft/types.js';

/** The parts of storage it writes to. */
export interface DurableSinks {
  saveHardState(state: HardState): Promise<void>;
  /**
   * Calls `done` when the records are as durable as the fsync policy says; completions in order.
   */
  appendRecords(records: readonly RecordBytes[], done: () => void): void;
  fatal(error: unknown): void;
}

export interface RecordBytes {
  readonly index: number;
  readonly bytes: Buffer;
  /** The next record begins a new segment: a snapshot at this one replaces what is before. */
  readonly endsSegment?: boolean;
}

interface Job {
  readonly hardState: HardState | null;
  readonly records: readonly RecordBytes[];
  readonly done: () => void;
  finished: boolean;
}

export class DurableStream {
  readonly #sinks: DurableSinks;
  /** Submitted and not completed, in order. */
  readonly #jobs = new RingBuffer<Job>();
  /** Jobs behind a hard state that is being saved; nothing of them was started. */
  readonly #held = new RingBuffer<Job>();
  #saving = false;
  /** Jobs completed so far. */
  #ended = 0;

  constructor(sinks: DurableSinks) {
    this.#sinks = sinks;
  }

  get idle(): boolean {
    return this.#jobs.length === 0;
  }

  /** A number that differs once the oldest job has ended; null when nothing is under way. */
  get oldest(): number | null {
    return this.#jobs.length === 0 ? null : this.#ended;
  }

  /**
   * `done` is called when this and everything submitted before is durable; never inside this call
   * unless idle and empty.
   */
  submit(hardState: HardState | null, records: readonly RecordBytes[], done: () => void): void {
    const job: Job = { hardState, records, done, finished: false };
    this.#jobs.push(job);
    if (this.#saving) this.#held.push(job);
    else this.#start(job);
  }

  #start(job: Job): void {
    if (job.hardState === null) {
      this.#append(job);
      return;
    }
    this.#saving = true;
    this.#sinks.saveHardState(job.hardState).then(
      () => {
        this.#saving = false;
        this.#append(job);
        while (this.#held.length > 0 && !this.#saving) this.#start(this.#held.shift()!);
      },
      (error) => this.#sinks.fatal(error),
    );
  }

  #append(job: Job): void {
    if (job.records.length === 0) this.#finish(job);
    else this.#sinks.appendRecords(job.records, () => this.#finish(job));
  }

  #finish(job: Job): void {
    job.finished = true;
    while (this.#jobs.peek()?.finished === true) {
      this.#ended++;
      this.#jobs.shift()!.done();
    }
  }
}
