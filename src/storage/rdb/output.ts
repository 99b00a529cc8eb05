// Owns: bytes of an RDB file on their way out: lengths, strings and numbers into chunks that are
// handed on when drained. Chunks handed out are not written again before `reuse` says that they
// may be. Who has done with them should say so: fresh chunks lie outside of V8's heap, and each
// 64 MB of them make it mark the whole keyspace.

import { assert } from '../../base/assert.js';

const CHUNK_BYTES = 256 * 1024;
/** Characters from which on a text is copied by the engine: calling it costs as much as so many. */
const COPIED_MIN = 24;

export class RdbOutput {
  #chunks: Buffer[] = [];
  #buffer: Buffer = Buffer.allocUnsafe(CHUNK_BYTES);
  #start = 0;
  #at = 0;
  #bytes = 0;

  /** Bytes written so far, drained or not. */
  get bytes(): number {
    return this.#bytes + this.#at - this.#start;
  }

  byte(value: number): void {
    this.#reserve(1);
    this.#buffer[this.#at++] = value;
  }

  /** An RDB length, unsigned, up to 2^53 - 1. */
  length(value: number): void {
    this.#reserve(9);
    const buffer = this.#buffer;
    if (value < 64) {
      buffer[this.#at++] = value;
    } else if (value < 16384) {
      buffer[this.#at++] = 0x40 | (value >>> 8);
      buffer[this.#at++] = value & 255;
    } else if (value < 2 ** 32) {
      buffer[this.#at++] = 0x80;
      this.#at = buffer.writeUInt32BE(value, this.#at);
    } else {
      buffer[this.#at++] = 0x81;
      this.#at = buffer.writeUInt32BE(Math.floor(value / 2 ** 32), this.#at);
      this.#at = buffer.writeUInt32BE(value % 2 ** 32, this.#at);
    }
  }

  /** A string with its length; latin1. */
  string(text: string): void {
    this.length(text.length);
    this.raw(text);
  }

  /** Characters as bytes, without a length. */
  raw(text: string): void {
    this.#reserve(text.length);
    if (text.length < COPIED_MIN) {
      for (let i = 0; i < text.length; i++) this.#buffer[this.#at++] = text.charCodeAt(i);
      return;
    }
    this.#at += this.#buffer.latin1Write(text, this.#at, text.length);
  }

  /** Bytes with their length. */
  blob(bytes: Uint8Array): void {
    this.length(bytes.length);
    this.copy(bytes);
  }

  copy(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#buffer.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  /**
   * A safe integer as a string object: 8, 16 or 32 bit integer encoding where it fits, digits
   * otherwise.
   */
  integer(value: number): void {
    this.#reserve(5);
    const buffer = this.#buffer;
    if (value >= -128 && value < 128) {
      buffer[this.#at++] = 0xc0;
      this.#at = buffer.writeInt8(value, this.#at);
    } else if (value >= -32768 && value < 32768) {
      buffer[this.#at++] = 0xc1;
      this.#at = buffer.writeInt16LE(value, this.#at);
    } else if (value >= -(2 ** 31) && value < 2 ** 31) {
      buffer[this.#at++] = 0xc2;
      this.#at = buffer.writeInt32LE(value, this.#at);
    } else {
      this.string(String(value));
    }
  }

  double(value: number): void {
    this.#reserve(8);
    this.#at = this.#buffer.writeDoubleLE(value, this.#at);
  }

  uint32(value: number): void {
    this.#reserve(4);
    this.#at = this.#buffer.writeUInt32LE(value, this.#at);
  }

  /** A non-negative safe integer in eight bytes, little endian. */
  uint64(value: number): void {
    this.#reserve(8);
    this.#at = this.#buffer.writeUInt32LE(value % 2 ** 32, this.#at);
    this.#at = this.#buffer.writeUInt32LE(Math.floor(value / 2 ** 32), this.#at);
  }

  /** What was written since the last call. */
  drain(): Buffer[] {
    this.#cut();
    const chunks = this.#chunks;
    this.#chunks = [];
    return chunks;
  }

  /** All that was drained is done with: its memory may be written again. */
  reuse(): void {
    assert(this.#at === this.#start && this.#chunks.length === 0, 'everything is drained');
    this.#start = 0;
    this.#at = 0;
  }

  #reserve(length: number): void {
    if (this.#at + length <= this.#buffer.length) return;
    this.#cut();
    this.#buffer = Buffer.allocUnsafe(Math.max(CHUNK_BYTES, length));
    this.#start = 0;
    this.#at = 0;
  }

  #cut(): void {
    if (this.#at === this.#start) return;
    this.#bytes += this.#at - this.#start;
    this.#chunks.push(this.#buffer.subarray(this.#start, this.#at));
    this.#start = this.#at;
  }
}
