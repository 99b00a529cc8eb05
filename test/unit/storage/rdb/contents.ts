// Owns: the contents of our keyspace in the form oracle.ts prints those of a Redis, and keyspaces
// to test with.

import { formatDouble } from '../../../../src/base/numbers.js';
import type { Rng } from '../../../../src/base/rng.js';
import { HashValue } from '../../../../src/keyspace/hash.js';
import type { Keyspace } from '../../../../src/keyspace/keyspace.js';
import { ListValue } from '../../../../src/keyspace/list.js';
import { RawString } from '../../../../src/keyspace/raw-string.js';
import { SetValue } from '../../../../src/keyspace/set.js';
import { SortedSetValue } from '../../../../src/keyspace/sorted-set.js';
import { typeName, type Value } from '../../../../src/keyspace/value.js';

export function dumpKeyspace(keyspace: Keyspace, db: number): Map<string, string> {
  const out = new Map<string, string>();
  const { table } = keyspace.database(db);
  for (let slot = 0; slot < table.slotCount; slot++) {
    const key = table.keyAt(slot);
    if (key === undefined) continue;
    const value = table.valueAt(slot)!;
    out.set(key, `${typeName(value)} ${table.expireAt(slot)} ${contents(value)}`);
  }
  return out;
}

/** As above, with encodings and in the exact order, for our own round trips. */
export function dumpExactly(keyspace: Keyspace, db: number): Map<string, string> {
  const out = new Map<string, string>();
  const { table } = keyspace.database(db);
  for (let slot = 0; slot < table.slotCount; slot++) {
    const key = table.keyAt(slot);
    if (key === undefined) continue;
    const value = table.valueAt(slot)!;
    const form = value instanceof HashValue || isCollection(value) ? value.encoding : 'string';
    const body = isCollection(value) ? JSON.stringify([...value]) : String(value);
    out.set(key, `${form} ${table.expireAt(slot)} ${body}`);
  }
  return out;
}

type Collection = HashValue | ListValue | SetValue | SortedSetValue;

function isCollection(value: Value): value is Collection {
  return typeof value === 'object' && !(value instanceof RawString);
}

function contents(value: Value): string {
  if (value instanceof ListValue) return JSON.stringify([...value]);
  if (value instanceof SetValue) return JSON.stringify([...value].sort());
  if (value instanceof HashValue) {
    return JSON.stringify([...value].sort((a, b) => (a[0] < b[0] ? -1 : 1)));
  }
  if (value instanceof SortedSetValue) {
    return JSON.stringify([...value].flatMap(([member, score]) => [member, formatDouble(score)]));
  }
  return String(value);
}

const LENGTHS = [0, 1, 3, 20, 63, 64, 65, 200, 5000, 9000, 70000];

export function randomText(rng: Rng, lengths: readonly number[] = LENGTHS): string {
  const length = lengths[rng.below(lengths.length)]!;
  if (rng.below(3) === 0) return String(rng.below(2 ** 40) - 2 ** 39);
  let text = '';
  for (let i = 0; i < length; i++) text += String.fromCharCode(rng.below(256));
  return text;
}

const SIZES = [1, 2, 100, 128, 129, 513, 700];
const SMALL = [1, 3, 12, 64];

export function randomValue(rng: Rng): Value {
  const size = SIZES[rng.below(SIZES.length)]!;
  const lengths = rng.below(4) === 0 && size < 3 ? LENGTHS : SMALL;
  const kind = rng.below(7);
  if (kind === 0) return randomText(rng);
  if (kind === 1) return rng.below(2) === 0 ? rng.below(300) - 150 : rng.below(2 ** 53) - 2 ** 52;
  if (kind === 2) return new RawString(randomText(rng));
  if (kind === 3)
    return fill(new ListValue(), size, (list) => list.pushTail(randomText(rng, lengths)));
  if (kind === 4) {
    const integers = rng.below(2) === 0;
    const member = () => (integers ? String(rng.below(1e6) - 5e5) : randomText(rng, lengths));
    return fill(new SetValue(), size, (set) => set.add(member()));
  }
  if (kind === 5) {
    return fill(new HashValue(), size, (hash) => {
      hash.set(randomText(rng, lengths), randomText(rng, lengths));
    });
  }
  const scores = [0, 1, -1.5, 1e20, 0.1, 3.25e-7, Infinity, -Infinity, 12345678901];
  return fill(new SortedSetValue(), size, (zset) => {
    zset.set(randomText(rng, lengths), scores[rng.below(scores.length)]!);
  });
}

function fill<T>(value: T, size: number, add: (value: T) => void): T {
  for (let i = 0; i < size; i++) add(value);
  return value;
}

export function fillKeyspace(keyspace: Keyspace, rng: Rng, keys: number): void {
  for (let i = 0; i < keys; i++) {
    const database = keyspace.database(rng.below(3) === 0 ? 5 : 0);
    const key = rng.below(10) === 0 ? `${i}${randomText(rng, SMALL)}` : `key:${i}`;
    database.set(key, randomValue(rng));
    if (rng.below(3) === 0) database.setExpireAt(key, 4e12 + i);
  }
}
