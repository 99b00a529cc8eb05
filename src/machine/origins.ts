// Owns: which writes of each origin have been applied, so that a write sent again after a change of
// leader is applied once (architecture D4). State of the machine: equal on every member at equal
// index, carried by snapshots. One row per node id, so the table is bounded by the members there
// ever were (a node that comes back with a new uuid is a new one).

/**
 * The name under which a node's writes are numbered: its id, and the beginning of its uuid, because
 * a node whose disk was lost begins to count its starts anew and must not look like a past life of
 * itself.
 */
export function originName(nodeId: string, uuid: string): string {
  return `${nodeId}.${uuid.slice(0, 8)}`;
}

/** One life of one node. */
export class OriginRow {
  incarnation: number;
  lastSeq: number;

  constructor(incarnation: number, lastSeq: number) {
    this.incarnation = incarnation;
    this.lastSeq = lastSeq;
  }

  /**
   * Whether the write is the next of its origin and so must run now. False for a repeat, and for
   * one behind a gap (the origin sends it again, in order).
   */
  admit(seq: number): boolean {
    if (seq !== this.lastSeq + 1) return false;
    this.lastSeq = seq;
    return true;
  }
}

export type OriginsDump = readonly { node: string; incarnation: number; lastSeq: number }[];

export class Origins {
  readonly #rows = new Map<string, OriginRow>();

  /** The row of this life of the node; null for a past life, whose writes never run. */
  open(node: string, incarnation: number): OriginRow | null {
    const row = this.#rows.get(node);
    if (row === undefined) {
      const fresh = new OriginRow(incarnation, 0);
      this.#rows.set(node, fresh);
      return fresh;
    }
    if (incarnation < row.incarnation) return null;
    if (incarnation > row.incarnation) {
      row.incarnation = incarnation;
      row.lastSeq = 0;
    }
    return row;
  }

  /** The last sequence number applied for this life of the node; 0 for none. */
  lastSeq(node: string, incarnation: number): number {
    const row = this.#rows.get(node);
    return row !== undefined && row.incarnation === incarnation ? row.lastSeq : 0;
  }

  dump(): OriginsDump {
    return [...this.#rows]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([node, row]) => ({ node, incarnation: row.incarnation, lastSeq: row.lastSeq }));
  }

  load(dump: OriginsDump): void {
    this.#rows.clear();
    for (const { node, incarnation, lastSeq } of dump) {
      this.#rows.set(node, new OriginRow(incarnation, lastSeq));
    }
  }
}
