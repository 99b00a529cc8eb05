// Owns: SLOWLOG. The log itself is ../slowlog.ts.

import { integer } from '../../commands/arguments.js';
import { OK, type Reply } from '../../resp/reply.js';
import type { Client } from '../client.js';
import type { ServerCommand } from '../command.js';
import type { Server } from '../server.js';
import type { SlowlogEntry } from '../slowlog.js';
import { helpRow, refusal, rowsOf } from './row.js';

const row = rowsOf('server');

const DEFAULT_COUNT = 10;

function slowlogGet(_client: Client, args: readonly string[], server: Server): Reply {
  let count = DEFAULT_COUNT;
  if (args[2] !== undefined) {
    const invalid = refusal('count should be greater than or equal to -1');
    count = integer(args[2], invalid);
    if (count < -1) return invalid;
  }
  return server.instruments.slowlog.latest(count).map(entryReply);
}

function entryReply(entry: SlowlogEntry): Reply {
  return [entry.id, entry.time, entry.micros, entry.args, entry.remote, entry.clientName];
}

export const slowlogCommands: readonly ServerCommand[] = [
  row({
    name: 'slowlog|get',
    arity: -2,
    flags: ['admin', 'loading', 'stale'],
    since: '2.2.12',
    summary: 'The latest slow commands, newest first.',
    complexity: 'O(N) where N is the number of entries returned',
    run: slowlogGet,
  }),
  row({
    name: 'slowlog|len',
    arity: 2,
    flags: ['admin', 'loading', 'stale'],
    since: '2.2.12',
    summary: 'How many slow commands are kept.',
    complexity: 'O(1)',
    run: (_client, _args, server) => server.instruments.slowlog.length,
  }),
  row({
    name: 'slowlog|reset',
    arity: 2,
    flags: ['admin', 'loading', 'stale'],
    since: '2.2.12',
    summary: 'Forgets the slow commands.',
    complexity: 'O(N) where N is the number of entries in the slowlog',
    run: (_client, _args, server) => {
      server.instruments.slowlog.reset();
      return OK;
    },
  }),
  helpRow('server', 'slowlog', '6.2.0', [
    'GET [<count>]',
    '    The latest entries (default: 10, -1: all): id, seconds since 1970, microseconds,',
    '    arguments, address and name of the client.',
    'LEN',
    '    How many entries are kept.',
    'RESET',
    '    Forget them.',
  ]),
];
