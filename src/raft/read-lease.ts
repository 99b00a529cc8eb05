// Owns: leases for linearizable reads without a round (thesis 6.4.1), when the option is on. A
// member that hears its leader promises to help nobody else to lead for `promiseMs` of its own
// monotonic clock, and after a start for as long, since it cannot know what it promised before. A
// leader counts from when it opened the round that a quorum answered, before any of its heartbeats
// left, and for less long than the promise (LeaseConfig.durationMs), so that clocks may drift.
// Times are data: the driver says what time it is (advance), never this file. A clock that is
// behind makes a promise shorter and a lease longer; so the driver reads it after what it steps has
// arrived, and after the reads that it asks for.

import { RingBuffer } from '../base/ring-buffer.js';

export interface LeaseConfig {
  /** Ms from opening a round for which its quorum keeps others from leading; below promiseMs. */
  readonly durationMs: number;
  /** Ms for which a member that heard its leader supports nobody else. */
  readonly promiseMs: number;
  /** Monotonic ms when this node started. */
  readonly startedAt: number;
}

export class ReadLease {
  readonly #config: LeaseConfig | null;
  /** Monotonic ms, as last told. */
  #clock: number;
  #promisedUntil: number;
  /** When the rounds from #firstRound on were opened, without a gap. */
  readonly #openedAt = new RingBuffer<number>();
  #firstRound = 0;
  #revoked = false;

  constructor(config: LeaseConfig | null) {
    this.#config = config;
    this.#clock = config?.startedAt ?? 0;
    this.#promisedUntil = config === null ? 0 : config.startedAt + config.promiseMs;
  }

  get enabled(): boolean {
    return this.#config !== null;
  }

  /** Monotonic ms. Goes forward only. */
  advance(now: number): void {
    if (now > this.#clock) this.#clock = now;
  }

  /** Member: this node may not help anybody but its leader, neither by a vote nor by a campaign. */
  get promised(): boolean {
    return this.#clock < this.#promisedUntil;
  }

  /** Member: it has heard its leader just now. */
  promise(): void {
    if (this.#config !== null) this.#promisedUntil = this.#clock + this.#config.promiseMs;
  }

  /** Leader: a leadership begins, `round` is its first that can be opened. */
  begin(round: number): void {
    this.#openedAt.clear();
    this.#firstRound = round;
    this.#revoked = false;
  }

  /** Leader: this round begins, nothing of it has been sent. Rounds are opened one by one. */
  roundOpened(): void {
    if (this.#config === null) return;
    const expired = this.#clock - this.#config.durationMs;
    while ((this.#openedAt.peek() ?? this.#clock) < expired) {
      this.#openedAt.shift();
      this.#firstRound++;
    }
    this.#openedAt.push(this.#clock);
  }

  /**
   * Leader: somebody was told that it may lead, whatever others have promised. That message may
   * arrive late, so there is no lease any more in this term.
   */
  revoke(): void {
    this.#revoked = true;
  }

  get revoked(): boolean {
    return this.#revoked;
  }

  /** Leader: ms for which nobody else can lead if a quorum has promised in `round`; 0 for none. */
  msLeft(round: number): number {
    if (this.#config === null || this.#revoked) return 0;
    const openedAt = this.#openedAt.at(round - this.#firstRound);
    if (openedAt === undefined) return 0;
    return Math.max(0, openedAt + this.#config.durationMs - this.#clock);
  }
}
