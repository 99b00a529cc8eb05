// Owns: CLIENT: what a connection may learn and change about itself and others.

import { integer } from '../../commands/arguments.js';
import { NOT_INTEGER, SYNTAX } from '../../commands/errors.js';
import { ErrorReply, MapReply, OK, type Reply, SetReply, VerbatimReply } from '../../resp/reply.js';
import type { Client } from '../client.js';
import { clientLine, clientTypeOf, isOfType } from '../client-text.js';
import { NOTHING, type ServerCommand, type ServerResult } from '../command.js';
import type { Server } from '../server.js';
import { clientKill } from './client-kill.js';
import { ADMIN, helpRow, NO_SCRIPT, type Row, refusal, rowsOf } from './row.js';

const row = rowsOf('connection');

function clientList(_client: Client, args: readonly string[], server: Server): Reply {
  const now = server.clock.now();
  const lines: string[] = [];
  const option = args[2]?.toLowerCase();
  if (args.length === 4 && option === 'type') {
    const type = clientTypeOf(args[3]!);
    if (type === undefined) return refusal(`Unknown client type '${args[3]}'`);
    for (const one of server.clients.values()) {
      if (isOfType(one, type)) lines.push(clientLine(one, now));
    }
  } else if (args.length > 3 && option === 'id') {
    const invalid = refusal('Invalid client ID');
    for (const id of args.slice(3)) {
      const one = server.clients.get(integer(id, invalid));
      if (one !== undefined) lines.push(clientLine(one, now));
    }
  } else if (args.length === 2) {
    for (const one of server.clients.values()) lines.push(clientLine(one, now));
  } else {
    return SYNTAX;
  }
  return new VerbatimReply('txt', lines.map((line) => `${line}\n`).join(''));
}

const PRINTABLE = /^[!-~]*$/;

function setName(client: Client, args: readonly string[]): Reply {
  if (!PRINTABLE.test(args[2]!)) {
    return refusal('Client names cannot contain spaces, newlines or special characters.');
  }
  client.name = args[2]!;
  return OK;
}

function setInfo(client: Client, args: readonly string[]): Reply {
  const attribute = args[2]!.toLowerCase();
  if (attribute !== 'lib-name' && attribute !== 'lib-ver') {
    return refusal(`Unrecognized option '${args[2]}'`);
  }
  if (!PRINTABLE.test(args[3]!)) {
    return refusal(`${args[2]} cannot contain spaces, newlines or special characters.`);
  }
  if (attribute === 'lib-name') client.libName = args[3]!;
  else client.libVersion = args[3]!;
  return OK;
}

function reply(client: Client, args: readonly string[]): ServerResult {
  const mode = args[2]!.toLowerCase();
  if (mode === 'on') {
    client.replyMode = 'on';
    return OK;
  }
  if (mode === 'off') client.replyMode = 'off';
  else if (mode !== 'skip') return SYNTAX;
  else if (client.replyMode === 'on') client.replyMode = 'skip';
  return NOTHING;
}

/** ON and OFF for a property of the connection. */
function toggle(set: (client: Client, on: boolean) => void): Row['run'] {
  return (client, args) => {
    const word = args[2]!.toLowerCase();
    if (word !== 'on' && word !== 'off') return SYNTAX;
    set(client, word === 'on');
    return OK;
  };
}

function pause(_client: Client, args: readonly string[], server: Server): Reply {
  const mode = (args[3] ?? 'all').toLowerCase();
  if (mode !== 'all' && mode !== 'write') return refusal('CLIENT PAUSE mode must be WRITE or ALL');
  if (args.length > 4) return SYNTAX;
  const timeout = integer(args[2]!, refusal('timeout is not an integer or out of range'));
  if (timeout < 0) return refusal('timeout is negative');
  const now = server.clock.now();
  const { until, mode: current } = server.pause;
  const extends_ = until > now;
  server.pause = {
    until: Math.max(until, now + timeout),
    mode: mode === 'all' || (extends_ && current === 'all') ? 'all' : 'write',
  };
  return OK;
}

function unpause(_client: Client, _args: readonly string[], server: Server): Reply {
  server.pause = { until: 0, mode: 'all' };
  return OK;
}

function unblock(_client: Client, args: readonly string[], server: Server): Reply {
  const how = (args[3] ?? 'timeout').toLowerCase();
  if (how !== 'timeout' && how !== 'error') {
    return refusal('CLIENT UNBLOCK reason should be TIMEOUT or ERROR');
  }
  const target = server.clients.get(integer(args[2]!, NOT_INTEGER));
  return target?.unblock(how) === true ? 1 : 0;
}

/** Definite: a client library that asked for invalidation must not believe that it will be told. */
function tracking(_client: Client, args: readonly string[]): Reply {
  const word = args[2]!.toLowerCase();
  if (word === 'off') return OK;
  if (word !== 'on') return SYNTAX;
  return refusal('CLIENT TRACKING is not available: disable client side caching');
}

const NOT_TRACKING = new ErrorReply(
  'ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or ' +
    'OPTOUT mode enabled',
);

const CONNECTION_ROWS: readonly Row[] = [
  {
    name: 'client|id',
    arity: 2,
    flags: NO_SCRIPT,
    since: '5.0.0',
    summary: 'The number of this connection, never used twice.',
    complexity: 'O(1)',
    run: (client) => client.id,
  },
  {
    name: 'client|info',
    arity: 2,
    flags: NO_SCRIPT,
    since: '6.2.0',
    summary: 'The line of CLIENT LIST for this connection.',
    complexity: 'O(1)',
    run: (client, _args, server) =>
      new VerbatimReply('txt', `${clientLine(client, server.clock.now())}\n`),
  },
  {
    name: 'client|setname',
    arity: 3,
    flags: NO_SCRIPT,
    since: '2.6.9',
    summary: 'Names this connection.',
    complexity: 'O(1)',
    run: setName,
  },
  {
    name: 'client|getname',
    arity: 2,
    flags: NO_SCRIPT,
    since: '2.6.9',
    summary: 'The name of this connection.',
    complexity: 'O(1)',
    run: (client) => (client.name === '' ? null : client.name),
  },
  {
    name: 'client|setinfo',
    arity: 4,
    flags: NO_SCRIPT,
    since: '7.2.0',
    summary: 'Tells the name or version of the client library.',
    complexity: 'O(1)',
    run: setInfo,
  },
  {
    name: 'client|capa',
    arity: -3,
    flags: NO_SCRIPT,
    since: '8.0.0',
    summary: 'Tells what the client can do (Valkey 8); noted by nobody yet.',
    complexity: 'O(1)',
    run: () => OK,
  },
  {
    name: 'client|reply',
    arity: 3,
    flags: NO_SCRIPT,
    since: '3.2.0',
    summary: 'Turns replies off and on, or skips the next one.',
    complexity: 'O(1)',
    run: reply,
  },
  {
    name: 'client|no-touch',
    arity: 3,
    flags: NO_SCRIPT,
    since: '7.2.0',
    summary: 'Whether commands of this connection count as use of keys.',
    complexity: 'O(1)',
    run: toggle((client, on) => {
      client.noTouch = on;
    }),
  },
  {
    name: 'client|getredir',
    arity: 2,
    flags: NO_SCRIPT,
    since: '6.0.0',
    summary: 'Where invalidation messages go: nowhere.',
    complexity: 'O(1)',
    run: () => -1,
  },
  {
    name: 'client|tracking',
    arity: -3,
    flags: NO_SCRIPT,
    since: '6.0.0',
    summary: 'Client side caching; only OFF is accepted.',
    complexity: 'O(1)',
    run: tracking,
  },
  {
    name: 'client|trackinginfo',
    arity: 2,
    flags: NO_SCRIPT,
    since: '6.2.0',
    summary: 'State of client side caching: off.',
    complexity: 'O(1)',
    run: () => new MapReply(['flags', new SetReply(['off']), 'redirect', -1, 'prefixes', []]),
  },
  {
    name: 'client|caching',
    arity: 3,
    flags: NO_SCRIPT,
    since: '6.0.0',
    summary: 'Client side caching of the next command; not available.',
    complexity: 'O(1)',
    run: () => NOT_TRACKING,
  },
];

const ADMIN_ROWS: readonly Row[] = [
  {
    name: 'client|list',
    arity: -2,
    flags: ADMIN,
    since: '2.4.0',
    summary: 'All connections, or those of a type or with the ids given.',
    complexity: 'O(N) where N is the number of client connections',
    run: clientList,
  },
  {
    name: 'client|kill',
    arity: -3,
    flags: ADMIN,
    since: '2.4.0',
    summary: 'Closes connections by address, id, type, user or age.',
    complexity: 'O(N) where N is the number of client connections',
    run: clientKill,
  },
  {
    name: 'client|no-evict',
    arity: 3,
    flags: ADMIN,
    since: '7.0.0',
    summary: 'Keeps this connection when others are closed to save memory.',
    complexity: 'O(1)',
    run: toggle((client, on) => {
      client.noEvict = on;
    }),
  },
  {
    name: 'client|pause',
    arity: -3,
    flags: ADMIN,
    since: '3.0.0',
    summary: 'Holds back all commands, or writes only, for some time on this node.',
    complexity: 'O(1)',
    run: pause,
  },
  {
    name: 'client|unpause',
    arity: 2,
    flags: ADMIN,
    since: '6.2.0',
    summary: 'Ends CLIENT PAUSE.',
    complexity: 'O(N) Where N is the number of paused clients',
    run: unpause,
  },
  {
    name: 'client|unblock',
    arity: -3,
    flags: ADMIN,
    since: '5.0.0',
    summary: 'Ends the blocking command of another connection.',
    complexity: 'O(log N) where N is the number of client connections',
    run: unblock,
  },
];

export const clientCommands: readonly ServerCommand[] = [
  ...CONNECTION_ROWS.map(row),
  ...ADMIN_ROWS.map(row),
  helpRow('connection', 'client', '5.0.0', [
    'ID | INFO | GETNAME | GETREDIR | TRACKINGINFO',
    '    Facts of this connection.',
    'SETNAME <name> | SETINFO (LIB-NAME|LIB-VER) <value>',
    '    Describe this connection.',
    'LIST [TYPE (NORMAL|MASTER|REPLICA|PUBSUB)] [ID <id> [<id> ...]]',
    '    All connections, or some.',
    'KILL <ip:port>',
    '    Close the connection from that address.',
    'KILL <option> <value> [<option> <value> ...]',
    '    Close connections: ADDR, LADDR, ID, TYPE, USER, MAXAGE <seconds>, SKIPME (YES|NO).',
    'PAUSE <ms> [WRITE|ALL] | UNPAUSE',
    '    Hold back commands, or writes only, on this node.',
    'REPLY (ON|OFF|SKIP)',
    '    Whether replies are sent.',
    'NO-EVICT (ON|OFF) | NO-TOUCH (ON|OFF)',
    '    How this connection counts in eviction.',
    'UNBLOCK <id> [TIMEOUT|ERROR]',
    '    End the blocking command of another connection.',
    'TRACKING OFF',
    '    Client side caching is not available.',
  ]),
];
