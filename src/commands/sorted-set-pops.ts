// Owns: taking members from an end of a sorted set: ZPOPMIN, ZPOPMAX, ZMPOP (never blocking).

import type { SortedSetValue } from '../keyspace/sorted-set.js';
import { DoubleReply, ErrorReply, NULL_ARRAY, PairsReply, type Reply } from '../resp/reply.js';
import { editSortedSet } from './access.js';
import {
  atLeastOne,
  EDITS_COUNTED_KEYS,
  EDITS_KEY,
  nonNegative,
  settle,
} from './collection-arguments.js';
import { SYNTAX } from './errors.js';
import type { CommandContext, DataCommand } from './spec.js';

type ScoreEnd = 'min' | 'max';

const NO_KEYS_COUNT = new ErrorReply('ERR numkeys should be greater than 0');
const NO_COUNT = new ErrorReply('ERR count should be greater than 0');

type Args = readonly string[];

/** Takes up to `count` members from one end, outermost first: member, score, member, score... */
function popMembers(
  context: CommandContext,
  key: string,
  sortedSet: SortedSetValue,
  options: { readonly end: ScoreEnd; readonly count: number },
): Reply[] {
  const items: Reply[] = [];
  for (let left = Math.min(options.count, sortedSet.size); left > 0; left--) {
    const [member, score] = sortedSet.at(options.end === 'min' ? 0 : sortedSet.size - 1)!;
    sortedSet.delete(member);
    items.push(member, new DoubleReply(score));
  }
  settle(context, key, sortedSet.size);
  return items;
}

function pop(end: ScoreEnd): DataCommand['run'] {
  return (context, args) => {
    if (args.length > 3) return SYNTAX;
    const count = args.length === 3 ? nonNegative(args[2]!) : 1;
    const sortedSet = editSortedSet(context, args[1]!);
    if (sortedSet === undefined || count === 0) return [];
    const items = popMembers(context, args[1]!, sortedSet, { end, count });
    return args.length === 3 ? new PairsReply(items) : items;
  };
}

function zmpop(context: CommandContext, args: Args): Reply {
  const keyCount = atLeastOne(args[1]!, NO_KEYS_COUNT);
  const end = args[keyCount + 2]?.toLowerCase();
  if (end !== 'min' && end !== 'max') return SYNTAX;
  let count = 1;
  if (args.length > keyCount + 3) {
    if (args[keyCount + 3]!.toLowerCase() !== 'count' || args.length < keyCount + 5) return SYNTAX;
    count = atLeastOne(args[keyCount + 4]!, NO_COUNT);
    if (args.length > keyCount + 5) return SYNTAX;
  }
  for (let i = 2; i < keyCount + 2; i++) {
    const key = args[i]!;
    const sortedSet = editSortedSet(context, key);
    if (sortedSet === undefined) continue;
    return [key, nested(popMembers(context, key, sortedSet, { end, count }))];
  }
  return NULL_ARRAY;
}

/** Pairs that are arrays in RESP2 too. */
function nested(items: readonly Reply[]): Reply[] {
  const result: Reply[] = [];
  for (let i = 0; i < items.length; i += 2) result.push([items[i]!, items[i + 1]!]);
  return result;
}

export const sortedSetPopCommands: readonly DataCommand[] = [
  {
    name: 'zpopmin',
    arity: -2,
    flags: ['write', 'fast'],
    keys: EDITS_KEY,
    group: 'sorted-set',
    since: '5.0.0',
    summary: 'Takes the members with the lowest scores.',
    complexity: 'O(M log N), M the members returned',
    run: pop('min'),
  },
  {
    name: 'zpopmax',
    arity: -2,
    flags: ['write', 'fast'],
    keys: EDITS_KEY,
    group: 'sorted-set',
    since: '5.0.0',
    summary: 'Takes the members with the highest scores.',
    complexity: 'O(M log N), M the members returned',
    run: pop('max'),
  },
  {
    name: 'zmpop',
    arity: -4,
    flags: ['write', 'movablekeys'],
    keys: EDITS_COUNTED_KEYS,
    group: 'sorted-set',
    since: '7.0.0',
    summary: 'Takes members from an end of the first of several sorted sets that exists.',
    complexity: 'O(K + M log N), K the keys given, M the members returned',
    run: zmpop,
  },
];
