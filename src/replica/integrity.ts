// Owns: whether this member's data is what the majority's is (architecture D7). At every
// checkpoint, an index the log itself fixes, members tell each other the digest of their data. One
// that differs from a majority of voters quarantines itself: it takes no part in consensus, answers
// clients with a definite error, and is rebuilt from the snapshot of one that agreed; its log is
// not in doubt and stays.
// Where no majority agrees nobody can know who is right: that is told, and no more.

import type { LoggedRecord } from '../base/log-entry.js';
import type { Logger } from '../observe/logger.js';
import type { DigestNote } from '../peer/digest-codec.js';
import type { PeerLinks } from '../peer/links.js';
import type { Clock } from '../platform/clock.js';
import type { RaftCore } from '../raft/core.js';
import { allMembers } from '../raft/membership.js';
import { DigestComparison, type Verdict } from './digest-comparison.js';

/**
 * A checkpoint's snapshot waits for the others' digests before it replaces the base, ms: so long,
 * and as long again as this member's own walk took, for another's may take twice as long.
 */
const AGREE_MS_MAX = 5000;
/** Between two requests for a snapshot, each of another member that has the right data, ms. */
const ASK_MS = 1000;

export interface IntegrityStatus {
  /** Empty, or why this member is in quarantine. */
  readonly quarantine: string;
  /** Newest checkpoint this member has a digest of; 0 and empty for none. */
  readonly checkpoint: number;
  readonly digest: string;
  readonly verdict: Verdict;
  /** Checkpoints at which this member differed from the majority, since the start. */
  readonly mismatches: number;
  /** Checkpoints at which no majority agreed, since the start. */
  readonly splits: number;
}

export interface IntegrityParts {
  readonly nodeId: string;
  readonly core: RaftCore<LoggedRecord>;
  readonly links: PeerLinks;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The quarantine has begun: what clients wait for here is not to be had. */
  readonly onQuarantine: () => void;
}

export class Integrity {
  readonly #parts: IntegrityParts;
  readonly #comparison: DigestComparison;
  #quarantine = '';
  /** The checkpoint at which it began. */
  #differsAt = 0;
  #asked = 0;
  #askAt = 0;
  /** The machine is behind the state it once had up to this index; 0 when it is not. */
  #rebuildingTo = 0;
  #mismatches = 0;
  #splits = 0;
  #splitAt = 0;
  /** Who waits for the verdict at an index. */
  readonly #waiting = new Map<number, (verdict: Verdict) => void>();

  constructor(parts: IntegrityParts) {
    this.#parts = parts;
    this.#comparison = new DigestComparison(parts.nodeId);
  }

  /** True while clients cannot be served from this member's data. */
  get quarantined(): boolean {
    return this.#quarantine !== '';
  }

  status(): IntegrityStatus {
    const checkpoint = this.#comparison.newestOwn;
    return {
      quarantine: this.#quarantine,
      checkpoint,
      digest: this.#comparison.digestOf(this.#parts.nodeId, checkpoint) ?? '',
      verdict: this.#verdict(checkpoint),
      mismatches: this.#mismatches,
      splits: this.#splits,
    };
  }

  /**
   * This member's digest at a checkpoint, which took it `walkMs`. Resolves with the verdict, or
   * `open` when it is not in after AGREE_MS_MAX and that; it may still come then.
   */
  settle(index: number, digest: string, walkMs: number): Promise<Verdict> {
    this.#comparison.note(this.#parts.nodeId, index, digest);
    for (const id of this.#others()) this.#tell(id, index);
    this.#judge(index);
    const verdict = this.#verdict(index);
    if (verdict !== 'open') return Promise.resolve(verdict);
    return new Promise((resolve) => {
      const limitMs = AGREE_MS_MAX + walkMs;
      const limit = this.#parts.clock.after(limitMs, () => this.#settled(index, 'open'));
      this.#waiting.set(index, (found) => {
        limit.cancel();
        resolve(found);
      });
    });
  }

  /** Whoever waits for a verdict goes on without one. */
  stopWaiting(): void {
    for (const index of [...this.#waiting.keys()]) this.#settled(index, 'open');
  }

  onDigest(from: string, { index, digest, wanted }: DigestNote): void {
    const members = allMembers(this.#parts.core.membership);
    if (!members.includes(from)) return;
    this.#comparison.forget((id) => id === this.#parts.nodeId || members.includes(id));
    this.#comparison.note(from, index, digest);
    if (wanted) this.#tell(from, index);
    this.#judge(index);
  }

  /** What was told while the link was down is lost. */
  onLinkUp(nodeId: string): void {
    this.#tell(nodeId, this.#comparison.newestOwn);
  }

  /** Called a few times a second. */
  poll(): void {
    const { core, links, clock } = this.#parts;
    if (!core.quarantined || clock.monotonic() < this.#askAt) return;
    this.#askAt = clock.monotonic() + ASK_MS;
    const right = this.#comparison.majorityDigest(this.#differsAt, core.membership);
    const holders = this.#others().filter(
      (id) => links.isUp(id) && this.#comparison.digestOf(id, this.#differsAt) === right,
    );
    const asked = holders[this.#asked++ % holders.length];
    if (asked !== undefined) links.sendSnapshotWanted(asked, this.#differsAt);
  }

  /**
   * The data is now the majority's at a checkpoint; clients are served again once the machine is at
   * `until`, where it was before.
   */
  rebuilt(until: number): void {
    this.#rebuildingTo = until;
    this.#comparison.forget((id) => id !== this.#parts.nodeId);
  }

  /** True when this ends the quarantine. */
  applied(index: number): boolean {
    if (this.#rebuildingTo === 0 || index < this.#rebuildingTo) return false;
    this.#rebuildingTo = 0;
    this.#quarantine = '';
    this.#parts.logger.warn("Quarantine over: the data is the majority's again", { index });
    return true;
  }

  #others(): string[] {
    return allMembers(this.#parts.core.membership).filter((id) => id !== this.#parts.nodeId);
  }

  #verdict(index: number): Verdict {
    return this.#comparison.verdict(index, this.#parts.core.membership);
  }

  #tell(to: string, index: number): void {
    const digest = this.#comparison.digestOf(this.#parts.nodeId, index);
    if (digest === null) return;
    const wanted = this.#comparison.digestOf(to, index) === null;
    this.#parts.links.sendDigest(to, { index, digest, wanted });
  }

  #judge(index: number): void {
    const verdict = this.#verdict(index);
    if (verdict === 'split' && index > this.#splitAt) this.#alarm(index);
    if (verdict === 'differs' && !this.quarantined) this.#enterQuarantine(index);
    if (verdict !== 'open') this.#settled(index, verdict);
  }

  #settled(index: number, verdict: Verdict): void {
    const tell = this.#waiting.get(index);
    this.#waiting.delete(index);
    tell?.(verdict);
  }

  #alarm(index: number): void {
    this.#splitAt = index;
    this.#splits++;
    this.#parts.logger.error(
      "The members' data differs and no majority agrees: nobody can know which is right",
      { index, digests: this.#known(index) },
    );
  }

  #enterQuarantine(index: number): void {
    const { core, logger, onQuarantine } = this.#parts;
    this.#mismatches++;
    this.#quarantine = `data differs from the majority's at index ${index}`;
    this.#differsAt = index;
    this.#askAt = 0;
    logger.error(
      "QUARANTINE: this member's data differs from the majority's; it takes no part until it is rebuilt",
      { index, digests: this.#known(index) },
    );
    core.quarantine();
    onQuarantine();
  }

  #known(index: number): string {
    const ids = allMembers(this.#parts.core.membership);
    return ids.map((id) => `${id}=${this.#comparison.digestOf(id, index) ?? '?'}`).join(' ');
  }
}
