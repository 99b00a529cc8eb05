// Owns: SORT and SORT_RO: a list, set or sorted set in another order, or other keys' values picked
// by its elements.
// Ties are broken by the bytes of the elements, and text compares by bytes (the C locale), so that
// what STORE keeps is the same on every member.

import { parseDouble } from '../base/numbers.js';
import { HashValue } from '../keyspace/hash.js';
import { ListValue } from '../keyspace/list.js';
import { RawString } from '../keyspace/raw-string.js';
import { SetValue } from '../keyspace/set.js';
import { SortedSetValue } from '../keyspace/sorted-set.js';
import { ErrorReply, type Reply } from '../resp/reply.js';
import { textOf } from './access.js';
import { argument, integer } from './arguments.js';
import { SYNTAX, WRONG_TYPE } from './errors.js';
import type { CommandContext, DataCommand, KeySpec } from './spec.js';

type Args = readonly string[];
type Sortable = ListValue | SetValue | SortedSetValue;

const NOT_DOUBLES = new ErrorReply("ERR One or more scores can't be converted into double");

interface Options {
  descending: boolean;
  alpha: boolean;
  offset: number;
  /** Negative: no limit. */
  count: number;
  by: string | null;
  /** Some BY had no star: the order stays as it is, whatever other BY there is. */
  keepOrder: boolean;
  store: string | null;
  get: string[];
}

function parseOptions(args: Args, readOnly: boolean): Options {
  const options: Options = {
    descending: false,
    alpha: false,
    offset: 0,
    count: -1,
    by: null,
    keepOrder: false,
    store: null,
    get: [],
  };
  for (let i = 2; i < args.length; i++) {
    const word = args[i]!.toLowerCase();
    if (word === 'asc' || word === 'desc') options.descending = word === 'desc';
    else if (word === 'alpha') options.alpha = true;
    else if (word === 'by') setBy(options, argument(args, ++i));
    else if (word === 'get') options.get.push(argument(args, ++i));
    else if (word === 'store' && !readOnly) options.store = argument(args, ++i);
    else if (word === 'limit' && i + 2 < args.length) {
      options.offset = integer(args[++i]!);
      options.count = integer(args[++i]!);
    } else throw SYNTAX;
  }
  return options;
}

function setBy(options: Options, pattern: string): void {
  options.by = pattern;
  if (starIn(pattern) < 0) options.keepOrder = true;
}

/** A pattern as C sees it: it ends at a NUL for the search of `*` and `->`. */
function starIn(pattern: string): number {
  const end = pattern.indexOf('\0');
  const star = pattern.indexOf('*');
  return end >= 0 && star > end ? -1 : star;
}

/** The value a BY or GET pattern leads to from an element; null when there is none. */
function follow(context: CommandContext, pattern: string, element: string): string | null {
  if (pattern === '#') return element;
  const star = starIn(pattern);
  if (star < 0) return null;
  const arrow = pattern.indexOf('->', star + 1);
  const isField = arrow >= 0 && arrow + 2 < pattern.length;
  const end = isField ? arrow : pattern.length;
  const key = pattern.slice(0, star) + element + pattern.slice(star + 1, end);
  const value = context.db.lookup(key, context.now);
  if (isField) {
    return value instanceof HashValue ? (value.get(pattern.slice(arrow + 2)) ?? null) : null;
  }
  if (value === undefined) return null;
  return typeof value !== 'object' || value instanceof RawString ? textOf(value) : null;
}

function sortable(context: CommandContext, key: string): Sortable | null {
  const value = context.db.lookup(key, context.now);
  if (value === undefined) return null;
  if (value instanceof ListValue || value instanceof SetValue || value instanceof SortedSetValue) {
    return value;
  }
  throw WRONG_TYPE;
}

function elementsOf(value: Sortable | null): string[] {
  if (value === null) return [];
  if (!(value instanceof SortedSetValue)) return [...value];
  const members: string[] = [];
  for (const [member] of value) members.push(member);
  return members;
}

function byBytes(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

interface Weighted {
  readonly element: string;
  readonly score: number;
  /** Null: the BY pattern leads nowhere, which sorts first. */
  readonly text: string | null;
}

function weigh(context: CommandContext, element: string, options: Options): Weighted {
  const text = options.by === null ? element : follow(context, options.by, element);
  if (options.alpha || text === null) return { element, score: 0, text };
  const score = text === '' ? 0 : parseDouble(text.replace(/^[ \t-\r]+/, ''));
  if (score === null) throw NOT_DOUBLES;
  return { element, score, text };
}

function compareWeights(a: Weighted, b: Weighted, alpha: boolean): number {
  if (!alpha) return a.score < b.score ? -1 : a.score > b.score ? 1 : byBytes(a.element, b.element);
  if (a.text === null || b.text === null) {
    if (a.text !== b.text) return a.text === null ? -1 : 1;
    return byBytes(a.element, b.element);
  }
  return byBytes(a.text, b.text) || byBytes(a.element, b.element);
}

function sorted(context: CommandContext, elements: readonly string[], options: Options): string[] {
  const weights = elements.map((element) => weigh(context, element, options));
  const sign = options.descending ? -1 : 1;
  weights.sort((a, b) => sign * compareWeights(a, b, options.alpha));
  return weights.map((weight) => weight.element);
}

function ordered(context: CommandContext, key: string, options: Options): string[] {
  const value = sortable(context, key);
  const elements = elementsOf(value);
  if (!options.keepOrder) return sorted(context, elements, options);
  if (value instanceof SetValue) {
    // A set has no order of its own that members or scripts could rely on.
    const stable = options.store !== null || context.inScript;
    return stable ? sorted(context, elements, { ...options, by: null, alpha: true }) : elements;
  }
  return options.descending ? elements.reverse() : elements;
}

function limited(elements: readonly string[], options: Options): readonly string[] {
  const start = Math.max(0, options.offset);
  return elements.slice(start, options.count < 0 ? undefined : start + options.count);
}

function run(context: CommandContext, args: Args, readOnly: boolean): Reply {
  const options = parseOptions(args, readOnly);
  const elements = limited(ordered(context, args[1]!, options), options);
  let output: readonly (string | null)[] = elements;
  if (options.get.length > 0) {
    output = elements.flatMap((element) =>
      options.get.map((pattern) => follow(context, pattern, element)),
    );
  }
  return options.store === null ? output : storeList(context, options.store, output);
}

function storeList(
  context: CommandContext,
  key: string,
  output: readonly (string | null)[],
): Reply {
  if (output.length > 0) {
    const list = new ListValue();
    for (const text of output) list.pushTail(text ?? '');
    context.db.set(key, list);
  } else if (context.db.lookupWrite(key, context.now) !== undefined) {
    context.db.delete(key);
  }
  return output.length;
}

/**
 * The sorted key, and the last STORE destination. Keys behind BY and GET depend on the data and are
 * not named.
 */
function findKeys(args: Args): readonly number[] {
  let store = 0;
  for (let i = 2; i < args.length; i++) {
    const word = args[i]!.toLowerCase();
    if (word === 'limit') i += 2;
    else if (word === 'get' || word === 'by') i++;
    else if (word === 'store' && i + 1 < args.length) store = i + 1;
  }
  return store === 0 ? [1] : [1, store];
}

const KEYS: KeySpec = { first: 1, last: 1, step: 1, use: 'RO', find: findKeys };

export const sortCommands: readonly DataCommand[] = [
  {
    name: 'sort',
    arity: -2,
    flags: ['write', 'denyoom', 'movablekeys'],
    keys: KEYS,
    group: 'generic',
    since: '1.0.0',
    summary:
      'Sorts a list, set or sorted set, by itself or by other keys, and may store the result.',
    complexity: 'O(N*log(N)+M) for N elements and M answered',
    run: (context, args) => run(context, args, false),
  },
  {
    name: 'sort_ro',
    arity: -2,
    flags: ['readonly', 'movablekeys'],
    keys: { first: 1, last: 1, step: 1, use: 'RO', find: () => [1] },
    group: 'generic',
    since: '7.0.0',
    summary: 'Sorts a list, set or sorted set, by itself or by other keys.',
    complexity: 'O(N*log(N)+M) for N elements and M answered',
    run: (context, args) => run(context, args, true),
  },
];
