// Owns: BITFIELD: whole numbers of 1 to 64 bits at any bit position of a string.
// Numbers are bigints here because fields reach 64 bits. All arguments are checked before anything
// is changed.

import { narrow } from '../base/numbers.js';
import type { StringValue } from '../keyspace/value.js';
import { ErrorReply, type Reply } from '../resp/reply.js';
import { editString, readStringValue } from './access.js';
import { int64 } from './arguments.js';
import { bitOffset } from './bit-offset.js';
import { SYNTAX } from './errors.js';
import { type CommandContext, type DataCommand, ONE_KEY } from './spec.js';
import { bytesOf, editRaw } from './string-edit.js';

type Args = readonly string[];
type Overflow = 'wrap' | 'sat' | 'fail';

const BAD_TYPE = new ErrorReply(
  'ERR Invalid bitfield type. Use something like i16 u8. ' +
    'Note that u64 is not supported but i64 is.',
);
const BAD_OVERFLOW = new ErrorReply('ERR Invalid OVERFLOW type specified');
const ONLY_GET = new ErrorReply('ERR BITFIELD_RO only supports the GET subcommand');

interface Step {
  readonly action: 'get' | 'set' | 'incrby';
  readonly signed: boolean;
  readonly bits: number;
  readonly offset: number;
  readonly amount: bigint;
  readonly overflow: Overflow;
}

/** Arguments of each action, with its own word. */
const ACTION_LENGTH = { get: 3, set: 4, incrby: 4 } as const;

function parseSteps(args: Args): Step[] {
  const steps: Step[] = [];
  let overflow: Overflow = 'wrap';
  let at = 2;
  while (at < args.length) {
    const word = args[at]!.toLowerCase();
    if (word === 'overflow' && at + 1 < args.length) {
      overflow = parseOverflow(args[at + 1]!);
      at += 2;
      continue;
    }
    if (word !== 'get' && word !== 'set' && word !== 'incrby') throw SYNTAX;
    if (at + ACTION_LENGTH[word] > args.length) throw SYNTAX;
    const { signed, bits } = parseType(args[at + 1]!);
    const offset = bitOffset(args[at + 2]!, bits);
    const amount = word === 'get' ? 0n : BigInt(int64(args[at + 3]!));
    steps.push({ action: word, signed, bits, offset, amount, overflow });
    at += ACTION_LENGTH[word];
  }
  return steps;
}

function parseOverflow(text: string): Overflow {
  const word = text.toLowerCase();
  if (word !== 'wrap' && word !== 'sat' && word !== 'fail') throw BAD_OVERFLOW;
  return word;
}

function parseType(text: string): { signed: boolean; bits: number } {
  // Redis reads this argument as a C string: it ends at a NUL.
  const match = /^([iu])([1-9][0-9]?)(?:\0|$)/.exec(text);
  const signed = match?.[1] === 'i';
  const bits = Number(match?.[2] ?? 0);
  if (bits < 1 || bits > (signed ? 64 : 63)) throw BAD_TYPE;
  return { signed, bits };
}

/** Reads a field; bytes beyond the end are zero. */
function readField(bytes: Uint8Array, step: Step): bigint {
  const from = Math.floor(step.offset / 8);
  const to = Math.floor((step.offset + step.bits - 1) / 8);
  let value = 0n;
  for (let i = from; i <= to; i++) value = (value << 8n) | BigInt(bytes[i] ?? 0);
  value >>= BigInt(8 * (to + 1) - step.offset - step.bits);
  return step.signed ? BigInt.asIntN(step.bits, value) : BigInt.asUintN(step.bits, value);
}

/** Writes a field; the bytes reach far enough. */
function writeField(bytes: Uint8Array, step: Step, value: bigint): void {
  const from = Math.floor(step.offset / 8);
  const to = Math.floor((step.offset + step.bits - 1) / 8);
  const shift = BigInt(8 * (to + 1) - step.offset - step.bits);
  const mask = ((1n << BigInt(step.bits)) - 1n) << shift;
  const placed = (BigInt.asUintN(step.bits, value) << shift) & mask;
  for (let i = to; i >= from; i--) {
    const down = BigInt(8 * (to - i));
    const keep = bytes[i]! & ~Number((mask >> down) & 0xffn);
    bytes[i] = keep | Number((placed >> down) & 0xffn);
  }
}

/**
 * `value` brought into the field's range, or null when it does not fit and must not be written. An
 * unsigned field takes a negative SET value for a huge one, as Redis does.
 */
function fitted(step: Step, value: bigint): bigint | null {
  const bits = BigInt(step.bits);
  const max = step.signed ? 2n ** (bits - 1n) - 1n : 2n ** bits - 1n;
  const min = step.signed ? -(2n ** (bits - 1n)) : 0n;
  const exact = !step.signed && step.action === 'set' ? BigInt.asUintN(64, value) : value;
  if (exact >= min && exact <= max) return exact;
  if (step.overflow === 'fail') return null;
  if (step.overflow === 'sat') return exact > max || underflowsFar(step, exact, max) ? max : min;
  return step.signed ? BigInt.asIntN(step.bits, exact) : BigInt.asUintN(step.bits, exact);
}

/**
 * Redis judges by max - value in 64 bits, which wraps for a SET far below a narrow field and
 * saturates upwards.
 */
function underflowsFar(step: Step, value: bigint, max: bigint): boolean {
  return (
    step.action === 'set' && step.signed && step.bits < 64 && BigInt.asIntN(64, max - value) < 0n
  );
}

function runRead(value: StringValue | undefined, steps: readonly Step[]): Reply {
  const bytes = bytesOf(value ?? '');
  return steps.map((step) => narrow(readField(bytes, step)));
}

function runWrite(context: CommandContext, key: string, steps: readonly Step[]): Reply {
  const value = editString(context, key);
  let end = 0;
  for (const step of steps) {
    if (step.action !== 'get') end = Math.max(end, step.offset + step.bits);
  }
  const raw = editRaw(value);
  const grew = raw.growTo(Math.ceil(end / 8));
  const bytes = raw.view();
  let changed = value === undefined || grew;
  const replies: Reply[] = [];
  for (const step of steps) {
    const old = readField(bytes, step);
    if (step.action === 'get') {
      replies.push(narrow(old));
      continue;
    }
    const next = fitted(step, step.action === 'set' ? step.amount : old + step.amount);
    if (next !== null && next !== old) {
      writeField(bytes, step, next);
      changed = true;
    }
    replies.push(next === null ? null : narrow(step.action === 'set' ? old : next));
  }
  if (changed) context.db.replace(key, raw);
  return replies;
}

function bitfield(context: CommandContext, args: Args): Reply {
  const steps = parseSteps(args);
  if (steps.some((step) => step.action !== 'get')) return runWrite(context, args[1]!, steps);
  return runRead(readStringValue(context, args[1]!), steps);
}

function bitfieldRo(context: CommandContext, args: Args): Reply {
  const steps = parseSteps(args);
  if (steps.some((step) => step.action !== 'get')) throw ONLY_GET;
  return runRead(readStringValue(context, args[1]!), steps);
}

export const bitfieldCommands: readonly DataCommand[] = [
  {
    name: 'bitfield',
    arity: -2,
    flags: ['write', 'denyoom'],
    keys: { ...ONE_KEY, use: 'RW' },
    group: 'bitmap',
    since: '3.2.0',
    summary: 'Reads, sets and adds to numbers of any width inside a string.',
    complexity: 'O(1) for each step',
    run: bitfield,
  },
  {
    name: 'bitfield_ro',
    arity: -2,
    flags: ['readonly', 'fast'],
    keys: { ...ONE_KEY, use: 'RO' },
    group: 'bitmap',
    since: '6.0.0',
    summary: 'Reads numbers of any width inside a string.',
    complexity: 'O(1) for each step',
    run: bitfieldRo,
  },
];
