// Owns: our side of a comparison: dataCommands over a Keyspace, as the machine runs them, without
// log or sockets.
// SELECT, arity and unknown commands are answered here because the server does so in the real
// thing.

import { Rng } from '../../src/base/rng.js';
import { wrongArity } from '../../src/commands/errors.js';
import { dataCommands, parentNames } from '../../src/commands/registry.js';
import type { CommandContext, DataCommand } from '../../src/commands/spec.js';
import { Keyspace } from '../../src/keyspace/keyspace.js';
import { ErrorReply, OK, type Reply } from '../../src/resp/reply.js';

export class Subject {
  keyspace = new Keyspace();
  /** Replicated time of the next commands, ms. */
  now = Date.now();
  inScript = false;
  rng = new Rng(1);
  #db = 0;
  #index = 0;

  reset(): void {
    this.keyspace = new Keyspace();
    this.#db = 0;
  }

  context(): CommandContext {
    return {
      keyspace: this.keyspace,
      db: this.keyspace.database(this.#db),
      now: this.now,
      clock: this.now,
      rng: this.rng,
      inScript: this.inScript,
    };
  }

  /** One command as its own log entry. */
  execute(args: readonly string[]): Reply {
    this.keyspace.beginEntry(++this.#index);
    const word = (args[0] ?? '').toLowerCase();
    if (word === 'select') {
      this.#db = Number(args[1]);
      return OK;
    }
    const command = findCommand(word, args);
    if (command instanceof ErrorReply) return command;
    try {
      return command.run(this.context(), args);
    } catch (error) {
      if (error instanceof ErrorReply) return error;
      throw error;
    }
  }

  knows(args: readonly string[]): boolean {
    const word = args[0]!.toLowerCase();
    return word === 'select' || parentNames.has(word) || dataCommands.has(word);
  }
}

function findCommand(word: string, args: readonly string[]): DataCommand | ErrorReply {
  const isParent = parentNames.has(word) && args.length > 1;
  const name = isParent ? `${word}|${args[1]!.toLowerCase()}` : word;
  const command = dataCommands.get(name);
  if (command === undefined) {
    if (isParent) {
      const help = `Try ${word.toUpperCase()} HELP.`;
      return new ErrorReply(`ERR unknown subcommand '${args[1]}'. ${help}`);
    }
    return new ErrorReply(`ERR unknown command '${args[0]}' (subject)`);
  }
  const count = args.length;
  const fits = command.arity < 0 ? count >= -command.arity : count === command.arity;
  return fits ? command : wrongArity(name);
}
