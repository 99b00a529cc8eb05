// Owns: what a node must remember apart from the log (architecture D6): term and vote, who it is,
// how often it started, the membership as of the snapshot. Every save is durable before its promise
// resolves; one that rejects is fatal. Kept in LevelDB in raft.data_dir (platform/key-value.ts).

import { OperationalError } from '../base/errors.js';
import type { KeyValue, OpenKeyValue } from '../platform/key-value.js';
import { foreignOwner, unknownFormat } from './storage-errors.js';

export const STABLE_VERSION = 1;

export interface HardState {
  readonly term: number;
  /** Whom this node voted for in `term`; empty for none. */
  readonly vote: string;
}

/**
 * Never changes once saved. The UUID is made with the directory and never used again after removal
 * (D10).
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
  /** Starts so far. */
  readonly incarnation: number;
  /** JSON as given to saveMembership; null when none was. */
  readonly membership: string | null;
}

export interface StableStore {
  load(): Promise<StableState>;
  saveHardState(term: number, vote: string): Promise<void>;
  /**
   * Rejects with E_FOREIGN_DATA when another identity is there. A cluster id may be set once when
   * it was empty.
   */
  saveIdentity(identity: NodeIdentity): Promise<void>;
  saveMembership(json: string): Promise<void>;
  /** Counts a start; returns the new count, from 1, never given out before. */
  bumpIncarnation(): Promise<number>;
  close(): Promise<void>;
}

type Key = 'format' | 'hard-state' | 'identity' | 'incarnation' | 'membership';

/**
 * Opens or makes the store. Rejects with E_LOCKED, E_FORMAT_VERSION, E_STABLE (damaged) or E_DISK.
 */
export async function openStableStore(
  directory: string,
  openKeyValue: OpenKeyValue,
): Promise<StableStore> {
  let level: KeyValue;
  try {
    level = await openKeyValue(directory);
  } catch (error) {
    throw openFailure(directory, error as Error);
  }
  try {
    const format = await level.get('format');
    if (format === undefined) {
      if (!(await level.isEmpty())) {
        throw damaged(directory, 'it is not a Helios store');
      }
      await level.put('format', String(STABLE_VERSION));
    } else if (format !== String(STABLE_VERSION)) {
      throw unknownFormat(directory, Number(format), STABLE_VERSION);
    }
  } catch (error) {
    await level.close();
    throw error instanceof OperationalError ? error : ioFailure(directory, error as Error);
  }
  return new KeyValueStore(directory, level);
}

class KeyValueStore implements StableStore {
  readonly #directory: string;
  readonly #level: KeyValue;

  constructor(directory: string, level: KeyValue) {
    this.#directory = directory;
    this.#level = level;
  }

  async load(): Promise<StableState> {
    const hard = await this.#record('hard-state');
    const identity = await this.#record('identity');
    const incarnation = Number((await this.#get('incarnation')) ?? '0');
    const membership = (await this.#get('membership')) ?? null;
    const { term, vote } = hard ?? { term: 0, vote: '' };
    if (!isCount(term) || typeof vote !== 'string' || !isCount(incarnation)) {
      throw damaged(this.#directory, 'term, vote or start counter cannot be read');
    }
    return {
      hardState: { term, vote },
      identity: this.#identity(identity),
      incarnation,
      membership,
    };
  }

  saveHardState(term: number, vote: string): Promise<void> {
    return this.#put('hard-state', JSON.stringify({ term, vote }));
  }

  async saveIdentity(identity: NodeIdentity): Promise<void> {
    const found = this.#identity(await this.#record('identity'));
    if (found !== null && !isSame(found, identity)) {
      throw foreignOwner(this.#directory, describe(found), describe(identity));
    }
    const { clusterId, nodeId, uuid } = identity;
    await this.#put('identity', JSON.stringify({ clusterId, nodeId, uuid }));
  }

  saveMembership(json: string): Promise<void> {
    return this.#put('membership', json);
  }

  async bumpIncarnation(): Promise<number> {
    const next = (await this.load()).incarnation + 1;
    await this.#put('incarnation', String(next));
    return next;
  }

  async close(): Promise<void> {
    await this.#level.close();
  }

  #identity(record: Record<string, unknown> | null): NodeIdentity | null {
    if (record === null) return null;
    const { clusterId, nodeId, uuid } = record;
    if (typeof clusterId === 'string' && typeof nodeId === 'string' && typeof uuid === 'string') {
      return { clusterId, nodeId, uuid };
    }
    throw damaged(this.#directory, 'the identity of the node cannot be read');
  }

  async #record(key: Key): Promise<Record<string, unknown> | null> {
    const text = await this.#get(key);
    if (text === undefined) return null;
    try {
      const value: unknown = JSON.parse(text);
      if (typeof value === 'object' && value !== null) return { ...value };
    } catch {
      // falls through: not JSON is as damaged as JSON of another kind
    }
    throw damaged(this.#directory, `${key} cannot be read`);
  }

  async #get(key: Key): Promise<string | undefined> {
    try {
      return await this.#level.get(key);
    } catch (error) {
      throw ioFailure(this.#directory, error as Error);
    }
  }

  async #put(key: Key, value: string): Promise<void> {
    try {
      await this.#level.put(key, value);
    } catch (error) {
      throw ioFailure(this.#directory, error as Error);
    }
  }
}

function isSame(found: NodeIdentity, given: NodeIdentity): boolean {
  const cluster = found.clusterId === '' || found.clusterId === given.clusterId;
  return cluster && found.nodeId === given.nodeId && found.uuid === given.uuid;
}

function describe({ nodeId, uuid, clusterId }: NodeIdentity): string {
  return `${nodeId} (${uuid}) of cluster ${clusterId === '' ? 'none yet' : clusterId}`;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function openFailure(directory: string, error: Error): OperationalError {
  const cause = error.cause as { code?: string; message?: string } | undefined;
  if (cause?.code === 'LEVEL_LOCKED') {
    return new OperationalError(
      'E_LOCKED',
      `${directory} is used by another process: another daemon runs with the same raft.data_dir. ` +
        'Stop it, or give this one a directory of its own.',
      { cause: error },
    );
  }
  if (cause?.code === 'LEVEL_CORRUPTION') return damaged(directory, cause.message ?? 'LevelDB');
  return ioFailure(directory, error);
}

function ioFailure(directory: string, error: Error): OperationalError {
  const cause = error.cause instanceof Error ? `: ${error.cause.message}` : '';
  return new OperationalError('E_DISK', `${directory}: ${error.message}${cause}`, { cause: error });
}

function damaged(directory: string, what: string): OperationalError {
  return new OperationalError(
    'E_STABLE',
    `${directory} is damaged: ${what}. Without its term and vote this node must not vote: remove it ` +
      'from the cluster and let it join again with empty data directories.',
  );
}
