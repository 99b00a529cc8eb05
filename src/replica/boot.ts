// Owns: bringing one member back from disk: identity, hard state, snapshot, log; and what of it the
// core and the machine start with. Everything is read and checked before anything listens. Never
// decides whom to vote for or what is committed.

import { OperationalError } from '../base/errors.js';
import type { LoggedRecord, LogRecord } from '../base/log-entry.js';
import type { LuaInterpreter } from '../lua/lua-vm.js';
import { Machine } from '../machine/machine.js';
import { originName } from '../machine/origins.js';
import type { Logger } from '../observe/logger.js';
import type { MemberAddress } from '../peer/links.js';
import type { Disk } from '../platform/disk.js';
import type { Platform } from '../platform/platform.js';
import type { BootState, Entry, Membership, SnapshotMeta } from '../raft/types.js';
import { openLogStore, type RecoveredLog } from '../storage/log-recovery.js';
import type { LogStore } from '../storage/log-store.js';
import type { FsyncPolicy } from '../storage/log-writer.js';
import { loadRdb } from '../storage/rdb/reader.js';
import { decodeRecord } from '../storage/record.js';
import { openStableStore, type StableStore } from '../storage/stable-store.js';
import { parseMembers } from './bootstrap.js';
import { importPlainDirectory } from './import.js';
import { parseAux } from './snapshot-aux.js';

export interface BootOptions {
  readonly nodeId: string;
  readonly dataDir: string;
  readonly raftDataDir: string;
  readonly fsync: FsyncPolicy;
  readonly segmentBytesMax: number;
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
  readonly machine: Machine;
  readonly uuid: string;
  /** As settled at an earlier start; empty at the first. */
  readonly members: readonly MemberAddress[];
  readonly incarnation: number;
  readonly hardState: BootState<LoggedRecord>['hardState'];
  readonly entries: readonly Entry<LoggedRecord>[];
  /** Null when there is no snapshot. */
  readonly snapshot: SnapshotMeta | null;
}

export async function openMember(options: BootOptions): Promise<OpenedMember> {
  const { platform, logger, nodeId } = options;
  const { disk, clock } = platform;
  const stable = await openStableStore({
    directory: options.raftDataDir,
    disk,
    clock,
    openKeyValue: platform.openKeyValue,
    notice: (event, fields) => logger.warn(event, fields),
  });
  const state = await stable.load();
  const uuid = state.identity?.uuid ?? platform.entropy.uuid();
  await stable.saveIdentity({ clusterId: state.identity?.clusterId ?? '', nodeId, uuid });
  const incarnation = await stable.bumpIncarnation();
  const storeOptions = {
    disk,
    clock,
    directory: options.dataDir,
    owner: uuid,
    fsync: options.fsync,
    segmentBytesMax: options.segmentBytesMax,
    onFatal: options.fatal,
  };
  const members = parseMembers(state.membership ?? '') ?? [];
  const alone = options.alone && members.every(({ id }) => id === nodeId);
  await importPlainDirectory({ nodeId, alone, store: storeOptions, stable, clock, logger });
  const { hardState } = await stable.load();
  const recovered = await openLogStore(storeOptions);
  if (recovered.cut !== null) {
    logger.warn('Cut the unfinished end of the log', { ...recovered.cut });
  }
  checkTerm(hardState.term, recovered, options.raftDataDir);
  const machine = new Machine({ node: originName(nodeId, uuid), incarnation }, options.lua);
  const snapshot = await loadSnapshot(machine, recovered.store, disk, logger);
  return {
    stable,
    store: recovered.store,
    machine,
    uuid,
    members,
    incarnation,
    hardState,
    entries: recovered.records.map(entryOf),
    snapshot,
  };
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
  const { aux, keys } = await loadRdb(disk, store.snapshot.path, machine.keyspace);
  const { meta, state } = parseAux(aux);
  machine.loadState(state);
  logger.info('Snapshot loaded', { index: meta.index, term: meta.term, keys });
  return meta;
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
  const payload = Buffer.from(record.payload).toString('utf8');
  const { voters, outgoing, learners } = JSON.parse(payload) as Membership;
  return { voters: [...voters], outgoing: [...outgoing], learners: [...learners] };
}
