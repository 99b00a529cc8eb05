// Owns: who the members are, beside who counts: for each id the UUID of its data directory and its
// raft address, the cluster's own id, and the UUIDs that must never come back (architecture D10).
// Values and steps between them; carried by every membership, so in force when appended and taken
// back with it. The core reads one thing in it: whether an id still stands for the same UUID.
// Never forgets a removed UUID.

import type { Roster, RosterMember } from './types.js';

export const NO_ROSTER: Roster = { clusterId: '', members: [], removed: [] };

/** Nobody was seen yet: ids and addresses of an initial membership. */
export function unseenRoster(members: readonly { id: string; address: string }[]): Roster {
  const rows = members.map(({ id, address }) => ({ id, uuid: '', address, promote: true }));
  return { clusterId: '', members: sorted(rows), removed: [] };
}

export function rosterMember(roster: Roster, id: string): RosterMember | null {
  return roster.members.find((member) => member.id === id) ?? null;
}

/** The UUID that `id` stands for; empty while it was never seen, and for strangers. */
export function uuidOf(roster: Roster, id: string): string {
  return rosterMember(roster, id)?.uuid ?? '';
}

/** Adds or replaces the row of `member.id`; a UUID that this replaces never comes back. */
export function withMember(roster: Roster, member: RosterMember): Roster {
  const before = uuidOf(roster, member.id);
  const others = roster.members.filter(({ id }) => id !== member.id);
  const gone = before === member.uuid ? [] : [before];
  return {
    clusterId: roster.clusterId,
    members: sorted([...others, member]),
    removed: withRemoved(roster, gone),
  };
}

/** Only these ids stay; the UUIDs of the others never come back. */
export function keepOnly(roster: Roster, ids: readonly string[]): Roster {
  const members = roster.members.filter(({ id }) => ids.includes(id));
  if (members.length === roster.members.length) return roster;
  const gone = roster.members.filter(({ id }) => !ids.includes(id)).map(({ uuid }) => uuid);
  return { clusterId: roster.clusterId, members, removed: withRemoved(roster, gone) };
}

export function sameRoster(a: Roster, b: Roster): boolean {
  if (a === b) return true;
  if (a.clusterId !== b.clusterId || a.removed.length !== b.removed.length) return false;
  if (a.members.length !== b.members.length) return false;
  return a.members.every((member, at) => sameRow(member, b.members[at]!));
}

function sameRow(a: RosterMember, b: RosterMember): boolean {
  return a.id === b.id && a.uuid === b.uuid && a.address === b.address && a.promote === b.promote;
}

function withRemoved(roster: Roster, uuids: readonly string[]): readonly string[] {
  const news = uuids.filter((uuid) => uuid !== '' && !roster.removed.includes(uuid));
  return news.length === 0 ? roster.removed : [...roster.removed, ...news];
}

function sorted(members: readonly RosterMember[]): RosterMember[] {
  return [...members].sort((a, b) => (a.id < b.id ? -1 : 1));
}
