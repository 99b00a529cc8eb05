// Owns: the order in which ZSCAN walks a large sorted set: buckets by the leading bits of a hash of
// the member. Scores and neighbours do not enter, so no edit of other members moves one. A cursor
// is the lowest hash still to come: it means the same on every node, after a restart, and when the
// number of buckets has changed since (at worst one bucket is returned again).
// It is an index made from the members alone: built when a first scan asks, kept up by edits,
// dropped when no scan has come for a while. It is no part of the replicated state, and its memory
// is not counted in `bytes`.

export interface ScanPart {
  /** Where the next part begins; 0 when this was the last. */
  readonly cursor: number;
  readonly members: readonly string[];
}

const HASH_BITS = 32;
/** Members per bucket when the order is built, and the average at which it is built anew. */
const BUCKET_FILL = 16;
const BUCKET_FILL_MAX = 64;

export class ScanOrder {
  readonly #buckets: string[][];
  /** A hash without its trailing #shift bits is a bucket number; in [8, 31]. */
  readonly #shift: number;
  #size = 0;
  /** Edits since the last scan. */
  #idleEdits = 0;

  constructor(members: Iterable<string>, size: number) {
    const bits = Math.min(24, Math.max(1, Math.ceil(Math.log2(size / BUCKET_FILL))));
    this.#shift = HASH_BITS - bits;
    this.#buckets = Array.from({ length: 2 ** bits }, () => []);
    for (const member of members) this.add(member);
  }

  add(member: string): void {
    this.#buckets[hash32(member) >>> this.#shift]!.push(member);
    this.#size++;
    this.#idleEdits++;
  }

  delete(member: string): void {
    const bucket = this.#buckets[hash32(member) >>> this.#shift]!;
    bucket.splice(bucket.indexOf(member), 1);
    this.#size--;
    this.#idleEdits++;
  }

  /**
   * Whether the order was kept up for nothing as long as building it takes, or has outgrown its
   * buckets.
   */
  get isStale(): boolean {
    if (this.#idleEdits > 1024 + this.#size) return true;
    return this.#size > BUCKET_FILL_MAX * this.#buckets.length;
  }

  /** The members of whole buckets from the cursor on, until there are `count` or none are left. */
  part(cursor: number, count: number): ScanPart {
    this.#idleEdits = 0;
    const members: string[] = [];
    let at = Math.floor(cursor / 2 ** this.#shift);
    for (; at < this.#buckets.length && members.length < count; at++) {
      for (const member of this.#buckets[at]!) members.push(member);
    }
    return { cursor: at < this.#buckets.length ? at * 2 ** this.#shift : 0, members };
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
