// Owns: the listpack, Redis 7's compact sequence of strings and integers: building and reading.
// Layout (listpack.md): u32 total bytes, u16 count (65535: unknown), entries, 0xFF. An entry is its
// encoding and data, then their length backwards in base 128. Reading trusts nothing: every length
// is checked against what is there.

import { parseInt64 } from '../../base/numbers.js';
import { PackedError, type PackedReader } from './packed.js';

const HEADER_BYTES = 6;
const END = 255;

/** Builds one listpack at a time in a buffer that it keeps. */
export class ListpackBuilder {
  #buffer = Buffer.allocUnsafe(16 * 1024);
  #at = HEADER_BYTES;
  #count = 0;

  /** Bytes the listpack has now, terminator included. */
  get bytes(): number {
    return this.#at + 1;
  }

  get count(): number {
    return this.#count;
  }

  push(text: string): void {
    this.#reserve(text.length + 16);
    const start = this.#at;
    const integer = text.length <= 20 ? parseInt64(text) : null;
    if (integer === null) this.#string(text);
    else this.#integer(integer);
    this.#backLength(this.#at - start);
    this.#count++;
  }

  /** The finished listpack, valid until the next push; then begins a new one. */
  take(): Buffer {
    this.#buffer[this.#at++] = END;
    this.#buffer.writeUInt32LE(this.#at, 0);
    this.#buffer.writeUInt16LE(Math.min(this.#count, 65535), 4);
    const whole = this.#buffer.subarray(0, this.#at);
    this.#at = HEADER_BYTES;
    this.#count = 0;
    return whole;
  }

  #string(text: string): void {
    const buffer = this.#buffer;
    const length = text.length;
    if (length < 64) {
      buffer[this.#at++] = 0x80 | length;
    } else if (length < 4096) {
      buffer[this.#at++] = 0xe0 | (length >>> 8);
      buffer[this.#at++] = length & 255;
    } else {
      buffer[this.#at++] = 0xf0;
      this.#at = buffer.writeUInt32LE(length, this.#at);
    }
    this.#at += buffer.latin1Write(text, this.#at, length);
  }

  #integer(value: number | bigint): void {
    const buffer = this.#buffer;
    if (typeof value === 'bigint' || value < -(2 ** 31) || value >= 2 ** 31) {
      buffer[this.#at++] = 0xf4;
      this.#at = buffer.writeBigInt64LE(BigInt(value), this.#at);
    } else if (value >= 0 && value < 128) {
      buffer[this.#at++] = value;
    } else if (value >= -4096 && value < 4096) {
      buffer[this.#at++] = 0xc0 | ((value >> 8) & 31);
      buffer[this.#at++] = value & 255;
    } else if (value >= -32768 && value < 32768) {
      buffer[this.#at++] = 0xf1;
      this.#at = buffer.writeInt16LE(value, this.#at);
    } else if (value >= -(2 ** 23) && value < 2 ** 23) {
      buffer[this.#at++] = 0xf2;
      this.#at = buffer.writeIntLE(value, this.#at, 3);
    } else {
      buffer[this.#at++] = 0xf3;
      this.#at = buffer.writeInt32LE(value, this.#at);
    }
  }

  #backLength(size: number): void {
    for (let place = backLengthBytes(size) - 1, first = true; place >= 0; place--, first = false) {
      const digit = Math.floor(size / 128 ** place) & 127;
      this.#buffer[this.#at++] = first ? digit : digit | 128;
    }
  }

  #reserve(length: number): void {
    if (this.#at + length + 8 <= this.#buffer.length) return;
    const grown = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#at + length + 8));
    this.#buffer.copy(grown, 0, 0, this.#at);
    this.#buffer = grown;
  }
}

function backLengthBytes(size: number): number {
  if (size <= 127) return 1;
  if (size < 16383) return 2;
  if (size < 2097151) return 3;
  return size < 268435455 ? 4 : 5;
}

/** The entries as strings. Throws PackedError. */
export const readListpack: PackedReader = (bytes) => {
  const length = bytes.length;
  if (length < HEADER_BYTES + 1 || bytes.readUInt32LE(0) !== length || bytes[length - 1] !== END) {
    throw new PackedError('a listpack has the wrong size or no end');
  }
  const entries: string[] = [];
  let at = HEADER_BYTES;
  while (at < length - 1) at = readEntry(bytes, at, length - 1, entries);
  const count = bytes.readUInt16LE(4);
  if (count !== 65535 && count !== entries.length) {
    throw new PackedError('a listpack has another number of entries than it says');
  }
  return entries;
};

/** Adds the entry at `at`, which must end before `limit`; returns where the next one begins. */
function readEntry(bytes: Buffer, at: number, limit: number, entries: string[]): number {
  const first = bytes[at]!;
  let head = 1;
  let text = -1;
  let integer = 0;
  if (first < 0x80) integer = 0;
  else if (first < 0xc0) text = first & 63;
  else if (first < 0xe0) head = 2;
  else if (first < 0xf0) {
    head = 2;
    text = at + 1 < limit ? ((first & 15) << 8) | bytes[at + 1]! : 0;
  } else if (first === 0xf0) {
    head = 5;
    text = at + 5 <= limit ? bytes.readUInt32LE(at + 1) : 0;
  } else {
    integer = INTEGER_BYTES[first - 0xf1] ?? -1;
    if (integer < 0) throw new PackedError('a listpack entry has an unknown encoding');
  }
  const size = head + Math.max(text, 0) + integer;
  const next = at + size + backLengthBytes(size);
  if (next > limit) throw new PackedError('a listpack entry reaches past the end');
  entries.push(
    text >= 0 ? bytes.latin1Slice(at + head, at + size) : readInteger(bytes, at, first, integer),
  );
  return next;
}

const INTEGER_BYTES = [2, 3, 4, 8];

function readInteger(bytes: Buffer, at: number, first: number, size: number): string {
  if (first < 0x80) return String(first);
  if (first < 0xe0) {
    const value = ((first & 31) << 8) | bytes[at + 1]!;
    return String(value >= 4096 ? value - 8192 : value);
  }
  return size === 8 ? String(bytes.readBigInt64LE(at + 1)) : String(bytes.readIntLE(at + 1, size));
}
