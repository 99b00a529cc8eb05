// Owns: which writes of each origin have been applied, so that a write sent again after a change of leader is applied
// once (architecture D4). State of the machine: equal on every member at equal index, carried by snapshots.
// One row per node id, so the table is bounded by the members there ever were.

interface Row {
  incarnation: number;
  lastSeq: number;
}

export type OriginsDump = readonly { node: string; incarnation: number; lastSeq: number }[];

export class Origins {
  readonly #rows = new Map<string, Row>();

  /**
   * Whether the write is the next of its origin and so must run now. False for a repeat, for one behind a gap (the
   * origin sends it again, in order) and for a past life of the node.
   */
  admit(node: string, incarnation: number, seq: number): boolean {
    const row = this.#rowFor(node, incarnation);
    if (row === null || seq !== row.lastSeq + 1) return false;
    row.lastSeq = seq;
    return true;
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
      this.#rows.set(node, { incarnation, lastSeq });
    }
  }

  #rowFor(node: string, incarnation: number): Row | null {
    const row = this.#rows.get(node);
    if (row === undefined) {
      const fresh = { incarnation, lastSeq: 0 };
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
}
