// Owns: commands about the connection itself: who it is, which database and protocol it uses,
// whether it is alive. Passwords are compared in a time that does not depend on how much of them is
// right.

import { parseInt64 } from '../../base/numbers.js';
import { wrongArity } from '../../commands/errors.js';
import { type CommandFlag, type CommandInfo, NO_KEYS } from '../../commands/spec.js';
import { ErrorReply, MapReply, OK, PONG, type Reply, SimpleString } from '../../resp/reply.js';
import type { Client } from '../client.js';
import { NOTHING, type ServerCommand, type ServerResult } from '../command.js';
import { parseDatabase } from '../database-argument.js';
import { REDIS_VERSION } from '../instruments.js';
import type { Server } from '../server.js';
import { stopMonitoring } from './monitor.js';

const RESET = new SimpleString('RESET');
const SYNTAX = new ErrorReply('ERR syntax error');
const WRONG_PASSWORD = new ErrorReply(
  'WRONGPASS invalid username-password pair or user is disabled.',
);
const NO_PASSWORD = new ErrorReply(
  'ERR AUTH <password> called without any password configured for the default user. ' +
    'Are you sure your configuration is correct?',
);
const NOT_A_VERSION = new ErrorReply('ERR Protocol version is not an integer or out of range');
const NO_PROTOCOL = new ErrorReply('NOPROTO unsupported protocol version');
const BAD_NAME = new ErrorReply(
  'ERR Client names cannot contain spaces, newlines or special characters.',
);
const HELLO_NO_AUTH = new ErrorReply(
  'NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO ' +
    '<proto> AUTH <user> <pass> option can be used to authenticate the client and select the RESP ' +
    'protocol version at the same time',
);

/** Equal or not, in a time that depends on the length of `given` only. */
function sameText(given: string, secret: string): boolean {
  let difference = given.length ^ secret.length;
  for (let i = 0; i < given.length; i++) {
    difference |= given.charCodeAt(i) ^ secret.charCodeAt(i % Math.max(1, secret.length));
  }
  return difference === 0;
}

/** The one user is `default`; without requirepass any password of its will do, as in Redis. */
function authenticate(client: Client, server: Server, user: string, password: string): boolean {
  const { requirepass } = server.settings;
  const known = user === 'default' && (requirepass === '' || sameText(password, requirepass));
  if (!known) return false;
  client.user = user;
  client.authenticated = true;
  return true;
}

function auth(client: Client, args: readonly string[], server: Server): Reply {
  if (args.length > 3) return SYNTAX;
  if (args.length === 2 && server.settings.requirepass === '') return NO_PASSWORD;
  const user = args.length === 2 ? 'default' : args[1]!;
  return authenticate(client, server, user, args.at(-1)!) ? OK : WRONG_PASSWORD;
}

interface HelloOptions {
  user: string | null;
  password: string;
  name: string | null;
}

function helloOptions(args: readonly string[]): HelloOptions | ErrorReply {
  const options: HelloOptions = { user: null, password: '', name: null };
  for (let i = 2; i < args.length; i++) {
    const word = args[i]!.toLowerCase();
    if (word === 'auth' && i + 2 < args.length) {
      options.user = args[i + 1]!;
      options.password = args[i + 2]!;
      i += 2;
    } else if (word === 'setname' && i + 1 < args.length) {
      options.name = args[++i]!;
      if (/[^!-~]/.test(options.name)) return BAD_NAME;
    } else {
      return new ErrorReply(`ERR Syntax error in HELLO option '${args[i]}'`);
    }
  }
  return options;
}

function hello(client: Client, args: readonly string[], server: Server): Reply {
  const version = args.length < 2 ? 0 : parseInt64(args[1]!);
  if (version === null) return NOT_A_VERSION;
  if (args.length >= 2 && version !== 2 && version !== 3) return NO_PROTOCOL;
  const options = helloOptions(args);
  if (options instanceof ErrorReply) return options;
  const { user, password, name } = options;
  if (user !== null && !authenticate(client, server, user, password)) return WRONG_PASSWORD;
  if (!client.authenticated) return HELLO_NO_AUTH;
  if (name !== null) client.name = name;
  if (version === 2 || version === 3) client.protocol = version;
  return new MapReply([
    'server',
    'redis',
    'version',
    REDIS_VERSION,
    'proto',
    client.protocol,
    'id',
    client.id,
    'mode',
    'standalone',
    'role',
    server.group.status().role === 'Leader' ? 'master' : 'replica',
    'modules',
    [],
  ]);
}

function ping(client: Client, args: readonly string[]): Reply {
  if (args.length > 2) return wrongArity('ping');
  const { channels, patterns, shardChannels } = client.subscriptions;
  if (client.protocol === 2 && channels + patterns + shardChannels > 0) {
    return ['pong', args[1] ?? ''];
  }
  return args[1] ?? PONG;
}

function select(client: Client, args: readonly string[]): Reply {
  const db = parseDatabase(args[1]!);
  if (typeof db !== 'number') return db;
  client.db = db;
  return OK;
}

function reset(client: Client, _args: readonly string[], server: Server): Reply {
  client.discard();
  client.db = 0;
  client.protocol = 2;
  client.name = '';
  client.user = 'default';
  client.authenticated = server.settings.requirepass === '';
  client.replyMode = 'on';
  client.noEvict = false;
  client.noTouch = false;
  client.readOnlyMode = !server.settings.readsLinearizable;
  stopMonitoring(client, server);
  return RESET;
}

function quit(client: Client): ServerResult {
  client.push(OK);
  client.close('soon');
  return NOTHING;
}

type Facts = Omit<CommandInfo, 'keys' | 'group' | 'complexity'>;

function row(facts: Facts, run: ServerCommand['run'], immediate = false): ServerCommand {
  return { ...facts, keys: NO_KEYS, group: 'connection', complexity: 'O(1)', run, immediate };
}

const BEFORE_AUTH: readonly CommandFlag[] = [
  'noscript',
  'loading',
  'stale',
  'fast',
  'no_auth',
  'allow_busy',
];

export const connectionCommands: readonly ServerCommand[] = [
  row(
    {
      name: 'auth',
      arity: -2,
      flags: BEFORE_AUTH,
      since: '1.0.0',
      summary: 'Proves who the connection is.',
    },
    auth,
  ),
  row(
    {
      name: 'hello',
      arity: -1,
      flags: BEFORE_AUTH,
      since: '6.0.0',
      summary:
        'Chooses the protocol version, with AUTH and a name if wanted, and tells about the server.',
    },
    hello,
  ),
  row(
    {
      name: 'ping',
      arity: -1,
      flags: ['fast'],
      since: '1.0.0',
      summary: 'Answers PONG or its argument.',
    },
    ping,
    true,
  ),
  row(
    {
      name: 'echo',
      arity: 2,
      flags: ['loading', 'stale', 'fast'],
      since: '1.0.0',
      summary: 'Answers its argument.',
    },
    (_client, args) => args[1]!,
    true,
  ),
  row(
    {
      name: 'select',
      arity: 2,
      flags: ['loading', 'stale', 'fast'],
      since: '1.0.0',
      summary: 'Chooses the database of the connection.',
    },
    select,
    true,
  ),
  row(
    {
      name: 'quit',
      arity: -1,
      flags: BEFORE_AUTH,
      since: '1.0.0',
      summary: 'Closes the connection once everything has been answered.',
    },
    quit,
  ),
  row(
    {
      name: 'reset',
      arity: 1,
      flags: BEFORE_AUTH,
      since: '6.2.0',
      summary: 'Brings the connection back to the state of a new one.',
    },
    reset,
  ),
  readLevel('readonly', true, 'Lets reads of this connection be answered from this node alone.'),
  readLevel('readwrite', false, 'Makes reads of this connection linearizable again.'),
];

function readLevel(name: string, local: boolean, summary: string): ServerCommand {
  return {
    name,
    arity: 1,
    flags: ['loading', 'stale', 'fast'],
    keys: NO_KEYS,
    group: 'cluster',
    since: '3.0.0',
    summary,
    complexity: 'O(1)',
    run: (client) => {
      client.readOnlyMode = local;
      return OK;
    },
  };
}
