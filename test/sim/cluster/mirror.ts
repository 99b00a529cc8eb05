// Owns: what was last seen of one life of a node: its log as terms by index, and its counters, so
// that an event that moved nothing costs next to nothing.

import type { NodeParts } from '../../../src/node.js';
import type { Membership, Role } from '../../../src/raft/types.js';

export class Mirror {
  readonly terms = new Map<number, number>();
  role: Role = 'follower';
  term = 0;
  last = 0;
  lastTerm = 0;
  commit: number;
  applied: number;
  /** Index of its newest snapshot. */
  snapshot = 0;
  /** In force, as last seen while it led; and the committed one. */
  membership: Membership | null = null;
  committedMembership: Membership | null = null;
  #fresh = true;

  constructor(commit: number, applied: number) {
    this.commit = commit;
    this.applied = applied;
  }

  moved({ core, machine }: NodeParts): boolean {
    return (
      this.#fresh ||
      core.role !== this.role ||
      core.term !== this.term ||
      core.lastIndex !== this.last ||
      core.lastTerm !== this.lastTerm ||
      core.commitIndex !== this.commit ||
      machine.appliedIndex !== this.applied
    );
  }

  note({ core, machine }: NodeParts): void {
    this.#fresh = false;
    this.role = core.role;
    this.term = core.term;
    this.last = core.lastIndex;
    this.lastTerm = core.lastTerm;
    this.commit = core.commitIndex;
    this.applied = machine.appliedIndex;
  }

  /** The log ends at `last` now. */
  truncateTo(last: number): void {
    for (let index = this.last; index > last; index--) this.terms.delete(index);
  }

  describe(): string {
    return `${this.term} ${this.commit} ${this.applied}`;
  }
}
