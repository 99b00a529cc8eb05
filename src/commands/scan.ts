// Owns: finding keys: KEYS, SCAN, RANDOMKEY.
// A SCAN cursor is the next slot of the KeyTable to look at; a key keeps its slot for life, so one
// that is there from the first call to the last is answered. Slots differ between members, so
// inside a script, whose writes must not, everything is in key order: SCAN then answers all keys at
// once with cursor 0 (COUNT is only a hint).

import { globMatches } from '../base/glob.js';
import { type TypeName, typeName } from '../keyspace/value.js';
import { ErrorReply, type Reply } from '../resp/reply.js';
import { argument, integer } from './arguments.js';
import { SYNTAX } from './errors.js';
import { type CommandContext, type DataCommand, NO_KEYS } from './spec.js';

type Args = readonly string[];

const INVALID_CURSOR = new ErrorReply('ERR invalid cursor');
const UINT64_MAX = 2n ** 64n - 1n;

interface Filter {
  /** Null matches every key. */
  pattern: string | null;
  /** Null for every type; a name that is no type matches nothing. */
  type: string | null;
  count: number;
}

function parseFilter(args: Args): Filter {
  const filter: Filter = { pattern: null, type: null, count: 10 };
  for (let i = 2; i < args.length; i++) {
    const word = args[i]!.toLowerCase();
    if (word === 'count') {
      filter.count = integer(argument(args, ++i));
      if (filter.count < 1) throw SYNTAX;
    } else if (word === 'match') {
      const pattern = argument(args, ++i);
      filter.pattern = pattern === '*' ? null : pattern;
    } else if (word === 'type') {
      filter.type = argument(args, ++i).toLowerCase();
    } else {
      throw SYNTAX;
    }
  }
  return filter;
}

/**
 * A cursor as C's strtoul reads it; numbers beyond any slot end the scan. Throws for other text.
 * Shared by SCAN, HSCAN, SSCAN and ZSCAN.
 */
export function parseCursor(text: string): number {
  if (text === '') return 0;
  if (!/^[+-]?[0-9]+$/.test(text)) throw INVALID_CURSOR;
  const value = BigInt(text.replace('+', ''));
  const magnitude = value < 0n ? -value : value;
  if (magnitude > UINT64_MAX) throw INVALID_CURSOR;
  return Number(BigInt.asUintN(64, value));
}

function passes(context: CommandContext, filter: Filter, key: string): boolean {
  if (filter.pattern !== null && !globMatches(filter.pattern, key)) return false;
  if (filter.type === null) return true;
  const value = context.db.peek(key, context.now);
  return value !== undefined && typeName(value) === (filter.type as TypeName);
}

function scan(context: CommandContext, args: Args): Reply {
  const cursor = parseCursor(args[1]!);
  const filter = parseFilter(args);
  if (context.inScript)
    return ['0', sortedKeys(context).filter((key) => passes(context, filter, key))];
  const { table } = context.db;
  const keys: string[] = [];
  let sampled = 0;
  let slot = cursor;
  // Removed keys leave empty slots: their number is bounded too, as in Redis.
  const last = Math.min(table.slotCount, cursor + 10 * filter.count);
  for (; slot < last && sampled < filter.count; slot++) {
    const key = table.keyAt(slot);
    if (key === undefined) continue;
    sampled++;
    if (context.db.has(key, context.now) && passes(context, filter, key)) keys.push(key);
  }
  return [slot < table.slotCount ? String(slot) : '0', keys];
}

function sortedKeys(context: CommandContext): string[] {
  return [...context.db.liveKeys(context.now)].sort(byBytes);
}

function byBytes(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function keys(context: CommandContext, args: Args): Reply {
  const pattern = args[1]!;
  const found: string[] = [];
  for (const key of context.db.liveKeys(context.now)) {
    if (pattern === '*' || globMatches(pattern, key)) found.push(key);
  }
  return context.inScript ? found.sort(byBytes) : found;
}

function randomkey(context: CommandContext): Reply {
  if (!context.inScript) return context.db.randomKey(context.rng, context.now) ?? null;
  const all = sortedKeys(context);
  return all[context.rng.below(Math.max(1, all.length))] ?? null;
}

export const scanCommands: readonly DataCommand[] = [
  {
    name: 'keys',
    arity: 2,
    flags: ['readonly'],
    keys: NO_KEYS,
    group: 'generic',
    since: '1.0.0',
    summary: 'Lists every key that matches a pattern.',
    complexity: 'O(N) in the number of keys',
    run: keys,
  },
  {
    name: 'scan',
    arity: -2,
    flags: ['readonly'],
    keys: NO_KEYS,
    group: 'generic',
    since: '2.8.0',
    summary: 'Lists the keys of the database in steps.',
    complexity: 'O(COUNT) a call, O(N) for all',
    run: scan,
  },
  {
    name: 'randomkey',
    arity: 1,
    flags: ['readonly'],
    keys: NO_KEYS,
    group: 'generic',
    since: '1.0.0',
    summary: 'Names a random key.',
    complexity: 'O(1)',
    run: randomkey,
  },
];
