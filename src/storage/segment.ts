// Owns: one incr file of the log: its first line, and reading its records back after a start.
// The first line tells our files from those of Redis and ties them to the node:
//   #HELIOS-SEGMENT/1 crc=1a2b3c4d seq=3 owner=0b6c...\r\n
// Rule of recovery (architecture D8): only in the last segment, and only when what follows the last
// whole record is the beginning of a record, and zeros from a sector of the disk on, was a write
// cut short by a crash. All else is damage: also a last record that is all there and does not
// check, for it may have been acknowledged.

import type { LogRecord } from '../base/log-entry.js';
import { crc32 } from '../platform/checksum.js';
import { decodeRecord, RECORD_VERSION } from './record.js';
import { foreignOwner, LogCorruptError, unknownFormat } from './storage-errors.js';

const SEGMENT_VERSION = 1;
const PREFIX = `#HELIOS-SEGMENT/${SEGMENT_VERSION} crc=`;
const HEADER =
  /^#HELIOS-SEGMENT\/1 crc=([0-9a-f]{8})( seq=([1-9][0-9]{0,14}) owner=([\x21-\x7e]{1,200})\r\n)/;
const HEADER_MAX = 300;
/** What a disk writes whole or not at all. */
const SECTOR_BYTES = 512;

export interface RecoveredRecord {
  readonly record: LogRecord;
  /** The whole record as encodeRecord made it; record.payload is a view into it. */
  readonly bytes: Buffer;
}

export interface SegmentScan {
  /** Length of the sound part; shorter than the file when a torn tail follows. */
  readonly end: number;
  /** Lowest and highest index of a record in the segment, 0 when it has none. */
  readonly minIndex: number;
  readonly maxIndex: number;
}

/** `owner`: the node's UUID, printable ASCII without spaces. */
export function segmentHeader(seq: number, owner: string): Buffer {
  const covered = ` seq=${seq} owner=${owner}\r\n`;
  const crc = crc32(Buffer.from(covered, 'latin1')).toString(16).padStart(8, '0');
  return Buffer.from(`${PREFIX}${crc}${covered}`, 'latin1');
}

/** Whether the file is one of ours, of any version, as far as its first bytes tell. */
export function isOwnSegment(bytes: Buffer): boolean {
  return bytes.subarray(0, 16).latin1Slice() === '#HELIOS-SEGMENT/';
}

/**
 * Collects the records of all segments in order, each continuing or truncating what came before.
 */
export class LogAssembler {
  /** Records after the snapshot, ascending without a gap. */
  readonly records: RecoveredRecord[] = [];
  readonly #base: number;
  readonly #owner: string;
  /** Last index seen; before the first record, unknown (0). */
  #last = 0;
  #lastTerm = 0;

  /** `base`: index of the snapshot; records at or below it are checked and dropped. */
  constructor(base: number, owner: string) {
    this.#base = base;
    this.#owner = owner;
  }

  /** Index the next record should have. */
  get next(): number {
    return Math.max(this.#last, this.#base) + 1;
  }

  /** Reads one segment. Throws LogCorruptError, or E_FORMAT_VERSION, or E_FOREIGN_DATA. */
  scan(file: string, bytes: Buffer, seq: number, isLast: boolean): SegmentScan {
    let at = this.#checkHeader(file, bytes, seq);
    let minIndex = 0;
    let maxIndex = 0;
    while (at < bytes.length) {
      const found = decodeRecord(bytes, at);
      if (found === 'incomplete' || !('record' in found)) {
        if (isLast && isTorn(bytes, at)) break;
        throw this.#failure(file, at, found);
      }
      this.#accept(file, at, { record: found.record, bytes: bytes.subarray(at, found.end) });
      const { index } = found.record;
      if (minIndex === 0 || index < minIndex) minIndex = index;
      maxIndex = Math.max(maxIndex, index);
      at = found.end;
    }
    return { end: at, minIndex, maxIndex };
  }

  #accept(file: string, offset: number, item: RecoveredRecord): void {
    const { index, term } = item.record;
    const first = this.#last === 0;
    if (index > (first ? this.#base : this.#last) + 1) {
      throw new LogCorruptError(file, offset, this.next, `found record ${index} instead`);
    }
    if (index <= this.#base) {
      this.records.length = 0;
    } else {
      this.records.length = index - this.#base - 1;
      this.#lastTerm = this.records.at(-1)?.record.term ?? 0;
      if (term < this.#lastTerm) {
        throw new LogCorruptError(file, offset, index, `its term ${term} is too low`);
      }
      this.records.push(item);
    }
    this.#last = index;
  }

  #failure(file: string, offset: number, found: ReturnType<typeof decodeRecord>): Error {
    if (found === 'incomplete' || 'record' in found) {
      return new LogCorruptError(file, offset, this.next, 'the record is cut short');
    }
    if (found.version !== 0) {
      return unknownFormat(`${file} at offset ${offset}`, found.version, RECORD_VERSION);
    }
    return new LogCorruptError(file, offset, this.next, found.corrupt);
  }

  #checkHeader(file: string, bytes: Buffer, seq: number): number {
    const text = bytes.subarray(0, HEADER_MAX).latin1Slice();
    const match = HEADER.exec(text);
    if (match === null) {
      const version = /^#HELIOS-SEGMENT\/([0-9]{1,6}) crc=/.exec(text);
      if (version === null || version[1] === '1') {
        throw new LogCorruptError(file, 0, this.next, 'the first line of the file is damaged');
      }
      throw unknownFormat(file, Number(version[1]), SEGMENT_VERSION);
    }
    const [whole, crc, covered, foundSeq, owner] = match;
    const sound = Number.parseInt(crc!, 16) === crc32(Buffer.from(covered!, 'latin1'));
    if (!sound || Number(foundSeq) !== seq) {
      throw new LogCorruptError(file, 0, this.next, 'the first line of the file is damaged');
    }
    if (owner !== this.#owner) throw foreignOwner(file, owner!, this.#owner);
    return whole.length;
  }
}

/**
 * Whether the bytes from `at` on are what a crash leaves of a record: its beginning, then nothing,
 * or zeros where the file was made longer and the disk did not get to write. It writes whole
 * sectors, so the one in which the file ends is zero from its start, or from the record's. Fewer
 * zeros at the end of a record, which never ends with one itself, are damage to what was written.
 */
function isTorn(bytes: Buffer, at: number): boolean {
  let end = bytes.length;
  while (end > at && bytes[end - 1] === 0) end--;
  if (end === at) return true;
  if (decodeRecord(bytes.subarray(0, end), at) !== 'incomplete') return false;
  const last = bytes.length - 1;
  return end > last || end <= last - (last % SECTOR_BYTES);
}
