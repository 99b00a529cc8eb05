// Owns: sets of members and the steps between them (thesis 4), and which membership is in force at
// which index. A membership is in force from the moment its entry is appended; truncation takes it
// back, a snapshot replaces it.

import { assert } from '../base/assert.js';
import { keepOnly, NO_ROSTER, sameRoster } from './roster.js';
import type { Membership, Roster, SnapshotMeta } from './types.js';

export function isVoter(membership: Membership, id: string): boolean {
  return membership.voters.includes(id) || membership.outgoing.includes(id);
}

export function isJoint(membership: Membership): boolean {
  return membership.outgoing.length > 0;
}

/** Everyone, each once, sorted. */
export function allMembers(membership: Membership): string[] {
  return sortedSet([...membership.voters, ...membership.outgoing, ...membership.learners]);
}

/** A plain (not joint) membership from any lists; an id that is in both is a voter. */
export function membershipOf(
  voters: readonly string[],
  learners: readonly string[],
  roster: Roster = NO_ROSTER,
): Membership {
  const voting = sortedSet(voters);
  const rest = sortedSet(learners).filter((id) => !voting.includes(id));
  return { voters: voting, outgoing: [], learners: rest, roster };
}

/**
 * The first step from `current` to `target` (both not joint): `target` itself when at most one
 * voter comes or goes, so that any two majorities meet; otherwise the joint membership, to be left
 * by `leaveJoint` once committed.
 */
export function stepTowards(current: Membership, target: Membership): Membership {
  const added = target.voters.filter((id) => !current.voters.includes(id)).length;
  const removed = current.voters.filter((id) => !target.voters.includes(id)).length;
  const outgoing = added + removed <= 1 ? [] : current.voters;
  return withOwnRoster({ ...target, outgoing });
}

export function leaveJoint(membership: Membership): Membership {
  return withOwnRoster({ ...membership, outgoing: [] });
}

/** Who is in none of the lists leaves the roster too. */
function withOwnRoster(membership: Membership): Membership {
  return { ...membership, roster: keepOnly(membership.roster, allMembers(membership)) };
}

export function sameMembership(a: Membership, b: Membership): boolean {
  return (
    sameIds(a.voters, b.voters) &&
    sameIds(a.outgoing, b.outgoing) &&
    sameIds(a.learners, b.learners) &&
    sameRoster(a.roster, b.roster)
  );
}

function sameIds(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((id, at) => id === b[at]);
}

function sortedSet(ids: readonly string[]): string[] {
  return [...new Set(ids)].sort();
}

/**
 * Memberships by the index from which they are in force; the first one is the snapshot's or the
 * initial one.
 */
export class MembershipHistory {
  readonly #indexes: number[] = [];
  readonly #memberships: Membership[] = [];

  constructor(snapshot: SnapshotMeta) {
    this.#indexes.push(snapshot.index);
    this.#memberships.push(snapshot.membership);
  }

  get current(): Membership {
    return this.#memberships[this.#memberships.length - 1]!;
  }

  /** Index of the entry that brought the current membership. */
  get currentIndex(): number {
    return this.#indexes[this.#indexes.length - 1]!;
  }

  /** The membership in force right after `index`, which is not below the compacted part. */
  at(index: number): Membership {
    let i = this.#indexes.length - 1;
    while (i > 0 && this.#indexes[i]! > index) i--;
    return this.#memberships[i]!;
  }

  append(index: number, membership: Membership): void {
    assert(index > this.currentIndex, `membership at ${index} after ${this.currentIndex}`);
    this.#indexes.push(index);
    this.#memberships.push(membership);
  }

  /** True when this took a membership back. */
  truncateFrom(index: number): boolean {
    let count = this.#indexes.length;
    while (count > 1 && this.#indexes[count - 1]! >= index) count--;
    if (count === this.#indexes.length) return false;
    this.#indexes.length = count;
    this.#memberships.length = count;
    return true;
  }

  /** Forgets what was replaced at or before `index`. */
  compactTo(index: number): void {
    let keep = 0;
    while (keep + 1 < this.#indexes.length && this.#indexes[keep + 1]! <= index) keep++;
    this.#indexes.splice(0, keep);
    this.#memberships.splice(0, keep);
  }

  /** A snapshot's membership replaces everything, also a newer one that this node had appended. */
  resetTo(snapshot: SnapshotMeta): void {
    this.#indexes.length = 0;
    this.#memberships.length = 0;
    this.#indexes.push(snapshot.index);
    this.#memberships.push(snapshot.membership);
  }
}
