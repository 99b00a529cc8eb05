// Owns: RAFT.*: the members of the group as an operator sees and changes them, at any node. Changes
// are carried out by the leader (replica/administration.ts) and answered when they are committed; a
// refusal is definite, and says what to do. ADDPEER, REMOVEPEER and LISTPEERS go without the prefix
// too.

import { ErrorReply, OK, type Reply, SimpleString } from '../../resp/reply.js';
import type { Client } from '../client.js';
import { LATER, type ServerCommand, type ServerResult } from '../command.js';
import { raftFields } from '../info-group.js';
import type { Server } from '../server.js';
import { ADMIN, ALWAYS, refusal, rowsOf } from './row.js';

const row = rowsOf('cluster');

type Outcome = Awaited<ReturnType<Server['group']['administer']>>;
type Member = ReturnType<Server['group']['membership']>['members'][number];

/** Reasons quote what the client sent: they must stay one line. */
const TEXT_LENGTH_MAX = 1000;

function replyTo({ outcome, text }: Outcome): Reply {
  const line = text.replace(/[^\x20-\x7e]/g, '?').slice(0, TEXT_LENGTH_MAX);
  if (outcome === 'done') return line === 'OK' ? OK : line;
  return outcome === 'refused' ? refusal(line) : new ErrorReply(`UNKNOWN outcome: ${line}`);
}

/** Hands the words to the group; the name of the command loses its prefix. */
function administer(client: Client, args: readonly string[], server: Server): ServerResult {
  if (client.inMulti) return refusal('Command not allowed inside a transaction');
  const word = args[0]!.toLowerCase().replace(/^raft\./, '');
  void server.group.administer([word, ...args.slice(1)]).then((outcome) => {
    client.resolve(word === 'listpeers' ? listOf(outcome, server) : replyTo(outcome));
  });
  return LATER;
}

/** As the leader sees it; without one as this node does. */
function listOf({ outcome, text }: Outcome, server: Server): Reply {
  const members = outcome === 'done' ? membersIn(text) : null;
  return (members ?? server.group.membership().members).map(lineOf);
}

/** Null for what another version of the leader may answer. */
function membersIn(text: string): readonly Member[] | null {
  try {
    const members: unknown = JSON.parse(text);
    return Array.isArray(members) && members.every((each) => each !== null) ? members : null;
  } catch {
    return null;
  }
}

function lineOf(member: Member): Reply {
  const { id, address, respAddress, role, leader, promote, connected } = member;
  const { state, match, lag, uuid } = member;
  const shown = leader ? 'leader' : role;
  const stays = role === 'learner' && !promote ? ' stays=learner' : '';
  return (
    `id=${id} role=${shown}${stays} addr=${address} resp=${respAddress} ` +
    `connected=${connected ? 'yes' : 'no'} state=${state} match=${match} lag=${lag} uuid=${uuid}`
  );
}

function status(_client: Client, _args: readonly string[], server: Server): Reply {
  return raftFields(server)
    .map(([name, value]) => `${name}:${value}\r\n`)
    .join('');
}

const HELP: readonly string[] = [
  'RAFT.<word> [<arg> ...]. At any node; the leader carries it out. Words are:',
  'ADDPEER <id> <host:port>',
  '    Adds the node at this Raft address as a learner; it becomes a voter when it has caught up.',
  'REMOVEPEER <id>',
  '    Removes a member, which may be the leader. Its data is not touched.',
  'PROMOTE <id> | DEMOTE <id>',
  '    Makes a learner a voter, or a voter a learner that stays one.',
  'REPLACE <old id> <new id> <host:port>',
  '    Puts a node in the place of a member, in one step.',
  'TRANSFER [<id>]',
  '    Hands leadership to this voter, or to the one that is furthest.',
  'LISTPEERS',
  '    One line for each member.',
  'STATUS',
  '    What INFO raft says.',
  'RESET <own id>',
  '    Throws the data of this node away, when no other member counts on it.',
];

function help(): Reply {
  return HELP.map((line) => new SimpleString(line));
}

type Facts = readonly [word: string, arity: number, summary: string];

const CHANGES: readonly Facts[] = [
  ['addpeer', 3, 'Adds a member as a learner, which becomes a voter when it has caught up.'],
  ['removepeer', 2, 'Removes a member.'],
  ['promote', 2, 'Makes a learner a voter.'],
  ['demote', 2, 'Makes a voter a learner.'],
  ['replace', 4, 'Puts a new member in the place of another.'],
  ['transfer', -1, 'Hands leadership to another voter.'],
  ['listpeers', 1, 'Lists the members.'],
  ['reset', 2, 'Throws the data of this node away.'],
];
const BARE: ReadonlySet<string> = new Set(['addpeer', 'removepeer', 'listpeers']);

const rows = CHANGES.flatMap(([word, arity, summary]) => {
  const names = BARE.has(word) ? [`raft.${word}`, word] : [`raft.${word}`];
  return names.map((name) =>
    row({
      name,
      arity,
      flags: ADMIN,
      since: '7.2.0',
      summary,
      complexity: 'O(N)',
      run: administer,
    }),
  );
});

export const raftCommands: readonly ServerCommand[] = [
  ...rows,
  row({
    name: 'raft.status',
    arity: 1,
    flags: ALWAYS,
    since: '7.2.0',
    summary: 'Tells the state of the Raft group as this node sees it.',
    complexity: 'O(N)',
    run: status,
  }),
  row({
    name: 'raft.help',
    arity: 1,
    flags: ALWAYS,
    since: '7.2.0',
    summary: 'Lists the RAFT commands.',
    complexity: 'O(1)',
    run: help,
  }),
];
