// Owns: what a node says of itself that is a finding unless its disk was damaged: nothing but
// damage makes data that must be set aside, and nothing but a bug makes members differ. A fault that
// a node heals by itself would otherwise stay unseen.

import type { LogFields } from '../../../src/observe/logger.js';

/** Messages that only a host whose data was changed or lost may log. */
const OF_DAMAGE: ReadonlySet<string> = new Set([
  'Data is damaged: set aside, rejoining as a learner',
  'Term and vote are damaged: set aside, rejoining as a learner',
  'The log is gone: rejoining as a learner',
  'LevelDB is damaged; set aside, to be made anew',
]);

/** Beginnings of messages that nobody may log, whatever happened to whose disk. */
const OF_NOBODY: readonly string[] = [
  'QUARANTINE',
  "The members' data differs",
  'Bug in a command',
];

/** Why this message is a finding; null when it is none. */
export function suspicionOf(
  event: string,
  fields: LogFields | undefined,
  damaged: boolean,
): string | null {
  const error = String(fields?.error ?? '');
  // An assertion is a bug wherever it ends up.
  if (error.startsWith('AssertionError')) return `${event}: ${error}`;
  const nobody = OF_NOBODY.some((beginning) => event.startsWith(beginning));
  if (!nobody && (damaged || !OF_DAMAGE.has(event))) return null;
  return `${event} ${JSON.stringify(fields ?? {})}`;
}
