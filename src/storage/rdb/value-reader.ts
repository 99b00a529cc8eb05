// Owns: the values of an RDB file, every type Redis 4 to 7.2 writes for strings, lists, sets,
// hashes and sorted sets. The encoding a value gets back is told by its RDB type, a hint before the
// key, or its size, in this order; for what value-writer.ts wrote it is the one it had. Damage
// throws RdbError; nothing is allocated for a length not checked.

import { parseDouble } from '../../base/numbers.js';
import { HashValue } from '../../keyspace/hash.js';
import { LISTPACK_BYTES_MAX, ListValue } from '../../keyspace/list.js';
import {
  SET_LISTPACK_ENTRIES_MAX,
  SET_LISTPACK_VALUE_BYTES_MAX,
  SetValue,
} from '../../keyspace/set.js';
import { SortedSetValue } from '../../keyspace/sorted-set.js';
import type { Value } from '../../keyspace/value.js';
import { TYPE, UNSUPPORTED_TYPES } from './format.js';
import type { RdbInput } from './input.js';
import { readListpack } from './listpack.js';
import { PackedError, type PackedReader, readIntset, readZiplist, readZipmap } from './packed.js';

/** Reads one value; null for a collection without elements, which Redis drops. */
type TypeReader = (input: RdbInput, hint: string) => Value | null;

/** A quicklist node that is one plain element, not a listpack. */
const PLAIN_NODE = 1;
const PACKED_NODE = 2;

const READERS: ReadonlyMap<number, TypeReader> = new Map<number, TypeReader>([
  [TYPE.string, (input) => input.stringOrInteger()],
  [TYPE.list, (input) => naturalList(strings(input, input.count(1)))],
  [TYPE.listZiplist, (input) => naturalList(packed(input, readZiplist))],
  [TYPE.listQuicklist, (input) => quicklist(input, false)],
  [TYPE.listQuicklist2, (input) => quicklist(input, true)],
  [TYPE.set, (input, hint) => plainSet(strings(input, input.count(1)), hint)],
  [TYPE.setIntset, intset],
  [TYPE.setListpack, (input) => listpackSet(packed(input, readListpack))],
  [TYPE.hash, (input) => hash(pairs(input, strings(input, 2 * input.count(2))), 'hashtable')],
  [TYPE.hashZipmap, (input) => hash(pairs(input, packed(input, readZipmap)), 'listpack')],
  [TYPE.hashZiplist, (input) => hash(pairs(input, packed(input, readZiplist)), 'listpack')],
  [TYPE.hashListpack, (input) => hash(pairs(input, packed(input, readListpack)), 'listpack')],
  [TYPE.zset, (input) => scoredSet(input, textScore)],
  [TYPE.zset2, (input) => scoredSet(input, binaryScore)],
  [TYPE.zsetZiplist, (input) => packedSortedSet(input, readZiplist)],
  [TYPE.zsetListpack, (input) => packedSortedSet(input, readListpack)],
]);

/** The value of an RDB type at the cursor. `hint`: ENCODING_HINT before the key, or empty. */
export function readValue(input: RdbInput, type: number, hint: string): Value | null {
  const reader = READERS.get(type);
  if (reader !== undefined) return reader(input, hint);
  const known = UNSUPPORTED_TYPES.get(type);
  throw input.fail(
    known === undefined
      ? `the value type ${type} is unknown`
      : `it holds a ${known} (type ${type}), which Helios does not support; delete such keys first`,
  );
}

function strings(input: RdbInput, count: number): string[] {
  const items: string[] = [];
  for (let i = 0; i < count; i++) items.push(input.string());
  return items;
}

function packed(input: RdbInput, read: PackedReader): string[] {
  const start = input.offset;
  return unpack(input, start, read, input.blob());
}

function unpack(input: RdbInput, start: number, read: PackedReader, blob: Buffer): string[] {
  try {
    return read(blob);
  } catch (error) {
    if (!(error instanceof PackedError)) throw error;
    input.seek(start);
    throw input.fail(error.message);
  }
}

function pairs(input: RdbInput, items: readonly string[]): [string, string][] {
  if (items.length % 2 !== 0) throw input.fail('an element has no partner');
  const out: [string, string][] = [];
  for (let i = 0; i < items.length; i += 2) out.push([items[i]!, items[i + 1]!]);
  return out;
}

function hash(entries: [string, string][], encoding: 'listpack' | 'hashtable'): Value | null {
  return entries.length === 0 ? null : HashValue.restore(entries, encoding);
}

function naturalList(items: readonly string[]): Value | null {
  if (items.length === 0) return null;
  const list = new ListValue();
  for (const item of items) list.pushTail(item);
  return list;
}

function quicklist(input: RdbInput, typed: boolean): Value | null {
  const nodes = input.count(1);
  const items: string[] = [];
  let bytes = 0;
  let plain = false;
  for (let i = 0; i < nodes; i++) {
    const container = typed ? input.length() : PACKED_NODE;
    const start = input.offset;
    if (container === PLAIN_NODE) {
      items.push(input.string());
      plain = true;
    } else if (container === PACKED_NODE) {
      const blob = input.blob();
      bytes += blob.length;
      const entries = unpack(input, start, typed ? readListpack : readZiplist, blob);
      for (const entry of entries) items.push(entry);
    } else {
      throw input.fail(`a list node has the unknown container ${container}`);
    }
  }
  if (items.length === 0) return null;
  const small = nodes === 1 && !plain && bytes <= LISTPACK_BYTES_MAX;
  return ListValue.restore(items, small ? 'listpack' : 'quicklist');
}

function intset(input: RdbInput): Value | null {
  const members = packed(input, readIntset);
  for (let i = 1; i < members.length; i++) {
    if (BigInt(members[i - 1]!) >= BigInt(members[i]!)) throw input.fail('an intset is not sorted');
  }
  return members.length === 0 ? null : SetValue.restore(members, 'intset');
}

function listpackSet(members: readonly string[]): Value | null {
  return members.length === 0 ? null : SetValue.restore(members, 'listpack');
}

function plainSet(members: readonly string[], hint: string): Value | null {
  if (members.length === 0) return null;
  const small = fitsSetListpack(members) && hint !== 'hashtable';
  return SetValue.restore(members, small ? 'listpack' : 'hashtable');
}

/** Whether Redis 7.2 would keep the members as a listpack. */
export function fitsSetListpack(members: Iterable<string>): boolean {
  let count = 0;
  for (const member of members) {
    if (++count > SET_LISTPACK_ENTRIES_MAX) return false;
    if (member.length > SET_LISTPACK_VALUE_BYTES_MAX) return false;
  }
  return true;
}

function scoredSet(input: RdbInput, readScore: (input: RdbInput) => number): Value | null {
  const count = input.count(2);
  const entries: [string, number][] = [];
  for (let i = 0; i < count; i++) {
    const member = input.string();
    entries.push([member, checkedScore(input, readScore(input))]);
  }
  return count === 0 ? null : SortedSetValue.restore(entries, 'skiplist');
}

function packedSortedSet(input: RdbInput, read: PackedReader): Value | null {
  const entries = pairs(input, packed(input, read)).map(([member, text]): [string, number] => {
    return [member, checkedScore(input, parseDouble(text) ?? Number.NaN)];
  });
  return entries.length === 0 ? null : SortedSetValue.restore(entries, 'listpack');
}

function checkedScore(input: RdbInput, score: number): number {
  if (Number.isNaN(score)) throw input.fail('a score is not a number');
  return score;
}

function binaryScore(input: RdbInput): number {
  return input.bytes(8).readDoubleLE(0);
}

/** One byte of length, or 253 nan, 254 inf, 255 -inf; then digits. */
function textScore(input: RdbInput): number {
  const length = input.byte();
  if (length === 253) return Number.NaN;
  if (length === 254) return Number.POSITIVE_INFINITY;
  if (length === 255) return Number.NEGATIVE_INFINITY;
  return parseDouble(input.bytes(length).latin1Slice()) ?? Number.NaN;
}
