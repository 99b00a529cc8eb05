// Owns: typed access to keys for command functions. Each throws WRONG_TYPE when the key holds
// something else. `read*` for commands that only look; `edit*` for those that will change the value
// in place and then touch the key.

import { HashValue } from '../keyspace/hash.js';
import { ListValue } from '../keyspace/list.js';
import { RawString } from '../keyspace/raw-string.js';
import { SetValue } from '../keyspace/set.js';
import { SortedSetValue } from '../keyspace/sorted-set.js';
import type { CollectionValue, StringValue, Value } from '../keyspace/value.js';
import { WRONG_TYPE } from './errors.js';
import type { CommandContext } from './spec.js';

type Kind<T extends CollectionValue> = abstract new () => T;

function expectKind<T extends CollectionValue>(
  value: Value | undefined,
  kind: Kind<T>,
): T | undefined {
  if (value === undefined || value instanceof kind) return value;
  throw WRONG_TYPE;
}

/** The text of a string value. */
export function textOf(value: StringValue): string {
  return typeof value === 'string' ? value : String(value);
}

function expectString(value: Value | undefined): StringValue | undefined {
  if (typeof value !== 'object' || value instanceof RawString) return value;
  throw WRONG_TYPE;
}

export function readString(context: CommandContext, key: string): string | undefined {
  const value = expectString(context.db.lookup(key, context.now));
  return value === undefined ? undefined : textOf(value);
}

/** The stored form, for commands that look at bytes (GETBIT, GETRANGE) or numbers. */
export function readStringValue(context: CommandContext, key: string): StringValue | undefined {
  return expectString(context.db.lookup(key, context.now));
}

export function editString(context: CommandContext, key: string): StringValue | undefined {
  return expectString(context.db.lookupWrite(key, context.now));
}

export function readHash(context: CommandContext, key: string): HashValue | undefined {
  return expectKind(context.db.lookup(key, context.now), HashValue);
}

export function editHash(context: CommandContext, key: string): HashValue | undefined {
  return expectKind(context.db.lookupWrite(key, context.now), HashValue);
}

export function readList(context: CommandContext, key: string): ListValue | undefined {
  return expectKind(context.db.lookup(key, context.now), ListValue);
}

export function editList(context: CommandContext, key: string): ListValue | undefined {
  return expectKind(context.db.lookupWrite(key, context.now), ListValue);
}

export function readSet(context: CommandContext, key: string): SetValue | undefined {
  return expectKind(context.db.lookup(key, context.now), SetValue);
}

export function editSet(context: CommandContext, key: string): SetValue | undefined {
  return expectKind(context.db.lookupWrite(key, context.now), SetValue);
}

export function readSortedSet(context: CommandContext, key: string): SortedSetValue | undefined {
  return expectKind(context.db.lookup(key, context.now), SortedSetValue);
}

export function editSortedSet(context: CommandContext, key: string): SortedSetValue | undefined {
  return expectKind(context.db.lookupWrite(key, context.now), SortedSetValue);
}
