// Owns: reading committed records back from segments on disk, for a member that is further behind
// than what is kept in memory. One file at a time: it is scanned once for where its records are
// (what was truncated does not count), then read as asked. Never changes anything; a file that is
// gone or damaged is an error, and the reader of no further use.

import { OperationalError } from '../base/errors.js';
import type { LoggedRecord } from '../base/log-entry.js';
import type { Disk, DiskFile } from '../platform/disk.js';
import type { Pacer } from '../platform/pacer.js';
import { decodeRecord } from './record.js';

/** A closed segment, or one that is being written as far as it is. */
export interface HistoryFile {
  readonly path: string;
  /** Lowest and highest index written in it; 0 for none. */
  readonly minIndex: number;
  readonly maxIndex: number;
  readonly bytes: number;
}

const WINDOW_BYTES = 2 ** 20;
const LINE_FEED = 10;

/** Where the records of one file are, without those that a later one truncated. */
interface Scan {
  readonly file: DiskFile;
  readonly path: string;
  readonly first: number;
  readonly starts: readonly number[];
  readonly ends: readonly number[];
}

export class HistoryReader {
  readonly #disk: Disk;
  readonly #list: () => readonly HistoryFile[];
  /** Oldest first; listed again when something is not in them. */
  #files: readonly HistoryFile[];
  readonly #pacer: Pacer;
  #scan: Scan | null = null;

  constructor(disk: Disk, list: () => readonly HistoryFile[], pacer: Pacer) {
    this.#disk = disk;
    this.#list = list;
    this.#files = list();
    this.#pacer = pacer;
  }

  /** Bytes of the files that hold `index` and what follows; null when `index` is in none. */
  bytesFrom(index: number): number | null {
    const at = this.#holder(index);
    if (at < 0) return null;
    return this.#files.slice(at).reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** The term of the record at `index`; null when it is not here. */
  async termAt(index: number): Promise<number | null> {
    const [record] = await this.read(index, index, 0);
    return record?.record.term ?? null;
  }

  /**
   * Records [from, through], about `maxBytes` of them but at least one, from one file; none when
   * `from` is not here. Rejects with E_LOG_HISTORY or DiskFault.
   */
  async read(from: number, through: number, maxBytes: number): Promise<LoggedRecord[]> {
    if (from > through) return [];
    const records = await this.#read(from, through, maxBytes);
    if (records.length > 0) return records;
    // The log has gone on since.
    await this.close();
    this.#files = this.#list();
    return this.#read(from, through, maxBytes);
  }

  async #read(from: number, through: number, maxBytes: number): Promise<LoggedRecord[]> {
    const holder = this.#holder(from);
    if (holder < 0) return [];
    const scan = await this.#scanOf(this.#files[holder]!);
    const records: LoggedRecord[] = [];
    let bytes = 0;
    for (let index = from; index <= through && this.#holder(index) === holder; index++) {
      const at = index - scan.first;
      const start = scan.starts[at];
      if (start === undefined || (bytes > 0 && bytes >= maxBytes)) break;
      const raw = await scan.file.read(start, scan.ends[at]! - start);
      const found = decodeRecord(raw, 0);
      if (found === 'incomplete' || !('record' in found) || found.record.index !== index) {
        throw damaged(scan.path, start);
      }
      records.push({ record: found.record, bytes: raw });
      bytes += raw.length;
      if (this.#pacer.due) await this.#pacer.rest();
    }
    return records;
  }

  async close(): Promise<void> {
    const scan = this.#scan;
    this.#scan = null;
    await scan?.file.close();
  }

  /** The file whose record at `index` is the one that counts: the last that wrote there. */
  #holder(index: number): number {
    for (let at = this.#files.length - 1; at >= 0; at--) {
      const { minIndex, maxIndex } = this.#files[at]!;
      if (minIndex > 0 && minIndex <= index) return index <= maxIndex ? at : -1;
    }
    return -1;
  }

  async #scanOf(wanted: HistoryFile): Promise<Scan> {
    if (this.#scan?.path === wanted.path) return this.#scan;
    await this.close();
    const file = await this.#disk.open(wanted.path, { create: false });
    this.#scan = { file, path: wanted.path, first: wanted.minIndex, starts: [], ends: [] };
    const starts: number[] = [];
    const ends: number[] = [];
    const window = new Window(file, this.#pacer);
    let offset = await window.lineEnd();
    for (;;) {
      const found = await window.record(offset);
      if (found === 'incomplete') break;
      if (!('record' in found)) throw damaged(wanted.path, offset);
      const at = found.record.index - wanted.minIndex;
      if (at < 0 || at > starts.length) throw damaged(wanted.path, offset);
      starts.length = at;
      ends.length = at;
      starts.push(offset);
      offset += found.end;
      ends.push(offset);
    }
    this.#scan = { file, path: wanted.path, first: wanted.minIndex, starts, ends };
    return this.#scan;
  }
}

/** A stretch of a file that moves forward and grows where a record needs it. */
class Window {
  readonly #file: DiskFile;
  readonly #pacer: Pacer;
  #bytes: Buffer = Buffer.alloc(0);
  #origin = 0;

  constructor(file: DiskFile, pacer: Pacer) {
    this.#file = file;
    this.#pacer = pacer;
  }

  /** Offset behind the first line. */
  async lineEnd(): Promise<number> {
    await this.#load(0, WINDOW_BYTES);
    return this.#bytes.indexOf(LINE_FEED) + 1;
  }

  /** The record at an offset, `end` relative to it; 'incomplete' at the end of the file. */
  async record(offset: number): Promise<ReturnType<typeof decodeRecord>> {
    if (this.#pacer.due) await this.#pacer.rest();
    for (let wanted = WINDOW_BYTES; ; wanted *= 2) {
      const at = offset - this.#origin;
      const found = decodeRecord(this.#bytes, at);
      if (found !== 'incomplete') {
        return 'record' in found ? { record: found.record, end: found.end - at } : found;
      }
      if (this.#origin + this.#bytes.length >= this.#file.size) return 'incomplete';
      await this.#load(offset, Math.max(wanted, 2 * (this.#bytes.length - at)));
    }
  }

  async #load(offset: number, length: number): Promise<void> {
    this.#bytes = await this.#file.read(offset, Math.min(length, this.#file.size - offset));
    this.#origin = offset;
    this.#pacer.begin();
  }
}

function damaged(path: string, offset: number): OperationalError {
  return new OperationalError(
    'E_LOG_HISTORY',
    `${path} cannot be read back at offset ${offset}; members that need it are sent a snapshot`,
  );
}
