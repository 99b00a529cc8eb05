// Owns: snapshots of this member: when one is taken, writing it in slices beside the running
// machine (architecture D7), what follows once it is durable, and snapshots that travel to and from
// other members. Invariants: one local snapshot at a time; the log behind it goes only after it was
// read back and found to be what was meant, and is the durable base; a received one is loaded and
// checked whole before the core hears of it.

import type { LoggedRecord } from '../base/log-entry.js';
import { Keyspace } from '../keyspace/keyspace.js';
import type { Machine, MachineState } from '../machine/machine.js';
import type { Logger } from '../observe/logger.js';
import type { MemberIdentity } from '../peer/handshake.js';
import type { MemberAddress } from '../peer/links.js';
import type { Clock } from '../platform/clock.js';
import type { Disk } from '../platform/disk.js';
import type { Net } from '../platform/net.js';
import { Pacer } from '../platform/pacer.js';
import type { RaftCore } from '../raft/core.js';
import type { SnapshotMeta } from '../raft/types.js';
import type { LogStore } from '../storage/log-store.js';
import { loadRdb } from '../storage/rdb/reader.js';
import type { Applier } from './applier.js';
import type { PersistenceStatus } from './group.js';
import { parseAux } from './snapshot-aux.js';
import { type ReceivedSnapshot, SnapshotReceiver } from './snapshot-receiver.js';
import { sendSnapshot } from './snapshot-sender.js';
import { SLICE_MS, SnapshotWalk } from './snapshot-taker.js';

export interface SnapshotPolicy {
  /** Writes since the last snapshot after which one is due; 0 for never. */
  readonly intervalWrites: number;
  /** Ms since the last one after which it is due if anything was written; 0 for never. */
  readonly intervalMs: number;
  /** Ms between two at least. */
  readonly intervalMsMin: number;
  /** Entries kept in memory behind a snapshot, for members that are a little late. */
  readonly entriesKept: number;
}

export interface SnapshotParts {
  readonly policy: SnapshotPolicy;
  readonly core: RaftCore<LoggedRecord>;
  readonly machine: Machine;
  readonly store: LogStore;
  /** Of store.snapshot as recovered; null when there is none. */
  readonly newest: SnapshotMeta | null;
  readonly disk: Disk;
  readonly net: Net;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly self: () => MemberIdentity;
  readonly addressOf: (id: string) => MemberAddress | null;
}

/**
 * Of the log since the last snapshot, relative to the snapshot: below it, writing everything again
 * is not worth it.
 */
const LOG_SHARE_MIN = 0.5;
/** Bytes of log after which a snapshot is due whatever else is said. */
const LOG_BYTES_MAX = 512 * 2 ** 20;
/** Bytes of entries kept in memory behind a snapshot. */
const KEPT_BYTES_MAX = 32 * 2 ** 20;
/** After a snapshot that failed the next one is tried so much later, ms. */
const RETRY_MS = 30_000;

interface Staged {
  readonly received: ReceivedSnapshot;
  readonly keyspace: Keyspace;
  readonly state: MachineState;
}

export class Snapshots {
  readonly receiver: SnapshotReceiver;
  readonly #parts: SnapshotParts;
  #applier: Applier | null = null;
  #schedule: () => void = () => {};
  #newest: SnapshotMeta | null;
  #running = false;
  #lastAt: number;
  #lastWrites = 0;
  #lastOk = true;
  #lastMs = 0;
  #failures = 0;
  /** Monotonic ms before which none is tried after a failure; 0 for none. */
  #retryAt = 0;
  #staged: Staged | null = null;

  constructor(parts: SnapshotParts) {
    this.#parts = parts;
    this.#newest = parts.newest;
    this.#lastAt = parts.clock.now();
    this.receiver = new SnapshotReceiver({
      createSink: () => parts.store.createSnapshot(),
      onReceived: (snapshot) => void this.#stage(snapshot),
      onFailed: (from, reason) => parts.logger.warn('Snapshot not received', { from, reason }),
    });
  }

  /** Joins the parts that the replica makes after this one. */
  attach(applier: Applier, schedule: () => void): void {
    this.#applier = applier;
    this.#schedule = schedule;
  }

  status(): PersistenceStatus {
    const { store } = this.#parts;
    return {
      snapshotRunning: this.#running,
      lastSnapshotAt: this.#lastAt,
      lastSnapshotOk: this.#lastOk,
      lastSnapshotMs: this.#lastMs,
      snapshotFailures: this.#failures,
      logBytes: store.logBytes,
      snapshotBytes: store.snapshot?.bytes ?? 0,
      fsync: store.fsync,
      pendingFsync: store.pendingBytes > 0 ? 1 : 0,
    };
  }

  /** Takes a snapshot if the policy says that one is due. */
  maybeTake(): void {
    if (this.#running || !this.#due()) return;
    this.take().catch(() => {});
  }

  /** Takes a snapshot; rejects when one is running or it fails. */
  async take(): Promise<void> {
    if (this.#running) throw new Error('Background save already in progress');
    this.#running = true;
    const { clock, store, logger, machine } = this.#parts;
    const begun = clock.monotonic();
    const { writes } = machine;
    try {
      await this.#reach(await store.rotate());
      const meta = await this.#write();
      this.#lastOk = true;
      this.#lastMs = clock.monotonic() - begun;
      const bytes = store.snapshot?.bytes ?? 0;
      const ms = Math.round(this.#lastMs);
      logger.info('Snapshot written', { index: meta.index, term: meta.term, bytes, ms });
      this.#lastAt = clock.now();
      this.#lastWrites = writes;
      this.#retryAt = 0;
    } catch (error) {
      this.#lastOk = false;
      this.#failures++;
      this.#retryAt = clock.monotonic() + RETRY_MS;
      logger.error('Snapshot failed; the log is kept', { error: String(error) });
      throw error;
    } finally {
      this.#running = false;
    }
  }

  /** Streams the newest snapshot to a member that needs it; tells the core how it went. */
  sendTo(peer: string): void {
    const { core, store, disk, net, clock, logger, self } = this.#parts;
    const to = this.#parts.addressOf(peer);
    const file = store.snapshot;
    const meta = this.#newest;
    if (to === null || file === null || meta === null) {
      core.snapshotSent(peer, false);
      return;
    }
    const begin = { term: core.term, meta, bytes: file.bytes };
    void sendSnapshot({ to, self, begin, path: file.path, disk, net, clock }).then((fault) => {
      if (fault === '') logger.info('Snapshot sent', { peer, index: meta.index });
      else logger.warn('Snapshot not sent', { peer, reason: fault });
      core.snapshotSent(peer, fault === '');
      this.#schedule();
    });
  }

  /**
   * Makes the staged snapshot this member's state and log. Every promise kept before it is durable.
   */
  async install(meta: SnapshotMeta): Promise<void> {
    const { store, machine, logger } = this.#parts;
    const staged = this.#staged;
    if (staged === null || staged.state.index !== meta.index) {
      throw new Error(`snapshot ${meta.index} to install is not here`);
    }
    this.#staged = null;
    this.#applier?.cancelStop();
    await store.reset({ index: meta.index, term: meta.term }, staged.received.sink);
    machine.keyspace.adopt(staged.keyspace);
    machine.loadState(staged.state);
    this.#newest = meta;
    this.#lastAt = this.#parts.clock.now();
    this.#lastWrites = machine.writes;
    logger.info('Snapshot installed', { index: meta.index, term: meta.term });
  }

  /**
   * The core did not ask for the staged snapshot in the turn after it was stepped: it was not
   * needed.
   */
  discardStaged(): void {
    const staged = this.#staged;
    this.#staged = null;
    if (staged !== null) void staged.received.sink.abort();
  }

  get hasStaged(): boolean {
    return this.#staged !== null;
  }

  #due(): boolean {
    const { policy, clock, machine, store } = this.#parts;
    const writes = machine.writes - this.#lastWrites;
    const age = clock.now() - this.#lastAt;
    if (writes === 0 || clock.monotonic() < this.#retryAt) return false;
    if (store.logBytes > LOG_BYTES_MAX) return true;
    if (age < policy.intervalMsMin) return false;
    if (policy.intervalMs > 0 && age >= policy.intervalMs) return true;
    const worth = store.logBytes >= LOG_SHARE_MIN * (store.snapshot?.bytes ?? 0);
    return policy.intervalWrites > 0 && writes >= policy.intervalWrites && worth;
  }

  /** Waits until the machine stands at `index`, where the new log segment begins. */
  #reach(index: number): Promise<void> {
    if (this.#parts.machine.appliedIndex >= index) return Promise.resolve();
    return new Promise((resolve) => this.#applier!.stopAt(index, resolve));
  }

  async #write(): Promise<SnapshotMeta> {
    const { core, machine, store, clock, disk } = this.#parts;
    const sink = await store.createSnapshot();
    const meta = core.snapshotMeta(machine.appliedIndex);
    await new SnapshotWalk({ machine, disk, clock }, meta).writeTo(sink);
    await store.replaceBase({ index: meta.index, term: meta.term }, sink);
    this.#newest = meta;
    core.compact(meta, this.#keepFrom(meta.index));
    clock.endOfTurn(this.#schedule);
    return meta;
  }

  #keepFrom(index: number): number {
    const { core, policy } = this.#parts;
    const kept = core.tailFrom(Math.max(1, index - policy.entriesKept + 1));
    let bytes = 0;
    let from = index + 1;
    for (let i = kept.length - 1; i >= 0; i--) {
      const entry = kept[i]!;
      if (entry.index > index) continue;
      bytes += entry.body.bytes.length;
      if (bytes > KEPT_BYTES_MAX) break;
      from = entry.index;
    }
    return from;
  }

  /**
   * Loads a received snapshot beside the running state; only a sound one is offered to the core.
   */
  async #stage(received: ReceivedSnapshot): Promise<void> {
    const { core, disk, clock, logger } = this.#parts;
    const { from, begin, sink } = received;
    const keyspace = new Keyspace();
    try {
      const pacer = new Pacer(clock, SLICE_MS);
      const { meta, state } = parseAux((await loadRdb(disk, sink.path, keyspace, pacer)).aux);
      if (meta.index !== begin.meta.index || meta.term !== begin.meta.term) {
        throw new Error(
          `it stands for ${meta.index}/${meta.term}, announced was ${begin.meta.index}`,
        );
      }
      this.discardStaged();
      this.#staged = { received, keyspace, state };
      const to = this.#parts.self().nodeId;
      core.step({ type: 'snapshot', from, to, term: begin.term, meta });
      this.#schedule();
    } catch (error) {
      logger.error('Received snapshot is not usable', { from, error: String(error) });
      await sink.abort();
    }
  }
}
