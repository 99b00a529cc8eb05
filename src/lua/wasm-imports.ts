// Owns: what the interpreter's binary imports. It is built with Emscripten; of the imports only
// longjmp, memcpy and heap growth are ever used, since no library that touches files, time or the
// environment is opened. The others answer with an error, so that nothing of the host can reach a
// script.

import { DEPTH_EXPORT, FUEL_EXPORT } from './fuel-metering.js';

/** Thrown to unwind to the nearest invoke_vii: Emscripten's longjmp. */
const LONGJMP = Number.POSITIVE_INFINITY;
const ENOSYS = -52;
const BYTES_PER_FUEL = 64;
const PAGE = 65536;

export interface WasmExports {
  readonly memory: WebAssembly.Memory;
  readonly __indirect_function_table: WebAssembly.Table;
  readonly [FUEL_EXPORT]: WebAssembly.Global;
  readonly [DEPTH_EXPORT]: WebAssembly.Global;
  __wasm_call_ctors(): void;
  emscripten_stack_init(): void;
  emscripten_stack_get_end(): number;
  emscripten_stack_get_base(): number;
  stackSave(): number;
  stackRestore(pointer: number): void;
  setThrew(threw: number, value: number): void;
  malloc(bytes: number): number;
  free(pointer: number): void;
}

const ENV_UNUSED = [
  'exit',
  'strftime',
  'emscripten_date_now',
  '_emscripten_get_now_is_monotonic',
  '__syscall_openat',
  '__syscall_fcntl64',
  '__syscall_ioctl',
  '__syscall_dup3',
  '__syscall_unlinkat',
  '__syscall_rmdir',
  '__syscall_renameat',
  '__syscall_readlinkat',
  '_emscripten_system',
  '_tzset_js',
  '_mktime_js',
  '_localtime_js',
  '_gmtime_js',
];
const WASI_UNUSED = ['fd_write', 'fd_read', 'fd_close', 'fd_seek'];

function refusing(names: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(names.map((name) => [name, () => ENOSYS]));
}

/** Instantiates the interpreter with memory for at most `memoryMax` bytes. */
export function instantiate(module: WebAssembly.Module, memoryMax: number): WasmExports {
  let wasm: WasmExports | null = null;
  const env = {
    ...refusing(ENV_UNUSED),
    _emscripten_throw_longjmp: () => {
      throw LONGJMP;
    },
    invoke_vii: (index: number, a: number, b: number) => {
      const x = wasm!;
      const stack = x.stackSave();
      try {
        (x.__indirect_function_table.get(index) as (a: number, b: number) => void)(a, b);
      } catch (error) {
        if (error !== LONGJMP) throw error;
        x.stackRestore(stack);
        // What is metered by depth never calls back into Lua, so here it is left altogether.
        x[DEPTH_EXPORT].value = 0;
        x.setThrew(1, 0);
      }
    },
    emscripten_memcpy_js: (to: number, from: number, count: number) => {
      const x = wasm!;
      x[FUEL_EXPORT].value -= Math.ceil(count / BYTES_PER_FUEL);
      new Uint8Array(x.memory.buffer).copyWithin(to, from, from + count);
    },
    emscripten_resize_heap: (bytes: number) => growTo(wasm!.memory, bytes >>> 0, memoryMax),
  };
  const wasi = {
    ...refusing(WASI_UNUSED),
    environ_sizes_get: (count: number, size: number) => {
      const view = new DataView(wasm!.memory.buffer);
      view.setUint32(count, 0, true);
      view.setUint32(size, 0, true);
      return 0;
    },
    environ_get: () => 0,
  };
  const instance = new WebAssembly.Instance(module, { env, wasi_snapshot_preview1: wasi });
  wasm = instance.exports as unknown as WasmExports;
  wasm[FUEL_EXPORT].value = 2 ** 31 - 1;
  wasm.emscripten_stack_init();
  return wasm;
}

/**
 * 1 when the heap may reach `bytes`. Depends on `bytes` alone, never on how far the memory grew for
 * earlier scripts.
 */
function growTo(memory: WebAssembly.Memory, bytes: number, memoryMax: number): number {
  if (bytes > memoryMax) return 0;
  const missing = Math.ceil((bytes - memory.buffer.byteLength) / PAGE);
  if (missing > 0) memory.grow(missing);
  return 1;
}
