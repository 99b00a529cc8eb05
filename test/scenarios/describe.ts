// Owns: how a trace writes what members exchange and keep. An entry is index@term and its body; a
// membership is its voters, "& outgoing" while it is joint, "+ learners" when there are any.

import type { Message } from '../../src/raft/messages.js';
import type {
  Entry,
  HardState,
  Membership,
  RaftStatus,
  RoleChange,
  SnapshotMeta,
} from '../../src/raft/types.js';

export type Body = string;

export function membershipText(membership: Membership): string {
  const { voters, outgoing, learners } = membership;
  const half = (mark: string, ids: readonly string[]): string =>
    ids.length === 0 ? '' : `${mark}${ids.join(' ')}`;
  const text = `${voters.join(' ')}${half(' & ', outgoing)}${half(' + ', learners)}`;
  return `config(${text.trim()})`;
}

export function entryText(entry: Entry<Body>): string {
  const what = entry.membership === null ? entry.body : membershipText(entry.membership);
  return `${entry.index}@${entry.term} ${what}`;
}

export function entriesText(entries: readonly Entry<Body>[]): string {
  return entries.map(entryText).join(', ');
}

export function hardStateText({ term, vote }: HardState): string {
  return `term=${term} vote=${vote === '' ? '-' : vote}`;
}

export function snapshotText(meta: SnapshotMeta): string {
  return `snapshot ${meta.index}@${meta.term} ${membershipText(meta.membership)}`;
}

export function changeText({ role, term, leader }: RoleChange): string {
  const known = role === 'leader' ? '' : `, leader ${leader === '' ? 'unknown' : leader}`;
  return `is ${role}, term ${term}${known}`;
}

type Describe = { readonly [T in Message<Body>['type']]: (m: never) => string };

/** What a message says besides its type and term. */
const DETAILS: Describe = {
  vote: voteRequest,
  preVote: voteRequest,
  voteResponse: (m: { granted: boolean }) => (m.granted ? ' granted' : ' refused'),
  preVoteResponse: (m: { granted: boolean }) => (m.granted ? ' granted' : ' refused'),
  append: (m: Message<Body> & { type: 'append' }) =>
    ` prev=${m.prevIndex}@${m.prevTerm} commit=${m.commitIndex} [${entriesText(m.entries)}]`,
  appendResponse: (m: Message<Body> & { type: 'appendResponse' }) =>
    m.accepted ? ` match=${m.index}` : ` refused=${m.index} hint=${m.hintIndex}@${m.hintTerm}`,
  heartbeat: (m: Message<Body> & { type: 'heartbeat' }) =>
    ` commit=${m.commitIndex}${m.readRound === 0 ? ' notice' : ` round=${m.readRound}`}`,
  heartbeatResponse: (m: { readRound: number; promised: boolean }) =>
    ` round=${m.readRound}${m.promised ? ' promised' : ''}`,
  readIndex: (m: { id: number }) => ` id=${m.id}`,
  readIndexResponse: (m: { id: number; index: number }) => ` id=${m.id} index=${m.index}`,
  snapshot: (m: { meta: SnapshotMeta }) =>
    ` ${m.meta.index}@${m.meta.term} ${membershipText(m.meta.membership)}`,
  timeoutNow: (m: { lastIndex: number; lastTerm: number }) => ` last=${m.lastIndex}@${m.lastTerm}`,
};

function voteRequest(m: { lastIndex: number; lastTerm: number; transfer: boolean }): string {
  return ` last=${m.lastIndex}@${m.lastTerm}${m.transfer ? ' transfer' : ''}`;
}

/** Type, term and details, without sender and receiver. */
export function messageText(message: Message<Body>): string {
  const details = DETAILS[message.type] as (m: Message<Body>) => string;
  return `${message.type} term=${message.term}${details(message)}`;
}

export function statusLines(status: RaftStatus): string[] {
  const { id, role, term, leader, vote } = status;
  const lead = role === 'leader' ? '' : ` leader=${leader === '' ? '-' : leader}`;
  const handing = status.transferee === '' ? '' : ` handing-to=${status.transferee}`;
  const { state, msLeft } = status.lease;
  const lease = state === 'off' ? '' : ` lease=${state}${state === 'held' ? `/${msLeft}ms` : ''}`;
  const fault = status.fault === '' ? '' : ` fault="${status.fault}"`;
  const lines = [
    `${id} ${role} term=${term} vote=${vote === '' ? '-' : vote}${lead} commit=${status.commitIndex}` +
      ` applied=${status.appliedIndex} durable=${status.durableIndex}` +
      ` log=${status.firstIndex}..${status.lastIndex}` +
      ` ${membershipText(status.membership)}${handing}${lease}${fault}`,
  ];
  for (const peer of status.peers) {
    const flags = `${peer.recentlyActive ? '' : ' silent'}${peer.learner ? ' learner' : ''}`;
    lines.push(`  ${peer.id} ${peer.state} match=${peer.match} next=${peer.next}${flags}`);
  }
  return lines;
}
