// Owns: what a command is. A family file is a table of these rows; registry.ts joins the tables.
// COMMAND, dispatch, the machine, scripts and the documentation all read the same rows.

import type { Rng } from '../base/rng.js';
import type { Database } from '../keyspace/database.js';
import type { Keyspace } from '../keyspace/keyspace.js';
import type { Reply } from '../resp/reply.js';
import type { Scripting } from './scripting-runtime.js';

/** Names as COMMAND INFO prints them (Redis command flags). */
export type CommandFlag =
  | 'write'
  | 'readonly'
  | 'denyoom'
  | 'admin'
  | 'pubsub'
  | 'noscript'
  | 'blocking'
  | 'loading'
  | 'stale'
  | 'skip_monitor'
  | 'skip_slowlog'
  | 'fast'
  | 'no_auth'
  | 'movablekeys'
  | 'no_mandatory_keys'
  | 'no_multi'
  | 'no_async_loading'
  | 'allow_busy';

export type CommandGroup =
  | 'generic'
  | 'string'
  | 'bitmap'
  | 'list'
  | 'set'
  | 'sorted-set'
  | 'hash'
  | 'connection'
  | 'server'
  | 'scripting'
  | 'transactions'
  | 'cluster'
  | 'pubsub';

/** How one group of keys is used (COMMAND key specification flags). */
export type KeyUse = 'RO' | 'RW' | 'OW' | 'RM';

/**
 * Where keys stand in the arguments. `first` is 1-based with args[0] the command name; `last` may
 * be negative (-1 the last argument). first 0: no keys. `find` names the positions when they depend
 * on other arguments (then the flag is `movablekeys`); it answers an empty list when the arguments
 * make no sense.
 */
export interface KeySpec {
  readonly first: number;
  readonly last: number;
  readonly step: number;
  readonly use?: KeyUse;
  readonly find?: (args: readonly string[]) => readonly number[];
}

export const NO_KEYS: KeySpec = { first: 0, last: 0, step: 0 };
export const ONE_KEY: KeySpec = { first: 1, last: 1, step: 1 };
export const ALL_KEYS: KeySpec = { first: 1, last: -1, step: 1 };

/** Facts about a command that do not depend on who executes it. */
export interface CommandInfo {
  /** Lower case. A subcommand's name is `parent|child`. */
  readonly name: string;
  /**
   * Number of arguments with the name; negative: at least that many. Subcommands count the parent
   * word too.
   */
  readonly arity: number;
  readonly flags: readonly CommandFlag[];
  readonly keys: KeySpec;
  readonly group: CommandGroup;
  /** Redis version that introduced it, for COMMAND DOCS. */
  readonly since: string;
  /** One sentence of our own for COMMAND DOCS. */
  readonly summary: string;
  readonly complexity?: string;
}

/**
 * What a data command may see. Everything in it is a function of the log for a write, so that each
 * member computes the same result; a read gets the node's own clock and generator where the fields
 * say so.
 */
export interface CommandContext {
  readonly keyspace: Keyspace;
  /** The selected database of the connection, script or transaction. */
  db: Database;
  /** Replicated time in ms: the only time that decides whether a key lives. */
  readonly now: number;
  /**
   * Time in ms for display in reads (TTL, TIME): the node's clock, never less than `now`; in a
   * write it is `now`.
   */
  readonly clock: number;
  /** Seeded from the entry for a write, from the node's entropy for a read. */
  readonly rng: Rng;
  /**
   * True inside EVAL: unordered results must be sorted before a script sees them (KEYS, SCAN,
   * RANDOMKEY...).
   */
  inScript: boolean;
  /**
   * The machine's interpreter and script cache; null where there is none (tests of other families).
   */
  readonly scripting?: Scripting | null;
}

/**
 * A command that works on the keyspace only. `args[0]` is the name as sent. Five beats: parse,
 * check, mutate, touch, reply.
 */
export interface DataCommand extends CommandInfo {
  readonly run: (context: CommandContext, args: readonly string[]) => Reply;
}
