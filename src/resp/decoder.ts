// Owns: finding commands in the bytes of one untrusted connection: RESP arrays of bulk strings and
// inline lines. It yields offsets; arguments become strings only when asked for, and the raw bytes
// go to the log as they are.
//
// Invariants: every byte is looked at a bounded number of times however it arrives; a chunk handed
// out is never written again; what is held of an unfinished command never exceeds `commandMax`, and
// grows only with bytes that arrived or that an accepted length announced. After an error nothing
// more is decoded. Never throws on input.

import { splitInline } from './inline.js';
import { DEFAULT_LIMITS, type RequestLimits } from './limits.js';
import { encodeCommand, latin1 } from './request.js';

/** What `next` found. */
export const NEED_MORE = 0;
export const COMMAND = 1;
export const FAULT = 2;
export type Decoded = typeof NEED_MORE | typeof COMMAND | typeof FAULT;

const EMPTY = Buffer.alloc(0);
const STAR = 42;
const DOLLAR = 36;
const CR = 13;
const LF = 10;
const ZERO = 48;

/** Bytes of an unfinished command taken over at a time while its length is unknown. */
const STEP = 1024;
/** Room left behind an argument that is not the last. */
const SLACK = 1024;
/** Offsets kept between commands; larger arrays are let go. */
const OFFSETS_KEPT = 2048;
/** A length of more digits is not worth reading. */
const DIGITS_MAX = 10;

/** How `#length` answers when there is no number: the line has not ended, or `fault` is set. */
const UNFINISHED = -1;
const REFUSED = -2;
const NEGATIVE = -3;

export class RequestDecoder {
  /** After COMMAND: the command is `chunk[start, end)`, normalised to an array of bulk strings. */
  chunk: Buffer = EMPTY;
  start = 0;
  end = 0;
  /** Number of arguments with the name, at least 1. */
  count = 0;
  /** After FAULT: what to tell the client before closing. */
  fault = '';
  /** False applies the limits for connections that have not authenticated. */
  authenticated = true;

  readonly #limits: RequestLimits;
  /** Start and end of each argument, relative to the start of the command. */
  #offsets: Int32Array = new Int32Array(16);

  /** Bytes given and not yet taken. */
  #input: Buffer = EMPTY;
  #at = 0;
  /** An unfinished command, moved out of its chunk: the first #filled bytes. */
  #assembly: Buffer | null = null;
  #filled = 0;

  // How far the unfinished command has been read. Positions are relative to its start.
  #position = 0;
  /** Announced number of arguments; 0 before the header has been read. */
  #expected = 0;
  /** Arguments complete so far. */
  #done = 0;
  /** Length of the argument whose body is next; -1 when its header is. */
  #bulk = -1;
  /** No line end before here. */
  #scanned = 0;
  /** Where a length line ended. */
  #lineEnd = 0;

  constructor(limits: RequestLimits = DEFAULT_LIMITS) {
    this.#limits = limits;
  }

  /** Bytes received and not yet decoded. */
  get buffered(): number {
    return this.#input.length - this.#at + this.#filled;
  }

  /** Bytes held in memory for an unfinished command. */
  get reserved(): number {
    return this.#assembly === null ? 0 : this.#assembly.length;
  }

  /** Takes the next bytes of the connection. The buffer must not change any more. */
  feed(chunk: Buffer): void {
    const left = this.#input.length - this.#at;
    if (left === 0) {
      this.#input = chunk;
    } else {
      this.#input = Buffer.concat([this.#input.subarray(this.#at), chunk]);
    }
    this.#at = 0;
  }

  /**
   * Finds the next command. `chunk`, `start`, `end`, `count` and `argument` are valid until the
   * next call.
   */
  next(): Decoded {
    if (this.fault !== '') return FAULT;
    if (this.#assembly !== null) {
      const found = this.#resume();
      if (found !== COMMAND || this.count > 0) return found;
    }
    const input = this.#input;
    const limit = input.length;
    while (this.#at < limit) {
      const begin = this.#at;
      const found = this.#parse(input, begin, limit);
      if (found === COMMAND) {
        this.#at = begin + this.#position;
        this.#finish(input, begin);
        if (this.count > 0) return COMMAND;
      } else {
        if (found === NEED_MORE) this.#setAside(begin);
        this.#release();
        return found;
      }
    }
    this.#release();
    return NEED_MORE;
  }

  /** Argument `i` as latin1. */
  argument(i: number): string {
    const offsets = this.#offsets;
    return latin1(this.chunk, this.start + offsets[2 * i]!, this.start + offsets[2 * i + 1]!);
  }

  /** All arguments as latin1. */
  arguments(): string[] {
    const count = this.count;
    const list: string[] = new Array(count);
    for (let i = 0; i < count; i++) list[i] = this.argument(i);
    return list;
  }

  /** Where argument `i` begins and ends in `chunk`. */
  argumentStart(i: number): number {
    return this.start + this.#offsets[2 * i]!;
  }

  argumentEnd(i: number): number {
    return this.start + this.#offsets[2 * i + 1]!;
  }

  /**
   * Publishes the command just parsed in `bytes` and makes ready for the next. count 0: nothing to
   * execute.
   */
  #finish(bytes: Buffer, begin: number): void {
    if (bytes[begin] === STAR) {
      this.chunk = bytes;
      this.start = begin;
      this.end = begin + this.#position;
      this.count = this.#done;
    }
    this.#position = 0;
    this.#expected = 0;
    this.#done = 0;
    this.#bulk = -1;
    this.#scanned = 0;
  }

  /** Lets go of memory between commands, so that an idle connection holds none. */
  #release(): void {
    this.chunk = EMPTY;
    if (this.#at >= this.#input.length) {
      this.#input = EMPTY;
      this.#at = 0;
    }
    if (this.#offsets.length > OFFSETS_KEPT && this.#done === 0) this.#offsets = new Int32Array(16);
  }

  /** Moves the unfinished command at the end of the input into a buffer of its own. */
  #setAside(begin: number): void {
    const held = this.#input.length - begin;
    this.#assembly = EMPTY;
    this.#filled = 0;
    this.#reserve(Math.max(held, this.#wanted()));
    this.#input.copy(this.#assembly, 0, begin);
    this.#filled = held;
    this.#at = this.#input.length;
  }

  /**
   * Continues the unfinished command with the bytes that arrived, taking no more of them than it
   * may need.
   */
  #resume(): Decoded {
    for (;;) {
      const available = this.#input.length - this.#at;
      if (available === 0) {
        this.#release();
        return NEED_MORE;
      }
      const take = Math.min(available, Math.max(1, this.#wanted() - this.#filled));
      this.#reserve(this.#filled + take);
      const assembly = this.#assembly!;
      this.#input.copy(assembly, this.#filled, this.#at, this.#at + take);
      this.#at += take;
      this.#filled += take;
      const found = this.#parse(assembly, 0, this.#filled);
      if (found === FAULT) return FAULT;
      if (found === COMMAND) {
        this.#at -= this.#filled - this.#position;
        this.#assembly = null;
        this.#filled = 0;
        this.#finish(assembly, 0);
        return COMMAND;
      }
    }
  }

  /**
   * Bytes, from the start of the unfinished command, that are worth having before it is looked at
   * again.
   */
  #wanted(): number {
    if (this.#bulk >= 0) return this.#position + this.#bulk + 2;
    return this.#filled + STEP;
  }

  /** Makes the assembly hold `size` bytes: exact for a last argument, growing by half otherwise. */
  #reserve(size: number): void {
    const old = this.#assembly!;
    let capacity = size;
    if (this.#bulk >= 0) {
      const last = this.#done === this.#expected - 1;
      capacity = Math.max(size, this.#wanted() + (last ? 0 : SLACK));
    }
    if (capacity <= old.length) return;
    if (old.length > 0) capacity = Math.max(capacity, old.length + (old.length >> 1));
    this.#assembly = Buffer.allocUnsafeSlow(capacity);
    old.copy(this.#assembly, 0, 0, this.#filled);
  }

  #parse(bytes: Buffer, begin: number, limit: number): Decoded {
    if (bytes[begin] !== STAR) return this.#parseInline(bytes, begin, limit);
    if (this.#expected === 0) {
      const found = this.#parseCount(bytes, begin, limit);
      if (found !== COMMAND || this.#expected === 0) return found;
    }
    return this.#parseArguments(bytes, begin, limit);
  }

  /** `*n`. COMMAND with #expected 0 when there is nothing to execute (`*0`, `*-1`). */
  #parseCount(bytes: Buffer, begin: number, limit: number): Decoded {
    const count = this.#length(bytes, begin, begin, limit, 'multibulk length', 'mbulk');
    if (count === UNFINISHED) return NEED_MORE;
    if (count === REFUSED) return FAULT;
    if (count > this.#limits.argumentsMax) return this.#fail('invalid multibulk length');
    if (!this.authenticated && count > this.#limits.unauthenticatedArgumentsMax) {
      return this.#fail('unauthenticated multibulk length');
    }
    this.#position = this.#lineEnd - begin;
    this.#expected = count === NEGATIVE ? 0 : count;
    return COMMAND;
  }

  #parseArguments(bytes: Buffer, begin: number, limit: number): Decoded {
    const expected = this.#expected;
    let at = begin + this.#position;
    let done = this.#done;
    for (; done < expected; done++) {
      let length = this.#bulk;
      if (length < 0) {
        length = this.#bulkLength(bytes, begin, at, limit);
        if (length < 0) {
          this.#position = at - begin;
          this.#done = done;
          return length === UNFINISHED ? NEED_MORE : FAULT;
        }
        at = this.#lineEnd;
      }
      const end = at + length;
      if (end + 2 > limit) {
        this.#position = at - begin;
        this.#done = done;
        this.#bulk = length;
        return end + 2 - begin > this.#limits.commandMax
          ? this.#fail('too big request')
          : NEED_MORE;
      }
      if (bytes[end] !== CR || bytes[end + 1] !== LF) return this.#fail('bulk without line end');
      this.#bulk = -1;
      if (2 * done >= this.#offsets.length) this.#growOffsets();
      this.#offsets[2 * done] = at - begin;
      this.#offsets[2 * done + 1] = end - begin;
      at = end + 2;
    }
    this.#position = at - begin;
    this.#done = done;
    return COMMAND;
  }

  /** `$n`, or UNFINISHED or REFUSED. */
  #bulkLength(bytes: Buffer, begin: number, at: number, limit: number): number {
    if (at >= limit) return UNFINISHED;
    const mark = bytes[at]!;
    if (mark !== DOLLAR) {
      this.#fail(`expected '$', got '${printable(mark)}'`);
      return REFUSED;
    }
    // Nearly every length has one or two digits.
    if (at + 4 < limit) {
      const first = bytes[at + 1]! - ZERO;
      if (bytes[at + 2] === CR && first >= 0 && first <= 9 && bytes[at + 3] === LF) {
        this.#lineEnd = at + 4;
        return first;
      }
      const second = bytes[at + 2]! - ZERO;
      if (
        bytes[at + 3] === CR &&
        bytes[at + 4] === LF &&
        first > 0 &&
        first <= 9 &&
        second >= 0 &&
        second <= 9
      ) {
        this.#lineEnd = at + 5;
        return first * 10 + second;
      }
    }
    const length = this.#length(bytes, begin, at, limit, 'bulk length', 'bulk');
    if (length === UNFINISHED || length === REFUSED) return length;
    if (length === NEGATIVE || length > this.#limits.bulkMax) {
      this.#fail('invalid bulk length');
      return REFUSED;
    }
    if (!this.authenticated && length > this.#limits.unauthenticatedBulkMax) {
      this.#fail('unauthenticated bulk length');
      return REFUSED;
    }
    return length;
  }

  /** The number of the length line at `at`: canonical decimal, CR LF. Sets #lineEnd. */
  #length(
    bytes: Buffer,
    begin: number,
    at: number,
    limit: number,
    what: string,
    counted: string,
  ): number {
    let p = at + 1;
    const negative = p < limit && bytes[p] === 45;
    if (negative) p++;
    const digits = p;
    let value = 0;
    while (p < limit && p - digits <= DIGITS_MAX) {
      const digit = bytes[p]! - ZERO;
      if (digit < 0 || digit > 9) break;
      value = value * 10 + digit;
      p++;
    }
    const size = p - digits;
    if (size <= DIGITS_MAX && p >= limit) return UNFINISHED;
    const canonical = size > 0 && (bytes[digits] !== ZERO || (size === 1 && !negative));
    if (!canonical || size > DIGITS_MAX || bytes[p] !== CR) {
      return this.#oddLine(bytes, begin, at, limit, what, counted);
    }
    if (p + 1 >= limit) return UNFINISHED;
    if (bytes[p + 1] !== LF) {
      this.#fail(`invalid ${what}`);
      return REFUSED;
    }
    this.#lineEnd = p + 2;
    return negative ? NEGATIVE : value;
  }

  /** A length line that holds no length: refused when it ends or grows too long, as Redis does. */
  #oddLine(
    bytes: Buffer,
    begin: number,
    at: number,
    limit: number,
    what: string,
    counted: string,
  ): number {
    let p = Math.max(at, begin + this.#scanned);
    while (p < limit && bytes[p] !== CR) p++;
    this.#scanned = p - begin;
    if (p < limit) this.#fail(`invalid ${what}`);
    else if (p - at > this.#limits.lineMax) this.#fail(`too big ${counted} count string`);
    else return UNFINISHED;
    return REFUSED;
  }

  #parseInline(bytes: Buffer, begin: number, limit: number): Decoded {
    let p = begin + this.#scanned;
    while (p < limit && bytes[p] !== LF) p++;
    this.#scanned = p - begin;
    if (p - begin > this.#limits.lineMax) return this.#fail('too big inline request');
    if (p >= limit) return NEED_MORE;
    this.#position = p + 1 - begin;
    const end = p > begin && bytes[p - 1] === CR ? p - 1 : p;
    const words = splitInline(bytes.latin1Slice(begin, end));
    if (words === null) return this.#fail('unbalanced quotes in request');
    this.#publishWords(words);
    return COMMAND;
  }

  /** An inline command goes on as the array of bulk strings it means. */
  #publishWords(words: readonly string[]): void {
    this.count = words.length;
    if (words.length === 0) return;
    this.chunk = encodeCommand(words);
    this.start = 0;
    this.end = this.chunk.length;
    let at = 3 + String(words.length).length;
    for (let i = 0; i < words.length; i++) {
      if (2 * i >= this.#offsets.length) this.#growOffsets();
      const size = words[i]!.length;
      at += 3 + String(size).length;
      this.#offsets[2 * i] = at;
      this.#offsets[2 * i + 1] = at + size;
      at += size + 2;
    }
  }

  #growOffsets(): void {
    const grown = new Int32Array(this.#offsets.length * 2);
    grown.set(this.#offsets);
    this.#offsets = grown;
  }

  #fail(reason: string): typeof FAULT {
    this.fault = `ERR Protocol error: ${reason}`;
    this.#assembly = null;
    this.#filled = 0;
    this.#input = EMPTY;
    this.#at = 0;
    return FAULT;
  }
}

function printable(byte: number): string {
  return byte === CR || byte === LF ? ' ' : String.fromCharCode(byte);
}
