// Owns: what a snapshot carries in AUX fields besides the keys (architecture D6): its place in the
// log, the membership as of then, and the machine's own state. Redis skips fields it does not know.

import { OperationalError } from '../base/errors.js';
import type { Digest } from '../keyspace/digest.js';
import type { MachineState } from '../machine/machine.js';
import { membershipFrom } from '../raft/membership-json.js';
import type { SnapshotMeta } from '../raft/types.js';
import type { LoadReport } from '../storage/rdb/reader.js';
import { unknownFormat } from '../storage/storage-errors.js';

/** Raised when older programs would misread a snapshot; one without the field is of the first. */
export const SNAPSHOT_FORMAT = 1;

export function auxOf(meta: SnapshotMeta, state: MachineState): ReadonlyMap<string, string> {
  return new Map([
    ['redis-ver', '7.2.4'],
    ['redis-bits', '64'],
    ['ctime', String(Math.floor(state.time / 1000))],
    ['aof-base', '1'],
    ['helios-format', String(SNAPSHOT_FORMAT)],
    ['helios-index', String(meta.index)],
    ['helios-term', String(meta.term)],
    ['helios-time', String(state.time)],
    ['helios-membership', JSON.stringify(meta.membership)],
    ['helios-origins', JSON.stringify(state.origins)],
    ['helios-touches', JSON.stringify(state.touches)],
    ['helios-scripts', JSON.stringify(state.scripts)],
  ]);
}

/**
 * Throws E_FORMAT_VERSION for a snapshot of a newer program; E_RDB, naming the field, when one is
 * missing or malformed. `what`: the file, for the message.
 */
export function parseAux(
  aux: ReadonlyMap<string, string>,
  what = 'the snapshot',
): {
  meta: SnapshotMeta;
  state: MachineState;
} {
  const format = aux.has('helios-format') ? numberField(aux, 'helios-format') : SNAPSHOT_FORMAT;
  if (format > SNAPSHOT_FORMAT) throw unknownFormat(what, format, SNAPSHOT_FORMAT);
  const index = numberField(aux, 'helios-index');
  const term = numberField(aux, 'helios-term');
  const time = numberField(aux, 'helios-time');
  const membership = membershipFrom(jsonField<unknown>(aux, 'helios-membership'));
  if (membership === null) {
    throw new OperationalError('E_RDB', 'snapshot field helios-membership is not a membership');
  }
  const origins = jsonField<MachineState['origins']>(aux, 'helios-origins');
  const touches = jsonField<MachineState['touches']>(aux, 'helios-touches');
  const scripts = jsonField<MachineState['scripts']>(aux, 'helios-scripts', '[]');
  const state = { index, term, time, origins, touches, scripts };
  return { meta: { index, term, membership }, state };
}

/** Fields that are state of the machine: equal on all members at one index. */
const STATE_FIELDS = ['index', 'term', 'time', 'origins', 'touches', 'scripts'].map(
  (name) => `helios-${name}`,
);

/** The digest of the whole state: keys, and what the machine keeps besides. Ends `keys`. */
export function withState(keys: Digest, aux: ReadonlyMap<string, string>): string {
  for (const name of STATE_FIELDS) keys.addText(name, aux.get(name) ?? '');
  return keys.toString();
}

/**
 * Whether the file that was read back is the one that was meant: throws E_RDB, naming what differs.
 */
export function checkWritten(report: LoadReport, meta: SnapshotMeta, digest: Digest): void {
  const { meta: found } = parseAux(report.aux);
  const differs = (what: string, is: unknown, meant: unknown): void => {
    if (String(is) === String(meant)) return;
    throw new OperationalError('E_RDB', `the written snapshot has ${what} ${is}, not ${meant}`);
  };
  differs('index', found.index, meta.index);
  differs('term', found.term, meta.term);
  differs('the number of keys', report.keys, digest.keys);
  differs('the digest', report.digest, digest);
}

function numberField(aux: ReadonlyMap<string, string>, name: string): number {
  const value = Number(aux.get(name) ?? Number.NaN);
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new OperationalError('E_RDB', `snapshot field ${name} is missing or not a number`);
}

/** `missing`: what a snapshot of a version without the field means. */
function jsonField<T>(aux: ReadonlyMap<string, string>, name: string, missing = ''): T {
  try {
    return JSON.parse(aux.get(name) ?? missing) as T;
  } catch {
    throw new OperationalError('E_RDB', `snapshot field ${name} is missing or not JSON`);
  }
}
