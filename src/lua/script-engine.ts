// Owns: compiling and running scripts in the environment Redis gives them. A compiled script is an
// image of the VM with the script in it, cached by its SHA1; each run starts from that image (lua-
// vm.ts says why). A run ends in a value, a Lua error, or a stop: fuel used up or a fault of the
// VM. None of them is ever fatal.

import { AssertionError, assert } from '../base/assert.js';
import { bit } from './bit.js';
import { cjson } from './cjson.js';
import { cmsgpack } from './cmsgpack.js';
import type { HostFunction } from './host-functions.js';
import type { Library, LibraryMaker } from './library.js';
import { LUA_GLOBALSINDEX } from './lua-api.js';
import { type Image, type LuaInterpreter, LuaVm, OutOfFuel } from './lua-vm.js';
import { mathRandom, RandomSequence } from './math-random.js';
import { PRELUDE } from './prelude.js';
import { struct } from './struct.js';

/**
 * Steps one script may take: about a second of this interpreter on a 2020s server core. Equal on
 * every member.
 */
export const SCRIPT_FUEL = 50_000_000;
const COMPILE_FUEL = 50_000_000;
const IMAGES_BYTES_MAX = 64 * 2 ** 20;
const PER_STRING_FUEL = 8;

/** Places on the Lua stack of every image. */
const GLOBALS = 1;
const HANDLER = 2;

export type StopReason = 'fuel' | 'depth' | 'fault';

/** What to make of each way a run can end. `value` and `failure` find it on top of the stack. */
export interface RunHandlers<T> {
  value(state: number): T;
  failure(state: number): T;
  stopped(reason: StopReason): T;
}

export class ScriptEngine {
  readonly vm: LuaVm;
  readonly random = new RandomSequence();
  readonly #base: Image;
  /** Least recently used first. */
  readonly #images = new Map<string, Image>();
  #imageBytes = 0;
  readonly #begins: (() => void)[] = [];

  constructor(interpreter: LuaInterpreter, makers: readonly LibraryMaker[]) {
    const libraries: Library[] = [];
    const all = [cjson, cmsgpack, struct, bit, ...makers];
    this.vm = new LuaVm(interpreter, (vm) => {
      libraries.push(mathRandom(vm, this.random), ...all.map((make) => make(vm)));
      return [...refusals(vm), ...libraries.flatMap(({ functions }) => Object.values(functions))];
    });
    for (const { begin } of libraries) if (begin !== undefined) this.#begins.push(begin);
    this.#openLibraries(libraries);
    this.#base = this.vm.capture();
  }

  /** The compiled script, or the interpreter's message. Depends on `text` alone. */
  compile(sha: string, text: string): Image | string {
    const known = this.#images.get(sha);
    if (known !== undefined) {
      this.#images.delete(sha);
      this.#images.set(sha, known);
      return known;
    }
    const { vm } = this;
    vm.restore(this.#base, COMPILE_FUEL);
    try {
      if (!vm.load(vm.state, text, '@user_script')) return vm.toText(vm.state, -1) ?? '';
      const image = vm.capture();
      this.#remember(sha, image);
      return image;
    } catch (error) {
      return this.#reasonOf(error) === 'fuel'
        ? 'script is too complex'
        : 'script cannot be compiled';
    }
  }

  forgetImages(): void {
    this.#images.clear();
    this.#imageBytes = 0;
  }

  run<T>(
    image: Image,
    keys: readonly string[],
    args: readonly string[],
    handlers: RunHandlers<T>,
  ): T {
    const { vm } = this;
    vm.restore(image, SCRIPT_FUEL);
    for (let i = 0; i < this.#begins.length; i++) this.#begins[i]!();
    const { lua, state } = vm;
    try {
      this.#setArray('KEYS', keys);
      this.#setArray('ARGV', args);
      const failed = lua.lua_pcall(state, 0, 1, HANDLER) !== 0;
      return failed ? handlers.failure(state) : handlers.value(state);
    } catch (error) {
      return handlers.stopped(this.#reasonOf(error));
    }
  }

  /** Why an exception left the VM. Bugs of our own go on as they are. */
  #reasonOf(error: unknown): StopReason {
    if (error instanceof AssertionError) throw error;
    if (error instanceof OutOfFuel || this.vm.fuel < 0) return 'fuel';
    return this.vm.tooDeep ? 'depth' : 'fault';
  }

  #setArray(name: string, values: readonly string[]): void {
    const { vm } = this;
    const { state } = vm;
    vm.lua.lua_createtable(state, values.length, 0);
    if (values.length > 64) vm.charge(values.length * PER_STRING_FUEL);
    for (let i = 0; i < values.length; i++) {
      vm.pushString(state, values[i]!);
      vm.lua.lua_rawseti(state, -2, i + 1);
    }
    vm.setField(state, GLOBALS, name);
  }

  #remember(sha: string, image: Image): void {
    const bytes = image.data.length + image.heap.length;
    this.#images.set(sha, image);
    this.#imageBytes += bytes;
    for (const [oldest, { data, heap }] of this.#images) {
      if (this.#imageBytes <= IMAGES_BYTES_MAX || oldest === sha) break;
      this.#images.delete(oldest);
      this.#imageBytes -= data.length + heap.length;
    }
  }

  #openLibraries(libraries: readonly Library[]): void {
    const { vm } = this;
    const { lua, state } = vm;
    lua.luaopen_base(state);
    lua.luaopen_table(state);
    lua.luaopen_string(state);
    lua.luaopen_math(state);
    lua.luaopen_debug(state);
    lua.lua_settop(state, 0);
    let place = REFUSALS;
    for (const library of libraries) place = this.#addLibrary(library, place);
    const loaded = vm.load(state, PRELUDE, '=prelude');
    assert(loaded, 'the prelude compiles');
    for (let i = 0; i < REFUSALS; i++) vm.pushFunction(state, i);
    assert(lua.lua_pcall(state, REFUSALS, HANDLER, 0) === 0, 'the prelude runs');
    assert(lua.lua_gettop(state) === HANDLER, 'the prelude answers globals and handler');
  }

  #addLibrary(library: Library, firstPlace: number): number {
    const { vm } = this;
    const { lua, state } = vm;
    let place = firstPlace;
    vm.getField(state, LUA_GLOBALSINDEX, library.name);
    if (lua.lua_type(state, -1) === 0) {
      lua.lua_settop(state, -2);
      lua.lua_createtable(state, 0, 0);
    }
    for (const name of Object.keys(library.functions)) {
      vm.pushFunction(state, place++);
      vm.setField(state, -2, name);
    }
    for (const [name, value] of Object.entries(library.constants ?? {})) {
      if (typeof value === 'number') lua.lua_pushnumber(state, value);
      else vm.pushString(state, value);
      vm.setField(state, -2, name);
    }
    for (const name of library.nulls ?? []) {
      lua.lua_pushlightuserdata(state, 0);
      vm.setField(state, -2, name);
    }
    vm.setField(state, LUA_GLOBALSINDEX, library.name);
    return place;
  }
}

const REFUSALS = 2;

/** What reading an unknown global and writing any global does. */
function refusals(vm: LuaVm): readonly HostFunction[] {
  return [
    (state) => {
      const name = vm.toText(state, 2);
      if (name === null) {
        vm.raise(state, 'Second argument to luaProtectedTableError must be a string or number');
      }
      vm.raise(state, `Script attempted to access nonexistent global variable '${name}'`);
    },
    (state) => vm.raise(state, 'Attempt to modify a readonly table'),
  ];
}
