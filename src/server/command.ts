// Owns: commands that need the connection or the server rather than the keyspace (connection,
// server, transactions). They are rows of the same shape as data commands, so COMMAND and dispatch
// treat all alike.

import type { CommandInfo } from '../commands/spec.js';
import type { Reply } from '../resp/reply.js';
import type { Client } from './client.js';
import type { Server } from './server.js';

/** Returned instead of a reply by a command that answers later through `Client.resolve`. */
export const LATER = Symbol('answered later');

/** Returned by a command that answers nothing (CLIENT REPLY OFF, QUIT after its own write). */
export const NOTHING = Symbol('no answer');

export type ServerResult = Reply | typeof LATER | typeof NOTHING;

export interface ServerCommand extends CommandInfo {
  readonly run: (client: Client, args: readonly string[], server: Server) => ServerResult;
  /**
   * True: does not depend on replies still owed to this connection, nor changes how they are
   * written, so it need not wait for them (PING, SELECT). Others run when all commands before them
   * have been answered.
   */
  readonly immediate?: boolean;
}
