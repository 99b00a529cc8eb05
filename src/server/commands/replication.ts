// Owns: ROLE, WAIT, WAITAOF, REPLICAOF: replication as Redis clients know it, told by the Raft
// group.

import { integer } from '../../commands/arguments.js';
import { NOT_INTEGER, NOT_POSITIVE } from '../../commands/errors.js';
import { ErrorReply, type Reply } from '../../resp/reply.js';
import type { Client } from '../client.js';
import { LATER, type ServerCommand, type ServerResult } from '../command.js';
import { splitAddress } from '../info-format.js';
import type { Server } from '../server.js';
import { refusal, rowsOf } from './row.js';

const serverRow = rowsOf('server');
const genericRow = rowsOf('generic');

function role(_client: Client, _args: readonly string[], server: Server): Reply {
  const status = server.group.status();
  if (status.role === 'Leader') {
    const replicas = status.peers
      .filter((peer) => peer.connected)
      .map((peer): Reply => {
        const { host, port } = splitAddress(peer.respAddress);
        return [host, String(port), String(peer.match)];
      });
    return ['master', status.lastIndex, replicas];
  }
  const { host, port } = splitAddress(status.leaderAddress);
  const link = status.leaderId === '' ? 'connect' : 'connected';
  return ['slave', host, port, link, status.appliedIndex];
}

/**
 * Members besides this node that hold the connection's last write durably. The leader knows each
 * member's match index. Any other node knows that the write was committed: all of a majority but
 * itself, at the least.
 */
export function holdersOf(index: number, server: Server): number {
  const status = server.group.status();
  if (status.role !== 'Leader') return Math.floor(status.voters / 2);
  let holders = 0;
  for (const peer of status.peers) if (peer.match >= index) holders++;
  return holders;
}

const UNBLOCKED = new ErrorReply('UNBLOCKED client unblocked via CLIENT UNBLOCK');

/**
 * How often a waiting command looks again: match indexes come with the heartbeats at the latest.
 */
const POLL_MS = 5;

/**
 * Answers `reply()` when `done()` or after `timeout` ms (0: never), at once inside MULTI. Polls,
 * since nothing announces a match index; the timer ends with the connection.
 */
function waitUntil(
  client: Client,
  server: Server,
  timeout: number,
  done: () => boolean,
  reply: () => Reply,
): ServerResult {
  if (done() || client.inMulti) return reply();
  const deadline = timeout === 0 ? Number.POSITIVE_INFINITY : server.clock.monotonic() + timeout;
  const timer = server.clock.every(POLL_MS, () => {
    if (!server.clients.has(client.id)) {
      timer.cancel();
      return;
    }
    if (!done() && server.clock.monotonic() < deadline) return;
    timer.cancel();
    client.resolve(reply());
  });
  client.unblockWith = (how) => {
    timer.cancel();
    return how === 'error' ? UNBLOCKED : reply();
  };
  return LATER;
}

function timeoutOf(text: string): number {
  const timeout = integer(text, refusal('timeout is not an integer or out of range'));
  if (timeout < 0) throw refusal('timeout is negative');
  return timeout;
}

function wait(client: Client, args: readonly string[], server: Server): ServerResult {
  const wanted = integer(args[1]!, NOT_INTEGER);
  const timeout = timeoutOf(args[2]!);
  const index = client.lastWriteIndex;
  const holders = (): number => holdersOf(index, server);
  return waitUntil(client, server, timeout, () => holders() >= wanted, holders);
}

const LOCAL_RANGE = refusal('value is out of range, value must between 0 and 1');

function waitAof(client: Client, args: readonly string[], server: Server): ServerResult {
  const wantedLocal = integer(args[1]!, LOCAL_RANGE);
  if (wantedLocal < 0 || wantedLocal > 1) return LOCAL_RANGE;
  const wanted = integer(args[2]!, NOT_POSITIVE);
  if (wanted < 0) return NOT_POSITIVE;
  const timeout = timeoutOf(args[3]!);
  const index = client.lastWriteIndex;
  const local = (): number => (server.group.persistence().pendingFsync === 0 ? 1 : 0);
  const holders = (): number => holdersOf(index, server);
  const done = (): boolean => local() >= wantedLocal && holders() >= wanted;
  return waitUntil(client, server, timeout, done, () => [local(), holders()]);
}

const NO_REPLICAOF = refusal(
  'REPLICAOF is not available: members of a Raft group elect their leader (INFO raft)',
);

const REPLICAOF = {
  arity: 3,
  flags: ['admin', 'noscript', 'stale', 'no_async_loading'],
  summary: 'Not available: members of a group elect their leader.',
  complexity: 'O(1)',
  run: () => NO_REPLICAOF,
} as const;

export const replicationCommands: readonly ServerCommand[] = [
  serverRow({
    name: 'role',
    arity: 1,
    flags: ['noscript', 'loading', 'stale', 'fast'],
    since: '2.8.12',
    summary: 'Whether this node leads, and the other members as master and replicas.',
    complexity: 'O(1)',
    run: role,
  }),
  serverRow({ ...REPLICAOF, name: 'replicaof', since: '5.0.0' }),
  serverRow({ ...REPLICAOF, name: 'slaveof', since: '1.0.0' }),
  genericRow({
    name: 'wait',
    arity: 3,
    flags: [],
    since: '3.0.0',
    summary: "Waits until more members than a majority hold this connection's writes.",
    complexity: 'O(1)',
    run: wait,
  }),
  genericRow({
    name: 'waitaof',
    arity: 4,
    flags: ['noscript'],
    since: '7.2.0',
    summary: "Waits until this connection's writes are on disk here and on other members.",
    complexity: 'O(1)',
    run: waitAof,
  }),
];
