// Owns: commands that treat a string as a row of bits, most significant bit of the first byte
// first.
// Bit fields (several bits as a number) are in bitfield.ts.

import { RawString } from '../keyspace/raw-string.js';
import type { StringValue } from '../keyspace/value.js';
import { ErrorReply, type Reply } from '../resp/reply.js';
import { editString, readStringValue, textOf } from './access.js';
import { integer } from './arguments.js';
import { bitOffset } from './bit-offset.js';
import { countBits, findBit } from './bit-ranges.js';
import { bitfieldCommands } from './bitfield.js';
import { SYNTAX } from './errors.js';
import { type CommandContext, type DataCommand, ONE_KEY } from './spec.js';
import { bytesOf, editRaw, lengthOf } from './string-edit.js';

type Args = readonly string[];

const BIT_NOT_INTEGER = new ErrorReply('ERR bit is not an integer or out of range');
const BIT_NOT_BINARY = new ErrorReply('ERR The bit argument must be 1 or 0.');
const NOT_TAKES_ONE = new ErrorReply('ERR BITOP NOT must be called with a single source key.');

function byteAt(value: StringValue, at: number): number {
  if (value instanceof RawString) return value.byteAt(at);
  const text = textOf(value);
  return at < text.length ? text.charCodeAt(at) : 0;
}

function getbit(context: CommandContext, args: Args): Reply {
  const offset = bitOffset(args[2]!);
  const value = readStringValue(context, args[1]!);
  if (value === undefined) return 0;
  return (byteAt(value, Math.floor(offset / 8)) >> (7 - (offset % 8))) & 1;
}

function setbit(context: CommandContext, args: Args): Reply {
  const offset = bitOffset(args[2]!);
  const bit = integer(args[3]!, BIT_NOT_INTEGER);
  if (bit !== 0 && bit !== 1) throw BIT_NOT_INTEGER;
  const value = editString(context, args[1]!);
  const at = Math.floor(offset / 8);
  const shift = 7 - (offset % 8);
  const byte = value === undefined ? 0 : byteAt(value, at);
  const old = (byte >> shift) & 1;
  const grows = value === undefined || at >= lengthOf(value);
  if (grows || old !== bit) {
    const raw = editRaw(value);
    raw.setByte(at, (byte & ~(1 << shift)) | (bit << shift));
    context.db.replace(args[1]!, raw);
  }
  return old;
}

/** The unit of a range: bits when it ends with BIT, bytes when with BYTE or nothing. */
function isBitRange(word: string | undefined): boolean {
  if (word === undefined) return false;
  const unit = word.toLowerCase();
  if (unit !== 'bit' && unit !== 'byte') throw SYNTAX;
  return unit === 'bit';
}

/** A position counted from the end when negative; never before the start. */
function fromStart(position: number, length: number): number {
  return position < 0 ? Math.max(0, length + position) : position;
}

function bitcount(context: CommandContext, args: Args): Reply {
  const value = readStringValue(context, args[1]!);
  if (value === undefined) return 0;
  const bytes = bytesOf(value);
  if (args.length === 2) return countBits(bytes, 0, 8 * bytes.length - 1);
  if (args.length < 4 || args.length > 5) throw SYNTAX;
  const start = integer(args[2]!);
  const end = integer(args[3]!);
  if (start < 0 && end < 0 && start > end) return 0;
  const scale = isBitRange(args[4]) ? 1 : 8;
  const length = (8 / scale) * bytes.length;
  const last = Math.min(fromStart(end, length), length - 1);
  return countBits(bytes, scale * fromStart(start, length), scale * last + scale - 1);
}

function bitpos(context: CommandContext, args: Args): Reply {
  const bit = integer(args[2]!);
  if (bit !== 0 && bit !== 1) throw BIT_NOT_BINARY;
  const value = readStringValue(context, args[1]!);
  if (value === undefined) return bit === 1 ? -1 : 0;
  const bytes = bytesOf(value);
  if (args.length > 6) throw SYNTAX;
  const start = args.length > 3 ? integer(args[3]!) : 0;
  const scale = isBitRange(args[5]) ? 1 : 8;
  const length = (8 / scale) * bytes.length;
  const end = args.length > 4 ? integer(args[4]!) : length - 1;
  const first = fromStart(start, length);
  const last = Math.min(fromStart(end, length), length - 1);
  if (first > last) return -1;
  const found = findBit(bytes, bit, scale * first, scale * last + scale - 1);
  // Without an end the string counts as followed by zeros.
  if (found < 0 && bit === 0 && args.length < 5) return 8 * bytes.length;
  return found;
}

type Operation = (a: number, b: number) => number;

const OPERATIONS: Readonly<Record<string, Operation>> = {
  and: (a, b) => a & b,
  or: (a, b) => a | b,
  xor: (a, b) => a ^ b,
  not: (a) => ~a,
};

function bitop(context: CommandContext, args: Args): Reply {
  const name = args[1]!.toLowerCase();
  const operation = Object.hasOwn(OPERATIONS, name) ? OPERATIONS[name]! : undefined;
  if (operation === undefined) throw SYNTAX;
  if (name === 'not' && args.length !== 4) throw NOT_TAKES_ONE;
  const sources: Uint8Array[] = [];
  for (let i = 3; i < args.length; i++) {
    sources.push(bytesOf(readStringValue(context, args[i]!) ?? ''));
  }
  const result = combine(sources, operation);
  const target = args[2]!;
  if (result.length > 0) context.db.set(target, RawString.ofBytes(result));
  else if (context.db.lookupWrite(target, context.now) !== undefined) context.db.delete(target);
  return result.length;
}

/** Byte by byte; a source that ends early counts as followed by zeros. */
function combine(sources: readonly Uint8Array[], operation: Operation): Buffer {
  const length = sources.reduce((longest, source) => Math.max(longest, source.length), 0);
  const result = Buffer.alloc(length);
  result.set(sources[0]!);
  if (sources.length === 1) {
    if (operation !== OPERATIONS.not) return result;
    for (let i = 0; i < length; i++) result[i] = ~result[i]!;
  }
  for (let s = 1; s < sources.length; s++) {
    const source = sources[s]!;
    const shared = source.length;
    for (let i = 0; i < shared; i++) result[i] = operation(result[i]!, source[i]!);
    for (let i = shared; i < length; i++) result[i] = operation(result[i]!, 0);
  }
  return result;
}

/** BITOP's keys begin at its second argument. */
const BITOP_KEYS = { first: 2, last: -1, step: 1, use: 'OW' } as const;
const READ = { keys: { ...ONE_KEY, use: 'RO' }, group: 'bitmap' } as const;

const bitCommands: readonly DataCommand[] = [
  {
    keys: { ...ONE_KEY, use: 'RW' },
    group: 'bitmap',
    name: 'setbit',
    arity: 4,
    flags: ['write', 'denyoom'],
    since: '2.2.0',
    summary: 'Sets or clears one bit and answers what it was.',
    complexity: 'O(1)',
    run: setbit,
  },
  {
    ...READ,
    name: 'getbit',
    arity: 3,
    flags: ['readonly', 'fast'],
    since: '2.2.0',
    summary: 'Reads one bit.',
    complexity: 'O(1)',
    run: getbit,
  },
  {
    ...READ,
    name: 'bitcount',
    arity: -2,
    flags: ['readonly'],
    since: '2.6.0',
    summary: 'Counts the bits that are set in a string or a part of it.',
    complexity: 'O(N) in the length of the part',
    run: bitcount,
  },
  {
    ...READ,
    name: 'bitpos',
    arity: -3,
    flags: ['readonly'],
    since: '2.8.7',
    summary: 'Finds the first bit that is set, or clear.',
    complexity: 'O(N) in the length of the part',
    run: bitpos,
  },
  {
    keys: BITOP_KEYS,
    group: 'bitmap',
    name: 'bitop',
    arity: -4,
    flags: ['write', 'denyoom'],
    since: '2.6.0',
    summary: 'Combines strings bit by bit and stores the result.',
    complexity: 'O(N) in the length of the longest string',
    run: bitop,
  },
];

export const bitmapCommands: readonly DataCommand[] = [...bitCommands, ...bitfieldCommands];
