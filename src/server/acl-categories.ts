// Owns: the ACL categories of commands. Most follow from flags and group; the rest is a short list
// of exceptions, as Redis 7.2 prints them. Names without @.

import type { CommandGroup, CommandInfo } from '../commands/spec.js';

/** In Redis' order: ACL CAT and COMMAND INFO print it. */
export const CATEGORIES = [
  'keyspace',
  'read',
  'write',
  'set',
  'sortedset',
  'list',
  'hash',
  'string',
  'bitmap',
  'hyperloglog',
  'geo',
  'stream',
  'pubsub',
  'admin',
  'fast',
  'slow',
  'blocking',
  'dangerous',
  'connection',
  'transaction',
  'scripting',
] as const;

export type Category = (typeof CATEGORIES)[number];

export function isCategory(name: string): name is Category {
  return (CATEGORIES as readonly string[]).includes(name);
}

const OF_GROUP: Readonly<Partial<Record<CommandGroup, Category>>> = {
  generic: 'keyspace',
  string: 'string',
  bitmap: 'bitmap',
  list: 'list',
  set: 'set',
  'sorted-set': 'sortedset',
  hash: 'hash',
  connection: 'connection',
  transactions: 'transaction',
  scripting: 'scripting',
  pubsub: 'pubsub',
};

/** Added (+) to and taken (-) from what flags and group say. */
const EXCEPTIONS: Readonly<Record<string, string>> = {
  flushdb: '+dangerous +keyspace',
  flushall: '+dangerous +keyspace',
  swapdb: '+dangerous +keyspace',
  dbsize: '+keyspace',
  keys: '+dangerous',
  restore: '+dangerous',
  sort: '+dangerous +list +set +sortedset -keyspace',
  sort_ro: '+dangerous +list +set +sortedset -keyspace',
  eval_ro: '-read',
  evalsha_ro: '-read',
  info: '+dangerous',
  role: '+admin +dangerous',
  lastsave: '+admin +dangerous',
  wait: '+connection -keyspace',
  waitaof: '+connection -keyspace',
  readonly: '+connection',
  readwrite: '+connection',
  command: '+connection',
  'command|count': '+connection',
  'command|list': '+connection',
  'command|info': '+connection',
  'command|docs': '+connection',
  'command|getkeys': '+connection',
  'command|getkeysandflags': '+connection',
  'command|help': '+connection',
  'pubsub|help': '-pubsub',
};

export function categoriesOf(command: CommandInfo): Category[] {
  const { flags, group, name } = command;
  const found = new Set<string>([flags.includes('fast') ? 'fast' : 'slow']);
  if (flags.includes('write')) found.add('write');
  if (flags.includes('readonly')) found.add('read');
  if (flags.includes('pubsub')) found.add('pubsub');
  if (flags.includes('blocking')) found.add('blocking');
  if (flags.includes('admin')) found.add('admin').add('dangerous');
  const own = OF_GROUP[group];
  if (own !== undefined) found.add(own);
  const exceptions = Object.hasOwn(EXCEPTIONS, name) ? EXCEPTIONS[name]!.split(' ') : [];
  for (const change of exceptions) {
    if (change.startsWith('+')) found.add(change.slice(1));
    else found.delete(change.slice(1));
  }
  return CATEGORIES.filter((category) => found.has(category));
}
