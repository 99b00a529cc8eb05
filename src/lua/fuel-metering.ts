// Owns: putting a fuel meter into a WebAssembly binary, so that every loop in it, of the interpreter and of its C library
// alike, is bounded by a count that is the same on every member. At the head of each loop one unit of the exported global
// `fuel` is spent; below zero the code traps. A trap cannot be caught by the script (pcall is longjmp, not a trap).
// Recursion needs no meter: it is bounded by the interpreter's own depth limits.
// Bulk memory instructions would be loops without a head: the interpreter has none, and this refuses one that has.

import { assert } from '../base/assert.js';
import { name, u32, WasmReader } from './wasm-bytes.js';

export const FUEL_EXPORT = 'fuel';

const HEADER_BYTES = 8;
const GLOBAL_SECTION = 6;
const EXPORT_SECTION = 7;
const CODE_SECTION = 10;
const I32 = 0x7f;
const MUTABLE = 1;
const LOOP = 0x03;

/** How to step over the immediates of each instruction that has any (core specification, 5.4). */
const IMMEDIATES = new Map<number, (reader: WasmReader) => void>();

function immediates(from: number, to: number, skip: (reader: WasmReader) => void): void {
  for (let opcode = from; opcode <= to; opcode++) IMMEDIATES.set(opcode, skip);
}

const oneInteger = (reader: WasmReader): void => reader.skipInteger();
const twoIntegers = (reader: WasmReader): void => {
  reader.skipInteger();
  reader.skipInteger();
};
const integers = (reader: WasmReader): void => {
  for (let left = reader.u32(); left > 0; left--) reader.skipInteger();
};

immediates(0x02, 0x04, oneInteger);
immediates(0x0c, 0x0d, oneInteger);
immediates(0x0e, 0x0e, (reader) => {
  integers(reader);
  reader.skipInteger();
});
immediates(0x10, 0x10, oneInteger);
immediates(0x11, 0x11, twoIntegers);
immediates(0x1c, 0x1c, integers);
immediates(0x20, 0x26, oneInteger);
immediates(0x28, 0x3e, twoIntegers);
immediates(0x3f, 0x42, oneInteger);
immediates(0x43, 0x43, (reader) => reader.take(4));
immediates(0x44, 0x44, (reader) => reader.take(8));
immediates(0xd0, 0xd0, oneInteger);
immediates(0xd2, 0xd2, oneInteger);
immediates(0xfc, 0xfc, (reader) => {
  assert(reader.u32() < 8, 'the interpreter has no bulk memory instructions');
});
immediates(0xfd, 0xfe, () => assert(false, 'the interpreter has no vector or atomic instructions'));

/** The same module with the meter in it. */
export function meterFuel(binary: Uint8Array): Uint8Array {
  const reader = new WasmReader(binary, HEADER_BYTES);
  const out: number[] = [...binary.subarray(0, HEADER_BYTES)];
  let fuelIndex = -1;
  while (reader.at < binary.length) {
    const id = reader.byte();
    const content = reader.take(reader.u32());
    let written: Iterable<number> & { length: number } = content;
    if (id === GLOBAL_SECTION) {
      fuelIndex = new WasmReader(content).u32();
      written = appended(content, [I32, MUTABLE, 0x41, 0, 0x0b]);
    } else if (id === EXPORT_SECTION) {
      assert(fuelIndex >= 0, 'the global section stands before the export section');
      written = appended(content, [...name(FUEL_EXPORT), 3, ...u32(fuelIndex)]);
    } else if (id === CODE_SECTION) {
      written = meteredCode(content, fuelIndex);
    }
    out.push(id, ...u32(written.length));
    for (const byte of written) out.push(byte);
  }
  return Uint8Array.from(out);
}

/** A vector section with one more element. */
function appended(content: Uint8Array, element: readonly number[]): number[] {
  const reader = new WasmReader(content);
  const count = reader.u32();
  return [...u32(count + 1), ...content.subarray(reader.at), ...element];
}

function meteredCode(content: Uint8Array, fuelIndex: number): number[] {
  const reader = new WasmReader(content);
  const count = reader.u32();
  const out = u32(count);
  const spend = spendOne(fuelIndex);
  for (let i = 0; i < count; i++) {
    const body = meteredBody(reader.take(reader.u32()), spend);
    out.push(...u32(body.length));
    for (const byte of body) out.push(byte);
  }
  return out;
}

/** fuel = fuel - 1; if (fuel < 0) unreachable. */
function spendOne(fuelIndex: number): readonly number[] {
  const get = [0x23, ...u32(fuelIndex)];
  const subtractOne = [0x41, 1, 0x6b];
  const set = [0x24, ...u32(fuelIndex)];
  const trapWhenNegative = [0x41, 0, 0x48, 0x04, 0x40, 0x00, 0x0b];
  return [...get, ...subtractOne, ...set, ...get, ...trapWhenNegative];
}

function meteredBody(body: Uint8Array, spend: readonly number[]): number[] {
  const reader = new WasmReader(body);
  for (let groups = reader.u32(); groups > 0; groups--) twoIntegers(reader);
  const out: number[] = [];
  let copied = 0;
  while (reader.at < body.length) {
    const opcode = reader.byte();
    IMMEDIATES.get(opcode)?.(reader);
    if (opcode !== LOOP) continue;
    for (; copied < reader.at; copied++) out.push(body[copied]!);
    out.push(...spend);
  }
  for (; copied < body.length; copied++) out.push(body[copied]!);
  return out;
}
