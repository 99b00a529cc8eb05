// Owns: the order in which ZSCAN walks a large sorted set: by a 32-bit hash of the member. Scores and neighbours do
// not enter, so no edit of other members moves one, and a cursor means the same on every node and after a restart.
// It is an index made from the members alone: built when a first scan asks, kept up by edits, dropped when no scan has
// come for a while. It is no part of the replicated state, and its memory is not counted in `bytes`.

import { RankedMembers } from './ranked-members.js';

export interface ScanPart {
  /** Where the next part begins; 0 when this was the last. */
  readonly cursor: number;
  readonly members: readonly string[];
}

export class ScanOrder {
  readonly #order: RankedMembers;
  /** Edits since the last scan. */
  #idleEdits = 0;

  constructor(members: Iterable<string>) {
    const hashed: { member: string; hash: number }[] = [];
    for (const member of members) hashed.push({ member, hash: hash32(member) });
    hashed.sort((a, b) => a.hash - b.hash || (a.member < b.member ? -1 : 1));
    this.#order = RankedMembers.fromSorted(
      hashed.map((entry) => entry.member),
      hashed.map((entry) => entry.hash),
    );
  }

  add(member: string): void {
    this.#order.insert(member, hash32(member));
    this.#idleEdits++;
  }

  delete(member: string): void {
    this.#order.remove(member, hash32(member));
    this.#idleEdits++;
  }

  /** Whether the order has been kept up for nothing for as long as building it anew would take. */
  get isIdle(): boolean {
    return this.#idleEdits > 1024 + this.#order.size;
  }

  /**
   * At least `count` members whose hash is at or beyond the cursor, and all others that share the last one's hash.
   */
  part(cursor: number, count: number): ScanPart {
    this.#idleEdits = 0;
    const size = this.#order.size;
    const start = this.#order.countBelow(cursor, false);
    if (start >= size) return { cursor: 0, members: [] };
    const wanted = Math.min(size, start + count);
    const lastHash = this.#order.scoreAt(wanted - 1);
    const end = this.#order.countBelow(lastHash, true);
    const members: string[] = [];
    this.#order.collect(start, end, members, []);
    return { cursor: end >= size ? 0 : lastHash + 1, members };
  }
}

/** FNV-1a over the bytes, mixed at the end so that short members spread over all 32 bits. */
function hash32(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
