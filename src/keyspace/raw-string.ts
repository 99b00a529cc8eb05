// Owns: a string that is edited in place (APPEND, SETRANGE, SETBIT, BITFIELD): a growable byte
// buffer, so that an edit costs its own size and not the value's. OBJECT ENCODING calls it `raw`.

import { MutableValue } from './value.js';

export class RawString extends MutableValue {
  override readonly type = 'string';
  #buffer: Buffer;
  #length: number;

  constructor(text: string) {
    super();
    this.#buffer = Buffer.from(text, 'latin1');
    this.#length = text.length;
    this.#account();
  }

  /** Takes the buffer over: the caller must not use it any more. */
  static ofBytes(bytes: Buffer): RawString {
    const raw = new RawString('');
    raw.#buffer = bytes;
    raw.#length = bytes.length;
    raw.#account();
    return raw;
  }

  get length(): number {
    return this.#length;
  }

  override toString(): string {
    return this.#buffer.latin1Slice(0, this.#length);
  }

  /** Bytes [start, end) as text; both within [0, length]. */
  slice(start: number, end: number): string {
    return this.#buffer.latin1Slice(start, end);
  }

  byteAt(offset: number): number {
    return offset < this.#length ? this.#buffer[offset]! : 0;
  }

  /** Sets one byte, growing with zeros up to it. */
  setByte(offset: number, byte: number): void {
    this.#reserve(offset + 1);
    this.#buffer[offset] = byte;
  }

  /** Writes text at an offset, growing with zeros up to it. */
  write(offset: number, text: string): void {
    this.#reserve(offset + text.length);
    this.#buffer.latin1Write(text, offset);
  }

  append(text: string): void {
    this.write(this.#length, text);
  }

  /** Pads with zeros to a length; true when it was shorter. */
  growTo(length: number): boolean {
    if (length <= this.#length) return false;
    this.#reserve(length);
    return true;
  }

  /**
   * The live bytes, for scans, serialisation and edits that keep the length. Valid until the next
   * edit.
   */
  view(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  #reserve(length: number): void {
    if (length <= this.#length) return;
    if (length > this.#buffer.length) {
      const grown = Buffer.alloc(
        Math.max(length, Math.min(this.#buffer.length * 2, length + 2 ** 20)),
      );
      this.#buffer.copy(grown, 0, 0, this.#length);
      this.#buffer = grown;
    }
    this.#length = length;
    this.#account();
  }

  #account(): void {
    this.bytes = 96 + this.#buffer.length;
  }
}
