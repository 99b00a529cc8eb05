// Owns: a Lua value as JSON text. Order of object members is the order of the Lua table.

import type { JsonSettings } from './cjson.js';
import {
  LUA_TBOOLEAN,
  LUA_TLIGHTUSERDATA,
  LUA_TNIL,
  LUA_TNUMBER,
  LUA_TSTRING,
  LUA_TTABLE,
  TYPE_NAMES,
} from './lua-api.js';
import type { LuaVm } from './lua-vm.js';
import { formatGeneral } from './number-format.js';

const FUEL_PER_VALUE = 20;
/** Characters that JSON text has another spelling for here. */
const SPECIAL = /["\\/\x00-\x1f\x7f]/;
const SPECIALS = new RegExp(SPECIAL, 'g');
const ESCAPES: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '/': '\\/',
  '\b': '\\b',
  '\t': '\\t',
  '\n': '\\n',
  '\f': '\\f',
  '\r': '\\r',
};

function escapeOf(char: string): string {
  return ESCAPES[char] ?? `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

export class JsonEncoder {
  readonly #vm: LuaVm;
  readonly #state: number;
  readonly #settings: JsonSettings;
  #text = '';

  constructor(vm: LuaVm, state: number, settings: JsonSettings) {
    this.#vm = vm;
    this.#state = state;
    this.#settings = settings;
  }

  /** The value on top of the stack, which stays there. */
  encode(): string {
    this.#value(0);
    return this.#text;
  }

  #value(depth: number): void {
    const { lua } = this.#vm;
    this.#vm.charge(FUEL_PER_VALUE);
    const type = lua.lua_type(this.#state, -1);
    switch (type) {
      case LUA_TSTRING:
        this.#string();
        return;
      case LUA_TNUMBER:
        this.#number();
        return;
      case LUA_TBOOLEAN:
        this.#text += lua.lua_toboolean(this.#state, -1) !== 0 ? 'true' : 'false';
        return;
      case LUA_TTABLE:
        this.#table(depth + 1);
        return;
      case LUA_TNIL:
        this.#text += 'null';
        return;
      default:
        if (type === LUA_TLIGHTUSERDATA && lua.lua_touserdata(this.#state, -1) === 0) {
          this.#text += 'null';
          return;
        }
        this.#fail(type, 'type not supported');
    }
  }

  #fail(type: number, reason: string): never {
    return this.#vm.raise(this.#state, `Cannot serialise ${TYPE_NAMES[type]}: ${reason}`);
  }

  #string(): void {
    const text = this.#vm.toText(this.#state, -1) ?? '';
    this.#vm.charge(text.length >> 2);
    this.#text += `"${SPECIAL.test(text) ? text.replace(SPECIALS, escapeOf) : text}"`;
  }

  #number(): void {
    const value = this.#vm.lua.lua_tonumber(this.#state, -1);
    const { encodeInvalid, precision } = this.#settings;
    if (!Number.isFinite(value)) {
      if (encodeInvalid === false) this.#fail(LUA_TNUMBER, 'must not be NaN or Inf');
      if (encodeInvalid === 'null') {
        this.#text += 'null';
        return;
      }
    }
    this.#text += formatGeneral(value, precision);
  }

  #table(depth: number): void {
    const { lua } = this.#vm;
    if (depth > this.#settings.encodeDepth || lua.lua_checkstack(this.#state, 3) === 0) {
      this.#vm.raise(this.#state, `Cannot serialise, excessive nesting (${depth})`);
    }
    const length = this.#arrayLength();
    if (length > 0) this.#array(length, depth);
    else this.#object(depth);
  }

  /** The largest index when the keys are positive integers and dense enough; -1 or 0: an object. */
  #arrayLength(): number {
    const { lua } = this.#vm;
    const state = this.#state;
    let largest = 0;
    let count = 0;
    lua.lua_pushnil(state);
    while (lua.lua_next(state, -2) !== 0) {
      this.#vm.charge(FUEL_PER_VALUE);
      lua.lua_settop(state, -2);
      const key = lua.lua_type(state, -1) === LUA_TNUMBER ? lua.lua_tonumber(state, -1) : 0;
      if (!(key >= 1 && Math.floor(key) === key)) {
        lua.lua_settop(state, -2);
        return -1;
      }
      largest = Math.max(largest, key);
      count++;
    }
    const { sparseRatio, sparseSafe, sparseConvert } = this.#settings;
    if (sparseRatio > 0 && largest > count * sparseRatio && largest > sparseSafe) {
      if (!sparseConvert) this.#fail(LUA_TTABLE, 'excessively sparse array');
      return -1;
    }
    return largest;
  }

  #array(length: number, depth: number): void {
    const { lua } = this.#vm;
    this.#text += '[';
    for (let i = 1; i <= length; i++) {
      if (i > 1) this.#text += ',';
      lua.lua_rawgeti(this.#state, -1, i);
      this.#value(depth);
      lua.lua_settop(this.#state, -2);
    }
    this.#text += ']';
  }

  #object(depth: number): void {
    const { lua } = this.#vm;
    const state = this.#state;
    let separator = '{';
    lua.lua_pushnil(state);
    while (lua.lua_next(state, -2) !== 0) {
      this.#text += separator;
      separator = ',';
      this.#key();
      this.#value(depth);
      lua.lua_settop(state, -2);
    }
    this.#text += separator === '{' ? '{}' : '}';
  }

  /** The key under the value on top. */
  #key(): void {
    const { lua } = this.#vm;
    const state = this.#state;
    const type = lua.lua_type(state, -2);
    if (type !== LUA_TSTRING && type !== LUA_TNUMBER) {
      this.#fail(type, 'table key must be a number or string');
    }
    lua.lua_pushvalue(state, -2);
    if (type === LUA_TSTRING) {
      this.#string();
    } else {
      this.#text += '"';
      this.#number();
      this.#text += '"';
    }
    lua.lua_settop(state, -2);
    this.#text += ':';
  }
}
