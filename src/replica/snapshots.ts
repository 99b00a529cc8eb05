// Owns: snapshots of this member: its own, at checkpoints of the log or on demand, and those that
// travel to and from other members. Invariants: one of its own at a time; the log behind it goes
// only after it was read back and found to be what was meant, did not differ from the others' at
// that checkpoint, and is the durable base; the base never goes back; a received one is loaded and
// checked whole before anyone hears of it.

import type { LoggedRecord } from '../base/log-entry.js';
import { Keyspace } from '../keyspace/keyspace.js';
import type { Machine, MachineState } from '../machine/machine.js';
import type { Logger } from '../observe/logger.js';
import type { MemberIdentity } from '../peer/handshake.js';
import type { MemberAddress, PeerLinks } from '../peer/links.js';
import type { Clock } from '../platform/clock.js';
import type { Disk } from '../platform/disk.js';
import type { Net } from '../platform/net.js';
import { Pacer } from '../platform/pacer.js';
import type { RaftCore } from '../raft/core.js';
import type { SnapshotMeta } from '../raft/types.js';
import type { LogStore, SnapshotFile } from '../storage/log-store.js';
import { loadRdb, verifyRdb } from '../storage/rdb/reader.js';
import type { Applier } from './applier.js';
import type { PersistenceStatus } from './group.js';
import { feedHistory } from './history-feeder.js';
import type { Integrity } from './integrity.js';
import { parseAux } from './snapshot-aux.js';
import { type SnapshotPolicy, SnapshotSchedule } from './snapshot-policy.js';
import { type ReceivedSnapshot, SnapshotReceiver } from './snapshot-receiver.js';
import { sendSnapshot } from './snapshot-sender.js';
import { REST_MS, SLICE_MS, SnapshotWalk } from './snapshot-taker.js';

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
  /** Of the disk. `hasRoomFor` is false while so many bytes would take the last room. */
  readonly space: { readonly full: boolean; hasRoomFor(bytes: number): boolean };
  /** Of a snapshot on its way to a member, read and sent at a time. */
  readonly chunkBytes: number;
  readonly self: () => MemberIdentity;
  readonly addressOf: (id: string) => MemberAddress | null;
}

/** What the replica, which is made after this, gives it. */
export interface SnapshotHost {
  readonly applier: Applier;
  readonly integrity: Integrity;
  readonly links: PeerLinks;
  readonly schedule: () => void;
  /** A received snapshot is here, loaded and sound; install() or rebuild() it, or it is dropped. */
  readonly offer: (from: string, term: number, meta: SnapshotMeta) => void;
  /** Leader only: appends a checkpoint; its index, or 0 when it cannot. */
  readonly proposeCheckpoint: () => number;
}

const SUPERSEDED = "another member's snapshot takes its place";
const NOTHING = 'this node has no data: it is not a member of a cluster yet, or not any more';
/** Bytes of entries kept in memory behind a snapshot. */
const KEPT_BYTES_MAX = 32 * 2 ** 20;

interface Staged {
  readonly received: ReceivedSnapshot;
  readonly keyspace: Keyspace;
  readonly state: MachineState;
}

export class Snapshots {
  readonly receiver: SnapshotReceiver;
  readonly #parts: SnapshotParts;
  readonly #due: SnapshotSchedule;
  #host: SnapshotHost | null = null;
  #newest: SnapshotMeta | null;
  #running = false;
  /** The attempt that runs, or the last one, and its walk once that has begun. */
  #attempted: Promise<unknown> = Promise.resolve();
  #walk: SnapshotWalk | null = null;
  /** The last snapshot of this life is being taken: no other is begun. */
  #ending = false;
  #lastOk = true;
  #lastMs = 0;
  #failures = 0;
  #staged: Staged | null = null;
  /** Index and term of the checkpoint that this leader appended last. */
  #proposed = { index: 0, term: 0 };
  /** Grows when another member's data takes the place of this one's: a walk begun before is void. */
  #generation = 0;
  /** Another member's data is becoming this one's; the core hears of it when it has. */
  #adopting = false;
  /** Changes of the base go one after another. */
  #baseWork: Promise<unknown> = Promise.resolve();
  /** Members in quarantine that a snapshot is on its way to. */
  readonly #serving = new Set<string>();
  /** The base that was read again last, since a member did not take it. */
  #examined: SnapshotFile | null = null;
  /** Streams begun to each member: an older one gives way, or they would displace each other. */
  readonly #streams = new Map<string, number>();
  #closed = false;

  constructor(parts: SnapshotParts) {
    const { policy, clock, machine, store, logger, core } = parts;
    this.#parts = parts;
    this.#newest = parts.newest;
    this.#due = new SnapshotSchedule(policy, clock, machine, store);
    this.receiver = new SnapshotReceiver({
      clock,
      term: () => core.term,
      createSink: () => store.createSnapshot(),
      onReceived: (snapshot) => this.#stage(snapshot),
      onFailed: (from, reason) => logger.warn('Snapshot not received', { from, reason }),
      onRefused: (from, reason) => {
        const text = `snapshot from ${from} refused: ${reason}`;
        this.#host?.links.refusals.note('snapshot', from, text);
      },
    });
  }

  /** Joins the parts that the replica makes after this one. */
  attach(host: SnapshotHost): void {
    this.#host = host;
    host.applier.onCheckpoint = (index) => this.#checkpoint(index);
  }

  status(): PersistenceStatus {
    const { store } = this.#parts;
    return {
      snapshotRunning: this.#running,
      lastSnapshotAt: this.#due.lastAt,
      lastSnapshotOk: this.#lastOk,
      lastSnapshotMs: this.#lastMs,
      snapshotFailures: this.#failures,
      logBytes: store.logBytes,
      historyBytes: store.historyBytes,
      snapshotBytes: store.snapshot?.bytes ?? 0,
      fsync: store.fsync,
      pendingFsync: store.pendingBytes > 0 ? 1 : 0,
    };
  }

  /**
   * Called often. The leader decides for all by a checkpoint in the log; a snapshot that failed
   * here is tried again here. A disk that is full gets the room back that history takes.
   */
  maybeTake(): void {
    if (this.#parts.space.full) this.#giveUpHistory();
    const busy = this.#running || this.#adopting || this.#ending;
    if (busy || this.#host!.integrity.quarantined) return;
    const { store, space } = this.#parts;
    if (!space.hasRoomFor(store.snapshot?.bytes ?? store.logBytes)) return;
    if (this.#due.retryDue || this.#due.overdue) this.take(false).catch(() => {});
    else if (this.#parts.core.role === 'leader' && this.#due.due) this.#proposeCheckpoint();
  }

  /**
   * Takes a snapshot of this member alone, at full speed when somebody waits for it (`hurried`);
   * rejects when one is running, it fails, or the end of the log is not committed within `limitMs`.
   */
  take(hurried: boolean, limitMs = Number.POSITIVE_INFINITY): Promise<void> {
    if (this.#running) return Promise.reject(new Error('Background save already in progress'));
    if (this.#adopting) return Promise.reject(new Error(SUPERSEDED));
    const { core } = this.#parts;
    if (this.#closed || core.lastIndex === 0) return Promise.reject(new Error(NOTHING));
    const generation = this.#generation;
    return this.#attempt(async () => {
      await this.#reach(await this.#parts.store.rotate(), limitMs);
      if (generation !== this.#generation) throw new Error(SUPERSEDED);
      return this.#write(this.#beginWalk(hurried), false);
    });
  }

  /**
   * The last one of this life, of all that is applied: what runs is brought to its end first, at
   * full speed and without waiting for other members. Rejects as take does.
   */
  async takeLast(limitMs: number): Promise<void> {
    const { machine, store } = this.#parts;
    const { applier, integrity } = this.#host!;
    this.#ending = true;
    this.#walk?.hurry();
    applier.cancelStop();
    integrity.stopWaiting();
    await this.#attempted.catch(() => {});
    if (machine.appliedIndex > (store.snapshot?.index ?? 0)) await this.take(true, limitMs);
  }

  /**
   * Brings a member forward that needs what is not in memory: with history where that is cheaper,
   * else with the newest snapshot. Tells the core how it went.
   */
  async sendTo(peer: string): Promise<void> {
    const { core, logger, self, store, disk, clock } = this.#parts;
    const { links } = this.#host!;
    const parts = { nodeId: self().nodeId, core, store, links, disk, clock };
    const fed = await feedHistory(parts, peer);
    if (fed === 'done') {
      if (core.role === 'leader') logger.info('Member caught up from the log on disk', { peer });
      return;
    }
    const sent = fed === 'cannot' && (await this.#stream(peer, () => core.role === 'leader'));
    core.snapshotSent(peer, sent);
    this.#host!.schedule();
  }

  /** A member in quarantine needs a snapshot at `index` or later. */
  serve(peer: string, index: number): void {
    const { core } = this.#parts;
    if (this.#serving.has(peer) || this.#host!.integrity.quarantined) return;
    if ((this.#newest?.index ?? 0) < index) {
      if (core.role === 'leader' && !this.#running) this.#proposeCheckpoint();
      return;
    }
    this.#serving.add(peer);
    void this.#stream(peer, () => true).then(() => this.#serving.delete(peer));
  }

  /**
   * This life is over: ends what goes on between members, and waits for what is being done to the
   * files, which are the next life's from now on.
   */
  async close(): Promise<void> {
    this.#closed = true;
    this.#walk?.cancel();
    this.#host?.applier.cancelStop();
    this.#host?.integrity.stopWaiting();
    await this.receiver.close();
    await this.#attempted.catch(() => {});
    await this.#baseWork;
  }

  /**
   * Makes the staged snapshot this member's state and log. Every promise kept before it is durable.
   */
  install(meta: SnapshotMeta): Promise<void> {
    const { store } = this.#parts;
    return this.#adopt(meta, (position, sink) => store.reset(position, sink));
  }

  /** Makes the staged snapshot this member's state; the log that reaches over it stays. */
  rebuild(meta: SnapshotMeta): Promise<void> {
    const { store } = this.#parts;
    return this.#adopt(meta, (position, sink) => store.replaceBase(position, sink));
  }

  /**
   * Nobody asked for the staged snapshot in the turn after it was offered: it was not needed.
   */
  discardStaged(): void {
    const staged = this.#staged;
    this.#staged = null;
    if (staged !== null) void staged.received.sink.abort();
  }

  get hasStaged(): boolean {
    return this.#staged !== null;
  }

  #giveUpHistory(): void {
    const { store, logger } = this.#parts;
    const bytes = store.historyBytes;
    if (bytes === 0) return;
    // A failure ends the process, by the store's own report.
    store.giveUpHistory().catch(() => {});
    logger.warn('History of the log given up: the disk is full', { bytes });
  }

  #proposeCheckpoint(): void {
    const { core, machine } = this.#parts;
    const { index, term } = this.#proposed;
    if (term === core.term && index > machine.appliedIndex) return;
    this.#proposed = { index: this.#host!.proposeCheckpoint(), term: core.term };
  }

  /** The machine has just applied a checkpoint, as every member does: the walk begins here. */
  #checkpoint(index: number): void {
    if (this.#ending || this.#closed) return;
    if (this.#running) {
      this.#parts.logger.info('Checkpoint left out: a snapshot is being written', { index });
      return;
    }
    this.#attempt(() => this.#write(this.#beginWalk(false), true)).catch(() => {});
  }

  #attempt(work: () => Promise<SnapshotMeta>): Promise<void> {
    this.#running = true;
    const attempted = this.#carryOut(work);
    this.#attempted = attempted;
    return attempted;
  }

  async #carryOut(work: () => Promise<SnapshotMeta>): Promise<void> {
    const { clock, store, logger, machine } = this.#parts;
    const begun = clock.monotonic();
    const { writes } = machine;
    try {
      const { index, term } = await work();
      this.#lastOk = true;
      this.#lastMs = clock.monotonic() - begun;
      this.#due.succeeded(writes);
      const bytes = store.snapshot?.bytes ?? 0;
      logger.info('Snapshot written', { index, term, bytes, ms: Math.round(this.#lastMs) });
    } catch (error) {
      if (this.#closed) throw error;
      this.#lastOk = false;
      this.#failures++;
      this.#due.failed();
      logger.error('Snapshot failed; the log is kept', { error: String(error) });
      throw error;
    } finally {
      this.#running = false;
      this.#walk = null;
    }
  }

  #beginWalk(hurried: boolean): SnapshotWalk {
    const { core, machine, disk, clock, store } = this.#parts;
    const meta = core.snapshotMeta(machine.appliedIndex);
    const ports = { machine, disk, clock, logBytes: () => store.logBytes };
    this.#walk = new SnapshotWalk(ports, meta, hurried);
    return this.#walk;
  }

  /** Waits until the machine stands at `index`, where the new log segment begins. */
  #reach(index: number, limitMs: number): Promise<void> {
    const { applier } = this.#host!;
    if (this.#parts.machine.appliedIndex >= index) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const late = new Error(`entry ${index} of the log is not committed yet`);
      const limit = Number.isFinite(limitMs)
        ? this.#parts.clock.after(limitMs, () => {
            reject(late);
            applier.cancelStop();
          })
        : null;
      const onStop = (): void => {
        limit?.cancel();
        resolve();
      };
      applier.stopAt(index, onStop, () => {
        limit?.cancel();
        reject(new Error(SUPERSEDED));
      });
    });
  }

  /** `compared`: at a checkpoint, where the other members have a digest too. */
  async #write(walk: SnapshotWalk, compared: boolean): Promise<SnapshotMeta> {
    const { core, store, clock } = this.#parts;
    const { meta } = walk;
    const generation = this.#generation;
    const begun = clock.monotonic();
    const sink = await walk.write(() => store.createSnapshot());
    if (compared && !this.#ending && !this.#closed && generation === this.#generation) {
      const walkMs = clock.monotonic() - begun;
      const verdict = await this.#host!.integrity.settle(meta.index, walk.digest, walkMs);
      if (verdict === 'differs') {
        await sink.abort();
        throw new Error(`the data at ${meta.index} differs from the majority's`);
      }
    }
    await this.#changeBase(async () => {
      if (generation !== this.#generation || this.#closed) {
        await sink.abort();
        throw new Error(SUPERSEDED);
      }
      await store.replaceBase({ index: meta.index, term: meta.term }, sink);
      this.#newest = meta;
      core.compact(meta, this.#keepFrom(meta.index));
    });
    clock.endOfTurn(this.#host!.schedule);
    return meta;
  }

  #changeBase(work: () => Promise<void>): Promise<void> {
    const done = this.#baseWork.then(work);
    this.#baseWork = done.catch(() => {});
    return done;
  }

  async #stream(peer: string, wanted: () => boolean): Promise<boolean> {
    const { core, store, disk, net, clock, logger, self, chunkBytes } = this.#parts;
    const to = this.#parts.addressOf(peer);
    const file = store.snapshot;
    const meta = this.#newest;
    if (to === null || file === null || meta === null) return false;
    // The base is being replaced just now: what is announced has to be what is in the file.
    if (file.index !== meta.index) return false;
    const begin = { term: core.term, meta, bytes: file.bytes };
    const stream = (this.#streams.get(peer) ?? 0) + 1;
    this.#streams.set(peer, stream);
    const fault = await sendSnapshot({
      ...{ to, self, begin, path: file.path, chunkBytes, disk, net, clock },
      wanted: () => !this.#closed && wanted() && this.#streams.get(peer) === stream,
    });
    if (fault === '') {
      logger.info('Snapshot sent', { peer, index: meta.index });
      return true;
    }
    logger.warn('Snapshot not sent', { peer, reason: fault });
    void this.#examine(file);
    return false;
  }

  /**
   * Once for each base that a member did not take: it is read again. What has rotted since it was
   * written is of no use to anybody, and the next one may be long in coming.
   */
  async #examine(base: SnapshotFile): Promise<void> {
    if (this.#examined === base || this.#closed) return;
    this.#examined = base;
    const { store, disk, clock, logger } = this.#parts;
    try {
      await verifyRdb(disk, base.path, new Pacer(clock, SLICE_MS, REST_MS));
    } catch (error) {
      // Another one may have taken its place, and its file is gone.
      if (store.snapshot !== base || this.#closed) return;
      const fields = { path: base.path, error: String(error) };
      logger.error('Snapshot on disk is damaged: a new one is taken', fields);
      // When one is running already, that one takes its place.
      this.take(false).catch(() => {});
    }
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

  /** The staged snapshot becomes the durable base in the way given, then the machine's state. */
  async #adopt(
    meta: SnapshotMeta,
    makeBase: (
      at: { index: number; term: number },
      sink: Staged['received']['sink'],
    ) => Promise<void>,
  ): Promise<void> {
    const { machine, logger } = this.#parts;
    const staged = this.#staged;
    if (staged === null || staged.state.index !== meta.index) {
      throw new Error(`snapshot ${meta.index} to install is not here`);
    }
    this.#staged = null;
    this.#generation++;
    this.#adopting = true;
    this.#host!.applier.cancelStop();
    await this.#changeBase(async () => {
      await makeBase({ index: meta.index, term: meta.term }, staged.received.sink);
      machine.keyspace.adopt(staged.keyspace);
      machine.loadState(staged.state);
      this.#newest = meta;
    });
    this.#adopting = false;
    this.#due.succeeded(machine.writes);
    logger.info('Snapshot installed', { index: meta.index, term: meta.term });
  }

  /**
   * Loads a received snapshot beside the running state; only a sound one is offered. Resolves with
   * what is wrong with it, or empty.
   */
  async #stage(received: ReceivedSnapshot): Promise<string> {
    const { disk, clock, logger } = this.#parts;
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
      if (this.#staged !== null) {
        // It is waited for until what was promised before is durable, which a slow disk can delay.
        await sink.abort();
        return 'another snapshot is being installed';
      }
      this.#staged = { received, keyspace, state };
      this.#host!.offer(from, begin.term, meta);
      return '';
    } catch (error) {
      logger.error('Received snapshot is not usable', { from, error: String(error) });
      await sink.abort();
      return String(error);
    }
  }
}
