// Owns: making JavaScript functions callable from the interpreter: a call through its function
// table needs a WebAssembly function, so a small module imports each of them (type i32 -> i32) and
// exports it again.

import { name, section, u32, vector } from './wasm-bytes.js';

/** A lua_CFunction: takes the lua_State, returns the number of results on its stack. */
export type HostFunction = (state: number) => number;

const MAGIC = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];
const I32 = 0x7f;

function bridge(count: number): WebAssembly.Module {
  const indexes = Array.from({ length: count }, (_, i) => i);
  const type = [0x60, 1, I32, 1, I32];
  const imports = indexes.map((i) => [...name('h'), ...name(`f${i}`), 0, 0]);
  const exports = indexes.map((i) => [...name(`f${i}`), 0, ...u32(i)]);
  return new WebAssembly.Module(
    Uint8Array.from([
      ...MAGIC,
      ...section(1, vector([type])),
      ...section(2, vector(imports)),
      ...section(7, vector(exports)),
    ]),
  );
}

/** Adds the functions to the table, in order; returns the index of the first. */
export function installHostFunctions(
  table: WebAssembly.Table,
  functions: readonly HostFunction[],
): number {
  const imports = Object.fromEntries(functions.map((f, i) => [`f${i}`, f]));
  const instance = new WebAssembly.Instance(bridge(functions.length), { h: imports });
  const first = table.grow(functions.length);
  functions.forEach((_, i) => {
    table.set(first + i, instance.exports[`f${i}`]);
  });
  return first;
}
