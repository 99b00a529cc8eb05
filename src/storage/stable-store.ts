// Owns: what a node must remember apart from the log (architecture D6), sealed twice: a line
// appended to stable.seal and a value in LevelDB, both in raft.data_dir, both synced before a save
// resolves. Every save carries a counter and the higher one counts, so that losing or damaging
// either copy takes nothing back: not a vote, not a start. LevelDB alone would not do: it drops a
// damaged last record without a word. Invariants: a save that resolved is in both copies; nothing
// is guessed: with both unreadable, or with a damaged end of one that the other does not make up
// for, the answer is E_STABLE. A save that rejects is fatal.

import { OperationalError } from '../base/errors.js';
import type { Clock } from '../platform/clock.js';
import type { Disk } from '../platform/disk.js';
import { DiskFault, isDiskFull } from '../platform/disk-fault.js';
import type { KeyValue, OpenKeyValue } from '../platform/key-value.js';
import { NO_PATIENCE, type Space } from './disk-space.js';
import { DAMAGED_LEVEL, findLevelDamage, setLevelAside } from './level-files.js';
import { type CopyFlaw, SealFile, type SealScan } from './stable-seal.js';
import {
  decodeSealed,
  encodeSealed,
  NO_STATE,
  type NodeIdentity,
  type SealedState,
  STABLE_VERSION,
  type StableState,
} from './stable-state.js';
import { readVersionOne } from './stable-version-1.js';
import { foreignOwner, unknownFormat } from './storage-errors.js';

export interface StableStore {
  load(): Promise<StableState>;
  saveHardState(term: number, vote: string): Promise<void>;
  /**
   * Rejects with E_FOREIGN_DATA when another identity is there. A cluster id may be set once when
   * it was empty.
   */
  saveIdentity(identity: NodeIdentity): Promise<void>;
  saveMembership(text: string): Promise<void>;
  /**
   * Counts a start; returns a number never given out before, also by a directory that was lost:
   * seconds since 2020, or one more than the last. Below 2^32.
   */
  bumpIncarnation(): Promise<number>;
  /** The UUID is in the roster of a committed membership: from now on this node may vote. */
  saveAdmitted(): Promise<void>;
  /** Data was set aside: a new UUID, and no votes until admitted. Term and vote stay. */
  beginRejoin(nodeId: string, uuid: string): Promise<void>;
  /**
   * This node leaves what it belonged to behind and waits, under a new UUID, to be taken into a
   * cluster. Only starts are remembered.
   */
  forget(uuid: string): Promise<void>;
  close(): Promise<void>;
}

export interface StableOptions {
  /** raft.data_dir; made when absent. */
  readonly directory: string;
  readonly disk: Disk;
  readonly clock: Clock;
  readonly openKeyValue: OpenKeyValue;
  /** Where saves wait when the disk is full. */
  readonly space?: Space;
  /** A damaged copy was repaired: for the log. */
  readonly notice: (event: string, fields: Readonly<Record<string, unknown>>) => void;
}

const KEY = 'state';
const FORMAT_KEY = 'format';
/** Incarnations of a new directory begin at the seconds since then: 2020-01-01, ms since 1970. */
const INCARNATION_EPOCH_MS = 1_577_836_800_000;

/** What one copy holds. */
interface Copy {
  readonly newest: SealedState | null;
  readonly flaw: CopyFlaw;
}

/**
 * Opens or makes the store. Rejects with E_LOCKED, E_FORMAT_VERSION, E_STABLE (both copies damaged)
 * or E_DISK.
 */
export async function openStableStore(options: StableOptions): Promise<StableStore> {
  const { disk, directory, space = NO_PATIENCE } = options;
  await disk.makeDirectory(directory);
  const lock = await disk.lock(`${directory}/raft.lock`);
  const seal = new SealFile(disk, directory);
  let level: KeyValue | null = null;
  try {
    const scan = await seal.scan();
    level = await openSoundLevel(options, scan);
    const copy = await readLevel(directory, level);
    const chosen = choose(directory, scan, copy);
    const line = encodeSealed(chosen);
    if (scan.flaw !== '' || scan.newest?.counter !== chosen.counter) {
      noteRepair(options, seal.path, scan, copy, chosen);
      await space.retry(() => seal.replace(line));
    }
    if (copy.flaw !== '' || copy.newest?.counter !== chosen.counter) {
      noteRepair(options, `LevelDB in ${directory}`, copy, scan, chosen);
      await putOrFull(directory, level, KEY, line);
      await putOrFull(directory, level, FORMAT_KEY, String(STABLE_VERSION));
    }
    return new SealedStore(options, seal, level, lock, chosen);
  } catch (error) {
    await level?.close();
    await seal.close();
    await lock.release();
    throw error instanceof OperationalError ? error : ioFailure(directory, error as Error);
  }
}

/**
 * Puts both copies out of the way, to begin anew without a vote. One set of them is kept. Returns
 * where they are.
 */
export async function setStableAside({ disk, directory }: StableOptions): Promise<string> {
  const lock = await disk.lock(`${directory}/raft.lock`);
  try {
    const aside = await setLevelAside(disk, directory);
    const seal = new SealFile(disk, directory);
    if (await disk.exists(seal.path)) await disk.rename(seal.path, `${aside}/stable.seal`);
    await disk.syncDirectory(directory);
    return aside;
  } finally {
    await lock.release();
  }
}

/** True when setStableAside was done here, at this start or at an earlier one. */
export function stableWasSetAside({ disk, directory }: StableOptions): Promise<boolean> {
  return disk.exists(`${directory}/${DAMAGED_LEVEL}/stable.seal`);
}

/** LevelDB, whose files were found sound; rebuilt when they are not and the seal is. */
async function openSoundLevel(options: StableOptions, scan: SealScan): Promise<KeyValue> {
  const { disk, directory } = options;
  const sealed = scan.newest !== null && !scan.tailDamaged;
  let wrong = await findLevelDamage(disk, directory);
  if (wrong === '') {
    try {
      return await openWithRoom(options);
    } catch (error) {
      wrong = openFailure(directory, error as Error);
    }
  }
  if (!sealed) {
    throw damaged(directory, `LevelDB: ${wrong}; and stable.seal ${describeSeal(scan)}`);
  }
  const aside = await setLevelAside(disk, directory);
  options.notice('LevelDB is damaged; set aside, to be made anew', { wrong, aside });
  return openWithRoom(options);
}

/** Opening LevelDB writes. */
function openWithRoom({ directory, openKeyValue, space = NO_PATIENCE }: StableOptions) {
  return space.retry(async () => {
    try {
      return await openKeyValue(directory);
    } catch (error) {
      throw roomFault(directory, error as Error) ?? error;
    }
  });
}

async function putOrFull(
  directory: string,
  level: KeyValue,
  key: string,
  value: string,
): Promise<void> {
  try {
    await level.put(key, value);
  } catch (error) {
    throw levelFault(directory, error as Error);
  }
}

async function readLevel(directory: string, level: KeyValue): Promise<Copy> {
  const line = await level.get(KEY);
  if (line !== undefined) {
    const found = decodeSealed(line);
    if (found === 'torn' || found === 'damaged') return { newest: null, flaw: 'damaged' };
    if ('newer' in found) throw unknownFormat(directory, found.newer, STABLE_VERSION);
    return { newest: found, flaw: '' };
  }
  const format = await level.get(FORMAT_KEY);
  if (format === '1') {
    const newest = await readVersionOne(level);
    return { newest, flaw: newest === null ? 'damaged' : 'absent' };
  }
  if (format !== undefined && /^[1-9][0-9]{0,5}$/.test(format)) {
    const version = Number(format);
    if (version !== STABLE_VERSION) throw unknownFormat(directory, version, STABLE_VERSION);
  }
  return { newest: null, flaw: (await level.isEmpty()) ? 'absent' : 'damaged' };
}

/** The state to go on with. Throws E_STABLE rather than take back what may have been promised. */
function choose(directory: string, seal: SealScan, level: Copy): SealedState {
  const sealCounter = seal.newest?.counter ?? -1;
  const levelCounter = level.newest?.counter ?? -1;
  if (seal.newest !== null && seal.tailDamaged && levelCounter <= sealCounter) {
    throw damaged(directory, 'the end of stable.seal is damaged and LevelDB has nothing newer');
  }
  const newest = levelCounter > sealCounter ? level.newest : seal.newest;
  if (newest !== null) return newest;
  if (seal.flaw === 'absent' && level.flaw === 'absent') return { counter: 0, state: NO_STATE };
  const ofLevel = level.flaw === 'absent' ? 'is empty' : 'holds no state that can be read';
  throw damaged(directory, `stable.seal ${describeSeal(seal)}, and LevelDB ${ofLevel}`);
}

function describeSeal({ flaw, newest }: SealScan): string {
  if (flaw === 'absent') return 'is missing';
  return newest === null ? 'has no line that can be read' : 'is damaged at its end';
}

/** Says that a copy is made good from the other; not at the first start, when there is neither. */
function noteRepair(
  options: StableOptions,
  copy: string,
  { newest, flaw }: Copy,
  other: Copy,
  chosen: SealedState,
): void {
  if (flaw === 'absent' && other.flaw === 'absent') return;
  options.notice('A copy of term and vote is repaired from the other', {
    copy,
    found: flaw === '' ? 'older' : flaw,
    counter: newest?.counter ?? 0,
    newest: chosen.counter,
  });
}

class SealedStore implements StableStore {
  readonly #options: StableOptions;
  readonly #seal: SealFile;
  readonly #space: Space;
  #level: KeyValue;
  readonly #lock: { release(): Promise<void> };
  #current: SealedState;
  /** LevelDB found no room and must be opened again. */
  #levelFull = false;
  /** Saves run one after another; this is the last. */
  #saving: Promise<void> = Promise.resolve();

  constructor(
    options: StableOptions,
    seal: SealFile,
    level: KeyValue,
    lock: { release(): Promise<void> },
    current: SealedState,
  ) {
    this.#options = options;
    this.#seal = seal;
    this.#space = options.space ?? NO_PATIENCE;
    this.#level = level;
    this.#lock = lock;
    this.#current = current;
  }

  async load(): Promise<StableState> {
    await this.#saving;
    return this.#current.state;
  }

  saveHardState(term: number, vote: string): Promise<void> {
    return this.#save(() => ({ hardState: { term, vote } }));
  }

  saveIdentity({ clusterId, nodeId, uuid }: NodeIdentity): Promise<void> {
    const identity = { clusterId, nodeId, uuid };
    return this.#save(({ identity: found }) => {
      if (found !== null && !isSame(found, identity)) {
        throw foreignOwner(this.#options.directory, describe(found), describe(identity));
      }
      return { identity };
    });
  }

  saveMembership(membership: string): Promise<void> {
    return this.#save(() => ({ membership }));
  }

  async bumpIncarnation(): Promise<number> {
    const seconds = Math.floor((this.#options.clock.now() - INCARNATION_EPOCH_MS) / 1000);
    await this.#save(({ incarnation }) => ({ incarnation: Math.max(incarnation + 1, seconds) }));
    return this.#current.state.incarnation;
  }

  saveAdmitted(): Promise<void> {
    return this.#save(() => ({ admitted: true, rejoining: false }));
  }

  beginRejoin(nodeId: string, uuid: string): Promise<void> {
    return this.#save(({ identity }) => {
      const clusterId = identity?.clusterId ?? '';
      return { identity: { clusterId, nodeId, uuid }, admitted: false, rejoining: true };
    });
  }

  forget(uuid: string): Promise<void> {
    return this.#save(({ identity, incarnation }) => {
      const nodeId = identity?.nodeId ?? '';
      return {
        ...NO_STATE,
        identity: { clusterId: '', nodeId, uuid },
        incarnation,
        rejoining: true,
      };
    });
  }

  async close(): Promise<void> {
    await this.#saving.catch(() => {});
    await this.#level.close();
    await this.#seal.close();
    await this.#lock.release();
  }

  #save(change: (state: StableState) => Partial<StableState>): Promise<void> {
    const saved = this.#saving.then(() => this.#write(change));
    this.#saving = saved.catch(() => {});
    return saved;
  }

  /** Both copies at once: a vote waits for the slower of two syncs, not for their sum. */
  async #write(change: (state: StableState) => Partial<StableState>): Promise<void> {
    const { counter, state } = this.#current;
    const next = { counter: counter + 1, state: { ...state, ...change(state) } };
    const line = encodeSealed(next);
    await Promise.all([
      this.#space.retry(() => this.#seal.append(line)),
      this.#space.retry(() => this.#putInLevel(line)),
    ]);
    this.#current = next;
  }

  /** LevelDB takes nothing more after a write that found no room, until it is opened again. */
  async #putInLevel(line: string): Promise<void> {
    const { directory, openKeyValue } = this.#options;
    try {
      if (this.#levelFull) {
        await this.#level.close();
        this.#level = await openKeyValue(directory);
        this.#levelFull = false;
      }
      await this.#level.put(KEY, line);
    } catch (error) {
      const fault = levelFault(directory, error as Error);
      this.#levelFull = isDiskFull(fault);
      throw fault;
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

/** What LevelDB says is damaged; throws when it is not damage that keeps it from opening. */
function openFailure(directory: string, error: Error): string {
  if (error instanceof DiskFault) throw error;
  const cause = error.cause as { code?: string; message?: string } | undefined;
  const message = cause?.message ?? error.message;
  if (cause?.code === 'LEVEL_LOCKED') {
    throw new OperationalError(
      'E_LOCKED',
      `${directory} is used by another process: another daemon runs with the same raft.data_dir. ` +
        'Stop it, or give this one a directory of its own.',
      { cause: error },
    );
  }
  const missing = /No such file or directory|NotFound/i.test(message);
  if (cause?.code === 'LEVEL_CORRUPTION' || missing) return message;
  throw ioFailure(directory, error);
}

function levelFault(directory: string, error: Error): OperationalError {
  return roomFault(directory, error) ?? ioFailure(directory, error);
}

/** Null when it is not for want of room. What LevelDB says of the system's error is its message. */
function roomFault(directory: string, error: Error): DiskFault | null {
  const text = `${error.message} ${error.cause instanceof Error ? error.cause.message : ''}`;
  if (!/No space left on device|quota exceeded/i.test(text)) return null;
  return new DiskFault('write', directory, Object.assign(new Error(text), { code: 'ENOSPC' }));
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
