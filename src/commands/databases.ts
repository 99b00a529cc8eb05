// Owns: commands on whole databases: their size, emptying and exchanging them.

import { DATABASE_COUNT } from '../keyspace/keyspace.js';
import { ErrorReply, OK, type Reply } from '../resp/reply.js';
import { int32 } from './arguments.js';
import { DATABASE_OUT_OF_RANGE, SYNTAX } from './errors.js';
import { type CommandContext, type DataCommand, NO_KEYS } from './spec.js';

type Args = readonly string[];

const INVALID_FIRST = new ErrorReply('ERR invalid first DB index');
const INVALID_SECOND = new ErrorReply('ERR invalid second DB index');
const FLUSH_MODES: ReadonlySet<string> = new Set(['sync', 'async']);

/**
 * Counts keys that are dead but not reclaimed too, as Redis does; a script must not see when that
 * happens.
 */
function dbsize(context: CommandContext): Reply {
  const { db, now } = context;
  if (!context.inScript || db.volatileSize === 0) return db.size;
  let live = 0;
  for (const _key of db.liveKeys(now)) live++;
  return live;
}

/** Freeing is the garbage collector's work either way, so the modes differ in nothing. */
function checkMode(args: Args): void {
  if (args.length === 1) return;
  if (args.length > 2 || !FLUSH_MODES.has(args[1]!.toLowerCase())) throw SYNTAX;
}

function flushdb(context: CommandContext, args: Args): Reply {
  checkMode(args);
  context.keyspace.flush(context.db);
  return OK;
}

function flushall(context: CommandContext, args: Args): Reply {
  checkMode(args);
  for (const database of context.keyspace.databases) context.keyspace.flush(database);
  return OK;
}

function swapdb(context: CommandContext, args: Args): Reply {
  const first = int32(args[1]!, INVALID_FIRST, INVALID_FIRST);
  const second = int32(args[2]!, INVALID_SECOND, INVALID_SECOND);
  const beyond = (index: number): boolean => index < 0 || index >= DATABASE_COUNT;
  if (beyond(first) || beyond(second)) throw DATABASE_OUT_OF_RANGE;
  const { keyspace } = context;
  if (first !== second) keyspace.swap(keyspace.database(first), keyspace.database(second));
  return OK;
}

const SERVER = { keys: NO_KEYS, group: 'server' } as const;

export const databaseCommands: readonly DataCommand[] = [
  {
    ...SERVER,
    name: 'dbsize',
    arity: 1,
    flags: ['readonly', 'fast'],
    since: '1.0.0',
    summary: 'Counts the keys of the database.',
    complexity: 'O(1)',
    run: dbsize,
  },
  {
    ...SERVER,
    name: 'flushdb',
    arity: -1,
    flags: ['write'],
    since: '1.0.0',
    summary: 'Removes every key of the database.',
    complexity: 'O(1)',
    run: flushdb,
  },
  {
    ...SERVER,
    name: 'flushall',
    arity: -1,
    flags: ['write'],
    since: '1.0.0',
    summary: 'Removes every key of all databases.',
    complexity: 'O(1)',
    run: flushall,
  },
  {
    ...SERVER,
    name: 'swapdb',
    arity: 3,
    flags: ['write', 'fast'],
    since: '4.0.0',
    summary: 'Exchanges the contents of two databases.',
    complexity: 'O(1)',
    run: swapdb,
  },
];
