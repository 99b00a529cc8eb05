// Owns: one member of a scenario: a core, its disk, and the duties of a driver (Ready's contract in
// raft/types.ts), each done only when a verb asks: nothing becomes durable, is applied or is sent
// by itself. A crash keeps what was flushed, and of the rest as many records as the scenario says.

import { Rng } from '../../src/base/rng.js';
import { RaftCore } from '../../src/raft/core.js';
import { allMembers } from '../../src/raft/membership.js';
import type { Message } from '../../src/raft/messages.js';
import { unseenRoster, withMember } from '../../src/raft/roster.js';
import type {
  Admission,
  Entry,
  HardState,
  Membership,
  RaftConfig,
  Ready,
  Roster,
  SnapshotMeta,
} from '../../src/raft/types.js';
import {
  type Body,
  changeText,
  entriesText,
  entryText,
  hardStateText,
  membershipText,
  snapshotText,
} from './describe.js';
import type { Trace } from './trace.js';

/** A random choice is the same every time: `jitter`, or the largest allowed. */
class ScriptedRng extends Rng {
  jitter = 0;
  #firstReadId: number;

  constructor(firstReadId: number) {
    super(1);
    this.#firstReadId = firstReadId;
  }

  override below(bound: number): number {
    // The one wide choice is where the ids of forwarded reads begin: another place in each life.
    return bound > 2 ** 20 ? this.#firstReadId : Math.min(this.jitter, bound - 1);
  }
}

/** One record of the ordered stream to the disk; a torn write keeps a prefix of them. */
type Record =
  | { readonly kind: 'hardState'; readonly hardState: HardState }
  | { readonly kind: 'entry'; readonly entry: Entry<Body> }
  | { readonly kind: 'admitted' }
  | { readonly kind: 'install'; readonly meta: SnapshotMeta };

interface Write {
  readonly number: number;
  readonly token: number;
  readonly records: readonly Record[];
  readonly afterwards: readonly Message<Body>[];
}

/** What a node needs of the world around it. */
export interface Surroundings {
  readonly trace: Trace;
  post(message: Message<Body>): void;
  /** A read was given this index, or -1: refused. */
  answered(node: string, id: number, index: number): void;
  /** Who these members are, as whoever meets them would see. */
  rosterOf(ids: readonly string[]): Roster;
}

export interface Disk {
  /** Made with the data directory. */
  uuid: string;
  admission: Admission;
  hardState: HardState;
  snapshot: SnapshotMeta;
  entries: Entry<Body>[];
}

/** Ms of a tick, for leases. */
export const TICK_MS = 100;

export interface Settings extends Omit<RaftConfig, 'uuid' | 'lease'> {
  /** Ms of the promise of a lease, and for how long a leader counts on it; null without leases. */
  readonly leaseMs: { readonly promise: number; readonly duration: number } | null;
}

export class ScenarioNode {
  readonly id: string;
  readonly disk: Disk;
  readonly #config: Settings;
  readonly #trace: Trace;
  readonly #world: Surroundings;
  #core: RaftCore<Body> | null = null;
  #rng = new ScriptedRng(0);
  #life = 0;
  #writes: Write[] = [];
  #written = 0;
  #commitIndex = 0;
  #membership = '';
  /** This node's own monotonic clock, ms: goes on while it is paused or down. */
  #clock = 0;
  paused = false;
  /** Neither flushes nor applies in `stabilize` while set. */
  readonly held = new Set<string>();
  /** Peers the core wants a snapshot streamed to. */
  wanted: string[] = [];
  /** Every entry this life of the node applied. */
  applied: Entry<Body>[] = [];

  constructor(config: Settings, disk: Disk, world: Surroundings) {
    this.id = config.id;
    this.disk = disk;
    this.#config = config;
    this.#trace = world.trace;
    this.#world = world;
  }

  /** Time passes here. */
  passTime(ms: number): void {
    this.#clock += ms;
  }

  get running(): boolean {
    return this.#core !== null;
  }

  /** Runs and is not stopped by a signal. */
  get awake(): boolean {
    return this.running && !this.paused;
  }

  get core(): RaftCore<Body> {
    if (this.#core === null) throw new Error(`${this.id} is not running`);
    return this.#core;
  }

  set jitter(ticks: number) {
    this.#rng.jitter = ticks;
  }

  start(): void {
    const { jitter } = this.#rng;
    this.#rng = new ScriptedRng(1000 * ++this.#life);
    this.#rng.jitter = jitter;
    const { hardState, snapshot, entries, admission, uuid } = this.disk;
    const firstRoster = (initial: Membership): Roster => this.#world.rosterOf(allMembers(initial));
    const boot = { hardState, snapshot, entries: [...entries], admission, firstRoster };
    const bodyOf = (kind: string): string => kind;
    const { leaseMs, ...rest } = this.#config;
    const startedAt = this.#clock;
    const config: RaftConfig =
      leaseMs === null
        ? { ...rest, uuid }
        : {
            ...rest,
            uuid,
            lease: { promiseMs: leaseMs.promise, durationMs: leaseMs.duration, startedAt },
          };
    this.#core = new RaftCore<Body>(config, boot, this.#rng, bodyOf);
    this.#writes = [];
    this.#written = 0;
    this.applied = [];
    this.wanted = [];
    this.#commitIndex = snapshot.index;
    this.#membership = membershipText(this.#core.membership);
  }

  /** Ends this life; of the records not flushed yet the first `kept` are on the disk. */
  crash(kept: number): void {
    const pending = this.#writes.flatMap(({ records }) => records);
    for (const record of pending.slice(0, kept)) this.#persist(record);
    const lost = Math.max(0, pending.length - kept);
    this.#trace.event(`${this.id} crashes, ${lost} of ${pending.length} unflushed records lost`);
    this.#core = null;
    this.#writes = [];
    this.paused = false;
    this.held.clear();
  }

  /** Does something to the core and traces a change of the membership in force. */
  act<T>(what: (core: RaftCore<Body>) => T): T {
    this.core.advance(this.#clock);
    const result = what(this.core);
    const membership = membershipText(this.core.membership);
    if (membership !== this.#membership) {
      this.#membership = membership;
      this.#trace.event(`${this.id} now follows ${membership}`);
    }
    return result;
  }

  /** True when the core had something to say. */
  processReady(): boolean {
    let any = false;
    for (;;) {
      const ready = this.act((core) => core.takeReady());
      if (ready === null) return any;
      any = true;
      this.#carryOut(ready);
    }
  }

  #carryOut(ready: Ready<Body>): void {
    const { id } = this;
    if (ready.fault !== '') this.#trace.event(`${id} FAULT: ${ready.fault}`);
    if (ready.change !== null) this.#trace.event(`${id} ${changeText(ready.change)}`);
    for (const message of ready.messages) this.#world.post(message);
    this.#submit(ready);
    for (const read of ready.reads) {
      const answer = read.index < 0 ? 'is refused' : `may run at ${read.index}`;
      this.#trace.event(`${id} read ${read.id} ${answer}`);
      this.#world.answered(id, read.id, read.index);
    }
    for (const peer of ready.sendSnapshotTo) {
      this.wanted.push(peer);
      this.#trace.event(`${id} wants to stream a snapshot to ${peer}`);
    }
    if (ready.commitIndex > this.#commitIndex) {
      this.#commitIndex = ready.commitIndex;
      this.#trace.event(`${id} commits up to ${ready.commitIndex}`);
    }
  }

  #submit(ready: Ready<Body>): void {
    const records: Record[] = [];
    const texts: string[] = [];
    if (ready.hardState !== null) {
      records.push({ kind: 'hardState', hardState: ready.hardState });
      texts.push(hardStateText(ready.hardState));
    }
    if (ready.admitted) {
      records.push({ kind: 'admitted' });
      this.#trace.event(`${this.id} is admitted`);
    }
    for (const entry of ready.entries) records.push({ kind: 'entry', entry });
    if (ready.admitted) texts.push('admitted');
    if (ready.entries.length > 0) texts.push(entriesText(ready.entries));
    if (ready.snapshot !== null) {
      records.push({ kind: 'install', meta: ready.snapshot });
      texts.push(`install ${snapshotText(ready.snapshot)}`);
    }
    const { token, afterDurable } = ready;
    if (records.length === 0 && afterDurable.length === 0) return;
    const number = ++this.#written;
    this.#writes.push({ number, token, records, afterwards: afterDurable });
    const what = texts.length === 0 ? 'nothing' : texts.join(', ');
    const then = afterDurable.map(({ type, to }) => `${type} to ${to}`).join(', ');
    this.#trace.step(`${this.id} writes #${number}: ${what}${then === '' ? '' : `; then ${then}`}`);
  }

  get unflushed(): number {
    return this.#writes.length;
  }

  /** The oldest `count` writes become durable and what waited for them happens. */
  flush(count: number): void {
    for (const write of this.#writes.splice(0, count)) {
      for (const record of write.records) this.#persist(record);
      this.#trace.step(`${this.id} flushed #${write.number}`);
      if (write.token > 0) this.act((core) => core.appended(write.token));
      for (const message of write.afterwards) this.#world.post(message);
      for (const record of write.records) if (record.kind === 'install') this.#install(record.meta);
    }
  }

  /** Tells the core of the completion of a write again, as a confused disk might. */
  repeatCompletion(token: number): void {
    this.act((core) => core.appended(token));
  }

  #persist(record: Record): void {
    const { disk } = this;
    if (record.kind === 'hardState') {
      disk.hardState = record.hardState;
    } else if (record.kind === 'admitted') {
      disk.admission = 'admitted';
    } else if (record.kind === 'entry') {
      const { index } = record.entry;
      disk.entries = disk.entries.filter((old) => old.index < index);
      disk.entries.push(record.entry);
    } else {
      disk.snapshot = record.meta;
      disk.entries = [];
    }
  }

  #install(meta: SnapshotMeta): void {
    this.#trace.event(`${this.id} installed ${snapshotText(meta)}`);
    this.#commitIndex = Math.max(this.#commitIndex, meta.index);
    this.act((core) => core.snapshotInstalled(meta));
  }

  /** True when there was anything to apply. */
  apply(): boolean {
    const { core } = this;
    const entries = core.entriesFrom(core.appliedIndex + 1, Number.MAX_SAFE_INTEGER);
    if (entries.length === 0) return false;
    this.#trace.event(`${this.id} applies ${entriesText(entries)}`);
    this.applied.push(...entries);
    this.act(() => core.applied(entries.at(-1)!.index));
    return true;
  }

  /** A snapshot of what is applied; `keep` entries behind it stay in memory. */
  compact(keep: number): void {
    const { core, disk } = this;
    const meta = core.snapshotMeta(core.appliedIndex);
    disk.snapshot = meta;
    disk.entries = disk.entries.filter((entry) => entry.index > meta.index);
    this.act(() => core.compact(meta, meta.index + 1 - keep));
    this.#trace.event(
      `${this.id} took ${snapshotText(meta)}, log from ${core.status().firstIndex}`,
    );
  }

  logLines(): string[] {
    const { firstIndex, lastIndex } = this.core.status();
    const entries = this.core.tailFrom(firstIndex);
    if (entries.length === 0) return [`${this.id} log empty after ${lastIndex}`];
    return entries.map((entry) => `${this.id} ${entryText(entry)}`);
  }
}

/**
 * A disk with a log of these terms, of a node that is a member; or with nothing, of a node that
 * nobody knows yet.
 */
export function newDisk(uuid: string, membership: Membership, terms: readonly number[]): Disk {
  const entries = terms.map((term, at): Entry<Body> => {
    const index = at + 1;
    const body = `old${index}`;
    return { index, term, kind: 'batch', size: 10, body, membership: null };
  });
  return {
    uuid,
    admission: terms.length === 0 ? 'new' : 'admitted',
    hardState: { term: terms.at(-1) ?? 0, vote: '' },
    snapshot: { index: 0, term: 0, membership },
    entries,
  };
}

/** These members under the UUIDs of their disks. */
export function seenRoster(disks: readonly (readonly [id: string, disk: Disk])[]): Roster {
  let roster = unseenRoster([]);
  for (const [id, { uuid }] of disks) {
    roster = withMember(roster, { id, uuid, address: `${id}:7000`, promote: true });
  }
  return roster;
}
