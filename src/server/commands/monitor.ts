// Owns: MONITOR: connections that are shown every command this node's clients send, as Redis prints
// them. Administrative commands are not shown and passwords are blanked out, as in the slowlog.
// While nobody watches, `Server.monitor` is null and the hot path pays one comparison.

import { OK, type Reply, SimpleString } from '../../resp/reply.js';
import type { Client } from '../client.js';
import type { ServerCommand } from '../command.js';
import type { Server } from '../server.js';
import { redact } from '../slowlog.js';
import { ADMIN, refusal, rowsOf } from './row.js';

const IN_MULTI = refusal("MONITOR isn't allowed for DENY BLOCKING client");

const watchersByServer = new WeakMap<Server, Set<Client>>();

function watchersOf(server: Server): Set<Client> {
  const known = watchersByServer.get(server);
  if (known !== undefined) return known;
  const watchers = new Set<Client>();
  watchersByServer.set(server, watchers);
  server.onClientClosed((client) => stopMonitoring(client, server));
  return watchers;
}

/** RESET, and the end of a connection. */
export function stopMonitoring(client: Client, server: Server): void {
  if (!client.monitoring) return;
  client.monitoring = false;
  const watchers = watchersOf(server);
  watchers.delete(client);
  if (watchers.size === 0) server.monitor = null;
}

function monitor(client: Client, _args: readonly string[], server: Server): Reply {
  if (client.inMulti) return IN_MULTI;
  const watchers = watchersOf(server);
  watchers.add(client);
  client.monitoring = true;
  server.monitor = (sender, args) => {
    const line = new SimpleString(lineOf(sender, redact(args, server.settings), server));
    for (const watcher of watchers) watcher.push(line);
  };
  return OK;
}

/** Seconds since 1970 with six decimals, database and address, then each argument in quotes. */
function lineOf(sender: Client, args: readonly string[], server: Server): string {
  const now = server.clock.now();
  const seconds = Math.floor(now / 1000);
  const micros = String(Math.floor((now - seconds * 1000) * 1000)).padStart(6, '0');
  return `${seconds}.${micros} [${sender.db} ${sender.remote}] ${args.map(quoted).join(' ')}`;
}

const ESCAPES: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  '"': '\\"',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\x07': '\\a',
  '\b': '\\b',
};

function quoted(text: string): string {
  const escaped = text.replace(
    /[^ !#-[\]-~]/g,
    (byte) => ESCAPES[byte] ?? `\\x${byte.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
  return `"${escaped}"`;
}

export const monitorCommands: readonly ServerCommand[] = [
  rowsOf('server')({
    name: 'monitor',
    arity: 1,
    flags: ADMIN,
    since: '1.0.0',
    summary: "Shows every command that this node's clients send.",
    run: monitor,
  }),
];
