// Owns: what an operator's request makes of the membership, as pure functions of what the leader
// knows: the change, or why not and what to do instead. A request that would leave the voters
// without a majority of those that are there is refused, as is one for an unknown id, for the last
// voter, or with a UUID that was removed.

import { allMembers } from '../raft/membership.js';
import { majority } from '../raft/quorum.js';
import { rosterMember, withMember } from '../raft/roster.js';
import type { Membership, RosterMember } from '../raft/types.js';
import type { Facts, PlannedChange } from './membership-plan.js';

/** A node that was asked and would join. */
export interface Newcomer {
  readonly id: string;
  readonly uuid: string;
  readonly address: string;
}

/** A string says why not. */
export type Plan = PlannedChange | string;

/** Greetings carry the list of members: it must stay within their bounds. */
const MEMBERS_MAX = 32;

export function planAdd(membership: Membership, newcomer: Newcomer): Plan {
  const fault = faultOf(membership, newcomer);
  if (fault !== null) return fault;
  const { voters, learners, roster } = membership;
  return {
    voters,
    learners: [...learners, newcomer.id],
    roster: withMember(roster, { ...newcomer, promote: true }),
    what: 'Member added as a learner',
    member: newcomer.id,
  };
}

type Goal = (membership: Membership, args: readonly string[]) => boolean;

const GOALS: ReadonlyMap<string, Goal> = new Map<string, Goal>([
  ['addpeer', ({ roster }, [id, address]) => rosterMember(roster, id!)?.address === address],
  ['removepeer', (membership, [id]) => !allMembers(membership).includes(id!)],
  [
    'promote',
    ({ voters, roster }, [id]) =>
      voters.includes(id!) || (rosterMember(roster, id!)?.promote ?? false),
  ],
  [
    'demote',
    ({ learners, roster }, [id]) =>
      learners.includes(id!) && rosterMember(roster, id!)?.promote === false,
  ],
  [
    'replace',
    (membership, [old, id, address]) =>
      !allMembers(membership).includes(old!) &&
      rosterMember(membership.roster, id!)?.address === address,
  ],
]);

/**
 * What was asked for is how it is: for a request that may have been carried out before. Null for
 * one that is asked again as if for the first time.
 */
export function goalOf(word: string): Goal | null {
  return GOALS.get(word) ?? null;
}

/** Before the newcomer was asked its UUID is empty. */
export function faultOf(membership: Membership, { id, uuid, address }: Newcomer): string | null {
  const { roster } = membership;
  const row = rosterMember(roster, id);
  if (row !== null || allMembers(membership).includes(id)) {
    return uuid !== '' && row?.uuid !== uuid
      ? `${id} is a member already, with another data directory. If that one is lost, the node is ` +
          `taken back by itself; otherwise choose another id, or RAFT.REMOVEPEER ${id} first`
      : `${id} is a member already, at ${row?.address ?? 'an unknown address'}`;
  }
  if (roster.removed.includes(uuid)) {
    return (
      `${id} was removed from this cluster with the data it has. ` +
      `Reset it with RAFT.RESET ${id} at it (or empty its directories), then add it again`
    );
  }
  const same = roster.members.find((member) => member.uuid === uuid && uuid !== '');
  if (same !== undefined) return `${id} runs on the data directory of ${same.id}`;
  const there = roster.members.find((member) => member.address === address);
  if (there !== undefined) return `${address} is the address of ${there.id}`;
  if (roster.members.length >= MEMBERS_MAX) return `a cluster has at most ${MEMBERS_MAX} members`;
  return null;
}

export function planRemove(membership: Membership, facts: Facts, id: string): Plan {
  const { voters, learners, roster } = membership;
  if (!allMembers(membership).includes(id)) return unknown(membership, id);
  const staying = voters.filter((voter) => voter !== id);
  const fault = faultOfVoters(membership, staying, facts, `without ${id}`);
  if (fault !== null) return fault;
  return {
    voters: staying,
    learners: learners.filter((learner) => learner !== id),
    roster,
    what: 'Member removed',
    member: id,
  };
}

export function planPromote(membership: Membership, facts: Facts, id: string): Plan {
  const { voters, learners, roster } = membership;
  const row = rosterMember(roster, id);
  if (row === null) return unknown(membership, id);
  if (voters.includes(id)) return `${id} is a voter already`;
  const { alive, caughtUp } = facts(id);
  if (!alive) return `${id} cannot be reached at ${row.address}: bring it back first`;
  if (!caughtUp) {
    if (row.promote) return `${id} is not caught up; it becomes a voter by itself when it is`;
    return { ...same(membership, { ...row, promote: true }), what: 'Learner is to become a voter' };
  }
  return {
    voters: [...voters, id],
    learners: learners.filter((learner) => learner !== id),
    roster: withMember(roster, { ...row, promote: true }),
    what: 'Learner promoted',
    member: id,
  };
}

export function planDemote(membership: Membership, facts: Facts, id: string): Plan {
  const { voters, learners, roster } = membership;
  const row = rosterMember(roster, id);
  if (row === null) return unknown(membership, id);
  const stays = { ...row, promote: false };
  if (learners.includes(id)) {
    if (!row.promote) return `${id} is a learner already, and stays one`;
    return { ...same(membership, stays), what: 'Learner is to stay one' };
  }
  const staying = voters.filter((voter) => voter !== id);
  const fault = faultOfVoters(membership, staying, facts, `with ${id} as a learner`);
  if (fault !== null) return fault;
  return {
    voters: staying,
    learners: [...learners, id],
    roster: withMember(roster, stays),
    what: 'Voter demoted to learner',
    member: id,
  };
}

/** One step from the old member to the new one, through the joint membership. */
export function planReplace(
  membership: Membership,
  facts: Facts,
  old: string,
  newcomer: Newcomer,
): Plan {
  const { voters, learners, roster } = membership;
  if (!allMembers(membership).includes(old)) return unknown(membership, old);
  const fault = faultOf(membership, newcomer);
  if (fault !== null) return fault;
  const { id } = newcomer;
  const wasVoter = voters.includes(old);
  const next = voters.map((voter) => (voter === old ? id : voter));
  // The newcomer has nothing yet: those that stay must be a majority without it.
  const facing: Facts = (member) =>
    member === id ? { ...facts(member), alive: false } : facts(member);
  const lost = faultOfVoters(membership, next, facing, `with ${id}, still empty, for ${old}`);
  if (lost !== null) return `${lost}. Or add ${id} first, and remove ${old} when it is a voter`;
  return {
    voters: next,
    learners: [...learners.filter((learner) => learner !== old), ...(wasVoter ? [] : [id])],
    roster: withMember(roster, { ...newcomer, promote: true }),
    what: 'Member replaced',
    member: `${old} by ${id}`,
  };
}

function faultOfVoters(
  membership: Membership,
  next: readonly string[],
  facts: Facts,
  how: string,
): string | null {
  if (next.length === 0) {
    const [last] = membership.voters;
    return `${last} is the last voter: add another first, or end the cluster with RAFT.RESET at it`;
  }
  const away = next.filter((id) => !facts(id).alive);
  const needed = majority(next.length);
  if (next.length - away.length >= needed) return null;
  return (
    `${how} the voters would be ${next.join(', ')}, of which ${needed} are needed, and ` +
    `${away.join(', ')} cannot be reached: the cluster would stop. Bring them back first`
  );
}

function same(membership: Membership, row: RosterMember): PlannedChange {
  const { voters, learners, roster } = membership;
  return { voters, learners, roster: withMember(roster, row), what: '', member: row.id };
}

function unknown(membership: Membership, id: string): string {
  return `${id} is not a member; the members are ${allMembers(membership).join(', ')}`;
}
