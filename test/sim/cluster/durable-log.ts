// Owns: what one host's disk would give back of the log after a power cut now, as index to term:
// read from the synced bytes of the log's segments, not from what the node believes.

import { decodeRecord } from '../../../src/storage/record.js';
import type { SimDisk } from './disk.js';
import type { Inode } from './inode.js';

const SEGMENT = /\/appendonlydir\/appendonly\.aof\.(\d+)\.incr\.aof$/;
const LINE_FEED = 10;

export class DurableLog {
  readonly #disk: SimDisk;
  #terms = new Map<number, number>();
  last = 0;
  /** Where the next record of a segment begins, by inode. */
  #read = new Map<Inode, number>();

  constructor(disk: SimDisk) {
    this.#disk = disk;
    disk.onSynced = (path, inode) => {
      if (SEGMENT.test(path)) this.#scan(inode);
    };
  }

  /** -1 when it has no such entry. */
  termAt(index: number): number {
    return index > this.last ? -1 : (this.#terms.get(index) ?? -1);
  }

  /** After a crash or a reset the files say it anew. */
  reread(): void {
    this.#terms = new Map();
    this.#read = new Map();
    this.last = 0;
    const segments = this.#disk
      .files()
      .map((path) => ({ path, seq: Number(SEGMENT.exec(path)?.[1] ?? 0) }))
      .filter(({ seq }) => seq > 0)
      .sort((a, b) => a.seq - b.seq);
    for (const { path } of segments) this.#scan(this.#disk.inode(path)!);
  }

  #scan(inode: Inode): void {
    let at = this.#read.get(inode) ?? 0;
    const bytes = inode.read(at, inode.syncedSize - at);
    let offset = 0;
    if (at === 0) offset = bytes.indexOf(LINE_FEED) + 1;
    while (offset < bytes.length) {
      const found = decodeRecord(bytes, offset);
      if (found === 'incomplete' || !('record' in found)) break;
      this.#terms.set(found.record.index, found.record.term);
      this.last = found.record.index;
      offset = found.end;
    }
    at += offset;
    this.#read.set(inode, at);
  }
}
