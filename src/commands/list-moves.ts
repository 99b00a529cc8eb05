// Owns: list commands that take from one of several keys or move between two: LMOVE, RPOPLPUSH,
// LMPOP.
// What BLMOVE, BLPOP and BLMPOP do once an element is there is the same work; the server proposes
// these commands.

import { ListValue } from '../keyspace/list.js';
import { ErrorReply, NULL_ARRAY, type Reply } from '../resp/reply.js';
import { editList } from './access.js';
import { atLeastOne, EDITS_COUNTED_KEYS, EDITS_TWO_KEYS, settle } from './collection-arguments.js';
import { SYNTAX } from './errors.js';
import type { CommandContext, DataCommand } from './spec.js';

export type ListEnd = 'left' | 'right';

const NO_KEYS_COUNT = new ErrorReply('ERR numkeys should be greater than 0');
const NO_COUNT = new ErrorReply('ERR count should be greater than 0');

type Args = readonly string[];

function listEnd(text: string): ListEnd {
  const word = text.toLowerCase();
  if (word !== 'left' && word !== 'right') throw SYNTAX;
  return word;
}

/** Takes up to `count` elements from one end, the outermost first. */
export function popMany(
  context: CommandContext,
  key: string,
  list: ListValue,
  options: { readonly end: ListEnd; readonly count: number },
): string[] {
  const values: string[] = [];
  for (let left = Math.min(options.count, list.length); left > 0; left--) {
    values.push((options.end === 'left' ? list.popHead() : list.popTail())!);
  }
  settle(context, key, list.length);
  return values;
}

function move(
  context: CommandContext,
  keys: { readonly source: string; readonly destination: string },
  ends: { readonly from: ListEnd; readonly to: ListEnd },
): Reply {
  const source = editList(context, keys.source);
  if (source === undefined) return null;
  const found = editList(context, keys.destination);
  const value = (ends.from === 'left' ? source.popHead() : source.popTail())!;
  const destination = found ?? new ListValue();
  if (ends.to === 'left') destination.pushHead(value);
  else destination.pushTail(value);
  if (found === undefined) context.db.set(keys.destination, destination);
  else context.db.touch(keys.destination);
  if (source !== destination) settle(context, keys.source, source.length);
  return value;
}

function lmove(context: CommandContext, args: Args): Reply {
  const ends = { from: listEnd(args[3]!), to: listEnd(args[4]!) };
  return move(context, { source: args[1]!, destination: args[2]! }, ends);
}

function rpoplpush(context: CommandContext, args: Args): Reply {
  return move(context, { source: args[1]!, destination: args[2]! }, { from: 'right', to: 'left' });
}

function lmpop(context: CommandContext, args: Args): Reply {
  const keyCount = atLeastOne(args[1]!, NO_KEYS_COUNT);
  const endWord = args[keyCount + 2];
  if (endWord === undefined) return SYNTAX;
  const end = listEnd(endWord);
  let count = 1;
  if (args.length > keyCount + 3) {
    if (args[keyCount + 3]!.toLowerCase() !== 'count' || args.length < keyCount + 5) return SYNTAX;
    count = atLeastOne(args[keyCount + 4]!, NO_COUNT);
    if (args.length > keyCount + 5) return SYNTAX;
  }
  for (let i = 2; i < keyCount + 2; i++) {
    const list = editList(context, args[i]!);
    if (list !== undefined) return [args[i]!, popMany(context, args[i]!, list, { end, count })];
  }
  return NULL_ARRAY;
}

export const listMoveCommands: readonly DataCommand[] = [
  {
    name: 'lmove',
    arity: 5,
    flags: ['write', 'denyoom'],
    keys: EDITS_TWO_KEYS,
    group: 'list',
    since: '6.2.0',
    summary: 'Takes an element from one end of a list and puts it on an end of another.',
    complexity: 'O(1)',
    run: lmove,
  },
  {
    name: 'rpoplpush',
    arity: 3,
    flags: ['write', 'denyoom'],
    keys: EDITS_TWO_KEYS,
    group: 'list',
    since: '1.2.0',
    summary: 'Takes the tail of a list and puts it before the head of another.',
    complexity: 'O(1)',
    run: rpoplpush,
  },
  {
    name: 'lmpop',
    arity: -4,
    flags: ['write', 'movablekeys'],
    keys: EDITS_COUNTED_KEYS,
    group: 'list',
    since: '7.0.0',
    summary: 'Takes elements from the first of several lists that exists.',
    complexity: 'O(N+M) in the keys given and the elements returned',
    run: lmpop,
  },
];
