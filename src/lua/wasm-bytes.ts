// Owns: reading and writing the primitive encodings of the WebAssembly binary format (WebAssembly
// core specification, 5.2): LEB128 integers, names, sections. Used on the interpreter's own binary
// only, so a malformed one is an assertion.

import { assert } from '../base/assert.js';

export class WasmReader {
  readonly bytes: Uint8Array;
  at: number;

  constructor(bytes: Uint8Array, at = 0) {
    this.bytes = bytes;
    this.at = at;
  }

  byte(): number {
    const value = this.bytes[this.at++];
    assert(value !== undefined, 'a wasm binary ends where its sections say');
    return value;
  }

  u32(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.byte();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) break;
    }
    return value;
  }

  /** Skips one LEB128 integer of any width, signed or not. */
  skipInteger(): void {
    while (this.byte() >= 0x80);
  }

  take(count: number): Uint8Array {
    const part = this.bytes.subarray(this.at, this.at + count);
    this.at += count;
    return part;
  }
}

/** Unsigned LEB128. */
export function u32(value: number): number[] {
  const out: number[] = [];
  let rest = value;
  while (rest >= 0x80) {
    out.push((rest & 0x7f) | 0x80);
    rest = Math.floor(rest / 128);
  }
  out.push(rest);
  return out;
}

export function name(text: string): number[] {
  const bytes = Array.from(text, (char) => char.charCodeAt(0));
  return [...u32(bytes.length), ...bytes];
}

/** A section: its id, its length, its content. */
export function section(id: number, content: readonly number[]): number[] {
  return [id, ...u32(content.length), ...content];
}

/** A vector: the count, then the elements one after another. */
export function vector(elements: readonly (readonly number[])[]): number[] {
  return [...u32(elements.length), ...elements.flat()];
}
