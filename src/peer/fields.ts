// Owns: reading and writing the fixed fields of peer messages. Numbers that can be large are
// float64, which holds every safe integer exactly. A reader that runs over the end reports it
// through `ok` and yields zeros, never throws.

import { assert } from '../base/assert.js';

const WORD_MAX = 255;

export class FieldWriter {
  readonly buffer: Buffer;
  #at: number;

  constructor(buffer: Buffer, at: number) {
    this.buffer = buffer;
    this.#at = at;
  }

  get at(): number {
    return this.#at;
  }

  u8(value: number): void {
    this.buffer[this.#at++] = value;
  }

  u32(value: number): void {
    this.#at = this.buffer.writeUInt32LE(value, this.#at);
  }

  /** At most 255 latin1 characters. */
  word(value: string): void {
    assert(value.length <= WORD_MAX, 'a word fits its length byte');
    this.u8(value.length);
    this.#at += this.buffer.latin1Write(value, this.#at);
  }

  number(value: number): void {
    this.#at = this.buffer.writeDoubleLE(value, this.#at);
  }
}

export class FieldReader {
  readonly #buffer: Buffer;
  #at = 0;
  /** False once a field was missing or not a safe integer. */
  ok = true;

  constructor(buffer: Buffer) {
    this.#buffer = buffer;
  }

  get at(): number {
    return this.#at;
  }

  get left(): number {
    return this.#buffer.length - this.#at;
  }

  u8(): number {
    if (!this.#has(1)) return 0;
    return this.#buffer[this.#at++]!;
  }

  u32(): number {
    if (!this.#has(4)) return 0;
    const value = this.#buffer.readUInt32LE(this.#at);
    this.#at += 4;
    return value;
  }

  /** A safe integer, -1 or more. */
  number(): number {
    if (!this.#has(8)) return 0;
    const value = this.#buffer.readDoubleLE(this.#at);
    this.#at += 8;
    if (Number.isSafeInteger(value) && value >= -1) return value;
    this.ok = false;
    return 0;
  }

  word(): string {
    return this.bytes(this.u8()).latin1Slice();
  }

  bytes(length: number): Buffer {
    if (!this.#has(length)) return Buffer.alloc(0);
    const view = this.#buffer.subarray(this.#at, this.#at + length);
    this.#at += length;
    return view;
  }

  rest(): Buffer {
    return this.bytes(this.left);
  }

  #has(bytes: number): boolean {
    if (this.ok && this.left >= bytes) return true;
    this.ok = false;
    return false;
  }
}
