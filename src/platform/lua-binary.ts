// Owns: finding the Lua interpreter's WebAssembly binary among the installed packages.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const BINARY = 'wasmoon-lua5.1/dist/liblua5.1.wasm';

/** Throws when the package is not installed. */
export function readLuaBinary(): Uint8Array {
  return readFileSync(createRequire(import.meta.url).resolve(BINARY));
}
