// Owns: ACL, for the one user there is: `default`, who may do everything once authenticated. What
// would need a second user or a rule is refused, so that nobody believes in a restriction that does
// not hold.

import { integer } from '../../commands/arguments.js';
import { NOT_INTEGER, wrongArity } from '../../commands/errors.js';
import type { CommandInfo } from '../../commands/spec.js';
import { sha256 } from '../../platform/checksum.js';
import { systemEntropy } from '../../platform/entropy.js';
import { ErrorReply, MapReply, NULL_ARRAY, OK, type Reply, SetReply } from '../../resp/reply.js';
import { CATEGORIES, categoriesOf, isCategory } from '../acl-categories.js';
import type { Client } from '../client.js';
import type { ServerCommand } from '../command.js';
import { catalogue } from '../command-catalogue.js';
import type { Server } from '../server.js';
import { ADMIN, helpRow, NO_SCRIPT, type Row, refusal, rowsOf } from './row.js';

const row = rowsOf('server');

const USER = 'default';

/** SHA-256 of the password, as ACL LIST prints it; null when there is none. */
function passwordHash(server: Server): string | null {
  const { requirepass } = server.settings;
  return requirepass === '' ? null : sha256(requirepass);
}

function list(_client: Client, _args: readonly string[], server: Server): Reply {
  const hash = passwordHash(server);
  const secret = hash === null ? 'nopass sanitize-payload' : `sanitize-payload #${hash}`;
  return [`user ${USER} on ${secret} ~* &* +@all`];
}

function getUser(_client: Client, args: readonly string[], server: Server): Reply {
  if (args[2] !== USER) return NULL_ARRAY;
  const hash = passwordHash(server);
  return new MapReply([
    'flags',
    new SetReply(hash === null ? ['on', 'nopass', 'sanitize-payload'] : ['on', 'sanitize-payload']),
    'passwords',
    hash === null ? [] : [hash],
    'commands',
    '+@all',
    'keys',
    '~*',
    'channels',
    '&*',
    'selectors',
    [],
  ]);
}

function cat(_client: Client, args: readonly string[], server: Server): Reply {
  if (args.length > 3) return wrongArity('acl|cat');
  if (args[2] === undefined) return CATEGORIES;
  const category = args[2].toLowerCase();
  if (!isCategory(category)) return refusal(`Unknown category '${args[2]}'`);
  const names: string[] = [];
  const collect = (command: CommandInfo): void => {
    if (categoriesOf(command).includes(category)) names.push(command.name);
  };
  for (const { info, runs, children } of catalogue(server.commands).values()) {
    if (runs) collect(info);
    children.forEach(collect);
  }
  return names;
}

const PASSWORD_BITS = 256;
const PASSWORD_BITS_MAX = 4096;

function genPass(_client: Client, args: readonly string[]): Reply {
  if (args.length > 3) return wrongArity('acl|genpass');
  const bits = args[2] === undefined ? PASSWORD_BITS : integer(args[2], NOT_INTEGER);
  if (bits < 1 || bits > PASSWORD_BITS_MAX) {
    return refusal(
      'ACL GENPASS argument must be the number of bits for the output password, a positive ' +
        `number up to ${PASSWORD_BITS_MAX}`,
    );
  }
  const digits = Math.ceil(bits / 4);
  return systemEntropy
    .bytes(Math.ceil(digits / 2))
    .toString('hex')
    .slice(0, digits);
}

function dryRun(_client: Client, args: readonly string[], server: Server): Reply {
  if (args[2] !== USER) return refusal(`User '${args[2]}' not found`);
  const command = catalogue(server.commands).get(args[3]!.toLowerCase());
  if (command === undefined) return refusal(`Command '${args[3]}' not found`);
  const count = args.length - 3;
  const { arity, name } = command.info;
  return (arity >= 0 ? count === arity : count >= -arity) ? OK : wrongArity(name);
}

/** Nothing is ever denied, so the log is empty. */
function log(_client: Client, args: readonly string[]): Reply {
  if (args[2]?.toLowerCase() === 'reset') return OK;
  if (args[2] !== undefined) integer(args[2], NOT_INTEGER);
  return [];
}

function delUser(_client: Client, args: readonly string[]): Reply {
  const named = args.slice(2).includes(USER);
  return named ? refusal("The 'default' user cannot be removed") : 0;
}

const NO_RULES = refusal(
  'ACL users and rules are not available: requirepass protects the default user',
);
const NO_FILE = new ErrorReply(
  'ERR This Redis instance is not configured to use an ACL file. You may want to specify users ' +
    'via the ACL SETUSER command and then issue a CONFIG REWRITE (assuming you have a Redis ' +
    'configuration file set) in order to store users in the Redis configuration.',
);

type Facts = readonly [
  name: string,
  arity: number,
  flags: Row['flags'],
  summary: string,
  run: Row['run'],
];

const SUBCOMMANDS: readonly Facts[] = [
  ['whoami', 2, NO_SCRIPT, 'The user of this connection.', (client) => client.user],
  ['users', 2, ADMIN, 'All users.', () => [USER]],
  ['list', 2, ADMIN, 'All users with their rules.', list],
  ['getuser', 3, ADMIN, 'The rules of a user.', getUser],
  ['cat', -2, NO_SCRIPT, 'Command categories, or the commands of one.', cat],
  ['genpass', -2, NO_SCRIPT, 'A random password.', genPass],
  ['dryrun', -4, ADMIN, 'Whether a user may call a command.', dryRun],
  ['log', -2, ADMIN, 'What was denied: nothing.', log],
  ['setuser', -3, ADMIN, 'Not available.', () => NO_RULES],
  ['deluser', -3, ADMIN, 'Removes users, of whom there are none.', delUser],
  ['load', 2, ADMIN, 'Not available: there is no ACL file.', () => NO_FILE],
  ['save', 2, ADMIN, 'Not available: there is no ACL file.', () => NO_FILE],
];

export const aclCommands: readonly ServerCommand[] = [
  ...SUBCOMMANDS.map(([name, arity, flags, summary, run]) =>
    row({
      name: `acl|${name}`,
      arity,
      flags,
      since: name === 'dryrun' ? '7.0.0' : '6.0.0',
      summary,
      complexity: 'O(1)',
      run,
    }),
  ),
  helpRow('server', 'acl', '6.0.0', [
    'WHOAMI | USERS | LIST | GETUSER <user>',
    '    The one user there is: default.',
    'CAT [<category>]',
    '    Command categories, or the commands of one.',
    'GENPASS [<bits>]',
    '    A random password.',
    'DRYRUN <user> <command> [<arg> ...]',
    '    Whether the user may call it.',
    'LOG [<count>|RESET]',
    '    What was denied.',
  ]),
];
