// Owns: the list commands (those that never block). A list exists while it has an element.
// Moves and pops from several keys are in list-moves.ts.

import { ListValue } from '../keyspace/list.js';
import { ErrorReply, NULL_ARRAY, OK, type Reply } from '../resp/reply.js';
import { editList, readList } from './access.js';
import { argument, integer } from './arguments.js';
import {
  EDITS_KEY,
  indexRange,
  nonNegative,
  READS_KEY,
  settle,
  symmetricInteger,
} from './collection-arguments.js';
import { INDEX_OUT_OF_RANGE, NO_SUCH_KEY, SYNTAX, wrongArity } from './errors.js';
import { type ListEnd, listMoveCommands, popMany } from './list-moves.js';
import type { CommandContext, CommandFlag, DataCommand } from './spec.js';

const ZERO_RANK = new ErrorReply(
  "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... " +
    'or use negative to start from the end of the list',
);
const NEGATIVE_COUNT = new ErrorReply("ERR COUNT can't be negative");
const NEGATIVE_MAXLEN = new ErrorReply("ERR MAXLEN can't be negative");

type Args = readonly string[];
type Run = DataCommand['run'];

function push(end: ListEnd, onlyExisting: boolean): Run {
  return (context, args) => {
    const found = editList(context, args[1]!);
    if (found === undefined && onlyExisting) return 0;
    const list = found ?? new ListValue();
    list.pushAll(args, 2, end === 'left' ? 'head' : 'tail');
    if (found === undefined) context.db.set(args[1]!, list);
    else context.db.touch(args[1]!);
    return list.length;
  };
}

function pop(end: ListEnd): Run {
  return (context, args) => {
    if (args.length > 3) return wrongArity(args[0]!.toLowerCase());
    const hasCount = args.length === 3;
    const count = hasCount ? nonNegative(args[2]!) : 1;
    const list = editList(context, args[1]!);
    if (list === undefined) return hasCount ? NULL_ARRAY : null;
    if (hasCount) return count === 0 ? [] : popMany(context, args[1]!, list, { end, count });
    const value = end === 'left' ? list.popHead() : list.popTail();
    settle(context, args[1]!, list.length);
    return value!;
  };
}

function llen(context: CommandContext, args: Args): Reply {
  return readList(context, args[1]!)?.length ?? 0;
}

function lindex(context: CommandContext, args: Args): Reply {
  const list = readList(context, args[1]!);
  if (list === undefined) return null;
  const index = integer(args[2]!);
  return list.get(index < 0 ? list.length + index : index) ?? null;
}

function lset(context: CommandContext, args: Args): Reply {
  const list = editList(context, args[1]!);
  if (list === undefined) return NO_SUCH_KEY;
  const index = integer(args[2]!);
  const at = index < 0 ? list.length + index : index;
  if (at < 0 || at >= list.length) return INDEX_OUT_OF_RANGE;
  list.set(at, args[3]!);
  context.db.touch(args[1]!);
  return OK;
}

function lrange(context: CommandContext, args: Args): Reply {
  const first = integer(args[2]!);
  const last = integer(args[3]!);
  const list = readList(context, args[1]!);
  if (list === undefined) return [];
  const { start, end } = indexRange(first, last, list.length);
  return list.slice(start, end);
}

function ltrim(context: CommandContext, args: Args): Reply {
  const first = integer(args[2]!);
  const last = integer(args[3]!);
  const list = editList(context, args[1]!);
  if (list === undefined) return OK;
  const { start, end } = indexRange(first, last, list.length);
  for (let excess = list.length - end; excess > 0; excess--) list.popTail();
  for (let excess = start; excess > 0; excess--) list.popHead();
  settle(context, args[1]!, list.length);
  return OK;
}

function lrem(context: CommandContext, args: Args): Reply {
  const count = integer(args[2]!);
  const list = editList(context, args[1]!);
  if (list === undefined) return 0;
  const limit = count === 0 ? Number.POSITIVE_INFINITY : Math.abs(count);
  const removed = list.removeEqual(args[3]!, limit, count < 0);
  if (removed > 0) settle(context, args[1]!, list.length);
  return removed;
}

function linsert(context: CommandContext, args: Args): Reply {
  const where = args[2]!.toLowerCase();
  if (where !== 'before' && where !== 'after') return SYNTAX;
  const list = editList(context, args[1]!);
  if (list === undefined) return 0;
  const pivot = args[3]!;
  let at = 0;
  for (const value of list) {
    if (value === pivot) break;
    at++;
  }
  if (at === list.length) {
    // Redis decides on the encoding before it looks for the pivot.
    list.willGrow(args[4]!.length);
    return -1;
  }
  list.insertAt(where === 'after' ? at + 1 : at, args[4]!);
  context.db.touch(args[1]!);
  return list.length;
}

interface Position {
  rank: number;
  /** Null: one position is wanted, not an array. 0: all. */
  count: number | null;
  /** Elements to compare; 0 for no limit. */
  limit: number;
}

function parsePosition(args: Args): Position {
  const position: Position = { rank: 1, count: null, limit: 0 };
  for (let i = 3; i < args.length; i += 2) {
    const word = args[i]!.toLowerCase();
    const text = argument(args, i + 1);
    if (word === 'rank') {
      position.rank = symmetricInteger(text);
      if (position.rank === 0) throw ZERO_RANK;
    } else if (word === 'count') {
      position.count = nonNegative(text, NEGATIVE_COUNT);
    } else if (word === 'maxlen') {
      position.limit = nonNegative(text, NEGATIVE_MAXLEN);
    } else {
      throw SYNTAX;
    }
  }
  return position;
}

function lpos(context: CommandContext, args: Args): Reply {
  const { rank, count, limit } = parsePosition(args);
  const list = readList(context, args[1]!);
  if (list === undefined) return count === null ? null : [];
  const wanted = count === null ? 1 : count === 0 ? Number.POSITIVE_INFINITY : count;
  const stop = limit === 0 ? Number.POSITIVE_INFINITY : limit;
  const found: number[] = [];
  let skip = Math.abs(rank) - 1;
  let index = 0;
  for (const value of rank < 0 ? list.reversed() : list) {
    if (index >= stop) break;
    if (value === args[2] && skip-- <= 0) {
      found.push(rank < 0 ? list.length - 1 - index : index);
      if (found.length >= wanted) break;
    }
    index++;
  }
  return count === null ? (found[0] ?? null) : found;
}

const READ: readonly CommandFlag[] = ['readonly'];
const READ_FAST: readonly CommandFlag[] = ['readonly', 'fast'];
const WRITE: readonly CommandFlag[] = ['write', 'denyoom'];
const WRITE_FAST: readonly CommandFlag[] = ['write', 'denyoom', 'fast'];
const REMOVE: readonly CommandFlag[] = ['write'];
const REMOVE_FAST: readonly CommandFlag[] = ['write', 'fast'];

export const listCommands: readonly DataCommand[] = [
  {
    name: 'lpush',
    arity: -3,
    flags: WRITE_FAST,
    keys: EDITS_KEY,
    group: 'list',
    since: '1.0.0',
    summary: 'Puts elements before the head, one after another.',
    complexity: 'O(N) in the number of elements given',
    run: push('left', false),
  },
  {
    name: 'rpush',
    arity: -3,
    flags: WRITE_FAST,
    keys: EDITS_KEY,
    group: 'list',
    since: '1.0.0',
    summary: 'Puts elements behind the tail, one after another.',
    complexity: 'O(N) in the number of elements given',
    run: push('right', false),
  },
  {
    name: 'lpushx',
    arity: -3,
    flags: WRITE_FAST,
    keys: EDITS_KEY,
    group: 'list',
    since: '2.2.0',
    summary: 'Puts elements before the head of a list that exists.',
    complexity: 'O(N) in the number of elements given',
    run: push('left', true),
  },
  {
    name: 'rpushx',
    arity: -3,
    flags: WRITE_FAST,
    keys: EDITS_KEY,
    group: 'list',
    since: '2.2.0',
    summary: 'Puts elements behind the tail of a list that exists.',
    complexity: 'O(N) in the number of elements given',
    run: push('right', true),
  },
  {
    name: 'lpop',
    arity: -2,
    flags: REMOVE_FAST,
    keys: EDITS_KEY,
    group: 'list',
    since: '1.0.0',
    summary: 'Takes elements from the head.',
    complexity: 'O(N) in the number of elements returned',
    run: pop('left'),
  },
  {
    name: 'rpop',
    arity: -2,
    flags: REMOVE_FAST,
    keys: EDITS_KEY,
    group: 'list',
    since: '1.0.0',
    summary: 'Takes elements from the tail.',
    complexity: 'O(N) in the number of elements returned',
    run: pop('right'),
  },
  {
    name: 'llen',
    arity: 2,
    flags: READ_FAST,
    keys: READS_KEY,
    group: 'list',
    since: '1.0.0',
    summary: 'Counts the elements.',
    complexity: 'O(1)',
    run: llen,
  },
  {
    name: 'lindex',
    arity: 3,
    flags: READ,
    keys: READS_KEY,
    group: 'list',
    since: '1.0.0',
    summary: 'Reads the element at an index, from the tail when negative.',
    complexity: 'O(N/256) in the distance to the nearer end',
    run: lindex,
  },
  {
    name: 'lset',
    arity: 4,
    flags: WRITE,
    keys: EDITS_KEY,
    group: 'list',
    since: '1.0.0',
    summary: 'Replaces the element at an index.',
    complexity: 'O(N/256) in the distance to the nearer end',
    run: lset,
  },
  {
    name: 'lrange',
    arity: 4,
    flags: READ,
    keys: READS_KEY,
    group: 'list',
    since: '1.0.0',
    summary: 'Reads the elements between two indexes, both included.',
    complexity: 'O(S/256+N), S the distance to the nearer end, N the elements returned',
    run: lrange,
  },
  {
    name: 'ltrim',
    arity: 4,
    flags: REMOVE,
    keys: EDITS_KEY,
    group: 'list',
    since: '1.0.0',
    summary: 'Keeps the elements between two indexes and removes the others.',
    complexity: 'O(N) in the number of elements removed',
    run: ltrim,
  },
  {
    name: 'lrem',
    arity: 4,
    flags: REMOVE,
    keys: EDITS_KEY,
    group: 'list',
    since: '1.0.0',
    summary: 'Removes elements equal to a value, from either end or everywhere.',
    complexity: 'O(N) in the length of the list',
    run: lrem,
  },
  {
    name: 'linsert',
    arity: 5,
    flags: WRITE,
    keys: EDITS_KEY,
    group: 'list',
    since: '2.2.0',
    summary: 'Puts an element before or after the first one equal to a pivot.',
    complexity: 'O(N) in the distance from the head to the pivot',
    run: linsert,
  },
  {
    name: 'lpos',
    arity: -3,
    flags: READ,
    keys: READS_KEY,
    group: 'list',
    since: '6.0.6',
    summary: 'Finds the indexes of elements equal to a value.',
    complexity: 'O(N) in the number of elements compared',
    run: lpos,
  },
  ...listMoveCommands,
];
