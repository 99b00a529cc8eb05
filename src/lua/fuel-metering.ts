// Owns: putting meters into a WebAssembly binary, so that all the work in it, of the interpreter
// and of its C library alike, is bounded by counts that are the same on every member.
// Fuel: at the head of each loop one unit of the exported global `fuel` is spent; below zero the
// code traps. A trap cannot be caught by the script (pcall is longjmp, not a trap).
// Depth: a function that calls itself (the pattern matcher) counts how deep it is in the exported
// global `depth` and traps at DEPTH_MAX, long before the native stack ends, which is not at the
// same depth everywhere. Other recursion is bounded by the interpreter itself (200 C calls).
// Bulk memory instructions would be loops without a head: the interpreter has none, and this
// refuses one that has.

import { assert } from '../base/assert.js';
import { name, u32, WasmReader } from './wasm-bytes.js';

export const FUEL_EXPORT = 'fuel';
export const DEPTH_EXPORT = 'depth';

/** A tenth of what the default stack of Node takes. */
export const DEPTH_MAX = 500;

const HEADER_BYTES = 8;
const IMPORT_SECTION = 2;
const GLOBAL_SECTION = 6;
const EXPORT_SECTION = 7;
const CODE_SECTION = 10;
const EXPORTED_GLOBAL = 3;
const I32 = 0x7f;
const MUTABLE = 1;
const UNREACHABLE = 0x00;
const LOOP = 0x03;
const IF = 0x04;
const END = 0x0b;
const CALL = 0x10;
const GLOBAL_GET = 0x23;
const GLOBAL_SET = 0x24;
const I32_CONST = 0x41;
const I32_LT_S = 0x48;
const I32_GT_S = 0x4a;
const I32_ADD = 0x6a;
const I32_SUB = 0x6b;
const NO_RESULT = 0x40;
/** A new global: type, mutability, initial value 0. */
const COUNTER = [I32, MUTABLE, I32_CONST, 0, END];

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
immediates(0x43, 0x43, (reader) => void reader.take(4));
immediates(0x44, 0x44, (reader) => void reader.take(8));
immediates(0xd0, 0xd0, oneInteger);
immediates(0xd2, 0xd2, oneInteger);
immediates(0xfc, 0xfc, (reader) => {
  assert(reader.u32() < 8, 'the interpreter has no bulk memory instructions');
});
immediates(0xfd, 0xfe, () => assert(false, 'the interpreter has no vector or atomic instructions'));

/** Instructions put in at each place of a kind. */
interface Meters {
  readonly atLoop: readonly number[];
  readonly beforeSelfCall: readonly number[];
  readonly afterSelfCall: readonly number[];
}

/** The same module with the meters in it. */
export function meterFuel(binary: Uint8Array): Uint8Array {
  const reader = new WasmReader(binary, HEADER_BYTES);
  const out = new ByteWriter(binary.length * 2);
  out.write(binary.subarray(0, HEADER_BYTES));
  let imported = 0;
  let firstGlobal = -1;
  while (reader.at < binary.length) {
    const id = reader.byte();
    const content = reader.take(reader.u32());
    let written = content;
    if (id === IMPORT_SECTION) {
      imported = new WasmReader(content).u32();
    } else if (id === GLOBAL_SECTION) {
      firstGlobal = new WasmReader(content).u32();
      written = appended(content, [COUNTER, COUNTER]);
    } else if (id === EXPORT_SECTION) {
      assert(firstGlobal >= 0, 'the global section stands before the export section');
      written = appended(content, [
        [...name(FUEL_EXPORT), EXPORTED_GLOBAL, ...u32(firstGlobal)],
        [...name(DEPTH_EXPORT), EXPORTED_GLOBAL, ...u32(firstGlobal + 1)],
      ]);
    } else if (id === CODE_SECTION) {
      written = meteredCode(content, imported, metersFor(firstGlobal, firstGlobal + 1));
    }
    out.write([id, ...u32(written.length)]);
    out.write(written);
  }
  return out.bytes();
}

/** A vector section with more elements. */
function appended(content: Uint8Array, elements: readonly (readonly number[])[]): Uint8Array {
  const reader = new WasmReader(content);
  const count = reader.u32();
  const more = elements.flat();
  const out = new ByteWriter(content.length + more.length + 8);
  out.write(u32(count + elements.length));
  out.write(content.subarray(reader.at));
  out.write(more);
  return out.bytes();
}

function metersFor(fuel: number, depth: number): Meters {
  const add = (global: number, operation: number): number[] => {
    const get = [GLOBAL_GET, ...u32(global)];
    return [...get, I32_CONST, 1, operation, GLOBAL_SET, ...u32(global)];
  };
  const trapWhen = (global: number, limit: readonly number[], comparison: number): number[] => {
    const compare = [GLOBAL_GET, ...u32(global), I32_CONST, ...limit, comparison];
    return [...compare, IF, NO_RESULT, UNREACHABLE, END];
  };
  return {
    atLoop: [...add(fuel, I32_SUB), ...trapWhen(fuel, [0], I32_LT_S)],
    beforeSelfCall: [...add(depth, I32_ADD), ...trapWhen(depth, u32(DEPTH_MAX), I32_GT_S)],
    afterSelfCall: add(depth, I32_SUB),
  };
}

function meteredCode(content: Uint8Array, firstIndex: number, meters: Meters): Uint8Array {
  const reader = new WasmReader(content);
  const count = reader.u32();
  const out = new ByteWriter(content.length * 2);
  out.write(u32(count));
  const body = new ByteWriter(content.length * 2);
  for (let i = 0; i < count; i++) {
    body.clear();
    writeBody(body, reader.take(reader.u32()), firstIndex + i, meters);
    out.write(u32(body.length));
    out.write(body.bytes());
  }
  return out.bytes();
}

function writeBody(out: ByteWriter, body: Uint8Array, self: number, meters: Meters): void {
  const reader = new WasmReader(body);
  for (let groups = reader.u32(); groups > 0; groups--) twoIntegers(reader);
  let copied = 0;
  while (reader.at < body.length) {
    const start = reader.at;
    const opcode = reader.byte();
    if (opcode === CALL && reader.u32() === self) {
      out.write(body.subarray(copied, start));
      out.write(meters.beforeSelfCall);
      out.write(body.subarray(start, reader.at));
      out.write(meters.afterSelfCall);
      copied = reader.at;
      continue;
    }
    if (opcode === CALL) continue;
    IMMEDIATES.get(opcode)?.(reader);
    if (opcode !== LOOP) continue;
    out.write(body.subarray(copied, reader.at));
    out.write(meters.atLoop);
    copied = reader.at;
  }
  out.write(body.subarray(copied));
}

class ByteWriter {
  readonly #bytes: Uint8Array;
  length = 0;

  constructor(capacity: number) {
    this.#bytes = new Uint8Array(capacity);
  }

  write(bytes: ArrayLike<number>): void {
    assert(this.length + bytes.length <= this.#bytes.length, 'the meters fit');
    this.#bytes.set(bytes, this.length);
    this.length += bytes.length;
  }

  clear(): void {
    this.length = 0;
  }

  bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.length);
  }
}
