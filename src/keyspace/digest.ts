// Owns: the digest of a data set: 64 bits as two 32-bit halves, the sum of one hash for each key
// (database, name, type, value, expiry) and for each further part of the state. A sum has no order,
// so the walk of a snapshot, a load and a count from scratch agree. Canonical: the hash sees what
// commands see (a set is its members, a list its elements in order), never encoding, slots or how
// the key came to be. Against accidents, not against attackers: two mixing lanes in 32-bit
// arithmetic, no bigint, no allocation for a string key.

import { HashValue } from './hash.js';
import { ListValue } from './list.js';
import { RawString } from './raw-string.js';
import { SetValue } from './set.js';
import { type CollectionValue, typeName, type Value } from './value.js';

/** Odd constants of good avalanche (the golden ratio and the primes of xxHash32). */
const M1 = 0x9e3779b1 | 0;
const M2 = 0x85ebca77 | 0;
const M3 = 0xc2b2ae3d | 0;
const M4 = 0x27d4eb2f | 0;

const SEED_A = 0x243f6a88;
const SEED_B = 0x13198a2e;

const TYPE_TAGS = { string: 1, list: 2, set: 3, zset: 4, hash: 5 } as const;
/** In place of a type: a part of the state that is no key. */
const TEXT_TAG = 255;

/** Characters from which on a text is copied to bytes before it is read. */
const COPIED_MIN = 24;
const SCRATCH_BYTES = 64 * 1024;
const scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES);

/** The two lanes of the hash under way. */
let a = 0;
let b = 0;

const double = new Float64Array(1);
const words = new Int32Array(double.buffer);

/** Bytes [start, end) of a text, where they lie. */
export interface Span {
  bytes: Uint8Array;
  start: number;
  end: number;
}

export class Digest {
  #low = 0;
  #high = 0;
  #keys = 0;

  /** Keys counted in. */
  get keys(): number {
    return this.#keys;
  }

  /** Counts in one key. `expireAt`: ms since 1970, 0 for none. */
  add(db: number, key: string, value: Value, expireAt: number): void {
    this.#keys++;
    begin(TYPE_TAGS[typeName(value)], db);
    absorb(key);
    word(expireAt | 0);
    word(Math.floor(expireAt / 2 ** 32));
    if (typeof value === 'string') absorb(value);
    else if (typeof value === 'number') absorb(String(value));
    else if (value instanceof RawString) absorbSpan(value.view(), 0, value.length);
    else absorbCollection(value);
    this.#sum();
  }

  /** As add, for a string value whose text is still bytes: nothing is made of them. */
  addString(db: number, key: Span, value: Span, expireAt: number): void {
    this.#keys++;
    begin(TYPE_TAGS.string, db);
    absorbSpan(key.bytes, key.start, key.end);
    word(expireAt | 0);
    word(Math.floor(expireAt / 2 ** 32));
    absorbSpan(value.bytes, value.start, value.end);
    this.#sum();
  }

  /** Counts in a part of the state that is no key; latin1 or any other text. */
  addText(name: string, text: string): void {
    begin(TEXT_TAG, 0);
    absorb(name);
    absorb(text);
    this.#sum();
  }

  /** Sixteen hexadecimal digits. */
  toString(): string {
    return hex(this.#high) + hex(this.#low);
  }

  #sum(): void {
    finish();
    this.#low = (this.#low + a) | 0;
    this.#high = (this.#high + b) | 0;
  }
}

/** True for what toString makes. */
export function isDigest(text: string): boolean {
  return /^[0-9a-f]{16}$/.test(text);
}

function hex(half: number): string {
  return (half >>> 0).toString(16).padStart(8, '0');
}

function absorbCollection(value: CollectionValue): void {
  if (value instanceof ListValue) {
    word(value.length);
    for (const element of value) absorb(element);
    return;
  }
  const outerA = a;
  const outerB = b;
  let sumA = 0;
  let sumB = 0;
  const size = value.size;
  const addElement = (): void => {
    finish();
    sumA = (sumA + a) | 0;
    sumB = (sumB + b) | 0;
  };
  if (value instanceof SetValue) {
    for (let i = 0; i < size; i++) {
      begin(0, 0);
      absorb(value.at(i));
      addElement();
    }
  } else if (value instanceof HashValue) {
    for (let i = 0; i < size; i++) {
      begin(0, 0);
      absorb(value.fieldAt(i));
      absorb(value.valueAt(i));
      addElement();
    }
  } else {
    for (const [member, score] of value) {
      begin(0, 0);
      absorb(member);
      absorbDouble(score);
      addElement();
    }
  }
  a = outerA;
  b = outerB;
  word(size);
  word(sumA);
  word(sumB);
}

function begin(tag: number, db: number): void {
  a = SEED_A;
  b = SEED_B;
  word(tag | (db << 8));
}

function word(value: number): void {
  a ^= Math.imul(value, M1);
  a = (Math.imul((a << 13) | (a >>> 19), M2) + b) | 0;
  b ^= Math.imul(value, M3);
  b = (Math.imul((b << 15) | (b >>> 17), M4) + a) | 0;
}

/** -0 and 0 are one score. */
function absorbDouble(score: number): void {
  double[0] = score + 0;
  word(words[0]!);
  word(words[1]!);
}

/**
 * The characters, eight to a step with four for each lane, then the length, so that neighbours
 * cannot trade characters. Most of the time of a digest is spent here: long texts are copied to
 * bytes first, which are read four times as fast as characters.
 */
function absorb(text: string): void {
  const { length } = text;
  if (length < COPIED_MIN) {
    absorbCharacters(text);
  } else {
    for (let at = 0; at < length; at += SCRATCH_BYTES) {
      const part = length <= SCRATCH_BYTES ? text : text.slice(at, at + SCRATCH_BYTES);
      scratch.latin1Write(part, 0, part.length);
      absorbBytes(scratch, 0, part.length);
    }
  }
  word(length);
}

/** As absorb, for a text that is bytes already. */
function absorbSpan(bytes: Uint8Array, start: number, end: number): void {
  absorbBytes(bytes, start, end);
  word(end - start);
}

function absorbCharacters(text: string): void {
  const { length } = text;
  let x = a;
  let y = b;
  let at = 0;
  for (; at + 8 <= length; at += 8) {
    const k =
      text.charCodeAt(at) |
      (text.charCodeAt(at + 1) << 8) |
      (text.charCodeAt(at + 2) << 16) |
      (text.charCodeAt(at + 3) << 24);
    const l =
      text.charCodeAt(at + 4) |
      (text.charCodeAt(at + 5) << 8) |
      (text.charCodeAt(at + 6) << 16) |
      (text.charCodeAt(at + 7) << 24);
    x ^= Math.imul(k, M1);
    x = (Math.imul((x << 13) | (x >>> 19), M2) + y) | 0;
    y ^= Math.imul(l, M3);
    y = (Math.imul((y << 15) | (y >>> 17), M4) + x) | 0;
  }
  a = x;
  b = y;
  for (; at < length; at++) word(text.charCodeAt(at));
}

/** As many as a multiple of eight unless these are the last bytes of a text. */
function absorbBytes(bytes: Uint8Array, start: number, end: number): void {
  let x = a;
  let y = b;
  let at = start;
  for (; at + 8 <= end; at += 8) {
    const k = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    const l =
      bytes[at + 4]! | (bytes[at + 5]! << 8) | (bytes[at + 6]! << 16) | (bytes[at + 7]! << 24);
    x ^= Math.imul(k, M1);
    x = (Math.imul((x << 13) | (x >>> 19), M2) + y) | 0;
    y ^= Math.imul(l, M3);
    y = (Math.imul((y << 15) | (y >>> 17), M4) + x) | 0;
  }
  a = x;
  b = y;
  for (; at < end; at++) word(bytes[at]!);
}

/** Every bit of both lanes comes to depend on every other. */
function finish(): void {
  a = (a + b) | 0;
  b = (b + a) | 0;
  a = Math.imul(a ^ (a >>> 16), M2);
  a = Math.imul(a ^ (a >>> 13), M3);
  a ^= a >>> 16;
  b = Math.imul(b ^ (b >>> 15), M4);
  b = Math.imul(b ^ (b >>> 13), M1);
  b ^= b >>> 16;
  a = (a + b) | 0;
  b = (b + a) | 0;
}
