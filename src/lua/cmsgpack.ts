// Owns: the `cmsgpack` table, as the lua-cmsgpack 0.4.0 in Redis behaves: MessagePack for nil,
// booleans, numbers, strings and tables; nesting deeper than 16 packs as nil.

import { MessageReader } from './cmsgpack-decode.js';
import type { Library } from './library.js';
import { LUA_TBOOLEAN, LUA_TNIL, LUA_TNUMBER, LUA_TSTRING, LUA_TTABLE } from './lua-api.js';
import type { LuaVm } from './lua-vm.js';

const FUEL_PER_VALUE = 10;
const NESTING_MAX = 16;

const scratch = new DataView(new ArrayBuffer(8));

export function cmsgpack(vm: LuaVm): Library {
  const unpack = (state: number, limit: number, offset: number, withOffset: boolean): number => {
    const text = vm.toText(state, 1);
    if (text === null) return vm.raiseArgument(state, 1, 'unpack', 'string');
    if (offset < 0 || limit < 0) {
      const place = `offset of ${offset} and limit of ${text.length}`;
      vm.raise(state, `Invalid request to unpack with ${place}.`);
    }
    if (offset > text.length) {
      const message = `Start offset ${offset} greater than input length ${text.length}.`;
      vm.raise(state, message);
    }
    const reader = new MessageReader(vm, state, text, offset);
    if (withOffset) vm.lua.lua_pushnumber(state, 0);
    const decodeAll = limit === 0;
    let count = 0;
    while (!reader.atEnd && (decodeAll || count < limit)) {
      reader.value(0);
      count++;
    }
    if (!withOffset) return count;
    vm.lua.lua_pushnumber(state, reader.atEnd ? -1 : reader.at);
    vm.lua.lua_replace(state, -2 - count);
    return count + 1;
  };
  const integerAt = (
    state: number,
    index: number,
    name: string,
    missing: number | null,
  ): number => {
    if (missing !== null && vm.lua.lua_type(state, index) <= LUA_TNIL) return missing;
    if (vm.lua.lua_isnumber(state, index) === 0) vm.raiseArgument(state, index, name, 'number');
    return Math.trunc(vm.lua.lua_tonumber(state, index));
  };
  return {
    name: 'cmsgpack',
    constants: {
      _NAME: 'cmsgpack',
      _VERSION: 'lua-cmsgpack 0.4.0',
      _COPYRIGHT: 'Copyright (C) 2012, Redis Ltd.',
      _DESCRIPTION: 'MessagePack C implementation for Lua',
    },
    functions: {
      pack: (state) => packAll(vm, state),
      unpack: (state) => unpack(state, 0, 0, false),
      unpack_one: (state) => unpack(state, 1, integerAt(state, 2, 'unpack_one', 0), true),
      unpack_limit: (state) => {
        const limit = integerAt(state, 2, 'unpack_limit', null);
        return unpack(state, limit, integerAt(state, 3, 'unpack_limit', 0), true);
      },
    },
  };
}

function packAll(vm: LuaVm, state: number): number {
  const count = vm.lua.lua_gettop(state);
  if (count === 0) vm.raise(state, "bad argument #0 to 'pack' (MessagePack pack needs input.)");
  if (vm.lua.lua_checkstack(state, count + 4) === 0) {
    vm.raise(state, "bad argument #0 to 'pack' (Too many arguments for MessagePack pack.)");
  }
  let bytes = '';
  for (let i = 1; i <= count; i++) {
    vm.lua.lua_pushvalue(state, i);
    bytes += packed(vm, state, 0);
    vm.lua.lua_settop(state, -2);
  }
  vm.pushString(state, bytes);
  return 1;
}

/** The value on top of the stack, which stays there. */
function packed(vm: LuaVm, state: number, level: number): string {
  vm.charge(FUEL_PER_VALUE);
  const { lua } = vm;
  const type = lua.lua_type(state, -1);
  if (type === LUA_TSTRING) return packedString(vm.toText(state, -1) ?? '');
  if (type === LUA_TNUMBER) return packedNumber(lua.lua_tonumber(state, -1));
  if (type === LUA_TBOOLEAN) return lua.lua_toboolean(state, -1) !== 0 ? '\xc3' : '\xc2';
  if (type !== LUA_TTABLE || level === NESTING_MAX) return '\xc0';
  vm.ensureStack(state, 4);
  const length = arrayLength(vm, state);
  return length < 0 ? packedMap(vm, state, level) : packedArray(vm, state, level, length);
}

function uint16(value: number): string {
  return String.fromCharCode(value >>> 8, value & 0xff);
}

function uint32(value: number): string {
  return uint16(value >>> 16) + uint16(value & 0xffff);
}

function packedString(text: string): string {
  const length = text.length;
  if (length < 32) return String.fromCharCode(0xa0 | length) + text;
  if (length <= 0xff) return `\xd9${String.fromCharCode(length)}${text}`;
  if (length <= 0xffff) return `\xda${uint16(length)}${text}`;
  return `\xdb${uint32(length)}${text}`;
}

function packedNumber(value: number): string {
  if (Number.isInteger(value) && value >= -(2 ** 63) && value < 2 ** 63) {
    return value >= 0 ? packedNatural(value) : packedNegative(value);
  }
  if (Math.fround(value) === value) {
    scratch.setFloat32(0, value);
    return `\xca${scratchText(4)}`;
  }
  scratch.setFloat64(0, value);
  return `\xcb${scratchText(8)}`;
}

function packedNatural(value: number): string {
  if (value <= 0x7f) return String.fromCharCode(value);
  if (value <= 0xff) return `\xcc${String.fromCharCode(value)}`;
  if (value <= 0xffff) return `\xcd${uint16(value)}`;
  if (value <= 0xffffffff) return `\xce${uint32(value)}`;
  scratch.setBigUint64(0, BigInt(value));
  return `\xcf${scratchText(8)}`;
}

function packedNegative(value: number): string {
  if (value >= -32) return String.fromCharCode(256 + value);
  if (value >= -128) return `\xd0${String.fromCharCode(256 + value)}`;
  if (value >= -32768) return `\xd1${uint16(value & 0xffff)}`;
  if (value >= -(2 ** 31)) return `\xd2${uint32(value >>> 0)}`;
  scratch.setBigInt64(0, BigInt(value));
  return `\xd3${scratchText(8)}`;
}

function scratchText(count: number): string {
  let text = '';
  for (let i = 0; i < count; i++) text += String.fromCharCode(scratch.getUint8(i));
  return text;
}

/** The number of elements when the keys are 1 to n; -1 otherwise. */
function arrayLength(vm: LuaVm, state: number): number {
  const { lua } = vm;
  let largest = 0;
  let count = 0;
  lua.lua_pushnil(state);
  while (lua.lua_next(state, -2) !== 0) {
    lua.lua_settop(state, -2);
    vm.charge(FUEL_PER_VALUE);
    const key = lua.lua_type(state, -1) === LUA_TNUMBER ? lua.lua_tonumber(state, -1) : 0;
    if (!(key > 0 && Number.isInteger(key))) {
      lua.lua_settop(state, -2);
      return -1;
    }
    largest = Math.max(largest, key);
    count++;
  }
  return largest === count ? count : -1;
}

function header(count: number, small: number, wide: string): string {
  if (count <= 15) return String.fromCharCode(small | count);
  const next = String.fromCharCode(wide.charCodeAt(0) + 1);
  return count <= 0xffff ? wide + uint16(count) : next + uint32(count);
}

function packedArray(vm: LuaVm, state: number, level: number, length: number): string {
  let bytes = header(length, 0x90, '\xdc');
  for (let i = 1; i <= length; i++) {
    vm.lua.lua_rawgeti(state, -1, i);
    bytes += packed(vm, state, level + 1);
    vm.lua.lua_settop(state, -2);
  }
  return bytes;
}

function packedMap(vm: LuaVm, state: number, level: number): string {
  const { lua } = vm;
  let count = 0;
  let bytes = '';
  lua.lua_pushnil(state);
  while (lua.lua_next(state, -2) !== 0) {
    lua.lua_pushvalue(state, -2);
    bytes += packed(vm, state, level + 1);
    lua.lua_settop(state, -2);
    bytes += packed(vm, state, level + 1);
    lua.lua_settop(state, -2);
    count++;
  }
  return header(count, 0x80, '\xde') + bytes;
}
