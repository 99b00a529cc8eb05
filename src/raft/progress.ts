// Owns: what a leader knows of one member: how far its log matches and in which way to send to it.
// probe: one message at a time until the match is known. replicate: optimistic, as far as the
// window allows. snapshot: nothing, until the snapshot arrived. Invariant: match < next. Only a
// leader has these, for one term.

import { Inflights } from './inflights.js';

export type ProgressState = 'probe' | 'replicate' | 'snapshot';

export class Progress {
  readonly id: string;
  /** The data directory this is known of; empty while it was never seen. */
  readonly uuid: string;
  readonly inflights: Inflights;
  state: ProgressState = 'probe';
  /** The member has the leader's log durably up to here. */
  match = 0;
  /** First entry to send next. */
  next: number;
  /** Heard from since the last quorum check. */
  recentlyActive = false;
  /** Was heard from before that check. */
  wasActive = false;
  /** In probe: the one message was sent; the next answer or heartbeat answer releases it. */
  paused = false;
  /** A heartbeat was sent since the last nudge: its answer may trigger one message out of turn. */
  mayNudge = false;
  /** Highest commit index sent to it. */
  sentCommit = 0;
  /** Highest read round it has confirmed. */
  confirmedRound = 0;
  /** Highest one for which it has promised to help nobody else to lead. */
  promisedRound = 0;
  /** It has said that it may vote. */
  admitted = false;
  /** In snapshot: index of the snapshot on its way. */
  snapshotIndex = 0;
  /** Where its log may match, as it said when it last refused an append; 0: it may have nothing. */
  hint = 0;
  /** Appends it refused, for who sends them outside of the window. */
  refusals = 0;

  constructor(id: string, uuid: string, next: number, messagesMax: number, bytesMax: number) {
    this.id = id;
    this.uuid = uuid;
    this.next = next;
    this.inflights = new Inflights(messagesMax, bytesMax);
  }

  /** Heard from within the last two quorum checks. */
  get alive(): boolean {
    return this.recentlyActive || this.wasActive;
  }

  /** A quorum check is made; the next one begins. */
  restartActivity(): void {
    this.wasActive = this.recentlyActive;
    this.recentlyActive = false;
  }

  /** An append with entries up to `lastIndex` goes out. */
  sent(lastIndex: number, bytes: number): void {
    if (this.state === 'replicate') {
      this.next = lastIndex + 1;
      this.inflights.add(lastIndex, bytes);
    } else {
      this.paused = true;
    }
  }

  /** The member has `index` durably. False when that was known. */
  acknowledge(index: number): boolean {
    if (index <= this.match) return false;
    this.match = index;
    if (this.next <= index) this.next = index + 1;
    return true;
  }

  /**
   * The member refused an append after `rejected`; `hint` is the last place where the logs may
   * agree. False for an old answer that says nothing any more.
   */
  reject(rejected: number, hint: number): boolean {
    if (this.state === 'snapshot' || rejected <= this.match) return false;
    if (this.state === 'replicate') {
      if (rejected >= this.next) return false;
      this.probe();
      this.next = Math.max(this.match + 1, Math.min(rejected, hint + 1));
      return true;
    }
    if (rejected !== this.next - 1) return false;
    this.next = Math.max(this.match + 1, Math.min(rejected, hint + 1));
    this.paused = false;
    return true;
  }

  probe(): void {
    const afterSnapshot = this.state === 'snapshot' ? this.snapshotIndex : 0;
    this.#enter('probe');
    this.next = Math.max(this.match, afterSnapshot) + 1;
  }

  replicate(): void {
    this.#enter('replicate');
    this.next = this.match + 1;
  }

  awaitSnapshot(index: number): void {
    this.#enter('snapshot');
    this.snapshotIndex = index;
  }

  #enter(state: ProgressState): void {
    this.state = state;
    this.paused = false;
    this.snapshotIndex = 0;
    this.inflights.clear();
  }
}
