// Owns: how a connection is printed in CLIENT LIST and CLIENT INFO: the fields of Redis 7.2 in its
// order.
// A connection has no file descriptor that Node shows (fd=-1), and no buffers kept in reserve
// (their fields are 0).

import type { Client } from './client.js';

export type ClientType = 'normal' | 'master' | 'replica' | 'pubsub';

const TYPES: Readonly<Record<string, ClientType>> = {
  normal: 'normal',
  master: 'master',
  replica: 'replica',
  slave: 'replica',
  pubsub: 'pubsub',
};

/** The type of a name as CLIENT LIST TYPE takes it, in any case. */
export function clientTypeOf(name: string): ClientType | undefined {
  return Object.hasOwn(TYPES, name.toLowerCase()) ? TYPES[name.toLowerCase()] : undefined;
}

function subscribed(client: Client): boolean {
  const { channels, patterns, shardChannels } = client.subscriptions;
  return channels + patterns + shardChannels > 0;
}

/** Members reach each other on the peer port, so that no connection here is a master or replica. */
export function isOfType(client: Client, type: ClientType): boolean {
  return type === (subscribed(client) ? 'pubsub' : 'normal');
}

/** A character for each fact that holds, in Redis' order; `N` for none. */
const FLAGS: readonly (readonly [letter: string, holds: (client: Client) => boolean])[] = [
  ['O', (client) => client.monitoring],
  ['P', subscribed],
  ['x', (client) => client.inMulti],
  ['b', (client) => client.blocked],
  ['r', (client) => client.readOnlyMode],
  ['e', (client) => client.noEvict],
  ['T', (client) => client.noTouch],
];

/** One line without newline. `now`: ms since 1970. */
export function clientLine(client: Client, now: number): string {
  const flags = FLAGS.filter(([, holds]) => holds(client)).map(([letter]) => letter);
  const { channels, patterns, shardChannels } = client.subscriptions;
  const fields: readonly (readonly [name: string, value: string | number])[] = [
    ['id', client.id],
    ['addr', client.remote],
    ['laddr', client.local],
    ['fd', -1],
    ['name', client.name],
    ['age', seconds(now - client.connectedAt)],
    ['idle', seconds(now - client.lastActiveAt)],
    ['flags', flags.length === 0 ? 'N' : flags.join('')],
    ['db', client.db],
    ['sub', channels],
    ['psub', patterns],
    ['ssub', shardChannels],
    ['multi', client.inMulti ? client.queuedCommands : -1],
    ['qbuf', client.inputBytes],
    ['qbuf-free', 0],
    ['argv-mem', 0],
    ['multi-mem', 0],
    ['rbs', 0],
    ['rbp', 0],
    ['obl', 0],
    ['oll', client.outputBytes > 0 ? 1 : 0],
    ['omem', client.outputBytes],
    ['tot-mem', client.inputBytes + client.outputBytes],
    ['events', client.outputBytes > 0 ? 'rw' : 'r'],
    ['cmd', client.lastCommand === '' ? 'NULL' : client.lastCommand],
    ['user', client.user],
    ['redir', -1],
    ['resp', client.protocol],
    ['lib-name', client.libName],
    ['lib-ver', client.libVersion],
  ];
  return fields.map(([name, value]) => `${name}=${value}`).join(' ');
}

function seconds(ms: number): number {
  return Math.max(0, Math.floor(ms / 1000));
}
