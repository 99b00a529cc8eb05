// Owns: SAVE, BGSAVE, BGREWRITEAOF, LASTSAVE, SHUTDOWN. All three ways to save take a snapshot of
// the group's state (architecture D7), which is an RDB file and begins a new log; none stops the
// world.

import { SYNTAX } from '../../commands/errors.js';
import { OK, type Reply, SimpleString } from '../../resp/reply.js';
import type { Client } from '../client.js';
import { LATER, NOTHING, type ServerCommand, type ServerResult } from '../command.js';
import type { Server } from '../server.js';
import { refusal, rowsOf } from './row.js';

const row = rowsOf('server');

const SAVING = refusal('Background save already in progress');
const REWRITING = refusal('Background append only file rewriting already in progress');
const IN_MULTI = refusal('Command not allowed inside a transaction');
const SAVE_TEXTS = [
  new SimpleString('Background saving started'),
  new SimpleString('Background saving scheduled'),
] as const;
const REWRITE_TEXTS = [
  new SimpleString('Background append only file rewriting started'),
  new SimpleString('Background append only file rewriting scheduled'),
] as const;

function save(client: Client, _args: readonly string[], server: Server): ServerResult {
  if (server.group.persistence().snapshotRunning) return SAVING;
  if (client.inMulti) return IN_MULTI;
  server.group.snapshot(true).then(
    () => client.resolve(OK),
    (error: unknown) => client.resolve(refusal(`Snapshot failed: ${messageOf(error)}`)),
  );
  return LATER;
}

/** Text of an error on one line, as a reply must be. */
function messageOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.replace(/[\r\n]+/g, ' ');
}

/** `client` in EXEC is told that it was scheduled, as Redis does: it begins once EXEC is through. */
function startSnapshot(
  client: Client,
  server: Server,
  running: Reply,
  texts: readonly [started: Reply, scheduled: Reply],
): Reply {
  if (server.group.persistence().snapshotRunning) return running;
  // The outcome is in INFO persistence (rdb_last_bgsave_status) and in the log; nobody waits for it
  // here.
  server.group.snapshot(false).catch(() => {});
  return texts[client.inMulti ? 1 : 0];
}

function bgsave(client: Client, args: readonly string[], server: Server): Reply {
  if (args.length > 2 || (args.length === 2 && args[1]!.toLowerCase() !== 'schedule'))
    return SYNTAX;
  return startSnapshot(client, server, SAVING, SAVE_TEXTS);
}

const SHUTDOWN_WORDS: ReadonlySet<string> = new Set(['nosave', 'save', 'now', 'force', 'abort']);

/**
 * NOW and FORCE change nothing: no replica is waited for, and a failed snapshot never keeps the
 * process alive.
 */
function shutdown(_client: Client, args: readonly string[], server: Server): ServerResult {
  const words = new Set(args.slice(1).map((word) => word.toLowerCase()));
  for (const word of words) if (!SHUTDOWN_WORDS.has(word)) return SYNTAX;
  if (words.has('abort')) {
    return words.size > 1 ? SYNTAX : refusal('No shutdown in progress.');
  }
  if (words.has('save') && words.has('nosave')) return SYNTAX;
  server.shutdown({ save: words.has('save') });
  return NOTHING;
}

export const persistenceCommands: readonly ServerCommand[] = [
  row({
    name: 'save',
    arity: 1,
    flags: ['admin', 'noscript', 'no_async_loading', 'no_multi'],
    since: '1.0.0',
    summary: 'Takes a snapshot and answers when it is on disk; other clients go on.',
    complexity: 'O(N) where N is the total number of keys in all databases',
    run: save,
  }),
  row({
    name: 'bgsave',
    arity: -1,
    flags: ['admin', 'noscript', 'no_async_loading'],
    since: '1.0.0',
    summary: 'Starts a snapshot.',
    complexity: 'O(1)',
    run: bgsave,
  }),
  row({
    name: 'bgrewriteaof',
    arity: 1,
    flags: ['admin', 'noscript', 'no_async_loading'],
    since: '1.0.0',
    summary: 'Starts a snapshot, behind which the log begins anew.',
    complexity: 'O(1)',
    run: (client, _args, server) => startSnapshot(client, server, REWRITING, REWRITE_TEXTS),
  }),
  row({
    name: 'lastsave',
    arity: 1,
    flags: ['loading', 'stale', 'fast'],
    since: '1.0.0',
    summary: 'When the last snapshot was finished, in seconds since 1970.',
    complexity: 'O(1)',
    run: (_client, _args, server) => Math.floor(server.group.persistence().lastSnapshotAt / 1000),
  }),
  row({
    name: 'shutdown',
    arity: -1,
    flags: ['admin', 'noscript', 'loading', 'stale', 'no_multi', 'allow_busy'],
    since: '1.0.0',
    summary: 'Ends this node in good order; a leader hands over first.',
    complexity:
      'O(N) when saving, where N is the total number of keys in all databases when saving ' +
      'data, otherwise O(1)',
    run: shutdown,
  }),
];
