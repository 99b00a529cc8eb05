// Owns: the short way to write a row of a server command table, and HELP subcommands. Defaults, no
// behaviour.

import { type CommandFlag, type CommandGroup, NO_KEYS } from '../../commands/spec.js';
import { ErrorReply, type Reply, SimpleString } from '../../resp/reply.js';
import type { ServerCommand } from '../command.js';

export type Row = Omit<ServerCommand, 'group' | 'keys'>;

/** Makes rows of one group that have no keys. */
export function rowsOf(group: CommandGroup): (row: Row) => ServerCommand {
  return (row) => ({ ...row, group, keys: NO_KEYS });
}

/** Flags of most administrative subcommands. */
export const ADMIN: readonly CommandFlag[] = ['admin', 'noscript', 'loading', 'stale'];
/** Flags of harmless ones that a script may not call. */
export const NO_SCRIPT: readonly CommandFlag[] = ['noscript', 'loading', 'stale'];
export const ALWAYS: readonly CommandFlag[] = ['loading', 'stale'];

/** The `parent|help` row. `lines` alternates usage and indented explanation. */
export function helpRow(
  group: CommandGroup,
  parent: string,
  since: string,
  lines: readonly string[],
): ServerCommand {
  const title = `${parent.toUpperCase()} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:`;
  const text = [title, ...lines, 'HELP', '    Print this help.'];
  const reply: Reply = text.map((line) => new SimpleString(line));
  return {
    name: `${parent}|help`,
    arity: 2,
    flags: ALWAYS,
    keys: NO_KEYS,
    group,
    since,
    summary: 'Lists the subcommands.',
    complexity: 'O(1)',
    run: () => reply,
  };
}

export function refusal(text: string): ErrorReply {
  return new ErrorReply(`ERR ${text}`);
}
