// Owns: bringing one member back from disk: identity, hard state, snapshot, log; and what of it the
// core and the machine start with. Everything is read and checked before anything listens. Never
// decides whom to vote for or what is committed.

import { OperationalError } from '../base/errors.js';
import type { LoggedRecord, LogRecord } from '../base/log-entry.js';
import type { LuaInterpreter } from '../lua/lua-vm.js';
import { Machine } from '../machine/machine.js';
import { originName } from '../machine/origins.js';
import type { LogFields, Logger } from '../observe/logger.js';
import type { MemberAddress } from '../peer/links.js';
import type { Disk } from '../platform/disk.js';
import type { Platform } from '../platform/platform.js';
import { membershipFrom } from '../raft/membership-json.js';
import type { Admission, BootState, Entry, Membership, SnapshotMeta } from '../raft/types.js';
import { discardLog } from '../storage/discard-log.js';
import { DiskSpace } from '../storage/disk-space.js';
import { openLogStore, type RecoveredLog } from '../storage/log-recovery.js';
import type { LogStore, LogStoreOptions } from '../storage/log-store.js';
import type { FsyncPolicy } from '../storage/log-writer.js';
import { loadRdb } from '../storage/rdb/reader.js';
import { decodeRecord } from '../storage/record.js';
import type { StableState } from '../storage/stable-state.js';
import {
  openStableStore,
  type StableStore,
  setStableAside,
  stableWasSetAside,
} from '../storage/stable-store.js';
import { damagedSnapshot } from '../storage/storage-errors.js';
import { parseMembers } from './bootstrap.js';
import { importPlainDirectory } from './import.js';
import { parseAux } from './snapshot-aux.js';

export interface BootOptions {
  readonly nodeId: string;
  readonly dataDir: string;
  readonly raftDataDir: string;
  readonly fsync: FsyncPolicy;
  readonly segmentBytesMax: number;
  /** Bytes of the reserve, and bytes free below which the disk counts as full. */
  readonly diskReserve: number;
  readonly diskFreeMin: number;
  readonly historyBytesMax: number;
  /** Whether the configuration names no other member. */
  readonly alone: boolean;
  /** Null: EVAL answers an error. */
  readonly lua: LuaInterpreter | null;
  readonly platform: Platform;
  readonly logger: Logger;
  readonly fatal: (error: unknown) => void;
}

/** A member as found on disk, before its membership is settled. */
export interface OpenedMember {
  readonly stable: StableStore;
  readonly store: LogStore;
  readonly space: DiskSpace;
  readonly machine: Machine;
  readonly uuid: string;
  /** Empty until the cluster was known for certain. */
  readonly clusterId: string;
  readonly admission: Admission;
  /** As settled at an earlier start; empty at the first. */
  readonly members: readonly MemberAddress[];
  readonly incarnation: number;
  readonly hardState: BootState<LoggedRecord>['hardState'];
  readonly entries: readonly Entry<LoggedRecord>[];
  /** Null when there is no snapshot. */
  readonly snapshot: SnapshotMeta | null;
}

/** What was written here is not what is here: bit rot, or files that are gone. */
const DAMAGED: ReadonlySet<string> = new Set([
  'E_LOG_CORRUPT',
  'E_LOG_MISSING',
  'E_MANIFEST',
  'E_RDB',
  'E_STABLE',
]);

/**
 * Opens everything. A member of several whose data is damaged or gone sets it aside (one copy is
 * kept), takes a new UUID and asks to be taken in again; until then it votes for nobody
 * (architecture D8). A member of one is refused: nobody else has the data.
 */
export async function openMember(options: BootOptions): Promise<OpenedMember> {
  const space = await openSpace(options);
  const stable = await openStable(options, space);
  try {
    return await openOrRejoin(options, space, stable);
  } catch (error) {
    await stable.close();
    throw error;
  }
}

async function openOrRejoin(
  options: BootOptions,
  space: DiskSpace,
  stable: StableStore,
): Promise<OpenedMember> {
  const { logger, dataDir } = options;
  try {
    const opened = await openDirectories(options, space, stable);
    if (!opened.lostLog) return opened;
    logger.error('The log is gone: rejoining as a learner', { directory: dataDir });
    await opened.store.close();
  } catch (error) {
    if (!isDamage(error) || isAlone(options, await stable.load())) throw error;
    logger.error('Data is damaged: set aside, rejoining as a learner', {
      code: error.code,
      error: error.message,
    });
  }
  await stable.beginRejoin(options.nodeId, options.platform.entropy.uuid());
  return openDirectories(options, space, stable);
}

function isDamage(error: unknown): error is OperationalError {
  return error instanceof OperationalError && DAMAGED.has(error.code);
}

/** Nobody else has this node's data, as far as is known: what is stored counts before what is said. */
function isAlone({ alone, nodeId }: BootOptions, { membership }: StableState): boolean {
  const members = parseMembers(membership ?? '') ?? [];
  return members.length === 0 ? alone : members.every(({ id }) => id === nodeId);
}

/** Term and vote; begun anew, without a vote, when both copies are damaged. */
async function openStable(options: BootOptions, space: DiskSpace): Promise<StableStore> {
  const { platform, logger, nodeId } = options;
  const { disk, clock, openKeyValue, entropy } = platform;
  const stableOptions = {
    ...{ directory: options.raftDataDir, space, disk, clock, openKeyValue },
    notice: (event: string, fields: LogFields) => logger.warn(event, fields),
  };
  let stable: StableStore | null = null;
  let found: LogFields = { found: 'at an earlier start' };
  try {
    stable = await openStableStore(stableOptions);
  } catch (error) {
    if (!isDamage(error) || options.alone) throw error;
    found = { code: error.code, error: error.message };
    await setStableAside(stableOptions);
  }
  stable ??= await openStableStore(stableOptions);
  const { identity } = await stable.load();
  // Also when an earlier start came no further than here: the log is that of the one set aside.
  if (identity === null && !options.alone && (await stableWasSetAside(stableOptions))) {
    logger.error('Term and vote are damaged: set aside, rejoining as a learner', found);
    await stable.beginRejoin(nodeId, entropy.uuid());
  }
  return stable;
}

async function openDirectories(
  options: BootOptions,
  space: DiskSpace,
  stable: StableStore,
): Promise<OpenedMember & { readonly lostLog: boolean }> {
  const { platform, logger, nodeId } = options;
  const { disk, clock } = platform;
  const state = await stable.load();
  const uuid = state.identity?.uuid ?? platform.entropy.uuid();
  await stable.saveIdentity({ clusterId: state.identity?.clusterId ?? '', nodeId, uuid });
  const incarnation = await stable.bumpIncarnation();
  const storeOptions = {
    disk,
    clock,
    directory: options.dataDir,
    owner: uuid,
    used: state.admitted || state.membership !== null,
    fsync: options.fsync,
    segmentBytesMax: options.segmentBytesMax,
    space,
    historyBytesMax: options.historyBytesMax,
    onFatal: options.fatal,
  };
  const members = parseMembers(state.membership ?? '') ?? [];
  const alone = isAlone(options, state);
  const clusterId = platform.entropy.uuid();
  if (!state.rejoining) {
    const ports = { stable, clock, logger };
    await importPlainDirectory({ nodeId, alone, clusterId, store: storeOptions, ...ports });
  }
  const { hardState } = await stable.load();
  const recovered = await openLog(storeOptions, state.rejoining, logger);
  if (recovered.cut !== null) {
    logger.warn('Cut the unfinished end of the log', { ...recovered.cut });
  }
  const machine = new Machine({ node: originName(nodeId, uuid), incarnation }, options.lua);
  let snapshot: SnapshotMeta | null;
  try {
    checkTerm(hardState.term, recovered, options.raftDataDir);
    snapshot = await loadSnapshot(machine, recovered.store, disk, logger);
  } catch (error) {
    await recovered.store.close();
    throw error;
  }
  const entries = recovered.records.map(entryOf);
  const lostLog = state.admitted && entries.length === 0 && snapshot === null;
  if (lostLog && alone) throw lostAlone(options);
  return {
    stable,
    store: recovered.store,
    space,
    machine,
    uuid,
    clusterId: state.identity?.clusterId ?? '',
    admission: admissionOf(state, newestMembership(entries, snapshot)),
    members,
    incarnation,
    hardState,
    entries,
    snapshot,
    lostLog,
  };
}

/**
 * The log. In the directory of a node that is to join anew, one that cannot be used is this node's
 * own from before, under another UUID or half put aside.
 */
async function openLog(
  options: LogStoreOptions,
  rejoining: boolean,
  logger: Logger,
): Promise<RecoveredLog> {
  try {
    return await openLogStore(options);
  } catch (error) {
    const foreign = error instanceof OperationalError && error.code === 'E_FOREIGN_DATA';
    if (!rejoining || !(foreign || isDamage(error))) throw error;
  }
  const kept = await discardLog(options.disk, options.directory);
  logger.warn('The log from before is not used any more', { kept });
  return openLogStore(options);
}

/** A log from before there were rosters is that of a member which nobody had to admit. */
function admissionOf(state: StableState, newest: Membership | null): Admission {
  if (state.rejoining) return 'joining';
  const old = newest !== null && newest.roster.clusterId === '';
  return state.admitted || old ? 'admitted' : 'new';
}

/** The newest membership on disk; null when the log has none yet. */
export function newestMembership(
  entries: readonly Entry<LoggedRecord>[],
  snapshot: SnapshotMeta | null,
): Membership | null {
  let membership = snapshot?.membership ?? null;
  for (const entry of entries) membership = entry.membership ?? membership;
  return membership;
}

function lostAlone({ dataDir, raftDataDir }: BootOptions): OperationalError {
  return new OperationalError(
    'E_LOG_LOST',
    `${raftDataDir} knows of a log, and ${dataDir} has none: the data of this node is gone, and ` +
      'no other member has it. Put it back, or, to begin with nothing, remove both directories.',
  );
}

async function openSpace(options: BootOptions): Promise<DiskSpace> {
  const { disk, clock } = options.platform;
  const { dataDir, raftDataDir, logger } = options;
  for (const directory of [dataDir, raftDataDir]) await disk.makeDirectory(directory);
  return new DiskSpace({
    ...{ disk, clock, directory: dataDir, others: [raftDataDir] },
    reserveBytes: options.diskReserve,
    freeBytesMin: options.diskFreeMin,
    notice: (event, fields) => logger.warn(event, fields),
  });
}

/** The term is durable before its entries are written (D6): a lower one on disk is a lost one. */
function checkTerm(term: number, { records, snapshot }: RecoveredLog, directory: string): void {
  const logged = records.at(-1)?.record.term ?? snapshot?.term ?? 0;
  if (term >= logged) return;
  throw new OperationalError(
    'E_STABLE',
    `${directory} is damaged or older than the log: it knows term ${term}, the log has entries ` +
      `of term ${logged}. Without its term and vote this node must not vote: restore the ` +
      'directory, or remove the ' +
      'node from the cluster and let it join again with empty data directories.',
  );
}

async function loadSnapshot(
  machine: Machine,
  store: LogStore,
  disk: Disk,
  logger: Logger,
): Promise<SnapshotMeta | null> {
  if (store.snapshot === null) return null;
  const { path } = store.snapshot;
  try {
    const { aux, keys } = await loadRdb(disk, path, machine.keyspace);
    const { meta, state } = parseAux(aux, path);
    machine.loadState(state);
    logger.info('Snapshot loaded', { index: meta.index, term: meta.term, keys });
    return meta;
  } catch (error) {
    throw isDamage(error) ? damagedSnapshot(path, error) : error;
  }
}

/** A log entry for the core from a record and its bytes. */
export function entryOf(logged: LoggedRecord): Entry<LoggedRecord> {
  const { record } = logged;
  return {
    index: record.index,
    term: record.term,
    kind: record.kind,
    size: record.kind === 'batch' ? Math.max(1, record.payload.length) : 1,
    body: logged,
    membership: record.kind === 'config' ? membershipIn(record) : null,
  };
}

/** An entry from bytes that a member sent, or what is wrong with them. */
export function decodeEntry(bytes: Buffer): Entry<LoggedRecord> | string {
  const found = decodeRecord(bytes, 0);
  if (found === 'incomplete') return 'cut short';
  if (!('record' in found)) return found.corrupt;
  if (found.end !== bytes.length) return 'bytes behind the record';
  try {
    return entryOf({ record: found.record, bytes });
  } catch {
    return 'a config entry without a membership';
  }
}

function membershipIn(record: LogRecord): Membership {
  const membership = membershipFrom(JSON.parse(Buffer.from(record.payload).toString('utf8')));
  if (membership === null) throw new Error(`config entry ${record.index} has no membership`);
  return membership;
}
