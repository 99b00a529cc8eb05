// Owns: the walk that writes a whole keyspace to an RDB file in slices while commands go on
// (architecture D7). The constructor starts the epoch: the tables and their slot counts as they
// are. Before a slot not yet walked changes, its key is serialised as it was and kept until the
// walk gets there; a slot filled during the epoch is left out. Keys leave in slot order and free
// slots are noted, so that a loaded table goes on like the one that was saved, and members with the
// same history write the same bytes whatever happened between slices. The digest of the keys is
// taken on the way, from the values and not from the bytes, and stands behind the last key.
// Invariant: the file holds exactly the state at the start. FLUSHALL and SWAPDB need nothing: they
// exchange tables.

import { assert } from '../../base/assert.js';
import type { ChangeObserver } from '../../keyspace/database.js';
import { Digest } from '../../keyspace/digest.js';
import type { KeyTable } from '../../keyspace/key-table.js';
import type { Keyspace } from '../../keyspace/keyspace.js';
import { Crc64 } from './crc64.js';
import { DIGEST, LAYOUT, OPCODE, RDB_VERSION } from './format.js';
import { RdbOutput } from './output.js';
import { writeKey } from './value-writer.js';

/** A table as it was at the start of the epoch. */
interface Walk {
  readonly db: number;
  readonly table: KeyTable;
  readonly slots: number;
  readonly keys: number;
  readonly volatile: number;
  /** Slot count, then the free slots, as LAYOUT has them; null when no slot is free. */
  readonly layout: Uint32Array | null;
  begun: boolean;
  /** Next slot to write; those below are out. */
  next: number;
  /** Slots ahead of `next` that changed: their bytes, or NOTHING for one that was free. */
  readonly saved: Map<number, Buffer>;
}

const NOTHING = Buffer.alloc(0);

export class SnapshotWriter implements ChangeObserver {
  readonly #keyspace: Keyspace;
  readonly #walks = new Map<KeyTable, Walk>();
  readonly #queue: Walk[];
  readonly #out = new RdbOutput();
  /** For values serialised ahead of the walk. */
  readonly #aside = new RdbOutput();
  readonly #crc = new Crc64();
  readonly #digest = new Digest();
  #ready: Buffer[] = [];
  #position = 0;
  #savedBytes = 0;
  #done = false;

  /**
   * Starts the epoch and becomes keyspace.observer. `aux` are fields for the header, in this order
   * (redis-ver, helios-index, ...). End it with a step that returns true, or with abort.
   */
  constructor(keyspace: Keyspace, aux: Iterable<readonly [name: string, value: string]>) {
    assert(keyspace.observer === null, 'one snapshot at a time');
    this.#keyspace = keyspace;
    this.#queue = keyspace.databases
      .filter((database) => database.table.slotCount > 0)
      .map(({ index, table, volatileSize }) => ({
        db: index,
        table,
        slots: table.slotCount,
        keys: table.size,
        volatile: volatileSize,
        layout: layoutOf(table),
        begun: false,
        next: 0,
        saved: new Map(),
      }));
    for (const walk of this.#queue) this.#walks.set(walk.table, walk);
    this.#out.raw(`REDIS${String(RDB_VERSION).padStart(4, '0')}`);
    for (const [name, value] of aux) {
      this.#out.byte(OPCODE.aux);
      this.#out.string(name);
      this.#out.string(value);
    }
    keyspace.observer = this;
  }

  /** Of the keys taken so far: those written, and those saved ahead of the walk. */
  get digest(): Digest {
    return this.#digest;
  }

  /** Bytes held for keys that changed ahead of the walk. */
  get savedBytes(): number {
    return this.#savedBytes;
  }

  /**
   * Writes about `maxKeys` keys, fewer when they are large (a slice also ends after `maxBytes`).
   * True when the file is whole and the epoch is over. Take the bytes with drain().
   */
  step(maxKeys: number, maxBytes = 256 * 1024): boolean {
    if (this.#done) return true;
    const limit = this.#out.bytes + maxBytes;
    let budget = maxKeys;
    while (this.#position < this.#queue.length) {
      const walk = this.#queue[this.#position]!;
      if (!walk.begun) this.#beginDatabase(walk);
      while (walk.next < walk.slots) {
        if (budget <= 0 || this.#out.bytes >= limit) return false;
        budget -= this.#writeSlot(walk);
      }
      this.#walks.delete(walk.table);
      this.#position++;
    }
    this.#finish();
    return true;
  }

  /** Bytes of the file since the last call, in order. */
  drain(): Buffer[] {
    this.#collect();
    const chunks = this.#ready;
    this.#ready = [];
    return chunks;
  }

  /** All that was drained is written: its memory may be used again. */
  reuse(): void {
    this.#out.reuse();
  }

  /** Ends the epoch without a file. */
  abort(): void {
    if (this.#done) return;
    this.#done = true;
    this.#keyspace.observer = null;
    this.#walks.clear();
  }

  beforeChange(table: KeyTable, slot: number): void {
    const walk = this.#walks.get(table);
    if (walk === undefined || slot < walk.next || slot >= walk.slots || walk.saved.has(slot))
      return;
    this.#take(this.#aside, walk, slot);
    const chunks = this.#aside.drain();
    const bytes = chunks.length === 1 ? Buffer.from(chunks[0]!) : Buffer.concat(chunks);
    this.#aside.reuse();
    walk.saved.set(slot, bytes);
    this.#savedBytes += bytes.length;
  }

  afterInsert(table: KeyTable, slot: number): void {
    const walk = this.#walks.get(table);
    if (walk === undefined || slot < walk.next || slot >= walk.slots || walk.saved.has(slot))
      return;
    walk.saved.set(slot, NOTHING);
  }

  #beginDatabase(walk: Walk): void {
    walk.begun = true;
    this.#out.byte(OPCODE.selectDb);
    this.#out.length(walk.db);
    if (walk.layout !== null) {
      this.#out.byte(OPCODE.aux);
      this.#out.string(LAYOUT);
      this.#out.length(walk.layout.length * 4);
      for (const slot of walk.layout) this.#out.uint32(slot);
    }
    this.#out.byte(OPCODE.resizeDb);
    this.#out.length(walk.keys);
    this.#out.length(walk.volatile);
  }

  /** Writes the next slot; returns 1 for a key, a little for a free slot. */
  #writeSlot(walk: Walk): number {
    const slot = walk.next++;
    const saved = walk.saved.size === 0 ? undefined : walk.saved.get(slot);
    if (saved !== undefined) {
      walk.saved.delete(slot);
      this.#savedBytes -= saved.length;
      if (saved.length === 0) return 0.1;
      this.#out.copy(saved);
    } else {
      if (walk.table.keyAt(slot) === undefined) return 0.1;
      this.#take(this.#out, walk, slot);
    }
    return 1;
  }

  #take(out: RdbOutput, { db, table }: Walk, slot: number): void {
    const key = table.keyAt(slot)!;
    const value = table.valueAt(slot)!;
    const expireAt = table.expireAt(slot);
    writeKey(out, key, value, expireAt);
    this.#digest.add(db, key, value, expireAt);
  }

  /** The digest, the end opcode and the checksum of everything before it. */
  #finish(): void {
    this.abort();
    this.#out.byte(OPCODE.aux);
    this.#out.string(DIGEST);
    this.#out.string(`${this.#digest} ${this.#digest.keys}`);
    this.#out.byte(OPCODE.eof);
    this.#collect();
    this.#ready.push(this.#crc.digest());
  }

  #collect(): void {
    for (const chunk of this.#out.drain()) {
      this.#crc.update(chunk);
      this.#ready.push(chunk);
    }
  }
}

function layoutOf(table: KeyTable): Uint32Array | null {
  const free = table.freeSlots;
  if (free.length === 0) return null;
  const layout = new Uint32Array(1 + free.length);
  layout[0] = table.slotCount;
  layout.set(free, 1);
  return layout;
}
