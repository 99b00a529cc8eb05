// Owns: one simulated member: a core, its disk, and the driver's duties between them in their right
// order. The rest of the world is reached through `World` alone.

import { Rng } from '../../../src/base/rng.js';
import { RaftCore } from '../../../src/raft/core.js';
import type { Message } from '../../../src/raft/messages.js';
import type {
  Entry,
  Membership,
  RaftStatus,
  Ready,
  SnapshotMeta,
} from '../../../src/raft/types.js';
import type { Checker } from './checker.js';
import type { Options } from './options.js';
import { type Body, type Operation, Store } from './store.js';

export interface World {
  readonly options: Options;
  readonly checker: Checker;
  /** Simulated delay up to `max`, at least 1; short once all is healed. */
  delay(max: number): number;
  /** A random number from 1 to `max`. */
  upTo(max: number): number;
  /**
   * Runs `what` on this life of the node after `wait`, later if it is paused, never if it crashed.
   */
  later(node: SimulatedNode, wait: number, what: () => void): void;
  transmit(message: Message<Body>): void;
  streamSnapshot(from: SimulatedNode, to: string): void;
  nextBody(): Body;
}

interface Write {
  readonly token: number;
  readonly operations: number;
  readonly install: SnapshotMeta | null;
  readonly afterDurable: readonly Message<Body>[];
}

export class SimulatedNode {
  readonly id: string;
  readonly store: Store;
  readonly #world: World;
  core: RaftCore<Body> | null = null;
  /** Grows with every start and crash. */
  life = 0;
  pausedUntil = 0;
  /** What the core's log holds, as handed over. */
  readonly log = new Map<number, Entry<Body>>();
  /** Outstanding reads of this life: id to what was committed anywhere when it was asked. */
  readonly reads = new Map<number, number>();
  /** Reads that were given an index, over all lives. */
  answeredReads = 0;
  applied = 0;
  #lastTermBelowLog = 0;
  #status: RaftStatus | null = null;
  #writes: Write[] = [];
  #writing = false;
  #applying = false;
  #seed: number;

  constructor(id: string, initial: SnapshotMeta, world: World, seed: number) {
    this.id = id;
    this.store = new Store(initial);
    this.#world = world;
    this.#seed = seed;
  }

  start(): void {
    const { store } = this;
    this.life++;
    this.log.clear();
    this.reads.clear();
    for (const entry of store.entries) this.log.set(entry.index, entry);
    this.#lastTermBelowLog = store.snapshot.term;
    this.applied = store.snapshot.index;
    this.#status = null;
    this.#writes = [];
    this.#writing = false;
    this.#applying = false;
    const boot = {
      hardState: store.hardState,
      snapshot: store.snapshot,
      entries: [...store.entries],
      admission: 'admitted',
      firstRoster: ({ roster }: Membership) => roster,
    } as const;
    const config = { id: this.id, uuid: '', ...this.#world.options.raft };
    const rng = new Rng(this.#seed++);
    this.core = new RaftCore<Body>(config, boot, rng, () => this.#world.nextBody());
    this.turn();
  }

  crash(kept: (pending: number) => number): void {
    this.life++;
    this.core = null;
    this.store.crash(kept);
  }

  /** One event on the node: do it, collect what follows, check. */
  act(what: (core: RaftCore<Body>) => void): void {
    if (this.core === null) return;
    what(this.core);
    this.turn();
  }

  turn(): void {
    const core = this.core!;
    let ready = core.takeReady();
    while (ready !== null) {
      this.#perform(ready);
      ready = core.takeReady();
    }
    this.#status = this.#world.checker.check(this, this.#status);
  }

  #perform(ready: Ready<Body>): void {
    const { checker } = this.#world;
    for (const message of ready.messages) this.#send(message);
    for (const { id, index } of ready.reads) this.#answered(id, index);
    for (const peer of ready.sendSnapshotTo) this.#world.streamSnapshot(this, peer);
    if (ready.snapshot !== null) {
      checker.snapshot(ready.snapshot);
      this.log.clear();
      this.#lastTermBelowLog = ready.snapshot.term;
    }
    const operations = this.#operations(ready);
    this.store.write(operations);
    const { token, snapshot: install, afterDurable } = ready;
    if (ready.commitIndex > this.applied) this.#apply();
    if (operations.length === 0 && afterDurable.length === 0 && install === null) return;
    this.#writes.push({ token, operations: operations.length, install, afterDurable });
    this.#write();
  }

  #operations(ready: Ready<Body>): Operation[] {
    const operations: Operation[] = [];
    if (ready.hardState !== null) {
      operations.push({ kind: 'hardState', hardState: ready.hardState });
    }
    const first = ready.entries[0];
    if (first === undefined) return operations;
    if (this.log.has(first.index)) operations.push({ kind: 'truncate', from: first.index });
    for (let index = first.index; this.log.delete(index); index++);
    for (const entry of ready.entries) {
      const prevTerm = this.log.get(entry.index - 1)?.term ?? this.#lastTermBelowLog;
      this.#world.checker.appended(entry, prevTerm);
      this.log.set(entry.index, entry);
      operations.push({ kind: 'entry', entry });
    }
    return operations;
  }

  /** One sync at a time; it takes some or all of what waits. */
  #write(): void {
    if (this.#writing) return;
    this.#writing = true;
    const { options } = this.#world;
    this.#world.later(this, this.#world.delay(options.diskMax), () => {
      const batch = this.#writes.splice(0, this.#world.upTo(this.#writes.length));
      this.#writing = false;
      let operations = 0;
      for (const write of batch) operations += write.operations;
      this.store.sync(operations);
      for (const write of batch) this.#written(write);
      if (this.#writes.length > 0) this.#write();
      this.turn();
    });
  }

  #written(write: Write): void {
    const core = this.core!;
    for (const message of write.afterDurable) this.#send(message);
    if (write.token > 0) {
      core.appended(write.token);
      if (write.token > 1) core.appended(write.token - 1);
    }
    if (write.install !== null) this.#install(write.install);
  }

  /** Takes its own time, while the term may change and be written. */
  #install(meta: SnapshotMeta): void {
    this.#world.later(this, this.#world.delay(5 * this.#world.options.diskMax), () => {
      this.store.install(meta);
      this.applied = meta.index;
      this.core!.snapshotInstalled(meta);
      this.turn();
    });
  }

  #send(message: Message<Body>): void {
    this.#world.checker.sent(this, message);
    this.#world.transmit(message);
  }

  #answered(id: number, index: number): void {
    const floor = this.reads.get(id);
    if (floor === undefined) this.#world.checker.fail(`${this.id}: read ${id} answered twice`);
    this.reads.delete(id);
    if (index < 0) return;
    this.answeredReads++;
    this.#world.checker.read(this.id, index, floor);
  }

  #apply(): void {
    if (this.#applying) return;
    this.#applying = true;
    this.#world.later(this, this.#world.delay(this.#world.options.applyMax), () => {
      this.#applying = false;
      const core = this.core!;
      const entries = core.entriesFrom(this.applied + 1, this.#world.upTo(500));
      for (const entry of entries) {
        if (entry.index !== this.applied + 1) this.#world.checker.fail('gap in what is applied');
        this.#world.checker.applied(this.id, entry);
        this.applied = entry.index;
      }
      if (entries.length > 0) {
        core.applied(this.applied);
        this.#maybeSnapshot();
        this.#apply();
      }
      this.turn();
    });
  }

  #maybeSnapshot(): void {
    const { snapshotEvery } = this.#world.options;
    const due = snapshotEvery > 0 && this.applied - this.store.snapshot.index >= snapshotEvery;
    if (due) this.compact();
  }

  /** Makes a snapshot of what is applied and forgets the log before it, but for a few entries. */
  compact(): void {
    const core = this.core!;
    const { snapshot } = this.store;
    const base = core.status().firstIndex - 1;
    if (this.applied <= snapshot.index || this.applied < base) return;
    const meta = core.snapshotMeta(this.applied);
    this.#world.checker.snapshot(meta);
    this.store.compact(meta);
    core.compact(meta, meta.index + 1 - this.#world.options.keepBehind);
    const kept = core.status().firstIndex;
    for (const index of this.log.keys()) if (index < kept) this.log.delete(index);
    this.#lastTermBelowLog = core.snapshotMeta(kept - 1).term;
  }
}
