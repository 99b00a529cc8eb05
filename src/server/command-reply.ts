// Owns: the shapes COMMAND answers in: INFO (an array of ten) and DOCS (a map), for RESP2 and RESP3
// alike.

import type { CommandFlag, CommandInfo } from '../commands/spec.js';
import { MapReply, type Reply, SetReply, SimpleString } from '../resp/reply.js';
import { categoriesOf } from './acl-categories.js';
import type { CatalogueNode } from './command-catalogue.js';
import { tipsOf } from './command-tips.js';
import { type KeyPlace, type KeySpecification, keySpecifications } from './key-specs.js';

/** The order in which Redis prints flags. */
const FLAG_ORDER: readonly CommandFlag[] = [
  'write',
  'readonly',
  'denyoom',
  'admin',
  'pubsub',
  'noscript',
  'blocking',
  'loading',
  'stale',
  'skip_monitor',
  'skip_slowlog',
  'fast',
  'no_auth',
  'no_async_loading',
  'no_multi',
  'no_mandatory_keys',
  'movablekeys',
  'allow_busy',
];

function words(list: readonly string[]): SetReply {
  return new SetReply(list.map((word) => new SimpleString(word)));
}

/** A parent without a row of its own is just slow. */
function categoryWords(info: CommandInfo, runs: boolean): string[] {
  return (runs ? categoriesOf(info) : ['slow']).map((category) => `@${category}`);
}

/** One element of COMMAND INFO. */
export function infoReply(node: CatalogueNode): Reply {
  const { info, runs, children } = node;
  const flags = FLAG_ORDER.filter((flag) => info.flags.includes(flag));
  const below = children.map((child) => infoReply({ info: child, runs: true, children: [] }));
  return [
    info.name,
    info.arity,
    words(flags),
    info.keys.first,
    info.keys.last,
    info.keys.step,
    words(categoryWords(info, runs)),
    new SetReply(tipsOf(info.name)),
    new SetReply(keySpecifications(info).map(specificationReply)),
    below.length === 0 ? new SetReply([]) : below,
  ];
}

function specificationReply({ flags, place }: KeySpecification): Reply {
  return new MapReply([
    'flags',
    words(flags),
    'begin_search',
    placeReply(...beginSearch(place)),
    'find_keys',
    placeReply(...findKeys(place)),
  ]);
}

function placeReply(type: string, items: readonly Reply[]): Reply {
  return new MapReply(['type', type, 'spec', new MapReply(items)]);
}

type Place = [type: string, items: readonly Reply[]];

function beginSearch(place: KeyPlace): Place {
  return place.type === 'unknown' ? ['unknown', []] : ['index', ['index', place.begin]];
}

function findKeys(place: KeyPlace): Place {
  if (place.type === 'unknown') return ['unknown', []];
  const { step } = place;
  if (place.type === 'range') {
    return ['range', ['lastkey', place.lastKey, 'keystep', step, 'limit', 0]];
  }
  const { numberAt, firstKey } = place;
  return ['keynum', ['keynumidx', numberAt, 'firstkey', firstKey, 'keystep', step]];
}

/** Name and documentation of one command, two items of the map COMMAND DOCS answers. */
export function docsItems(node: CatalogueNode): readonly Reply[] {
  const { info, children } = node;
  const items: Reply[] = ['summary', info.summary, 'since', info.since, 'group', info.group];
  if (info.complexity !== undefined) items.push('complexity', info.complexity);
  if (children.length > 0) {
    const below = children.map((child) => docsItems({ info: child, runs: true, children: [] }));
    items.push('subcommands', new MapReply(below.flat()));
  }
  return [info.name, new MapReply(items)];
}
