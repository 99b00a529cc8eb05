// Owns: what a node must remember apart from the log, and its one line of text, in which both
// copies of the stable store keep it:
//   HELIOS-STABLE/2 {"counter":12,"term":7,...} crc=1a2b3c4d\n
// `crc` is the CRC-32 of everything before it. It stands at the end, and stays there in every later
// version, so that a damaged version number is told apart from a newer one. Decoding never throws
// and never guesses: a line is whole, or cut short, or damaged.

import { crc32 } from '../platform/checksum.js';

export const STABLE_VERSION = 2;

export interface HardState {
  readonly term: number;
  /** Whom this node voted for in `term`; empty for none. */
  readonly vote: string;
}

/**
 * The UUID is made with the directory; a new one is taken when damaged data was set aside. One that
 * was removed from the cluster is never used again (architecture D10).
 */
export interface NodeIdentity {
  readonly clusterId: string;
  readonly nodeId: string;
  readonly uuid: string;
}

export interface StableState {
  readonly hardState: HardState;
  /** Null before the first start was completed. */
  readonly identity: NodeIdentity | null;
  /** Of the last start; 0 before the first. */
  readonly incarnation: number;
  /** Text as given to saveMembership; null when none was. */
  readonly membership: string | null;
  /** This UUID was seen in the roster of a committed membership. */
  readonly admitted: boolean;
  /**
   * Data that may have been acknowledged was set aside: this node votes for nobody and starts no
   * cluster until a leader has admitted it anew.
   */
  readonly rejoining: boolean;
}

/** A state and its place in the order of saves. */
export interface SealedState {
  /** Grows by one with every save; 0 before the first. */
  readonly counter: number;
  readonly state: StableState;
}

/**
 * `newer`: whole, of a format version this build does not know. `torn`: the beginning of a line, as
 * a crash during its write leaves it. `damaged`: neither.
 */
export type SealedLine = SealedState | { readonly newer: number } | 'torn' | 'damaged';

export const NO_STATE: StableState = {
  hardState: { term: 0, vote: '' },
  identity: null,
  incarnation: 0,
  membership: null,
  admitted: false,
  rejoining: false,
};

const LINE = /^(HELIOS-STABLE\/([1-9][0-9]{0,5}) (.*) crc=)([0-9a-f]{8})\n$/s;

export function encodeSealed({ counter, state }: SealedState): string {
  const { hardState, identity, ...rest } = state;
  const json = JSON.stringify({ counter, ...hardState, ...identity, ...rest });
  const covered = `HELIOS-STABLE/${STABLE_VERSION} ${json} crc=`;
  return `${covered}${crcOf(covered)}\n`;
}

/** `line` up to and including its line feed; without one it is torn. */
export function decodeSealed(line: string): SealedLine {
  if (!line.endsWith('\n')) return 'torn';
  const match = LINE.exec(line);
  if (match === null || crcOf(match[1]!) !== match[4]) return 'damaged';
  const version = Number(match[2]);
  if (version !== STABLE_VERSION) return { newer: version };
  return fromJson(match[3]!) ?? 'damaged';
}

/** The checksum holds, so anything unexpected here was written by something else. */
function fromJson(json: string): SealedState | null {
  let fields: Record<string, unknown>;
  try {
    fields = { ...(JSON.parse(json) as object) };
  } catch {
    return null;
  }
  const { counter, term, vote, clusterId, nodeId, uuid } = fields;
  const { incarnation, membership, admitted, rejoining } = fields;
  if (!isCount(counter) || !isCount(term) || !isCount(incarnation)) return null;
  if (typeof vote !== 'string' || typeof admitted !== 'boolean' || typeof rejoining !== 'boolean') {
    return null;
  }
  if (membership !== null && typeof membership !== 'string') return null;
  const hardState = { term, vote };
  if (uuid === undefined) {
    const state = { hardState, identity: null, incarnation, membership, admitted, rejoining };
    return { counter, state };
  }
  if (typeof clusterId !== 'string' || typeof nodeId !== 'string' || typeof uuid !== 'string') {
    return null;
  }
  const identity = { clusterId, nodeId, uuid };
  return { counter, state: { hardState, identity, incarnation, membership, admitted, rejoining } };
}

function crcOf(text: string): string {
  return crc32(Buffer.from(text, 'utf8')).toString(16).padStart(8, '0');
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
