// Owns: what a leader changes in the membership by itself, as pure functions of what it knows: it
// writes the first roster, follows addresses that move, takes members in that were never seen or
// lost their data, and makes learners that caught up voters. One change at a time; whether it may
// be made now is the core's to say. Never removes anybody.
//
// A data directory that is not the one a voter had acknowledged entries with comes in as a learner,
// never as a voter: a leader that was replaced without knowing could otherwise commit with it what
// contradicts them (the directory that is gone had voted for the other leader).

import { allMembers, isJoint } from '../raft/membership.js';
import { majority } from '../raft/quorum.js';
import { rosterMember, withMember } from '../raft/roster.js';
import type { Membership, Roster, RosterMember } from '../raft/types.js';

/** What a leader knows of one member, itself included. */
export interface MemberFacts {
  /** What it last said of itself; null when it was never seen. */
  readonly seen: SeenMember | null;
  /** The member that the roster means was heard within an election timeout. */
  readonly alive: boolean;
  /** Has what the log held a moment ago. */
  readonly caughtUp: boolean;
  /** Raft address at which it answers; empty while it does not. */
  readonly reachedAt: string;
  /** Raft address to use while the roster has none. */
  readonly knownAddress: string;
}

export interface SeenMember {
  readonly uuid: string;
  readonly address: string;
  /** It is a full member by its own account. */
  readonly admitted: boolean;
  /** Just now, so that it is there. */
  readonly fresh: boolean;
}

export interface PlannedChange {
  readonly voters: readonly string[];
  readonly learners: readonly string[];
  readonly roster: Roster;
  /** For the log: what is done, and to whom. */
  readonly what: string;
  readonly member: string;
}

export type Facts = (id: string) => MemberFacts;

/**
 * The roster in the first entry of a log: a new cluster of those that were seen. The leader was
 * elected by empty logs, so nobody in it has acknowledged anything before.
 */
export function firstRoster(initial: Membership, facts: Facts, clusterId: string): Roster {
  return rosterOf(initial, facts, clusterId, () => true);
}

/**
 * The next change a leader makes by itself; null when all is as it should be. `clusterId` is for a
 * log that was begun before there were rosters; empty: wait with that, not everyone was seen.
 */
export function planChange(
  membership: Membership,
  facts: Facts,
  clusterId: string,
): PlannedChange | null {
  if (isJoint(membership)) return null;
  if (membership.roster.clusterId === '') return planRoster(membership, facts, clusterId);
  return (
    planAddress(membership, facts) ??
    planEntrance(membership, facts) ??
    planPromotion(membership, facts)
  );
}

/** An older log: its members are what they say they are, if they were full members then. */
function planRoster(membership: Membership, facts: Facts, clusterId: string): PlannedChange | null {
  if (clusterId === '') return null;
  const { voters, learners } = membership;
  const roster = rosterOf(membership, facts, clusterId, ({ admitted }) => admitted);
  return { voters, learners, roster, what: 'Roster begun', member: '' };
}

function rosterOf(
  membership: Membership,
  facts: Facts,
  clusterId: string,
  counts: (seen: SeenMember) => boolean,
): Roster {
  const members = allMembers(membership).map((id): RosterMember => {
    const { seen, knownAddress } = facts(id);
    const uuid = seen !== null && counts(seen) ? seen.uuid : '';
    return { id, uuid, address: seen?.address ?? knownAddress, promote: true };
  });
  return { clusterId, members, removed: membership.roster.removed };
}

function planAddress(membership: Membership, facts: Facts): PlannedChange | null {
  const { voters, learners, roster } = membership;
  for (const row of roster.members) {
    const { seen, reachedAt } = facts(row.id);
    if (seen === null || seen.uuid !== row.uuid) continue;
    if (seen.address === row.address || reachedAt === row.address) continue;
    const moved = withMember(roster, { ...row, address: seen.address });
    return { voters, learners, roster: moved, what: 'Member has moved', member: row.id };
  }
  return null;
}

/**
 * A member that is new, or whose data directory is: its id goes on with this UUID, as a learner
 * until it has everything. Only while it is there and the one before is not, and only if the voters
 * that stay can do without it.
 */
function planEntrance(membership: Membership, facts: Facts): PlannedChange | null {
  const { voters, learners, roster } = membership;
  for (const row of roster.members) {
    const { seen, alive } = facts(row.id);
    if (seen === null || !seen.fresh || seen.admitted || alive) continue;
    if (seen.uuid === row.uuid || roster.removed.includes(seen.uuid)) continue;
    const staying = voters.filter((id) => id !== row.id);
    if (!hasQuorum(staying, facts)) continue;
    const { uuid, address } = seen;
    return {
      voters: staying,
      learners: [...learners.filter((id) => id !== row.id), row.id],
      roster: withMember(roster, { ...row, uuid, address }),
      what: row.uuid === '' ? 'Member seen first' : 'Member lost its data',
      member: row.id,
    };
  }
  return null;
}

function planPromotion(membership: Membership, facts: Facts): PlannedChange | null {
  const { voters, learners, roster } = membership;
  const ready = learners.find((id) => {
    const { alive, caughtUp } = facts(id);
    return (rosterMember(roster, id)?.promote ?? false) && alive && caughtUp;
  });
  if (ready === undefined) return null;
  return {
    voters: [...voters, ready],
    learners: learners.filter((id) => id !== ready),
    roster,
    what: 'Learner caught up and becomes a voter',
    member: ready,
  };
}

/** Would these voters have a majority among those that are there now? */
export function hasQuorum(voters: readonly string[], facts: Facts): boolean {
  const alive = voters.filter((id) => facts(id).alive).length;
  return voters.length > 0 && alive >= majority(voters.length);
}
