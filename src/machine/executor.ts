// Owns: running one data command against the keyspace: lookup, arity, the context it sees, errors
// into replies. Used by the machine for writes, by reads on this node, and by scripts for
// redis.call.

import { AssertionError } from '../base/assert.js';
import { Rng } from '../base/rng.js';
import { wrongArity } from '../commands/errors.js';
import { dataCommands, parentNames } from '../commands/registry.js';
import type { Scripting } from '../commands/scripting-runtime.js';
import type { CommandContext, DataCommand } from '../commands/spec.js';
import type { Database } from '../keyspace/database.js';
import type { Keyspace } from '../keyspace/keyspace.js';
import { ErrorReply, type Reply } from '../resp/reply.js';

/** Spellings remembered by lookup; clients use one or two for each command. */
const SPELLINGS_MAX = 4096;

/** The context of the entry or read that is running; one object, reset for each. */
export class ExecutionContext implements CommandContext {
  readonly keyspace: Keyspace;
  db: Database;
  now = 0;
  clock = 0;
  inScript = false;
  readonly scripting: Scripting | null;
  #seed = 0;
  #rng: Rng | null = null;

  constructor(keyspace: Keyspace, scripting: Scripting | null = null) {
    this.keyspace = keyspace;
    this.scripting = scripting;
    this.db = keyspace.database(0);
  }

  /** Made on first use: most entries never draw. */
  get rng(): Rng {
    this.#rng ??= new Rng(this.#seed);
    return this.#rng;
  }

  begin(now: number, clock: number, seed: number, db: number): void {
    this.db = this.keyspace.database(db);
    this.now = now;
    this.clock = clock;
    this.inScript = false;
    this.#seed = seed;
    this.#rng = null;
  }
}

const spellings = new Map<string, DataCommand>();
/** The last word looked up and its command: a pipeline repeats itself. */
let lastWord = '';
let lastCommand: DataCommand | null = null;

/**
 * The command that `args` name, or null. Case-insensitive; a parent takes its subcommand from
 * args[1].
 */
export function findCommand(args: readonly string[]): DataCommand | null {
  const word = args[0]!;
  if (word === lastWord) return lastCommand;
  const known = spellings.get(word);
  if (known !== undefined) {
    lastWord = word;
    lastCommand = known;
    return known;
  }
  const name = word.toLowerCase();
  if (parentNames.has(name)) {
    return dataCommands.get(`${name}|${(args[1] ?? '').toLowerCase()}`) ?? null;
  }
  const command = dataCommands.get(name);
  if (command === undefined) return null;
  if (spellings.size < SPELLINGS_MAX) spellings.set(word, command);
  return command;
}

export function arityMatches(command: DataCommand, count: number): boolean {
  return command.arity >= 0 ? count === command.arity : count >= -command.arity;
}

/**
 * Runs a command and turns what it throws into its reply. Anything but an ErrorReply is a bug in
 * the command: it is the same on every member, so it becomes an error reply rather than the end of
 * the cluster; `onBug` tells the operator.
 */
export function execute(
  command: DataCommand,
  context: CommandContext,
  args: readonly string[],
  onBug: (command: string, error: unknown) => void,
): Reply {
  if (!arityMatches(command, args.length)) return wrongArity(command.name);
  try {
    return command.run(context, args);
  } catch (error) {
    if (error instanceof ErrorReply) return error;
    if (error instanceof AssertionError) throw error;
    onBug(command.name, error);
    return new ErrorReply(`ERR internal error in '${command.name}', see the server log`);
  }
}
