// Owns: math.random and math.randomseed as Redis has them: the 48-bit linear congruential generator
// of POSIX lrand48, so that a script which seeds it sees the numbers it would see on Redis. Each
// run starts from the seed of its entry.

import type { Library } from './library.js';
import type { LuaVm } from './lua-vm.js';

const MULTIPLIER = 0x5deece66dn;
const INCREMENT = 0xbn;
const MASK = (1n << 48n) - 1n;
const SEED_LOW = 0x330en;
const FUEL_PER_DRAW = 40;
const RAND_MAX = 2 ** 31 - 1;

export class RandomSequence {
  #state = 0n;
  /** Drawn on first use: most scripts never ask. */
  #pendingSeed: (() => number) | null = null;

  startFrom(seed: () => number): void {
    this.#pendingSeed = seed;
  }

  /** Redis's math.randomseed(n): the low 32 bits of n. */
  seed(value: number): void {
    this.#pendingSeed = null;
    this.#state = (BigInt(value >>> 0) << 16n) | SEED_LOW;
  }

  /** In [0, 1), 31 bits. */
  next(): number {
    if (this.#pendingSeed !== null) this.seed(this.#pendingSeed());
    this.#state = (this.#state * MULTIPLIER + INCREMENT) & MASK;
    return (Number(this.#state >> 17n) % RAND_MAX) / RAND_MAX;
  }
}

/** Fields that replace those of Lua's own `math`. */
export function mathRandom(vm: LuaVm, sequence: RandomSequence): Library {
  const integerArgument = (state: number, index: number, functionName: string): number => {
    if (vm.lua.lua_isnumber(state, index) === 0) {
      vm.raiseArgument(state, index, functionName, 'number');
    }
    return Math.trunc(vm.lua.lua_tonumber(state, index)) | 0;
  };
  const random = (state: number): number => {
    vm.charge(FUEL_PER_DRAW);
    const count = vm.lua.lua_gettop(state);
    const draw = sequence.next();
    if (count > 2) vm.raise(state, 'wrong number of arguments');
    if (count === 0) {
      vm.lua.lua_pushnumber(state, draw);
      return 1;
    }
    const first = integerArgument(state, 1, 'random');
    const low = count === 1 ? 1 : first;
    const high = count === 1 ? first : integerArgument(state, 2, 'random');
    if (low > high) vm.raise(state, `bad argument #${count} to 'random' (interval is empty)`);
    vm.lua.lua_pushnumber(state, Math.floor(draw * (high - low + 1)) + low);
    return 1;
  };
  const randomseed = (state: number): number => {
    sequence.seed(integerArgument(state, 1, 'randomseed'));
    return 0;
  };
  return { name: 'math', functions: { random, randomseed } };
}
