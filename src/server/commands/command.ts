// Owns: COMMAND and its subcommands: the table of commands as clients and proxies read it.

import { globMatches } from '../../base/glob.js';
import { SYNTAX } from '../../commands/errors.js';
import type { CommandInfo } from '../../commands/spec.js';
import { MapReply, type Reply, SetReply, SimpleString } from '../../resp/reply.js';
import { categoriesOf } from '../acl-categories.js';
import type { Client } from '../client.js';
import type { ServerCommand } from '../command.js';
import { type Catalogue, type CatalogueNode, catalogue, findNode } from '../command-catalogue.js';
import { docsItems, infoReply } from '../command-reply.js';
import { keyFlags, keyPositions, keySpecifications } from '../key-specs.js';
import type { Server } from '../server.js';
import { ALWAYS, helpRow, type Row, refusal, rowsOf } from './row.js';

const row = rowsOf('server');

function all(_client: Client, _args: readonly string[], server: Server): Reply {
  return [...catalogue(server.commands).values()].map(infoReply);
}

function info(client: Client, args: readonly string[], server: Server): Reply {
  if (args.length === 2) return all(client, args, server);
  const tree = catalogue(server.commands);
  return args.slice(2).map((name) => {
    const node = findNode(tree, name);
    return node === undefined ? null : infoReply(node);
  });
}

function docs(_client: Client, args: readonly string[], server: Server): Reply {
  const tree = catalogue(server.commands);
  const asked = args.slice(2).map((name) => findNode(tree, name));
  const nodes = args.length === 2 ? [...tree.values()] : asked;
  const found = nodes.filter((node): node is CatalogueNode => node !== undefined);
  return new MapReply(found.flatMap(docsItems));
}

type Test = (node: CatalogueNode) => boolean;

/** COMMAND LIST FILTERBY; there are no modules. */
const FILTERS: Readonly<Record<string, (value: string) => Test>> = {
  module: () => () => false,
  aclcat(value) {
    const category: string = value.toLowerCase();
    return (node) => node.runs && categoriesOf(node.info).some((one) => one === category);
  },
  pattern: (value) => (node) => globMatches(value, node.info.name, true),
};

function list(_client: Client, args: readonly string[], server: Server): Reply {
  const nodes = everyNode(catalogue(server.commands));
  if (args.length === 2) return nodes.map((node) => node.info.name);
  const kind = args[3]?.toLowerCase() ?? '';
  if (args.length !== 5 || args[2]!.toLowerCase() !== 'filterby' || !Object.hasOwn(FILTERS, kind)) {
    return SYNTAX;
  }
  const test = FILTERS[kind]!(args[4]!);
  return nodes.filter(test).map((node) => node.info.name);
}

function everyNode(tree: Catalogue): CatalogueNode[] {
  return [...tree.values()].flatMap((node) => [
    node,
    ...node.children.map((child) => ({ info: child, runs: true, children: [] })),
  ]);
}

const INVALID_COMMAND = refusal('Invalid command specified');
const INVALID_COUNT = refusal('Invalid number of arguments specified for command');
const INVALID_ARGUMENTS = refusal('Invalid arguments specified for command');
const KEYLESS = refusal('The command has no key arguments');

/** Commands that may be called with no key at all. */
const MAY_HAVE_NO_KEYS: ReadonlySet<string> = new Set(['eval', 'evalsha', 'eval_ro', 'evalsha_ro']);

interface Keys {
  readonly command: CommandInfo;
  /** The full command as the caller gave it. */
  readonly args: readonly string[];
  readonly positions: readonly number[];
}

/** Throws what COMMAND GETKEYS answers when there are none. */
function keysOf(args: readonly string[], server: Server): Keys {
  const full = args.slice(2);
  const command = commandOf(full, catalogue(server.commands));
  if (command === undefined) throw INVALID_COMMAND;
  if (keySpecifications(command).length === 0) throw KEYLESS;
  const { arity } = command;
  if (arity >= 0 ? full.length !== arity : full.length < -arity) throw INVALID_COUNT;
  const positions = keyPositions(command, full);
  if (positions.length === 0 && !MAY_HAVE_NO_KEYS.has(command.name)) throw INVALID_ARGUMENTS;
  return { command, args: full, positions };
}

function commandOf(full: readonly string[], tree: Catalogue): CommandInfo | undefined {
  const word = full[0]!.toLowerCase();
  const node = tree.get(word);
  if (node === undefined || node.children.length === 0) return node?.info;
  const name = `${word}|${full[1]?.toLowerCase() ?? ''}`;
  const child = node.children.find((one) => one.name === name);
  return child ?? (node.runs ? node.info : undefined);
}

function getKeys(_client: Client, args: readonly string[], server: Server): Reply {
  const keys = keysOf(args, server);
  return keys.positions.map((at) => keys.args[at]!);
}

function getKeysAndFlags(_client: Client, args: readonly string[], server: Server): Reply {
  const { command, args: full, positions } = keysOf(args, server);
  return positions.map((at) => {
    const flags = keyFlags(command, full, at).map((flag) => new SimpleString(flag));
    return [full[at]!, new SetReply(flags)];
  });
}

type Facts = readonly [
  name: string,
  arity: number,
  since: string,
  summary: string,
  complexity: string,
  run: Row['run'],
];

const PER_COMMAND = 'O(N) where N is the number of commands to look up';
const PER_TABLE = 'O(N) where N is the total number of Redis commands';
const PER_ARGUMENT = 'O(N) where N is the number of arguments to the command';

const TABLE: readonly Facts[] = [
  ['command', -1, '2.8.13', 'All commands with their properties.', PER_TABLE, all],
  [
    'command|count',
    2,
    '2.8.13',
    'How many commands there are.',
    'O(1)',
    (_client, _args, server) => catalogue(server.commands).size,
  ],
  ['command|info', -2, '2.8.13', 'Properties of commands.', PER_COMMAND, info],
  ['command|docs', -2, '7.0.0', 'Documentation of commands.', PER_COMMAND, docs],
  ['command|list', -2, '7.0.0', 'Names of commands.', PER_TABLE, list],
  ['command|getkeys', -3, '2.8.13', 'Keys in a full command.', PER_ARGUMENT, getKeys],
  [
    'command|getkeysandflags',
    -3,
    '7.0.0',
    'Keys in a full command and what is done to them.',
    PER_ARGUMENT,
    getKeysAndFlags,
  ],
];

export const commandCommands: readonly ServerCommand[] = [
  ...TABLE.map(([name, arity, since, summary, complexity, run]) =>
    row({ name, arity, flags: ALWAYS, since, summary, complexity, run }),
  ),
  helpRow('server', 'command', '5.0.0', [
    '(no subcommand)',
    '    All commands with their properties.',
    'COUNT',
    '    How many commands there are.',
    'INFO [<command> ...]',
    '    Properties of the commands named, or of all.',
    'DOCS [<command> ...]',
    '    Documentation of the commands named, or of all.',
    'LIST [FILTERBY (MODULE <name>|ACLCAT <category>|PATTERN <pattern>)]',
    '    Names of commands.',
    'GETKEYS <full-command>',
    '    Keys in a full command.',
    'GETKEYSANDFLAGS <full-command>',
    '    Keys in a full command and what is done to them.',
  ]),
];
