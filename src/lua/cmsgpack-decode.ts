// Owns: reading MessagePack from a script's string into Lua values. Every length is checked against
// the input.

import type { LuaVm } from './lua-vm.js';

const FUEL_PER_VALUE = 10;
/** Where the Lua stack would end; deeper input is an error. */
const DEPTH_MAX = 1000;
const TOO_DEEP = 'too many return values at once; use unpack_one or unpack_limit instead.';

const scratch = new DataView(new ArrayBuffer(8));

/** Formats with a fixed size behind their first byte: how many bytes, and the number they are. */
const NUMBERS: ReadonlyMap<number, readonly [size: number, read: () => number]> = new Map([
  [0xca, [4, () => scratch.getFloat32(0)]],
  [0xcb, [8, () => scratch.getFloat64(0)]],
  [0xcc, [1, () => scratch.getUint8(0)]],
  [0xcd, [2, () => scratch.getUint16(0)]],
  [0xce, [4, () => scratch.getUint32(0)]],
  [0xcf, [8, () => Number(scratch.getBigInt64(0))]],
  [0xd0, [1, () => scratch.getInt8(0)]],
  [0xd1, [2, () => scratch.getInt16(0)]],
  [0xd2, [4, () => scratch.getInt32(0)]],
  [0xd3, [8, () => Number(scratch.getBigInt64(0))]],
]);

type Container = 'string' | 'array' | 'map';

/** Formats with a length behind their first byte. */
const LENGTHS: ReadonlyMap<number, readonly [kind: Container, size: number]> = new Map([
  [0xd9, ['string', 1]],
  [0xda, ['string', 2]],
  [0xdb, ['string', 4]],
  [0xdc, ['array', 2]],
  [0xdd, ['array', 4]],
  [0xde, ['map', 2]],
  [0xdf, ['map', 4]],
]);

export class MessageReader {
  readonly #vm: LuaVm;
  readonly #state: number;
  readonly #text: string;
  at: number;

  constructor(vm: LuaVm, state: number, text: string, offset: number) {
    this.#vm = vm;
    this.#state = state;
    this.#text = text;
    this.at = offset;
  }

  get atEnd(): boolean {
    return this.at >= this.#text.length;
  }

  /** Pushes the next value. */
  value(depth: number): void {
    const { lua } = this.#vm;
    const state = this.#state;
    this.#vm.charge(FUEL_PER_VALUE);
    if (depth > DEPTH_MAX || lua.lua_checkstack(state, 4) === 0) this.#vm.raise(state, TOO_DEEP);
    const first = this.#take(1).charCodeAt(0);
    if (first <= 0x7f) lua.lua_pushnumber(state, first);
    else if (first >= 0xe0) lua.lua_pushnumber(state, first - 256);
    else if (first <= 0x8f) this.#container('map', first & 0x0f, depth);
    else if (first <= 0x9f) this.#container('array', first & 0x0f, depth);
    else if (first <= 0xbf) this.#container('string', first & 0x1f, depth);
    else if (first === 0xc0) lua.lua_pushnil(state);
    else if (first === 0xc2 || first === 0xc3) lua.lua_pushboolean(state, first & 1);
    else this.#sized(first, depth);
  }

  #sized(first: number, depth: number): void {
    const number = NUMBERS.get(first);
    if (number !== undefined) {
      this.#load(number[0]);
      this.#vm.lua.lua_pushnumber(this.#state, number[1]());
      return;
    }
    const counted = LENGTHS.get(first);
    if (counted === undefined) this.#vm.raise(this.#state, 'Bad data format in input.');
    const [kind, size] = counted;
    let length = 0;
    for (const char of this.#take(size)) length = length * 256 + char.charCodeAt(0);
    this.#container(kind, length, depth);
  }

  #container(kind: Container, length: number, depth: number): void {
    const { lua } = this.#vm;
    if (kind === 'string') {
      this.#vm.pushString(this.#state, this.#take(length));
      return;
    }
    lua.lua_createtable(this.#state, 0, 0);
    for (let i = 1; i <= length; i++) {
      if (kind === 'array') {
        this.value(depth + 1);
        lua.lua_rawseti(this.#state, -2, i);
      } else {
        this.value(depth + 1);
        this.value(depth + 1);
        this.#setPair();
      }
    }
  }

  /** A nil key is an error in Lua, and NaN one too. */
  #setPair(): void {
    this.#vm.setTable(this.#state, -3);
  }

  #take(count: number): string {
    const end = this.at + count;
    if (end > this.#text.length) this.#vm.raise(this.#state, 'Missing bytes in input.');
    const part = this.#text.slice(this.at, end);
    this.at = end;
    return part;
  }

  #load(count: number): void {
    const bytes = this.#take(count);
    for (let i = 0; i < count; i++) scratch.setUint8(i, bytes.charCodeAt(i));
  }
}
