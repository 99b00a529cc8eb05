// Owns: what a node says of itself that is a finding unless its disk was damaged: nothing but
// damage makes data that must be set aside, and nothing but a bug makes members differ. A fault
// that a node heals by itself would otherwise stay unseen.

import { OperationalError } from '../../../src/base/errors.js';
import type { LogFields } from '../../../src/observe/logger.js';

/** Messages that only a host whose data was changed or lost may log. */
const OF_DAMAGE: ReadonlySet<string> = new Set([
  'Data is damaged: set aside, rejoining as a learner',
  'Term and vote are damaged: set aside, rejoining as a learner',
  'The log is gone: rejoining as a learner',
  'LevelDB is damaged; set aside, to be made anew',
]);

/** Beginnings of messages that tell of data in memory that the log did not make. */
const OF_CORRUPTION: readonly string[] = ['QUARANTINE', "The members' data differs"];
/** Of snapshots that were not what was sent; a disk at the other end may be the reason. */
const OF_ANY_DISK: ReadonlySet<string> = new Set([
  'Received snapshot is not usable',
  'Snapshot on disk is damaged: a new one is taken',
]);
/** Beginnings of why a stream of a snapshot failed that are nobody's disk's or link's work. */
const OF_STREAMS = /^chunk at |^progress to |^ended at |^snapshot frame without/;
/** What nobody may log, whatever happened. */
const OF_NOBODY: readonly string[] = ['Bug in a command'];

/** What was done to data: `damaged` to this host's disk, `corrupt` to anybody's memory. */
export interface Harm {
  readonly damaged: boolean;
  /** Some disk was damaged or made to fail. */
  readonly anyDisk: boolean;
  readonly corrupt: boolean;
}

/** The node begins with nothing, and counts for nothing, until a leader takes it in again. */
export function isSetAside(event: string): boolean {
  return OF_DAMAGE.has(event);
}

/** Why this message is a finding; null when it is none. */
export function suspicionOf(
  event: string,
  fields: LogFields | undefined,
  { damaged, anyDisk, corrupt }: Harm,
): string | null {
  const error = String(fields?.error ?? '');
  // An assertion is a bug wherever it ends up.
  if (error.startsWith('AssertionError')) return `${event}: ${error}`;
  const begins = (beginning: string): boolean => event.startsWith(beginning);
  const isBad =
    OF_NOBODY.some(begins) ||
    (!damaged && OF_DAMAGE.has(event)) ||
    (!anyDisk && (OF_ANY_DISK.has(event) || OF_STREAMS.test(String(fields?.reason ?? '')))) ||
    (!corrupt && OF_CORRUPTION.some(begins));
  if (!isBad) return null;
  return `${event} ${JSON.stringify(fields ?? {})}`;
}

/** Errors that say that the data is not what was written. */
const DAMAGE = new Set([
  'E_LOG_CORRUPT',
  'E_LOG_MISSING',
  'E_LOG_LOST',
  'E_MANIFEST',
  'E_RDB',
  'E_STABLE',
]);

export function isOfDamage(error: unknown): boolean {
  return error instanceof OperationalError && DAMAGE.has(error.code);
}
