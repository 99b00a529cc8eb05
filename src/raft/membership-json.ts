// Owns: a membership from the JSON of a config entry, a snapshot or a snapshot stream, checked
// field by field. Entries written before there were rosters have none: nobody in them was seen yet,
// and the first leader that finds such a membership completes it. Never throws.

import { NO_ROSTER } from './roster.js';
import type { Membership, Roster, RosterMember } from './types.js';

/** Null for what is not a membership. */
export function membershipFrom(value: unknown): Membership | null {
  if (!isObject(value)) return null;
  const { voters, outgoing, learners, roster } = value;
  if (!areWords(voters) || !areWords(outgoing) || !areWords(learners)) return null;
  const known = roster === undefined ? NO_ROSTER : rosterFrom(roster);
  return known === null ? null : { voters, outgoing, learners, roster: known };
}

function rosterFrom(value: unknown): Roster | null {
  if (!isObject(value)) return null;
  const { clusterId, members, removed } = value;
  if (typeof clusterId !== 'string' || !Array.isArray(members) || !areWords(removed)) return null;
  const rows = members.map(rowFrom);
  if (rows.some((row) => row === null)) return null;
  return { clusterId, members: rows as RosterMember[], removed };
}

function rowFrom(value: unknown): RosterMember | null {
  if (!isObject(value)) return null;
  const { id, uuid, address, promote } = value;
  if (typeof id !== 'string' || typeof uuid !== 'string') return null;
  if (typeof address !== 'string' || typeof promote !== 'boolean') return null;
  return { id, uuid, address, promote };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function areWords(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((word) => typeof word === 'string');
}
