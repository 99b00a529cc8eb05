// Owns: the `cjson` table, as the lua-cjson 2.1.0 in Redis behaves: what it accepts, its error
// texts, numbers with 14 digits, sparse arrays, nesting limits. Settings last for one script run,
// since nothing outlives a run here.

import { JsonDecoder } from './cjson-decode.js';
import { JsonEncoder } from './cjson-encode.js';
import type { HostFunction } from './host-functions.js';
import type { Library } from './library.js';
import { LUA_TBOOLEAN, LUA_TNIL, LUA_TNUMBER, LUA_TSTRING } from './lua-api.js';
import type { LuaVm } from './lua-vm.js';

const INT_MAX = 2 ** 31 - 1;

export interface JsonSettings {
  sparseConvert: boolean;
  sparseRatio: number;
  sparseSafe: number;
  encodeDepth: number;
  decodeDepth: number;
  precision: number;
  keepBuffer: boolean;
  /** What encode makes of NaN and infinity. */
  encodeInvalid: boolean | 'null';
  decodeInvalid: boolean;
}

function defaults(): JsonSettings {
  return {
    sparseConvert: false,
    sparseRatio: 2,
    sparseSafe: 10,
    encodeDepth: 1000,
    decodeDepth: 1000,
    precision: 14,
    keepBuffer: true,
    encodeInvalid: false,
    decodeInvalid: true,
  };
}

export function cjson(vm: LuaVm): Library {
  const settings = defaults();
  const oneArgument = (state: number, name: string): void => {
    if (vm.lua.lua_gettop(state) !== 1) {
      vm.raise(state, `bad argument #1 to '${name}' (expected 1 argument)`);
    }
  };
  return {
    name: 'cjson',
    nulls: ['null'],
    constants: { _NAME: 'cjson', _VERSION: '2.1.0' },
    begin: () => void Object.assign(settings, defaults()),
    functions: {
      encode: (state) => {
        oneArgument(state, 'encode');
        vm.pushString(state, new JsonEncoder(vm, state, settings).encode());
        return 1;
      },
      decode: (state) => {
        oneArgument(state, 'decode');
        const text = vm.toText(state, 1);
        if (text === null) return vm.raiseArgument(state, 1, 'decode', 'string');
        new JsonDecoder(vm, state, settings, text).decode();
        return 1;
      },
      ...settingFunctions(vm, settings),
    },
  };
}

/** Each sets what its arguments give and answers what holds now. */
function settingFunctions(vm: LuaVm, settings: JsonSettings): Record<string, HostFunction> {
  const { checkCount, integer, flag } = argumentReaders(vm);
  const answer = (state: number, value: number | boolean | 'null'): void => {
    if (value === 'null') vm.pushString(state, value);
    else if (typeof value === 'number') vm.lua.lua_pushnumber(state, value);
    else vm.lua.lua_pushboolean(state, value ? 1 : 0);
  };
  return {
    encode_sparse_array: (state) => {
      checkCount(state, 'encode_sparse_array', 3);
      const name = 'encode_sparse_array';
      settings.sparseConvert = flag(state, 1, name, settings.sparseConvert) === true;
      settings.sparseRatio = integer(state, 2, name, settings.sparseRatio, 0, INT_MAX);
      settings.sparseSafe = integer(state, 3, name, settings.sparseSafe, 0, INT_MAX);
      answer(state, settings.sparseConvert);
      answer(state, settings.sparseRatio);
      answer(state, settings.sparseSafe);
      return 3;
    },
    encode_max_depth: (state) => {
      checkCount(state, 'encode_max_depth', 1);
      const depth = integer(state, 1, 'encode_max_depth', settings.encodeDepth, 1, INT_MAX);
      settings.encodeDepth = depth;
      answer(state, depth);
      return 1;
    },
    decode_max_depth: (state) => {
      checkCount(state, 'decode_max_depth', 1);
      const depth = integer(state, 1, 'decode_max_depth', settings.decodeDepth, 1, INT_MAX);
      settings.decodeDepth = depth;
      answer(state, depth);
      return 1;
    },
    encode_number_precision: (state) => {
      checkCount(state, 'encode_number_precision', 1);
      const name = 'encode_number_precision';
      settings.precision = integer(state, 1, name, settings.precision, 1, 14);
      answer(state, settings.precision);
      return 1;
    },
    encode_keep_buffer: (state) => {
      checkCount(state, 'encode_keep_buffer', 1);
      settings.keepBuffer = flag(state, 1, 'encode_keep_buffer', settings.keepBuffer) === true;
      answer(state, settings.keepBuffer);
      return 1;
    },
    encode_invalid_numbers: (state) => {
      checkCount(state, 'encode_invalid_numbers', 1);
      const name = 'encode_invalid_numbers';
      settings.encodeInvalid = flag(state, 1, name, settings.encodeInvalid, true);
      answer(state, settings.encodeInvalid);
      return 1;
    },
    decode_invalid_numbers: (state) => {
      checkCount(state, 'decode_invalid_numbers', 1);
      const name = 'decode_invalid_numbers';
      settings.decodeInvalid = flag(state, 1, name, settings.decodeInvalid) === true;
      answer(state, settings.decodeInvalid);
      return 1;
    },
  };
}

interface ArgumentReaders {
  checkCount(state: number, name: string, most: number): void;
  integer(s: number, at: number, name: string, now: number, low: number, high: number): number;
  flag(
    s: number,
    at: number,
    name: string,
    now: boolean | 'null',
    orNull?: boolean,
  ): boolean | 'null';
}

/** An absent or nil argument leaves a setting as it is. */
function argumentReaders(vm: LuaVm): ArgumentReaders {
  const absent = (state: number, at: number): boolean =>
    vm.lua.lua_gettop(state) < at || vm.lua.lua_type(state, at) === LUA_TNIL;
  return {
    checkCount(state, name, most) {
      const count = vm.lua.lua_gettop(state);
      if (count <= most) return;
      vm.raise(state, `bad argument #${most + 1} to '${name}' (found too many arguments)`);
    },
    integer(state, at, name, now, low, high) {
      if (absent(state, at)) return now;
      if (vm.lua.lua_isnumber(state, at) === 0) vm.raiseArgument(state, at, name, 'number');
      const value = Math.trunc(vm.lua.lua_tonumber(state, at));
      if (value >= low && value <= high) return value;
      const range = `expected integer between ${low} and ${high}`;
      return vm.raise(state, `bad argument #${at} to '${name}' (${range})`);
    },
    flag(state, at, name, now, orNull = false) {
      if (absent(state, at)) return now;
      const type = vm.lua.lua_type(state, at);
      if (type === LUA_TBOOLEAN) return vm.lua.lua_toboolean(state, at) !== 0;
      const text = type === LUA_TSTRING || type === LUA_TNUMBER ? vm.toText(state, at) : null;
      if (text === 'on') return true;
      if (text === 'off') return false;
      if (text === 'null' && orNull) return 'null';
      if (text === null) return vm.raiseArgument(state, at, name, 'string');
      return vm.raise(state, `bad argument #${at} to '${name}' (invalid option '${text}')`);
    },
  };
}
