// Owns: commands that the server answers for clients and a script may call too, as they work inside
// a script; and the names of the others, so that a script is told "not allowed" and not "unknown".

import type { Reply } from '../resp/reply.js';
import { ErrorReply, OK, PONG } from '../resp/reply.js';
import { database } from './arguments.js';
import type { CommandContext } from './spec.js';

export interface SpecialCommand {
  readonly arity: number;
  readonly run: (context: CommandContext, args: readonly string[]) => Reply;
}

/**
 * Seconds and microseconds of the entry's time, in decimal: the same on every member, at every run
 * of the log.
 */
function time(context: CommandContext): Reply {
  const { clock } = context;
  return [String(Math.floor(clock / 1000)), String(Math.floor((clock % 1000) * 1000))];
}

function select(context: CommandContext, args: readonly string[]): Reply {
  try {
    context.db = database(context, args[1]!);
    return OK;
  } catch (error) {
    if (error instanceof ErrorReply) return error;
    throw error;
  }
}

const SPECIALS: ReadonlyMap<string, SpecialCommand> = new Map([
  ['time', { arity: 1, run: time }],
  ['select', { arity: 2, run: select }],
  ['ping', { arity: -1, run: (_context, args) => args[1] ?? PONG }],
  ['echo', { arity: 2, run: (_context, args) => args[1]! }],
]);

export function findSpecial(args: readonly string[]): SpecialCommand | undefined {
  const word = args[0]!;
  return word.length > 6 ? undefined : SPECIALS.get(word.toLowerCase());
}

/** Redis commands that need a connection, the server or another script. */
export const SERVER_ONLY: ReadonlySet<string> = new Set([
  ...['acl', 'asking', 'auth', 'bgrewriteaof', 'bgsave', 'client', 'cluster', 'command', 'config'],
  ...['discard', 'exec', 'failover', 'hello', 'info', 'lastsave', 'latency', 'module', 'monitor'],
  ...['multi', 'psubscribe', 'psync', 'publish', 'pubsub', 'punsubscribe', 'quit', 'readonly'],
  ...['readwrite', 'replconf', 'replicaof', 'reset', 'restore-asking', 'role', 'save', 'shutdown'],
  ...['slaveof', 'slowlog', 'spublish', 'ssubscribe', 'subscribe', 'sunsubscribe', 'swapdb'],
  ...['sync', 'unsubscribe', 'unwatch', 'wait', 'waitaof', 'watch'],
]);
