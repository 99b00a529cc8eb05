// Owns: the `struct` table (Roberto Ierusalimschy's library, as Redis ships it): values packed into
// bytes by a format. Sizes are those of a 64-bit Linux: short 2, int 4, long and size_t 8; little
// endian unless the format says `>`.

import type { Library } from './library.js';
import type { LuaVm } from './lua-vm.js';

const INTEGER_SIZE_MAX = 32;
const ALIGN_DEFAULT = 8;
const FUEL_PER_CALL = 60;
const FUEL_PER_ITEM = 30;
const TOO_SHORT = "bad argument #2 to 'unpack' (data string too short)";

const SIZES: Readonly<Record<string, number>> = {
  b: 1,
  B: 1,
  h: 2,
  H: 2,
  l: 8,
  L: 8,
  T: 8,
  f: 4,
  d: 8,
  x: 1,
};

const scratch = new DataView(new ArrayBuffer(8));

interface Item {
  readonly option: string;
  readonly size: number;
  readonly little: boolean;
  /** Bytes of padding before it. */
  readonly padding: number;
}

/** Walks a format; the caller says how many bytes each item took, which alignment depends on. */
class Format {
  readonly #vm: LuaVm;
  readonly #state: number;
  readonly #name: string;
  readonly #text: string;
  #at = 0;
  #little = true;
  #align = 1;

  constructor(vm: LuaVm, state: number, name: string) {
    this.#vm = vm;
    this.#state = state;
    this.#name = name;
    vm.charge(FUEL_PER_CALL);
    this.#text = vm.toText(state, 1) ?? vm.raiseArgument(state, 1, name, 'string');
  }

  /** The next item at this place in the data; null at the end of the format. */
  next(place: number): Item | null {
    for (;;) {
      const option = this.#text[this.#at];
      if (option === undefined || option === '\0') return null;
      this.#at++;
      this.#vm.charge(FUEL_PER_ITEM);
      const size = this.#sizeOf(option);
      if (size === null) {
        this.#control(option);
        continue;
      }
      const padding = this.#paddingOf(option, size, place);
      return { option, size, little: this.#little, padding };
    }
  }

  #number(missing: number): number {
    let digits = '';
    for (; /[0-9]/.test(this.#text[this.#at] ?? ''); this.#at++) digits += this.#text[this.#at];
    const value = digits === '' ? missing : Number(digits);
    if (value >= 2 ** 31) this.#vm.raise(this.#state, 'integral size overflow');
    return value;
  }

  #sizeOf(option: string): number | null {
    if (option === 's') return 0;
    if (option === 'c') return this.#number(1);
    if (option !== 'i' && option !== 'I') return SIZES[option] ?? null;
    const size = this.#number(4);
    if (size <= INTEGER_SIZE_MAX) return size;
    const limit = `limit of ${INTEGER_SIZE_MAX}`;
    return this.#vm.raise(this.#state, `integral size ${size} is larger than ${limit}`);
  }

  #control(option: string): void {
    if (option === '<' || option === '>') {
      this.#little = option === '<';
    } else if (option === '!') {
      const align = this.#number(ALIGN_DEFAULT);
      if (align <= 0 || (align & (align - 1)) !== 0) {
        this.#vm.raise(this.#state, 'alignment is not a power of 2');
      }
      this.#align = align;
    } else if (option !== ' ') {
      const place = `bad argument #1 to '${this.#name}'`;
      this.#vm.raise(this.#state, `${place} (invalid format option '${option}')`);
    }
  }

  #paddingOf(option: string, size: number, place: number): number {
    if (size === 0 || option === 'c') return 0;
    const unit = Math.min(size, this.#align);
    return unit > 1 ? (unit - (place & (unit - 1))) & (unit - 1) : 0;
  }
}

export function struct(vm: LuaVm): Library {
  return {
    name: 'struct',
    functions: {
      pack: (state) => pack(vm, state),
      unpack: (state) => unpack(vm, state),
      size: (state) => size(vm, state),
    },
  };
}

function textAt(vm: LuaVm, state: number, index: number, name: string): string {
  return vm.toText(state, index) ?? vm.raiseArgument(state, index, name, 'string');
}

function numberAt(vm: LuaVm, state: number, index: number, name: string): number {
  if (vm.lua.lua_isnumber(state, index) === 0) vm.raiseArgument(state, index, name, 'number');
  return vm.lua.lua_tonumber(state, index);
}

function pack(vm: LuaVm, state: number): number {
  const format = new Format(vm, state, 'pack');
  let bytes = '';
  let argument = 2;
  for (let item = format.next(0); item !== null; item = format.next(bytes.length)) {
    vm.charge(item.size >> 2);
    bytes += '\0'.repeat(item.padding);
    if (item.option === 'x') bytes += '\0';
    else if (item.option === 's' || item.option === 'c') {
      const text = textAt(vm, state, argument++, 'pack');
      if (text.length < item.size) {
        vm.raise(state, `bad argument #${argument} to 'pack' (string too short)`);
      }
      bytes += item.size === 0 ? text : text.slice(0, item.size);
      if (item.option === 's') bytes += '\0';
    } else bytes += numberBytes(item, numberAt(vm, state, argument++, 'pack'));
  }
  vm.pushString(state, bytes);
  return 1;
}

function unpack(vm: LuaVm, state: number): number {
  const format = new Format(vm, state, 'unpack');
  const data = textAt(vm, state, 2, 'unpack');
  const start = vm.lua.lua_gettop(state) < 3 ? 1 : Math.trunc(numberAt(vm, state, 3, 'unpack'));
  if (start <= 0) {
    vm.raise(state, "bad argument #3 to 'unpack' (offset must be 1 or greater)");
  }
  let at = start - 1;
  let count = 0;
  for (let item = format.next(at); item !== null; item = format.next(at)) {
    at += item.padding;
    if (at + item.size > data.length) vm.raise(state, TOO_SHORT);
    vm.ensureStack(state, 2);
    if (item.option === 'x') {
      at += 1;
      continue;
    }
    const text = item.option === 's' || item.option === 'c';
    if (item.option === 'c' && item.size === 0) count--;
    at += text ? pushText(vm, state, item, data, at) : pushNumber(vm, state, item, data, at);
    count++;
  }
  vm.lua.lua_pushnumber(state, at + 1);
  return count + 1;
}

/** Answers the bytes taken. */
function pushNumber(vm: LuaVm, state: number, item: Item, data: string, at: number): number {
  vm.lua.lua_pushnumber(state, numberOf(item, data.slice(at, at + item.size)));
  return item.size;
}

/** Answers the bytes taken. */
function pushText(vm: LuaVm, state: number, item: Item, data: string, at: number): number {
  if (item.option === 's') {
    const end = data.indexOf('\0', at);
    if (end < 0) vm.raise(state, 'unfinished string in data');
    vm.pushString(state, data.slice(at, end));
    return end - at + 1;
  }
  let { size } = item;
  if (size === 0) {
    if (vm.lua.lua_isnumber(state, -1) === 0) {
      vm.raise(state, "format 'c0' needs a previous size");
    }
    size = Math.trunc(vm.lua.lua_tonumber(state, -1));
    vm.lua.lua_settop(state, -2);
    if (!(size >= 0 && at + size <= data.length)) vm.raise(state, TOO_SHORT);
  }
  vm.pushString(state, data.slice(at, at + size));
  return size;
}

function size(vm: LuaVm, state: number): number {
  const format = new Format(vm, state, 'size');
  let at = 0;
  for (let item = format.next(at); item !== null; item = format.next(at)) {
    if (item.size === 0) {
      const option = item.option === 's' ? 's' : 'c0';
      vm.raise(state, `bad argument #1 to 'size' (option '${option}' has no fixed size)`);
    }
    at += item.padding + item.size;
  }
  vm.lua.lua_pushnumber(state, at);
  return 1;
}

function numberBytes(item: Item, value: number): string {
  const { option, size, little } = item;
  if (option === 'f' || option === 'd') {
    if (option === 'f') scratch.setFloat32(0, value, little);
    else scratch.setFloat64(0, value, little);
    let text = '';
    for (let i = 0; i < size; i++) text += String.fromCharCode(scratch.getUint8(i));
    return text;
  }
  return integerBytes(value, size, little);
}

/** The low 64 bits of the integer, two's complement, then zeros. */
function integerBytes(value: number, size: number, little: boolean): string {
  const whole = Math.trunc(value);
  const inRange = Math.abs(whole) < 2 ** 64;
  let rest = BigInt.asUintN(64, inRange ? BigInt(whole) : 1n << 63n);
  const bytes: string[] = [];
  for (let i = 0; i < size; i++) {
    bytes.push(String.fromCharCode(Number(rest & 0xffn)));
    rest >>= 8n;
  }
  return (little ? bytes : bytes.reverse()).join('');
}

function numberOf(item: Item, bytes: string): number {
  const { option, size, little } = item;
  if (option === 'f' || option === 'd') {
    for (let i = 0; i < size; i++) scratch.setUint8(i, bytes.charCodeAt(i));
    return option === 'f' ? scratch.getFloat32(0, little) : scratch.getFloat64(0, little);
  }
  let value = 0n;
  for (let i = 0; i < size; i++) {
    const at = little ? size - 1 - i : i;
    value = (value << 8n) | BigInt(bytes.charCodeAt(at));
  }
  const bits = Math.min(size * 8, 64);
  const signed = option >= 'a';
  return Number(signed ? BigInt.asIntN(bits, value) : BigInt.asUintN(64, value));
}
