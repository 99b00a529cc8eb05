// Owns: bytes of RDB data on their way in: a window over the source, with checked lengths.
// A read past the window throws NEED_MORE when the source has more: the caller goes back to where
// the object began, widens the window and tries again. Past the end of the source it throws
// RdbError. A length is refused at once when it is larger than what is left of the source, so a
// damaged one costs nothing.

import type { Span } from '../../keyspace/digest.js';
import { Crc64 } from './crc64.js';
import { RdbError } from './format.js';
import { expandLzf, PackedError } from './packed.js';

/** Thrown by value: the window ends here but the source does not. */
export const NEED_MORE = Symbol('need more');

/** LZF makes at most 264 bytes out of three. */
const LZF_RATIO_MAX = 88;

export class RdbInput {
  #window: Buffer;
  #at = 0;
  /** Offset in the source of the window's first byte. */
  #origin = 0;
  readonly #total: number;
  readonly #crc = new Crc64();

  /** `total`: bytes in the source; `window`: its beginning. */
  constructor(total: number, window: Buffer) {
    this.#total = total;
    this.#window = window;
  }

  get offset(): number {
    return this.#origin + this.#at;
  }

  /** Bytes from the cursor to the end of the source. */
  get remaining(): number {
    return this.#total - this.offset;
  }

  /** Where to read on. */
  get windowEnd(): number {
    return this.#origin + this.#window.length;
  }

  /** Bytes in the window that are not consumed. */
  get buffered(): number {
    return this.#window.length - this.#at;
  }

  seek(offset: number): void {
    this.#at = offset - this.#origin;
  }

  /**
   * Lets go of what is consumed: moves the rest to the front of `room`, which may be the window's
   * own memory. Returns the length of the rest; `extend` tells how much follows it.
   */
  release(room: Buffer): number {
    this.#crc.update(this.#window, 0, this.#at);
    this.#origin += this.#at;
    const kept = this.#window.copy(room, 0, this.#at);
    this.#window = room.subarray(0, kept);
    this.#at = 0;
    return kept;
  }

  /** The window is longer now: it begins with what `release` kept. */
  extend(window: Buffer): void {
    this.#window = window;
  }

  /** CRC-64 of everything before the cursor. */
  checksum(): Buffer {
    this.#crc.update(this.#window, 0, this.#at);
    this.#origin += this.#at;
    this.#window = this.#window.subarray(this.#at);
    this.#at = 0;
    return this.#crc.digest();
  }

  fail(what: string): RdbError {
    return new RdbError(this.offset, what);
  }

  byte(): number {
    this.#need(1);
    return this.#window[this.#at++]!;
  }

  /** A view of the next bytes. */
  bytes(length: number): Buffer {
    this.#need(length);
    const view = this.#window.subarray(this.#at, this.#at + length);
    this.#at += length;
    return view;
  }

  /** A plain length; special encodings are an error here. */
  length(): number {
    const value = this.#lengthOrEncoding();
    if (value < 0) throw this.fail('a length is expected, found a special encoding');
    return value;
  }

  /** A length of a collection whose elements take at least `each` bytes. */
  count(each: number): number {
    const count = this.length();
    if (count * each > this.remaining) {
      throw this.fail(`${count} elements cannot be in the ${this.remaining} bytes that are left`);
    }
    return count;
  }

  /** A string object: latin1, or a number when it is stored as an integer. */
  stringOrInteger(): string | number {
    const length = this.#lengthOrEncoding();
    if (length >= 0) return this.#text(length);
    if (length === -1) return this.bytes(1).readInt8(0);
    if (length === -2) return this.bytes(2).readInt16LE(0);
    if (length === -3) return this.bytes(4).readInt32LE(0);
    if (length === -4) return this.#compressed().latin1Slice();
    throw this.fail(`a string has the unknown encoding ${-1 - length}`);
  }

  string(): string {
    const value = this.stringOrInteger();
    return typeof value === 'number' ? String(value) : value;
  }

  /** A string object left where it lies, if it is plain; valid until the window moves. */
  span(span: Span): void {
    const start = this.offset;
    const length = this.#lengthOrEncoding();
    if (length >= 0) {
      this.#need(length);
      span.bytes = this.#window;
      span.start = this.#at;
      this.#at += length;
      span.end = this.#at;
      return;
    }
    this.seek(start);
    span.bytes = Buffer.from(this.string(), 'latin1');
    span.start = 0;
    span.end = span.bytes.length;
  }

  /** A string object as bytes, perhaps a view. */
  blob(): Buffer {
    const start = this.offset;
    const length = this.#lengthOrEncoding();
    if (length >= 0) return this.bytes(length);
    if (length === -4) return this.#compressed();
    this.seek(start);
    return Buffer.from(this.string(), 'latin1');
  }

  #text(length: number): string {
    this.#need(length);
    const text = this.#window.latin1Slice(this.#at, this.#at + length);
    this.#at += length;
    return text;
  }

  #compressed(): Buffer {
    const compressed = this.length();
    const expanded = this.length();
    if (compressed > this.remaining || expanded > compressed * LZF_RATIO_MAX) {
      throw this.fail('a compressed string has impossible lengths');
    }
    const source = this.bytes(compressed);
    try {
      return expandLzf(source, expanded);
    } catch (error) {
      throw error instanceof PackedError ? this.fail(error.message) : error;
    }
  }

  /** A length, or -1 - n for special encoding n. */
  #lengthOrEncoding(): number {
    const first = this.byte();
    const form = first >> 6;
    if (form === 0) return first;
    if (form === 1) return ((first & 63) << 8) | this.byte();
    if (form === 3) return -1 - (first & 63);
    if (first === 0x80) return this.bytes(4).readUInt32BE(0);
    if (first !== 0x81) throw this.fail('a length has an unknown form');
    const value = Number(this.bytes(8).readBigUInt64BE(0));
    if (!Number.isSafeInteger(value)) throw this.fail('a length is too large');
    return value;
  }

  #need(length: number): void {
    if (length <= this.#window.length - this.#at) return;
    if (length > this.remaining) {
      throw this.fail(
        `${length} bytes are needed, ${this.remaining} are left: the data is cut short`,
      );
    }
    throw NEED_MORE;
  }
}
