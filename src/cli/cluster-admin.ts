// Owns: helios-cli: members of a cluster and a few keys from the command line, through any node.
// Exit status 0: done; 1: refused, or nobody answered; 2: the command line is wrong; 3: the outcome
// is not known. Retries nothing: what was asked twice would be done twice.

import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { AdminClient, Unreachable } from './admin-client.js';

export interface Terminal {
  out(line: string): void;
  error(line: string): void;
  /** When none is given on the command line. */
  readonly password: string;
}

interface Options {
  readonly host: string;
  readonly port: number;
  readonly password?: string;
  readonly json?: boolean;
}

const STATUS = { done: 0, failed: 1, usage: 2, unknown: 3 } as const;

/** One subcommand: its arguments as commander writes them, and what is sent. */
interface Row {
  readonly name: string;
  readonly args: string;
  readonly help: string;
  readonly words: (args: readonly string[]) => readonly string[];
  /** How an answer is shown; as it is when absent. */
  readonly show?: (reply: unknown, json: boolean) => readonly string[];
}

const ROWS: readonly Row[] = [
  raft('addpeer', '<id> <addr>', 'add the node at this Raft address (host:port) to the cluster'),
  raft('removepeer', '<id>', 'remove a member; its data stays where it is'),
  raft('promote', '<id>', 'make a learner a voter'),
  raft('demote', '<id>', 'make a voter a learner'),
  raft('replace', '<old> <id> <addr>', 'put a new node in the place of a member'),
  raft('transfer', '[id]', 'hand leadership to this voter, or to the one that is furthest'),
  raft('reset', '<id>', 'throw away the data of the node at --host and --port, named as a check'),
  { ...raft('listpeers', '', 'list the members'), show: showPeers },
  { ...raft('status', '', 'show what the node knows of the cluster'), show: showStatus },
  data('get', '<key>', 'the value of a key', (args) => ['GET', ...args]),
  data('set', '<key> <value> [seconds]', 'set a key, for ever or for some seconds', setWords),
  data('del', '<key...>', 'delete keys', (args) => ['DEL', ...args]),
  data('expire', '<key> <seconds>', 'give a key a time to live', (args) => ['EXPIRE', ...args]),
  data('ttl', '<key>', 'seconds a key has left; -1: for ever, -2: no such key', (args) => {
    return ['TTL', ...args];
  }),
];

function raft(name: string, args: string, help: string): Row {
  return { name, args, help, words: (given) => [`RAFT.${name.toUpperCase()}`, ...given] };
}

function data(name: string, args: string, help: string, words: Row['words']): Row {
  return { name, args, help, words };
}

function setWords([key, value, seconds]: readonly string[]): readonly string[] {
  return ['SET', key!, value!, ...(seconds === undefined ? [] : ['EX', seconds])];
}

function showPeers(reply: unknown, json: boolean): readonly string[] {
  const lines = (reply as readonly string[]).map(String);
  return json ? [JSON.stringify(lines.map((line) => fieldsOf(line.split(' '), '=')))] : lines;
}

function showStatus(reply: unknown, json: boolean): readonly string[] {
  const lines = String(reply)
    .split('\r\n')
    .filter((line) => line !== '');
  return json ? [JSON.stringify(fieldsOf(lines, ':'))] : lines;
}

function fieldsOf(texts: readonly string[], separator: string): Record<string, string> {
  return Object.fromEntries(
    texts.map((text) => {
      const at = text.indexOf(separator);
      return [text.slice(0, at), text.slice(at + 1)];
    }),
  );
}

/** Integers as redis-cli shows them in a pipe; a key that is not there as `(nil)`. */
function showReply(reply: unknown): readonly string[] {
  if (reply === null) return ['(nil)'];
  return Array.isArray(reply) ? reply.map(String) : [String(reply)];
}

/** Runs one command line; resolves with the exit status. */
export async function runClusterAdmin(
  args: readonly string[],
  terminal: Terminal,
): Promise<number> {
  let status: number = STATUS.done;
  const program = new Command('helios-cli')
    .description('Members of a Helios cluster, and a few keys, through any of its nodes')
    .option('--host <host>', 'node to ask', '127.0.0.1')
    .option('-p, --port <port>', 'its client port', portOf, 6379)
    .option('-a, --password <password>', 'of the default user (or HELIOS_PASSWORD)')
    .option('--json', 'listpeers and status as JSON')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => terminal.out(text.trimEnd()),
      writeErr: (text) => terminal.error(text.trimEnd()),
    });
  for (const row of ROWS) {
    program
      .command(`${row.name} ${row.args}`.trim())
      .description(row.help)
      .action(async (...given: unknown[]) => {
        const { args: words } = given.at(-1) as Command;
        status = await ask(row, words, program.opts<Options>(), terminal);
      });
  }
  try {
    await program.parseAsync(args, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? STATUS.done : STATUS.usage;
  }
  return status;
}

async function ask(
  row: Row,
  args: readonly string[],
  { host, port, password, json }: Options,
  terminal: Terminal,
): Promise<number> {
  const client = new AdminClient({ host, port, password: password ?? terminal.password });
  try {
    const reply = await client.ask(row.words(args));
    for (const line of (row.show ?? showReply)(reply, json ?? false)) terminal.out(line);
    return STATUS.done;
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    terminal.error(`helios-cli: ${text.replace(/^ERR /, '')}`);
    const unknown = error instanceof Unreachable ? error.sent : text.startsWith('UNKNOWN');
    return unknown ? STATUS.unknown : STATUS.failed;
  } finally {
    client.close();
  }
}

function portOf(text: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 1 && port <= 65_535) return port;
  throw new InvalidArgumentError('expected a number from 1 to 65535');
}
