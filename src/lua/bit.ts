// Owns: the `bit` table (LuaBitOp): operations on numbers as 32-bit words, results signed.

import type { HostFunction } from './host-functions.js';
import type { Library } from './library.js';
import type { LuaVm } from './lua-vm.js';

/** Adding it leaves the nearest integer, ties to even, in the low bits of a double's mantissa. */
const MAGIC = 2 ** 52 + 2 ** 51;
const word = new DataView(new ArrayBuffer(8));

function toBits(value: number): number {
  word.setFloat64(0, value + MAGIC);
  return word.getInt32(4);
}

type Fold = (a: number, b: number) => number;

const FOLDS: Readonly<Record<string, Fold>> = {
  band: (a, b) => a & b,
  bor: (a, b) => a | b,
  bxor: (a, b) => a ^ b,
};

const SHIFTS: Readonly<Record<string, Fold>> = {
  lshift: (a, n) => a << n,
  rshift: (a, n) => a >>> n,
  arshift: (a, n) => a >> n,
  rol: (a, n) => (a << n) | (a >>> (32 - n)),
  ror: (a, n) => (a >>> n) | (a << (32 - n)),
};

const SINGLES: Readonly<Record<string, (a: number) => number>> = {
  tobit: (a) => a,
  bnot: (a) => ~a,
  bswap: (a) => (a >>> 24) | ((a >>> 8) & 0xff00) | ((a & 0xff00) << 8) | (a << 24),
};

export function bit(vm: LuaVm): Library {
  const argument = (state: number, index: number, name: string): number => {
    if (vm.lua.lua_isnumber(state, index) === 0) vm.raiseArgument(state, index, name, 'number');
    return toBits(vm.lua.lua_tonumber(state, index));
  };
  const answer = (state: number, value: number): number => {
    vm.lua.lua_pushnumber(state, value | 0);
    return 1;
  };
  const functions: Record<string, HostFunction> = {};
  for (const [name, run] of Object.entries(SINGLES)) {
    functions[name] = (state) => answer(state, run(argument(state, 1, name)));
  }
  for (const [name, run] of Object.entries(SHIFTS)) {
    functions[name] = (state) => {
      const value = argument(state, 1, name);
      const places = argument(state, 2, name) & 31;
      return answer(state, places === 0 ? value : run(value, places));
    };
  }
  for (const [name, run] of Object.entries(FOLDS)) {
    functions[name] = (state) => {
      let value = argument(state, 1, name);
      for (let i = vm.lua.lua_gettop(state); i > 1; i--)
        value = run(value, argument(state, i, name));
      return answer(state, value);
    };
  }
  functions.tohex = (state) => {
    const value = argument(state, 1, 'tohex');
    const digits = vm.lua.lua_gettop(state) < 2 ? 8 : argument(state, 2, 'tohex');
    const count = Math.min(Math.abs(digits), 8);
    const text = (value >>> 0)
      .toString(16)
      .padStart(8, '0')
      .slice(8 - count);
    vm.pushString(state, digits < 0 ? text.toUpperCase() : text);
    return 1;
  };
  return { name: 'bit', functions };
}
