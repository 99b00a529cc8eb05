// Owns: a small group of cores in one place for tests of behaviour: messages are delivered by hand,
// the disk answers at once unless it is told to hold, and a node can be restarted from what its
// disk has.

import { Rng } from '../../../src/base/rng.js';
import { RaftCore } from '../../../src/raft/core.js';
import { membershipOf } from '../../../src/raft/membership.js';
import type { Message, MessageType } from '../../../src/raft/messages.js';
import type {
  Admission,
  Entry,
  HardState,
  Membership,
  RaftConfig,
  ReadState,
  Ready,
  Roster,
  SnapshotMeta,
} from '../../../src/raft/types.js';

export type Body = string;

export const ELECTION = 10;

export const CONFIG: Omit<RaftConfig, 'id' | 'uuid'> = {
  electionTicks: ELECTION,
  heartbeatTicks: 1,
  appendBytesMax: 1000,
  inflightMessagesMax: 4,
  uncommittedBytesMax: 10_000,
};

export function voters(...ids: string[]): Membership {
  return { ...membershipOf(ids, []), voters: ids };
}

export function entry(index: number, term: number, body = `${index}@${term}`): Entry<Body> {
  return { index, term, kind: 'batch', size: 10, body, membership: null };
}

/** Entries from index 1 with these terms. */
export function entries(...terms: number[]): Entry<Body>[] {
  return terms.map((term, at) => entry(at + 1, term));
}

export class Member {
  readonly id: string;
  core: RaftCore<Body>;
  hardState: HardState;
  snapshot: SnapshotMeta;
  log: Entry<Body>[];
  readonly applied: Entry<Body>[] = [];
  readonly reads: ReadState[] = [];
  readonly snapshotsWanted: string[] = [];
  installing: SnapshotMeta | null = null;
  /** While true, nothing becomes durable. */
  holdDisk = false;
  held: Ready<Body>[] = [];
  /** Whether it may vote when it boots. */
  admission: Admission = 'admitted';
  /** What it writes into the first entry of a log. */
  firstRoster: (initial: Membership) => Roster = ({ roster }) => roster;
  readonly #config: RaftConfig;

  constructor(
    id: string,
    membership: Membership,
    options: Partial<RaftConfig> = {},
    log: Entry<Body>[] = [],
    hardState: HardState = { term: log.at(-1)?.term ?? 0, vote: '' },
  ) {
    this.id = id;
    this.#config = { uuid: '', ...CONFIG, ...options, id };
    this.hardState = hardState;
    this.snapshot = { index: 0, term: 0, membership };
    this.log = log;
    this.core = this.#boot();
  }

  #boot(): RaftCore<Body> {
    const { hardState, snapshot } = this;
    const rng = new Rng(this.id.charCodeAt(0));
    const { admission } = this;
    const firstRoster = (initial: Membership): Roster => this.firstRoster(initial);
    const boot = { hardState, snapshot, entries: [...this.log], admission, firstRoster };
    return new RaftCore<Body>(this.#config, boot, rng, (kind, index) => `${kind} ${index}`);
  }

  /** Crash and start again: what the disk did not have is gone. */
  restart(): void {
    this.held = [];
    this.applied.length = 0;
    this.core = this.#boot();
  }

  persist(ready: Ready<Body>): void {
    if (ready.admitted) this.admission = 'admitted';
    if (ready.hardState !== null) this.hardState = ready.hardState;
    const first = ready.entries[0];
    if (first === undefined) return;
    this.log = this.log.filter((old) => old.index < first.index).concat(ready.entries);
  }

  apply(): void {
    const { core } = this;
    for (;;) {
      const next = core.entriesFrom(core.appliedIndex + 1, 100);
      if (next.length === 0) return;
      this.applied.push(...next);
      core.applied(next.at(-1)!.index);
    }
  }

  /** Makes a snapshot of everything applied. */
  compact(keepFrom?: number): void {
    const meta = this.core.snapshotMeta(this.core.appliedIndex);
    this.snapshot = meta;
    this.log = this.log.filter((old) => old.index > meta.index);
    this.core.compact(meta, keepFrom);
  }

  terms(): number[] {
    return this.log.map(({ term }) => term);
  }
}

type Loses = (message: Message<Body>) => boolean;

export class Group {
  readonly members = new Map<string, Member>();
  /** Every message that was handed to the network, lost or not. */
  readonly sent: Message<Body>[] = [];
  readonly queue: Message<Body>[] = [];
  loses: Loses = () => false;

  constructor(...members: Member[]) {
    for (const member of members) this.members.set(member.id, member);
  }

  static of(...ids: string[]): Group {
    return new Group(...ids.map((id) => new Member(id, voters(...ids))));
  }

  get(id: string): Member {
    return this.members.get(id)!;
  }

  core(id: string): RaftCore<Body> {
    return this.get(id).core;
  }

  /** Collects what every core wants, until none wants anything; delivers nothing. */
  collect(): void {
    for (const member of this.members.values()) {
      for (let r = member.core.takeReady(); r !== null; r = member.core.takeReady()) {
        this.#post(r.messages);
        member.reads.push(...r.reads);
        member.snapshotsWanted.push(...r.sendSnapshotTo);
        if (r.snapshot !== null) member.installing = r.snapshot;
        if (member.holdDisk) member.held.push(r);
        else this.#durable(member, r);
      }
    }
  }

  /** What was held becomes durable. */
  flush(id: string): void {
    const member = this.get(id);
    member.holdDisk = false;
    for (const ready of member.held.splice(0)) this.#durable(member, ready);
  }

  /** One round trip at most: what is in the queue now arrives. */
  deliver(): void {
    this.collect();
    for (const message of this.queue.splice(0)) this.members.get(message.to)?.core.step(message);
    this.collect();
  }

  /** Until nothing moves. */
  settle(): void {
    this.collect();
    while (this.queue.length > 0) this.deliver();
  }

  tick(times = 1, ...ids: string[]): void {
    for (let i = 0; i < times; i++) {
      for (const member of this.members.values()) {
        if (ids.length === 0 || ids.includes(member.id)) member.core.tick();
      }
      this.settle();
    }
  }

  elect(id: string): void {
    this.core(id).campaign();
    this.settle();
    if (this.core(id).role !== 'leader') throw new Error(`${id} is ${this.core(id).role}`);
  }

  propose(id: string, ...bodies: string[]): void {
    for (const body of bodies) this.core(id).propose('batch', 10, () => body);
    this.settle();
  }

  /** Cuts these nodes off from everyone, each other included. */
  isolate(...ids: string[]): void {
    this.loses = ({ from, to }) => ids.includes(from) || ids.includes(to);
  }

  lose(...types: MessageType[]): void {
    this.loses = ({ type }) => types.includes(type);
  }

  heal(): void {
    this.loses = () => false;
  }

  /** Messages of a type sent since the last call of `forget`. */
  sentOf<T extends MessageType>(type: T): (Message<Body> & { type: T })[] {
    return this.sent.filter((m): m is Message<Body> & { type: T } => m.type === type);
  }

  forget(): void {
    this.sent.length = 0;
  }

  bodies(id: string): string[] {
    const { applied } = this.get(id);
    return applied.filter(({ kind }) => kind === 'batch').map(({ body }) => body);
  }

  #durable(member: Member, ready: Ready<Body>): void {
    member.persist(ready);
    if (ready.token > 0) member.core.appended(ready.token);
    this.#post(ready.afterDurable);
    member.apply();
  }

  #post(messages: readonly Message<Body>[]): void {
    for (const message of messages) {
      this.sent.push(message);
      if (!this.loses(message)) this.queue.push(message);
    }
  }
}
