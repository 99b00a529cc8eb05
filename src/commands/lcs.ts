// Owns: LCS: the longest common subsequence of two strings, by the textbook table of prefix
// lengths.
// Which of several longest ones is answered, and how ranges are cut, follows Redis: walk back from
// the ends, prefer to step in the second string on a tie, and close a range at the first byte of
// either string.

import { RawString } from '../keyspace/raw-string.js';
import { ErrorReply, MapReply, type Reply } from '../resp/reply.js';
import { textOf } from './access.js';
import { argument, integer } from './arguments.js';
import { SYNTAX } from './errors.js';
import type { CommandContext, DataCommand } from './spec.js';

const NOT_STRINGS = new ErrorReply('ERR The specified keys must contain string values');
const AMBIGUOUS = new ErrorReply(
  'ERR If you want both the length and indexes, please just use IDX.',
);
const TABLE_TOO_LARGE = new ErrorReply(
  'ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len',
);
/** Bytes of the table, four a cell: Redis's default proto-max-bulk-len. */
const TABLE_BYTES_MAX = 512 * 2 ** 20;

interface Options {
  length: boolean;
  indexes: boolean;
  minimum: number;
  withLength: boolean;
}

function parseOptions(args: readonly string[]): Options {
  const options: Options = { length: false, indexes: false, minimum: 0, withLength: false };
  for (let i = 3; i < args.length; i++) {
    const word = args[i]!.toLowerCase();
    if (word === 'idx') options.indexes = true;
    else if (word === 'len') options.length = true;
    else if (word === 'withmatchlen') options.withLength = true;
    else if (word === 'minmatchlen') options.minimum = Math.max(0, integer(argument(args, ++i)));
    else throw SYNTAX;
  }
  if (options.length && options.indexes) throw AMBIGUOUS;
  return options;
}

function stringAt(context: CommandContext, key: string): string {
  const value = context.db.lookup(key, context.now);
  if (value === undefined) return '';
  if (typeof value === 'object' && !(value instanceof RawString)) throw NOT_STRINGS;
  return textOf(value);
}

function lcs(context: CommandContext, args: readonly string[]): Reply {
  const a = stringAt(context, args[1]!);
  const b = stringAt(context, args[2]!);
  const options = parseOptions(args);
  if ((a.length + 1) * (b.length + 1) * 4 > TABLE_BYTES_MAX) throw TABLE_TOO_LARGE;
  const table = prefixLengths(a, b);
  const length = table[table.length - 1]!;
  if (options.length) return length;
  const walk = walkBack(a, b, table);
  if (!options.indexes) return walk.common;
  const wanted = walk.ranges.filter((range) => range.length >= options.minimum);
  return new MapReply([
    'matches',
    wanted.map((range) => rangeReply(range, options)),
    'len',
    length,
  ]);
}

/** Cell i * (b.length + 1) + j: the length for the first i bytes of a and the first j of b. */
function prefixLengths(a: string, b: string): Uint32Array {
  const width = b.length + 1;
  const table = new Uint32Array((a.length + 1) * width);
  for (let i = 1; i <= a.length; i++) {
    const byte = a.charCodeAt(i - 1);
    const row = i * width;
    for (let j = 1; j <= b.length; j++) {
      const above = table[row - width + j]!;
      const left = table[row + j - 1]!;
      if (byte === b.charCodeAt(j - 1)) table[row + j] = table[row - width + j - 1]! + 1;
      else table[row + j] = Math.max(above, left);
    }
  }
  return table;
}

/** A stretch that is equal in both: `length` bytes from `a` and from `b`. */
interface Range {
  readonly a: number;
  readonly b: number;
  readonly length: number;
}

function walkBack(a: string, b: string, table: Uint32Array): { common: string; ranges: Range[] } {
  const width = b.length + 1;
  const ranges: Range[] = [];
  let common = '';
  let i = a.length;
  let j = b.length;
  while (i > 0 && j > 0) {
    if (a[i - 1] !== b[j - 1]) {
      if (table[(i - 1) * width + j]! > table[i * width + j - 1]!) i--;
      else j--;
      continue;
    }
    const end = i;
    while (i > 0 && j > 0 && a[i - 1] === b[j - 1]) {
      i--;
      j--;
    }
    common = a.slice(i, end) + common;
    ranges.push({ a: i, b: j, length: end - i });
  }
  return { common, ranges };
}

function rangeReply(range: Range, options: Options): Reply {
  const inA = [range.a, range.a + range.length - 1];
  const inB = [range.b, range.b + range.length - 1];
  return options.withLength ? [inA, inB, range.length] : [inA, inB];
}

export const lcsCommand: DataCommand = {
  name: 'lcs',
  arity: -3,
  flags: ['readonly'],
  keys: { first: 1, last: 2, step: 1, use: 'RO' },
  group: 'string',
  since: '7.0.0',
  summary: 'Finds the longest common subsequence of two strings.',
  complexity: 'O(N*M) in the lengths of the strings',
  run: lcs,
};
