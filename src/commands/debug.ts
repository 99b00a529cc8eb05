// Owns: the subcommands of DEBUG that look at data, and those that tune things Helios does not
// have, which are accepted so that test suites written for Redis run. What concerns the process
// (SLEEP, RELOAD...) is the server's.

import { hexadecimal } from '../base/sha1.js';
import { keyBytes, valueBytes } from '../keyspace/memory.js';
import { ErrorReply, OK, type Reply, SimpleString } from '../resp/reply.js';
import { keyspaceDigest, valueDigest } from './digest.js';
import { NO_SUCH_KEY } from './errors.js';
import { encodingOf } from './object.js';
import { type CommandContext, type DataCommand, NO_KEYS } from './spec.js';

type Args = readonly string[];

const NOT_LISTPACK = new ErrorReply('ERR Not a listpack encoded object.');
const LISTPACK_SEEN = new SimpleString('Helios keeps no listpack; the encoding is by size only');

function digest(context: CommandContext): Reply {
  return new SimpleString(hexadecimal(keyspaceDigest(context.keyspace)));
}

function digestValue(context: CommandContext, args: Args): Reply {
  return args.slice(2).map((key) => new SimpleString(hexadecimal(valueDigest(context.db, key))));
}

/** `serializedlength` is the estimate of memory.ts: nothing here serialises a single value. */
function object(context: CommandContext, args: Args): Reply {
  const { table } = context.db;
  const slot = table.find(args[2]!);
  if (slot < 0) throw NO_SUCH_KEY;
  const value = table.valueAt(slot)!;
  const access = context.keyspace.readAccess(table.accessAt(slot));
  const idle = access.kind === 'idle' ? access.seconds : 0;
  const bytes = keyBytes(args[2]!) + valueBytes(value);
  const address = `0x${slot.toString(16).padStart(12, '0')}`;
  return new SimpleString(
    `Value at:${address} refcount:1 encoding:${encodingOf(value, context.inScript)} ` +
      `serializedlength:${bytes} lru:${table.accessAt(slot)} lru_seconds_idle:${idle}`,
  );
}

function listpack(context: CommandContext, args: Args): Reply {
  const value = context.db.peek(args[2]!, context.now);
  if (value === undefined) throw NO_SUCH_KEY;
  if (encodingOf(value, context.inScript) !== 'listpack') throw NOT_LISTPACK;
  return LISTPACK_SEEN;
}

function row(
  name: string,
  arity: number,
  summary: string,
  run: (context: CommandContext, args: Args) => Reply,
): DataCommand {
  return {
    name: `debug|${name}`,
    arity,
    flags: ['admin', 'noscript', 'loading', 'stale'],
    keys: NO_KEYS,
    group: 'server',
    since: '1.0.0',
    summary,
    run,
  };
}

const accepted = (): Reply => OK;

export const debugCommands: readonly DataCommand[] = [
  row('digest', 2, 'Digest of all data, equal to that of a Redis with the same data.', digest),
  row('digest-value', -2, 'Digests of the values under the named keys.', digestValue),
  row('object', 3, 'Facts about the value under a key.', object),
  row('listpack', 3, 'Tells whether a value is small enough to be a listpack in Redis.', listpack),
  row('set-active-expire', 3, 'Accepted without effect: expiry follows the log.', accepted),
  row('quicklist-packed-threshold', 3, 'Accepted without effect.', accepted),
  row('stringmatch-len', 4, 'Accepted without effect.', accepted),
  row('jmap', -2, 'Accepted without effect.', accepted),
  row('change-repl-id', 2, 'Accepted without effect.', accepted),
];
