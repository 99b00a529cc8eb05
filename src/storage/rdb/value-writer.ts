// Owns: one key with its value as RDB bytes, in forms that redis-server 7.0 and 7.2 load, each in
// the value's own iteration order and telling its encoding, so that value-reader.ts restores
// exactly what was there. Strings that are numbers in memory are written as integers, all others as
// they are.

import { formatDouble, parseInt64 } from '../../base/numbers.js';
import { HashValue } from '../../keyspace/hash.js';
import { ListValue } from '../../keyspace/list.js';
import { RawString } from '../../keyspace/raw-string.js';
import { SetValue } from '../../keyspace/set.js';
import type { SortedSetValue } from '../../keyspace/sorted-set.js';
import type { Value } from '../../keyspace/value.js';
import { ENCODING_HINT, OPCODE, TYPE } from './format.js';
import { ListpackBuilder } from './listpack.js';
import type { RdbOutput } from './output.js';
import { makeIntset } from './packed.js';
import { fitsSetListpack } from './value-reader.js';

/** Where a list node is closed; Redis' own limit for list-max-listpack-size -2. */
const NODE_BYTES = 8192;
const PLAIN_NODE = 1;
const PACKED_NODE = 2;

/** One for all calls: writing is synchronous and a listpack is taken before the next begins. */
const builder = new ListpackBuilder();

/** Writes opcodes, type, key and value. `expireAt`: ms since 1970, 0 for none. */
export function writeKey(out: RdbOutput, key: string, value: Value, expireAt: number): void {
  if (expireAt !== 0) {
    out.byte(OPCODE.expireMs);
    out.uint64(expireAt);
  }
  if (needsHint(value)) {
    out.byte(OPCODE.aux);
    out.string(ENCODING_HINT);
    out.string('hashtable');
  }
  out.byte(rdbType(value));
  out.string(key);
  writeValue(out, value);
}

/** The RDB type that writeValue uses for this value. */
export function rdbType(value: Value): number {
  if (typeof value !== 'object' || value instanceof RawString) return TYPE.string;
  if (value instanceof ListValue) return TYPE.listQuicklist2;
  if (value instanceof HashValue) {
    return value.encoding === 'listpack' ? TYPE.hashListpack : TYPE.hash;
  }
  if (value instanceof SetValue) return value.encoding === 'intset' ? TYPE.setIntset : TYPE.set;
  return value.encoding === 'listpack' ? TYPE.zsetListpack : TYPE.zset2;
}

/** The value alone, without its type. */
export function writeValue(out: RdbOutput, value: Value): void {
  if (typeof value === 'string') out.string(value);
  else if (typeof value === 'number') out.integer(value);
  else if (value instanceof RawString) out.blob(value.view());
  else if (value instanceof ListValue) writeList(out, value);
  else if (value instanceof HashValue) writeHash(out, value);
  else if (value instanceof SetValue) writeSet(out, value);
  else writeSortedSet(out, value);
}

/**
 * A set small enough for a listpack that is a hashtable: the RDB type set does not tell the two
 * apart.
 */
function needsHint(value: Value): boolean {
  return value instanceof SetValue && value.encoding === 'hashtable' && fitsSetListpack(value);
}

function writeHash(out: RdbOutput, hash: HashValue): void {
  if (hash.encoding === 'listpack') {
    for (const [field, value] of hash) {
      builder.push(field);
      builder.push(value);
    }
    out.blob(builder.take());
    return;
  }
  out.length(hash.size);
  for (const [field, value] of hash) {
    out.string(field);
    out.string(value);
  }
}

function writeSet(out: RdbOutput, set: SetValue): void {
  if (set.encoding === 'intset') {
    out.blob(makeIntset(Array.from(set, (member) => parseInt64(member)!)));
    return;
  }
  out.length(set.size);
  for (const member of set) out.string(member);
}

function writeSortedSet(out: RdbOutput, sortedSet: SortedSetValue): void {
  const packed = sortedSet.encoding === 'listpack';
  if (!packed) out.length(sortedSet.size);
  for (const [member, score] of sortedSet) {
    if (packed) {
      builder.push(member);
      builder.push(formatDouble(score));
    } else {
      out.string(member);
      out.double(score);
    }
  }
  if (packed) out.blob(builder.take());
}

/** A `listpack` is one packed node; a `quicklist` is two or more, or one plain node. */
function writeList(out: RdbOutput, list: ListValue): void {
  if (list.encoding === 'listpack') {
    for (const item of list) builder.push(item);
    out.length(1);
    out.length(PACKED_NODE);
    out.blob(builder.take());
    return;
  }
  const sizes = nodeSizes(list);
  out.length(sizes.length);
  let left = 0;
  let node = 0;
  for (const item of list) {
    if (left === 0) left = sizes[node++]!;
    if (left === PLAIN) {
      out.length(PLAIN_NODE);
      out.string(item);
      left = 0;
      continue;
    }
    builder.push(item);
    if (--left > 0) continue;
    out.length(PACKED_NODE);
    out.blob(builder.take());
  }
}

const PLAIN = -1;

/** Elements in each node, PLAIN for one large element by itself. */
function nodeSizes(list: ListValue): number[] {
  const sizes: number[] = [];
  let count = 0;
  let bytes = 0;
  for (const item of list) {
    const size = item.length + 11;
    if (count > 0 && (bytes + size > NODE_BYTES || size > NODE_BYTES)) {
      sizes.push(count);
      count = 0;
      bytes = 0;
    }
    if (size > NODE_BYTES) {
      sizes.push(PLAIN);
      continue;
    }
    count++;
    bytes += size;
  }
  if (count > 0) sizes.push(count);
  if (sizes.length === 1 && sizes[0] !== PLAIN) {
    return count === 1 ? [PLAIN] : [1, count - 1];
  }
  return sizes;
}
