// Owns: JSON text into Lua values. Looser than the standard where lua-cjson is: hexadecimal
// numbers, inf and nan are read, control characters may stand in strings. Error texts name the
// token and the character, counted from 1.

import type { JsonSettings } from './cjson.js';
import type { LuaVm } from './lua-vm.js';

const FUEL_PER_TOKEN = 30;
const FUEL_PER_LEVEL = 100;
const BLANK = /[ \t\n\r]*/y;
const PLAIN = /[^"\\\0]*/y;
const NUMBER =
  /[-+]?(?:0x(?:[0-9a-f]+\.?[0-9a-f]*|\.[0-9a-f]+)(?:p[-+]?\d+)?|inf(?:inity)?|nan|(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?)/iy;
const INVALID_JSON_NUMBER = /\+|-?(?:0[x0-9]|inf|nan)/iy;
const HEX4 = /[0-9a-fA-F]{4}/y;
const ESCAPED: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  t: '\t',
  n: '\n',
  f: '\f',
  r: '\r',
};

type Token =
  | 'T_OBJ_BEGIN'
  | 'T_OBJ_END'
  | 'T_ARR_BEGIN'
  | 'T_ARR_END'
  | 'T_STRING'
  | 'T_NUMBER'
  | 'T_BOOLEAN'
  | 'T_NULL'
  | 'T_COLON'
  | 'T_COMMA'
  | 'T_END'
  | 'T_ERROR';

const SINGLE: Readonly<Record<string, Token>> = {
  '{': 'T_OBJ_BEGIN',
  '}': 'T_OBJ_END',
  '[': 'T_ARR_BEGIN',
  ']': 'T_ARR_END',
  ':': 'T_COLON',
  ',': 'T_COMMA',
};

const WORDS: readonly (readonly [text: string, token: Token, value: number])[] = [
  ['true', 'T_BOOLEAN', 1],
  ['false', 'T_BOOLEAN', 0],
  ['null', 'T_NULL', 0],
];

export class JsonDecoder {
  readonly #vm: LuaVm;
  readonly #state: number;
  readonly #settings: JsonSettings;
  readonly #text: string;
  #at = 0;
  /** The token read last: where it stands, and its value. */
  #index = 0;
  #string = '';
  #number = 0;

  constructor(vm: LuaVm, state: number, settings: JsonSettings, text: string) {
    this.#vm = vm;
    this.#state = state;
    this.#settings = settings;
    this.#text = text;
  }

  /** Pushes the value the whole text is. */
  decode(): void {
    const text = this.#text;
    if (text.length >= 2 && (text[0] === '\0' || text[1] === '\0')) {
      this.#vm.raise(this.#state, 'JSON parser does not support UTF-16 or UTF-32');
    }
    this.#value(this.#next(), 0);
    const token = this.#next();
    if (token !== 'T_END') this.#unexpected('the end', token);
  }

  #value(token: Token, depth: number): void {
    const { lua } = this.#vm;
    const state = this.#state;
    switch (token) {
      case 'T_STRING':
        this.#vm.pushString(state, this.#string);
        return;
      case 'T_NUMBER':
        lua.lua_pushnumber(state, this.#number);
        return;
      case 'T_BOOLEAN':
        lua.lua_pushboolean(state, this.#number);
        return;
      case 'T_NULL':
        lua.lua_pushlightuserdata(state, 0);
        return;
      case 'T_OBJ_BEGIN':
        this.#object(depth + 1);
        return;
      case 'T_ARR_BEGIN':
        this.#array(depth + 1);
        return;
      default:
        this.#unexpected('value', token);
    }
  }

  #descend(depth: number): void {
    this.#vm.charge(FUEL_PER_LEVEL);
    if (depth <= this.#settings.decodeDepth && this.#vm.lua.lua_checkstack(this.#state, 3) !== 0) {
      return;
    }
    const message = `Found too many nested data structures (${depth}) at character ${this.#at}`;
    this.#vm.raise(this.#state, message);
  }

  #object(depth: number): void {
    const { lua } = this.#vm;
    this.#descend(depth);
    lua.lua_createtable(this.#state, 0, 0);
    let token = this.#next();
    if (token === 'T_OBJ_END') return;
    for (;;) {
      if (token !== 'T_STRING') this.#unexpected('object key string', token);
      this.#vm.pushString(this.#state, this.#string);
      token = this.#next();
      if (token !== 'T_COLON') this.#unexpected('colon', token);
      this.#value(this.#next(), depth);
      lua.lua_rawset(this.#state, -3);
      token = this.#next();
      if (token === 'T_OBJ_END') return;
      if (token !== 'T_COMMA') this.#unexpected('comma or object end', token);
      token = this.#next();
    }
  }

  #array(depth: number): void {
    const { lua } = this.#vm;
    this.#descend(depth);
    lua.lua_createtable(this.#state, 0, 0);
    let token = this.#next();
    if (token === 'T_ARR_END') return;
    for (let i = 1; ; i++) {
      this.#value(token, depth);
      lua.lua_rawseti(this.#state, -2, i);
      token = this.#next();
      if (token === 'T_ARR_END') return;
      if (token !== 'T_COMMA') this.#unexpected('comma or array end', token);
      token = this.#next();
    }
  }

  #unexpected(expected: string, token: Token): never {
    const found = token === 'T_ERROR' ? this.#string : token;
    return this.#vm.raise(
      this.#state,
      `Expected ${expected} but found ${found} at character ${this.#index + 1}`,
    );
  }

  // ---- tokens

  #error(message: string): Token {
    this.#string = message;
    this.#index = this.#at;
    return 'T_ERROR';
  }

  #match(pattern: RegExp): string | null {
    pattern.lastIndex = this.#at;
    return pattern.exec(this.#text)?.[0] ?? null;
  }

  #next(): Token {
    this.#vm.charge(FUEL_PER_TOKEN);
    const text = this.#text;
    const first = text.charCodeAt(this.#at);
    if (first === 32 || (first >= 9 && first <= 13)) this.#at += this.#match(BLANK)!.length;
    this.#index = this.#at;
    const char = text[this.#at];
    if (char === undefined) return 'T_END';
    const single = SINGLE[char];
    if (single !== undefined) {
      this.#at++;
      return single;
    }
    if (char === '"') return this.#readString();
    // The end of a C string: what follows a NUL is never read.
    if (char === '\0') return 'T_END';
    return this.#readWord(char);
  }

  #readWord(char: string): Token {
    const isNumber = char === '-' || (char >= '0' && char <= '9');
    const { decodeInvalid } = this.#settings;
    if (isNumber) {
      if (!decodeInvalid && this.#match(INVALID_JSON_NUMBER) !== null) {
        return this.#error('invalid number');
      }
      return this.#readNumber();
    }
    for (const [word, token, value] of WORDS) {
      if (this.#text.startsWith(word, this.#at)) {
        this.#at += word.length;
        this.#number = value;
        return token;
      }
    }
    if (decodeInvalid && this.#match(INVALID_JSON_NUMBER) !== null) return this.#readNumber();
    return this.#error('invalid token');
  }

  #readNumber(): Token {
    const word = this.#match(NUMBER);
    if (word === null) return this.#error('invalid number');
    this.#at += word.length;
    this.#number = numberOf(word.toLowerCase());
    return 'T_NUMBER';
  }

  #readString(): Token {
    this.#at++;
    let text = '';
    for (;;) {
      const plain = this.#match(PLAIN)!;
      this.#at += plain.length;
      text += plain;
      const char = this.#text[this.#at];
      if (char === '"') {
        this.#at++;
        this.#string = text;
        this.#vm.charge(text.length >> 3);
        return 'T_STRING';
      }
      if (char !== '\\') return this.#error('unexpected end of string');
      const escaped = this.#readEscape();
      if (escaped === null) {
        const unicode = this.#text[this.#at + 1] === 'u';
        return this.#error(unicode ? 'invalid unicode escape code' : 'invalid escape code');
      }
      text += escaped;
    }
  }

  /** The text of the escape at #at, which it passes; null, staying there, when it is none. */
  #readEscape(): string | null {
    const char = this.#text[this.#at + 1] ?? '';
    if (char === 'u') return this.#readUnicode();
    const plain = ESCAPED[char];
    if (plain !== undefined) this.#at += 2;
    return plain ?? null;
  }

  #readUnicode(): string | null {
    const unit = this.#hexAt(this.#at + 2);
    if (unit === null) return null;
    if ((unit & 0xf800) !== 0xd800) {
      this.#at += 6;
      return utf8(unit);
    }
    const low = this.#text.startsWith('\\u', this.#at + 6) ? this.#hexAt(this.#at + 8) : null;
    if ((unit & 0x400) !== 0 || low === null || (low & 0xfc00) !== 0xdc00) return null;
    this.#at += 12;
    return utf8(0x10000 + ((unit & 0x3ff) << 10) + (low & 0x3ff));
  }

  #hexAt(at: number): number | null {
    HEX4.lastIndex = at;
    const digits = HEX4.exec(this.#text)?.[0];
    return digits === undefined ? null : Number.parseInt(digits, 16);
  }
}

/** What strtod makes of a word that NUMBER matched. */
function numberOf(word: string): number {
  const negative = word.startsWith('-');
  const body = word.replace(/^[-+]/, '');
  const size = magnitude(body);
  return negative ? -size : size;
}

function magnitude(body: string): number {
  if (body.startsWith('inf')) return Number.POSITIVE_INFINITY;
  if (body === 'nan') return Number.NaN;
  if (!body.startsWith('0x')) return Number(body);
  const [digits, exponent] = body.slice(2).split('p') as [string, string | undefined];
  const [whole, fraction = ''] = digits.split('.') as [string, string | undefined];
  let value = 0;
  for (const digit of whole + fraction) value = value * 16 + Number.parseInt(digit, 16);
  return value * 2 ** (Number(exponent ?? 0) - 4 * fraction.length);
}

/** A code point as the latin1 characters of its UTF-8 bytes. */
function utf8(code: number): string {
  if (code < 0x80) return String.fromCharCode(code);
  if (code < 0x800) return String.fromCharCode(0xc0 | (code >> 6), 0x80 | (code & 0x3f));
  const tail = [0x80 | ((code >> 6) & 0x3f), 0x80 | (code & 0x3f)];
  if (code < 0x10000) return String.fromCharCode(0xe0 | (code >> 12), ...tail);
  return String.fromCharCode(0xf0 | (code >> 18), 0x80 | ((code >> 12) & 0x3f), ...tail);
}
