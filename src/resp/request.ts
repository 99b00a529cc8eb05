// Owns: commands as RESP arrays of bulk strings between parts that trust each other: reading a log
// payload that a RequestDecoder accepted before, and writing commands for the log. The reader
// asserts instead of answering errors: bytes that are not RESP here mean damage that a checksum
// missed.

import { assert } from '../base/assert.js';

/** One command of a payload. Reused by RequestReader: copy what must outlive the next call. */
export interface RequestView {
  /** Arguments as latin1, the name first. */
  readonly args: string[];
  /** Offset just behind the command. */
  readonly end: number;
}

const STAR = 42;
const DOLLAR = 36;
const CR = 13;

/** Reads the command at `offset` of a payload of well-formed commands. */
export function nextCommand(payload: Buffer, offset: number): RequestView {
  assert(payload[offset] === STAR, 'a command starts with *');
  let at = offset + 1;
  let count = 0;
  for (let c = payload[at]!; c !== CR; c = payload[++at]!) count = count * 10 + (c - 48);
  assert(count > 0 && count <= payload.length, 'a command has arguments');
  at += 2;
  const args: string[] = new Array(count);
  for (let i = 0; i < count; i++) {
    assert(payload[at] === DOLLAR, 'an argument starts with $');
    at++;
    let length = 0;
    for (let c = payload[at]!; c !== CR; c = payload[++at]!) length = length * 10 + (c - 48);
    at += 2;
    assert(at + length + 2 <= payload.length, 'an argument lies within the payload');
    args[i] = latin1(payload, at, at + length);
    at += length + 2;
  }
  return { args, end: at };
}

/** Calls `visit` for each command of a payload, in order. */
export function forEachCommand(payload: Buffer, visit: (args: string[]) => void): void {
  let at = 0;
  while (at < payload.length) {
    const command = nextCommand(payload, at);
    visit(command.args);
    at = command.end;
  }
}

/**
 * Bytes [start, end) as latin1 text. Short texts are built in JavaScript: crossing into C++ costs
 * more than the characters do.
 */
export function latin1(bytes: Buffer, start: number, end: number): string {
  switch (end - start) {
    case 0:
      return '';
    case 1:
      return String.fromCharCode(bytes[start]!);
    case 2:
      return String.fromCharCode(bytes[start]!, bytes[start + 1]!);
    case 3:
      return String.fromCharCode(bytes[start]!, bytes[start + 1]!, bytes[start + 2]!);
    default:
      return bytes.latin1Slice(start, end);
  }
}

/** A command as the log holds it. */
export function encodeCommand(args: readonly string[]): Buffer {
  let size = headerSize(args.length);
  for (const arg of args) size += headerSize(arg.length) + arg.length + 2;
  const bytes = Buffer.allocUnsafe(size);
  const end = writeCommand(bytes, 0, args);
  assert(end === size, 'the size of a command was computed right');
  return bytes;
}

function writeCommand(bytes: Buffer, from: number, args: readonly string[]): number {
  let at = from + bytes.latin1Write(`*${args.length}\r\n`, from);
  for (const arg of args) {
    at += bytes.latin1Write(`$${arg.length}\r\n`, at);
    at += bytes.latin1Write(arg, at);
    bytes[at++] = CR;
    bytes[at++] = 10;
  }
  return at;
}

/** Bytes of `*n\r\n` or `$n\r\n`. */
function headerSize(n: number): number {
  let digits = 1;
  for (let bound = 10; n >= bound; bound *= 10) digits++;
  return digits + 3;
}
