// Owns: what is known of the members' digests at indexes that the log fixed, and what follows from
// it: a majority of voters decides what the data is. Pure bookkeeping, bounded: the last few
// indexes of each member. Who is a member and a voter is told by the caller.

import type { Membership } from '../raft/types.js';

/**
 * open: too few are known. agreed: a majority has what this member has. differs: a majority has
 * something else. split: all voters are known and no majority has the same.
 */
export type Verdict = 'open' | 'agreed' | 'differs' | 'split';

/** Indexes remembered of each member. */
const KEPT = 4;

export class DigestComparison {
  readonly #self: string;
  readonly #digests = new Map<string, Map<number, string>>();

  constructor(self: string) {
    this.#self = self;
  }

  /** `from` has this digest at `index`; what it said before of the index stands. */
  note(from: string, index: number, digest: string): void {
    let known = this.#digests.get(from);
    if (known === undefined) {
      known = new Map();
      this.#digests.set(from, known);
    }
    if (known.has(index)) return;
    known.set(index, digest);
    if (known.size > KEPT) known.delete(Math.min(...known.keys()));
  }

  /** Forgets what members that left said, and all of this member's own when its data changed. */
  forget(keep: (id: string) => boolean): void {
    for (const id of this.#digests.keys()) if (!keep(id)) this.#digests.delete(id);
  }

  digestOf(id: string, index: number): string | null {
    return this.#digests.get(id)?.get(index) ?? null;
  }

  /** The newest index at which this member's digest is known; 0 for none. */
  get newestOwn(): number {
    return Math.max(0, ...(this.#digests.get(this.#self)?.keys() ?? []));
  }

  verdict(index: number, membership: Membership): Verdict {
    const own = this.digestOf(this.#self, index);
    if (own === null) return 'open';
    const majority = this.majorityDigest(index, membership);
    if (majority !== null) return majority === own ? 'agreed' : 'differs';
    const { voters, outgoing } = membership;
    const known = [...voters, ...outgoing].every((id) => this.digestOf(id, index) !== null);
    return known ? 'split' : 'open';
  }

  /** What a quorum has at `index`; null when none has the same, or it is not known. */
  majorityDigest(index: number, { voters, outgoing }: Membership): string | null {
    const majority = this.#majority(voters, index);
    const joint = outgoing.length === 0 ? majority : this.#majority(outgoing, index);
    return majority === joint ? majority : null;
  }

  /** The digest that more than half of `ids` have; null when there is none or it is not known. */
  #majority(ids: readonly string[], index: number): string | null {
    const counts = new Map<string, number>();
    for (const id of ids) {
      const digest = this.digestOf(id, index);
      if (digest === null) continue;
      const count = (counts.get(digest) ?? 0) + 1;
      if (2 * count > ids.length) return digest;
      counts.set(digest, count);
    }
    return null;
  }
}
