// Owns: the leader's side of proposals: writes of all origins on their way into the next entry,
// each origin in its own order and each write once per leadership. The machine is the final judge
// of repeats and gaps; this only keeps them out of the log where it can. Never outlives a
// leadership: begin() starts anew.

import type { LogRecord, OriginRun } from '../base/log-entry.js';
import type { ProposedRun } from '../peer/proposal-codec.js';

export interface Contribution {
  readonly node: string;
  readonly incarnation: number;
  readonly runs: readonly ProposedRun[];
  readonly payload: Buffer;
}

/** What goes into one entry. */
export interface EntryContent {
  readonly runs: readonly OriginRun[];
  readonly chunks: readonly Buffer[];
  readonly bytes: number;
}

/** `expectedSeq` tells the origin where to begin again. */
export type OfferResult = { taken: true } | { taken: false; expectedSeq: number };

/**
 * Payload bytes of one entry beyond which the rest goes into the next; one contribution always
 * fits.
 */
const ENTRY_BYTES_MAX = 8 * 2 ** 20;
/** Runs of one entry: keeps its header within a few lines. */
const ENTRY_RUNS_MAX = 512;

const TAKEN: OfferResult = { taken: true };

export class Sequencer {
  #waiting: Contribution[] = [];
  /** Contributions in the content that peek() showed last. */
  #peeked = 0;
  /** Bytes of payload waiting. */
  bytes = 0;
  /** Highest sequence number in the log or waiting, by origin and life. */
  readonly #lastSeq = new Map<string, number>();
  #appliedSeq: (node: string, incarnation: number) => number = () => 0;

  /**
   * A leadership begins: `appliedSeq` answers from the machine, `tail` are the entries of the log
   * that it has not applied yet.
   */
  begin(
    appliedSeq: (node: string, incarnation: number) => number,
    tail: Iterable<LogRecord>,
  ): void {
    this.#waiting = [];
    this.#peeked = 0;
    this.bytes = 0;
    this.#lastSeq.clear();
    this.#appliedSeq = appliedSeq;
    for (const record of tail) {
      for (const run of record.runs) this.#note(run, run.node, run.incarnation);
    }
  }

  get empty(): boolean {
    return this.#waiting.length === 0;
  }

  /** Takes writes unless some before them are missing; repeats are taken and forgotten. */
  offer(contribution: Contribution): OfferResult {
    const { node, incarnation, runs } = contribution;
    const key = keyOf(node, incarnation);
    const last = this.#lastSeq.get(key) ?? this.#appliedSeq(node, incarnation);
    if (runs[0]!.firstSeq > last + 1) return { taken: false, expectedSeq: last + 1 };
    const end = runs[runs.length - 1]!;
    if (end.firstSeq + end.count - 1 <= last) return TAKEN;
    this.#waiting.push(contribution);
    this.bytes += contribution.payload.length;
    this.#lastSeq.set(key, end.firstSeq + end.count - 1);
    return TAKEN;
  }

  /**
   * The content of the next entry, or null. It stays until drop(), since the core may not take it.
   */
  peek(): EntryContent | null {
    if (this.#waiting.length === 0) return null;
    const runs: OriginRun[] = [];
    const chunks: Buffer[] = [];
    let bytes = 0;
    let used = 0;
    for (const { node, incarnation, runs: proposed, payload } of this.#waiting) {
      const full = bytes + payload.length > ENTRY_BYTES_MAX;
      if (used > 0 && (full || runs.length + proposed.length > ENTRY_RUNS_MAX)) break;
      for (const run of proposed) append(runs, run, node, incarnation);
      chunks.push(payload);
      bytes += payload.length;
      used++;
    }
    this.#peeked = used;
    return { runs, chunks, bytes };
  }

  /** Forgets what peek() showed: it is in the log. */
  drop(): void {
    const gone = this.#waiting.splice(0, this.#peeked);
    for (const { payload } of gone) this.bytes -= payload.length;
    this.#peeked = 0;
  }

  #note(run: ProposedRun, node: string, incarnation: number): void {
    const key = keyOf(node, incarnation);
    const last = this.#lastSeq.get(key) ?? this.#appliedSeq(node, incarnation);
    if (run.firstSeq === last + 1) this.#lastSeq.set(key, last + run.count);
  }
}

function keyOf(node: string, incarnation: number): string {
  return `${incarnation}/${node}`;
}

/** Adds a run, joined with the one before it when it continues that one. */
function append(runs: OriginRun[], run: ProposedRun, node: string, incarnation: number): void {
  const { firstSeq, count, watchIndex } = run;
  const last = runs[runs.length - 1];
  if (
    last !== undefined &&
    last.node === node &&
    last.incarnation === incarnation &&
    last.watchIndex === 0 &&
    watchIndex === 0 &&
    last.firstSeq + last.count === firstSeq
  ) {
    runs[runs.length - 1] = { ...last, count: last.count + count };
    return;
  }
  runs.push({ node, incarnation, firstSeq, count, watchIndex });
}
