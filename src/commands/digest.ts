// Owns: the digest DEBUG DIGEST prints: SHA-1 mixed as Redis 7.2 does it, so that a Helios and a
// Redis can be compared.
// `xor` is for parts without order, `mix` for parts in order. Keys that are dead but not reclaimed
// count, as in Redis.
// Not the digest of snapshots (keyspace/digest), which is faster and Helios's own.

import { formatShortest } from '../base/numbers.js';
import { sha1, sha1Bytes } from '../base/sha1.js';
import type { Database } from '../keyspace/database.js';
import { HashValue } from '../keyspace/hash.js';
import type { Keyspace } from '../keyspace/keyspace.js';
import { ListValue } from '../keyspace/list.js';
import { RawString } from '../keyspace/raw-string.js';
import { SetValue } from '../keyspace/set.js';
import type { CollectionValue, TypeName, Value } from '../keyspace/value.js';
import { typeName } from '../keyspace/value.js';
import { textOf } from './access.js';

const DIGEST_BYTES = 20;

/** Redis's numbers for its types. */
const TYPE_NUMBERS: Readonly<Record<TypeName, number>> = {
  string: 0,
  list: 1,
  set: 2,
  zset: 3,
  hash: 4,
};

function xorInto(digest: Uint8Array, other: Uint8Array): void {
  for (let i = 0; i < DIGEST_BYTES; i++) digest[i] = digest[i]! ^ other[i]!;
}

function xor(digest: Uint8Array, text: string): void {
  xorInto(digest, sha1(text));
}

function mix(digest: Uint8Array, text: string): void {
  xorInto(digest, sha1(text));
  digest.set(sha1Bytes(digest));
}

/** A 32-bit number in network order, as text of bytes. */
function bigEndian(value: number): string {
  return String.fromCharCode(value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255);
}

function mixEntry(digest: Uint8Array, first: string, second: string): void {
  const entry = new Uint8Array(DIGEST_BYTES);
  mix(entry, first);
  mix(entry, second);
  xorInto(digest, sha1Bytes(entry));
}

function mixCollection(digest: Uint8Array, value: CollectionValue): void {
  if (value instanceof ListValue) {
    for (const element of value) mix(digest, element);
  } else if (value instanceof SetValue) {
    for (const member of value) xor(digest, member);
  } else if (value instanceof HashValue) {
    for (const [field, text] of value) mixEntry(digest, field, text);
  } else {
    for (const [member, score] of value) mixEntry(digest, member, formatShortest(score));
  }
}

function mixValue(digest: Uint8Array, value: Value, expireAt: number): void {
  mix(digest, bigEndian(TYPE_NUMBERS[typeName(value)]));
  if (typeof value !== 'object' || value instanceof RawString) mix(digest, textOf(value));
  else mixCollection(digest, value);
  if (expireAt !== 0) xor(digest, '!!expire!!');
}

/** The digest of one value with its type and whether it expires; zeros for no key. */
export function valueDigest(database: Database, key: string): Uint8Array {
  const digest = new Uint8Array(DIGEST_BYTES);
  const slot = database.table.find(key);
  if (slot >= 0) mixValue(digest, database.table.valueAt(slot)!, database.table.expireAt(slot));
  return digest;
}

/** The digest of everything; zeros when there are no keys. */
export function keyspaceDigest(keyspace: Keyspace): Uint8Array {
  const total = new Uint8Array(DIGEST_BYTES);
  for (const database of keyspace.databases) {
    if (database.size === 0) continue;
    mix(total, bigEndian(database.index));
    const { table } = database;
    for (let slot = 0; slot < table.slotCount; slot++) {
      const key = table.keyAt(slot);
      if (key === undefined) continue;
      const digest = new Uint8Array(DIGEST_BYTES);
      mix(digest, key);
      mixValue(digest, table.valueAt(slot)!, table.expireAt(slot));
      // The reference hashes each key's digest once more when it adds it.
      xorInto(total, sha1Bytes(digest));
    }
  }
  return total;
}
