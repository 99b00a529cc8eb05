// Owns: bringing a member forward with committed entries read back from disk, when it is further
// behind than what is in memory but not so far that a snapshot costs less. The entries go as plain
// appends, a window at a time; the acknowledgement that reaches the log in memory ends it, in the
// core. Never decides what is committed: everything at or below the log's base is.

import type { LoggedRecord } from '../base/log-entry.js';
import type { PeerLinks } from '../peer/links.js';
import type { Clock } from '../platform/clock.js';
import type { Disk } from '../platform/disk.js';
import { Pacer } from '../platform/pacer.js';
import type { RaftCore } from '../raft/core.js';
import type { BulkProgress } from '../raft/types.js';
import { HistoryReader } from '../storage/log-history.js';
import type { LogStore } from '../storage/log-store.js';
import { entryOf } from './boot.js';

export interface FeederParts {
  readonly nodeId: string;
  readonly core: RaftCore<LoggedRecord>;
  readonly store: LogStore;
  readonly links: PeerLinks;
  readonly disk: Disk;
  readonly clock: Clock;
}

const APPEND_BYTES = 256 * 1024;
/** Entries sent and not acknowledged, at most. */
const WINDOW_BYTES = 2 * 2 ** 20;
/** History of this size is sent whatever the snapshot's is. */
const CHEAP_BYTES = 8 * 2 ** 20;
/** Without an acknowledgement for so long it is given up, ms. */
const STALL_MS_MAX = 5000;
/** What is not acknowledged in so long is sent again, ms. */
const RESEND_MS = 1000;
/** Between two looks at the acknowledgements, ms. */
const LOOK_MS = 5;
/** Refusals after which no match is to be expected in what is here. */
const REFUSALS_MAX = 16;
const SLICE_MS = 1;

/**
 * done: the member is on the log in memory, or not this node's to care for any more. silent: it
 * does not answer. cannot: history does not do it, or not at a better price than a snapshot.
 */
export type FeedOutcome = 'done' | 'silent' | 'cannot';

/** Never rejects. */
export async function feedHistory(parts: FeederParts, peer: string): Promise<FeedOutcome> {
  const { core, store, disk, clock, links } = parts;
  const begun = core.bulkProgress(peer);
  if (begun === null) return 'done';
  if (!links.isUp(peer)) return 'silent';
  const reader = new HistoryReader(disk, () => store.files, new Pacer(clock, SLICE_MS));
  const bytes = reader.bytesFrom(firstToSend(begun));
  if (bytes === null || bytes > Math.max(CHEAP_BYTES, store.snapshot?.bytes ?? 0)) return 'cannot';
  try {
    return await new Feed(parts, peer, reader, begun).run();
  } catch {
    // A file that went meanwhile, or does not read back: there is always the snapshot.
    return 'cannot';
  } finally {
    await reader.close();
  }
}

/**
 * A hint is where the logs may match: not even then is nothing to be sent, or nobody would find out
 * that they do not.
 */
function firstToSend({ hint, base }: BulkProgress): number {
  return Math.max(1, Math.min(hint + 1, base));
}

class Feed {
  readonly #parts: FeederParts;
  readonly #peer: string;
  readonly #reader: HistoryReader;
  readonly #term: number;
  /** First entry to send next; `#matchedTerm` is the term of the one before it. */
  #next: number;
  #prevTerm: number | null = null;
  #match: number;
  #refusals: number;
  #refused = 0;
  /** Sent and not acknowledged: first and last index and bytes of each append. */
  readonly #flying: { first: number; last: number; bytes: number }[] = [];
  /** When something was last heard, and last sent. */
  #movedAt: number;
  #sentAt = 0;

  constructor(parts: FeederParts, peer: string, reader: HistoryReader, begun: BulkProgress) {
    this.#parts = parts;
    this.#peer = peer;
    this.#reader = reader;
    this.#term = begun.term;
    this.#next = firstToSend(begun);
    this.#match = begun.match;
    this.#refusals = begun.refusals;
    this.#movedAt = parts.clock.monotonic();
  }

  async run(): Promise<FeedOutcome> {
    const { core, clock, links } = this.#parts;
    for (;;) {
      const progress = core.bulkProgress(this.#peer);
      if (progress === null || progress.term !== this.#term) return 'done';
      if (this.#refused > REFUSALS_MAX) return 'cannot';
      const silentMs = this.#note(progress);
      if (silentMs >= STALL_MS_MAX || !links.isUp(this.#peer)) return 'silent';
      if (this.#next <= progress.base && this.#flyingBytes < WINDOW_BYTES) {
        if (!(await this.#send(progress))) return 'cannot';
      } else {
        await new Promise<void>((resolve) => clock.after(LOOK_MS, resolve));
      }
    }
  }

  get #flyingBytes(): number {
    return this.#flying.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** Takes in what the peer said; returns for how long it has said nothing, ms. */
  #note({ match, hint, refusals }: BulkProgress): number {
    const now = this.#parts.clock.monotonic();
    if (match > this.#match) {
      this.#match = match;
      this.#movedAt = this.#sentAt = now;
      while (this.#flying.length > 0 && this.#flying[0]!.last <= match) this.#flying.shift();
    }
    if (refusals > this.#refusals) {
      this.#refusals = refusals;
      this.#refused++;
      this.#movedAt = now;
      // One before the place that did not match, or where its log ends.
      const refused = this.#flying[0]?.first ?? this.#next;
      this.#flying.length = 0;
      this.#next = Math.max(match + 1, Math.min(hint + 1, refused - 1));
      this.#prevTerm = null;
    }
    if (this.#flying.length > 0 && now - this.#sentAt >= RESEND_MS) {
      this.#flying.length = 0;
      this.#next = match + 1;
      this.#prevTerm = null;
    }
    return now - this.#movedAt;
  }

  /** False when the next entries are not here. */
  async #send({ base }: BulkProgress): Promise<boolean> {
    const next = this.#next;
    const prevIndex = next - 1;
    const prevTerm = this.#prevTerm ?? (prevIndex === 0 ? 0 : await this.#reader.termAt(prevIndex));
    const records = await this.#reader.read(next, base, APPEND_BYTES);
    const last = records.at(-1)?.record;
    if (prevTerm === null || last === undefined) return false;
    const { core, links, nodeId } = this.#parts;
    const progress = core.bulkProgress(this.#peer);
    // What was heard while it was read is dealt with first.
    const moved = progress === null || progress.refusals !== this.#refusals;
    if (moved || progress.term !== this.#term) return true;
    links.send({
      type: 'append',
      from: nodeId,
      to: this.#peer,
      term: this.#term,
      prevIndex,
      prevTerm,
      commitIndex: progress.commitIndex,
      entries: records.map(entryOf),
    });
    links.flush();
    const bytes = records.reduce((sum, record) => sum + record.bytes.length, 0);
    this.#sentAt = this.#parts.clock.monotonic();
    this.#flying.push({ first: next, last: last.index, bytes });
    this.#next = last.index + 1;
    this.#prevTerm = last.term;
    return true;
  }
}
