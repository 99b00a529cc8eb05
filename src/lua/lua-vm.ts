// Owns: one Lua 5.1 interpreter in WebAssembly memory of its own, and the bytes that cross its
// border.
//
// Every script starts from an image of that memory, taken right after the script was compiled, and
// the image is a function of the interpreter and the script alone. So addresses, hash order,
// garbage collection, the moment memory runs out and the fuel each step costs are the same on every
// member, whatever ran there before; and nothing a script does to its world outlives it, a trap
// included.
//
// Strings are latin1: one character is one byte, both ways. Host functions raise Lua errors with
// `raise`; that leaves through JavaScript frames, so a host function must not catch what it does
// not know.

import { assert } from '../base/assert.js';
import { DEPTH_EXPORT, DEPTH_MAX, FUEL_EXPORT, meterFuel } from './fuel-metering.js';
import { type HostFunction, installHostFunctions } from './host-functions.js';
import { LUA_TSTRING, type LuaExports, TYPE_NAMES } from './lua-api.js';
import { instantiate } from './wasm-imports.js';

/** Linear memory a script may use, interpreter and stack included, in bytes. */
export const MEMORY_MAX = 160 * 2 ** 20;
/** An instance whose memory grew beyond this is replaced: WebAssembly memory never shrinks. */
const MEMORY_KEPT = 32 * 2 ** 20;
/** Static data begins here in every Emscripten binary. */
const DATA_START = 1024;
/**
 * The low end of the C stack, far below what the interpreter's depth limits let it reach, carries
 * strings in and out.
 */
const SCRATCH_BYTES = 2 ** 16;
const FUEL_UNLIMITED = 2 ** 31 - 1;
const BYTES_PER_FUEL = 64;
const CHARGE_LOT = 2048;
const NOT_ENOUGH_MEMORY = 'not enough memory';

/**
 * The interpreter's compiled code, metered. Holds no state; every machine of a process may share
 * one.
 */
export class LuaInterpreter {
  static readonly #compiled = new WeakMap<Uint8Array, LuaInterpreter>();
  readonly module: WebAssembly.Module;

  /** The interpreter of this binary, compiled at the first call with it. */
  static of(binary: Uint8Array): LuaInterpreter {
    const known = LuaInterpreter.#compiled.get(binary) ?? new LuaInterpreter(binary);
    LuaInterpreter.#compiled.set(binary, known);
    return known;
  }

  /** `binary`: liblua5.1.wasm of the package wasmoon-lua5.1. */
  constructor(binary: Uint8Array) {
    this.module = new WebAssembly.Module(meterFuel(binary));
  }
}

/** What the memory held at one moment: static data, heap, and how long the heap was. */
export interface Image {
  readonly data: Uint8Array;
  readonly heap: Uint8Array;
}

/**
 * Thrown in a host function when the script has used up its fuel, as the trap is in the
 * interpreter.
 */
export class OutOfFuel {}

export class LuaVm {
  readonly #interpreter: LuaInterpreter;
  readonly #functions: readonly HostFunction[];
  /** The main lua_State. */
  readonly state: number;
  #wasm: LuaExports;
  #bytes: Buffer = Buffer.alloc(0);
  #words: Uint32Array = new Uint32Array(0);
  readonly #dataEnd: number;
  readonly #heapStart: number;
  readonly #stackTop: number;
  readonly #scratch: number;
  /** Where the C library keeps the end of the heap. */
  readonly #breakAddress: number;
  #firstFunction = 0;
  /** Fuel charged and not yet taken from the meter. */
  #owed = 0;

  /**
   * `makeFunctions` is called at once; the functions it makes may use the VM when they are called.
   */
  constructor(interpreter: LuaInterpreter, makeFunctions: (vm: LuaVm) => readonly HostFunction[]) {
    this.#interpreter = interpreter;
    this.#functions = makeFunctions(this);
    this.#wasm = this.#instantiate();
    this.#dataEnd = this.#wasm.emscripten_stack_get_end();
    this.#heapStart = this.#wasm.emscripten_stack_get_base();
    this.#stackTop = this.#wasm.stackSave();
    this.#scratch = (this.#dataEnd + 4095) & -4096;
    const candidates = this.#wordsEqualTo(this.#heapStart);
    this.#wasm.__wasm_call_ctors();
    this.state = this.#wasm.luaL_newstate();
    assert(this.state !== 0, 'a new interpreter has memory for its state');
    const moved = candidates.filter((at) => this.#words[at >>> 2]! > this.#heapStart);
    assert(moved.length === 1, 'the end of the heap is kept in one place');
    this.#breakAddress = moved[0]!;
  }

  get lua(): LuaExports {
    return this.#wasm;
  }

  // ---- images

  /** The memory as it is now. */
  capture(): Image {
    this.#refresh();
    const end = this.#words[this.#breakAddress >>> 2]!;
    return {
      data: Uint8Array.prototype.slice.call(this.#bytes, DATA_START, this.#dataEnd),
      heap: Uint8Array.prototype.slice.call(this.#bytes, this.#heapStart, end),
    };
  }

  /** Makes the memory what it was at `capture`, and gives `fuel` units to spend. */
  restore(image: Image, fuel: number): void {
    if (this.#wasm.memory.buffer.byteLength > MEMORY_KEPT) this.#wasm = this.#instantiate();
    this.#refresh();
    const missing = this.#heapStart + image.heap.length - this.#bytes.length;
    if (missing > 0) {
      this.#wasm.memory.grow(Math.ceil(missing / 65536));
      this.#refresh();
    }
    this.#bytes.set(image.data, DATA_START);
    this.#bytes.set(image.heap, this.#heapStart);
    this.#wasm.stackRestore(this.#stackTop);
    this.#wasm[FUEL_EXPORT].value = fuel;
    this.#wasm[DEPTH_EXPORT].value = 0;
    this.#owed = 0;
  }

  // ---- fuel

  get fuel(): number {
    return this.#wasm[FUEL_EXPORT].value;
  }

  /** Whether a trap was the depth meter's. */
  get tooDeep(): boolean {
    return this.#wasm[DEPTH_EXPORT].value > DEPTH_MAX;
  }

  /**
   * Spends fuel for work the host does for the script; settled in lots, since reaching the meter
   * costs more than adding.
   */
  charge(units: number): void {
    this.#owed += units;
    if (this.#owed < CHARGE_LOT) return;
    const left = this.#wasm[FUEL_EXPORT].value - this.#owed;
    this.#owed = 0;
    this.#wasm[FUEL_EXPORT].value = Math.max(left, -1);
    if (left < 0) throw new OutOfFuel();
  }

  // ---- values

  pushString(state: number, text: string): void {
    const length = text.length;
    if (length > SCRATCH_BYTES) {
      this.#pushLong(state, text);
      return;
    }
    this.#refresh();
    this.#bytes.latin1Write(text, this.#scratch, length);
    this.#wasm.lua_pushlstring(state, this.#scratch, length);
  }

  /**
   * The bytes of a string, or of a number (which lua_tolstring turns into its string in place);
   * null for others.
   */
  toText(state: number, index: number): string | null {
    const at = this.#wasm.lua_tolstring(state, index, this.#scratch);
    if (at === 0) return null;
    this.#refresh();
    const length = this.#words[this.#scratch >>> 2]!;
    if (length > 1024) this.charge(Math.ceil(length / BYTES_PER_FUEL));
    return this.#bytes.latin1Slice(at, at + length);
  }

  /**
   * Compiles text into a function on the stack; answers whether it did, else the message is on the
   * stack.
   */
  load(state: number, text: string, chunkName: string): boolean {
    const wasm = this.#wasm;
    const at = wasm.malloc(Math.max(text.length, 1));
    if (at === 0) {
      this.pushString(state, NOT_ENOUGH_MEMORY);
      return false;
    }
    this.#refresh();
    this.#bytes.latin1Write(text, at, text.length);
    const name = this.#bytes.latin1Write(`${chunkName}\0`, this.#scratch);
    assert(name === chunkName.length + 1, 'a chunk name is short');
    const failed = wasm.luaL_loadbuffer(state, at, text.length, this.#scratch);
    wasm.free(at);
    return failed === 0;
  }

  /**
   * Sets a field of the table at `index` to the value on top of the stack, which it pops;
   * metamethods work.
   */
  setField(state: number, index: number, field: string): void {
    this.#wasm.lua_setfield(state, index, this.#cString(field));
  }

  /**
   * table[key] = value for the two values on top, which it pops; raises where Lua would (a nil
   * key).
   */
  setTable(state: number, index: number): void {
    this.#wasm.lua_settable(state, index);
  }

  /** Pushes a field of the table at `index`; metamethods work. */
  getField(state: number, index: number, field: string): void {
    this.#wasm.lua_getfield(state, index, this.#cString(field));
  }

  /** Pushes a field of the table at `index` (negative), without metamethods. */
  rawGetField(state: number, index: number, field: string): void {
    this.pushString(state, field);
    this.#wasm.lua_rawget(state, index - 1);
  }

  /** Pushes the host function with this place in the list given to the constructor. */
  pushFunction(state: number, place: number): void {
    this.#wasm.lua_pushcclosure(state, this.#firstFunction + place, 0);
  }

  /** Room for `extra` more values, or the error Lua raises without it. */
  ensureStack(state: number, extra: number): void {
    if (this.#wasm.lua_checkstack(state, extra) !== 0) return;
    this.#wasm.lua_settop(state, -2);
    this.raise(state, 'stack overflow');
  }

  isString(state: number, index: number): boolean {
    return this.#wasm.lua_type(state, index) === LUA_TSTRING;
  }

  /** Raises an error that says where in the script it happened (luaL_error). Does not return. */
  raise(state: number, message: string): never {
    this.#wasm.luaL_where(state, 1);
    this.pushString(state, message);
    this.#wasm.lua_concat(state, 2);
    return this.throwTop(state);
  }

  /**
   * Raises what luaL_checktype would: `bad argument #1 to 'f' (number expected, got nil)`. Does not
   * return.
   */
  raiseArgument(state: number, index: number, functionName: string, expected: string): never {
    const type = this.#wasm.lua_type(state, index);
    const got = type < 0 ? 'no value' : TYPE_NAMES[type];
    return this.raise(
      state,
      `bad argument #${index} to '${functionName}' (${expected} expected, got ${got})`,
    );
  }

  /** Raises the value on top of the stack. Does not return. */
  throwTop(state: number): never {
    this.#wasm.lua_error(state);
    throw new Error('lua_error returned');
  }

  // ---- inside

  #instantiate(): LuaExports {
    const wasm = instantiate(this.#interpreter.module, MEMORY_MAX) as LuaExports;
    wasm[FUEL_EXPORT].value = FUEL_UNLIMITED;
    this.#firstFunction = installHostFunctions(wasm.__indirect_function_table, this.#functions);
    this.#bytes = Buffer.from(wasm.memory.buffer);
    this.#words = new Uint32Array(wasm.memory.buffer);
    return wasm;
  }

  /** Growing the memory detaches the views of it. */
  #refresh(): void {
    if (this.#bytes.length > 0) return;
    this.#bytes = Buffer.from(this.#wasm.memory.buffer);
    this.#words = new Uint32Array(this.#wasm.memory.buffer);
  }

  #wordsEqualTo(value: number): number[] {
    const found: number[] = [];
    for (let at = DATA_START; at < this.#dataEnd; at += 4) {
      if (this.#words[at >>> 2] === value) found.push(at);
    }
    return found;
  }

  #pushLong(state: number, text: string): void {
    const wasm = this.#wasm;
    const at = wasm.malloc(text.length);
    if (at === 0) {
      this.pushString(state, NOT_ENOUGH_MEMORY);
      this.throwTop(state);
    }
    this.charge(Math.ceil(text.length / BYTES_PER_FUEL));
    this.#refresh();
    this.#bytes.latin1Write(text, at, text.length);
    wasm.lua_pushlstring(state, at, text.length);
    wasm.free(at);
  }

  /** A field name as a C string, in scratch memory: read at once by the call it is made for. */
  #cString(text: string): number {
    this.#refresh();
    const at = this.#scratch;
    this.#bytes.latin1Write(text, at, text.length);
    this.#bytes[at + text.length] = 0;
    return at;
  }
}
