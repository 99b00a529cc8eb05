// Owns: one run: a heap of events in simulated time, the network, the clients, the faults, and the
// end, when all is healed and the group must come to life. Everything is drawn from the seed; two
// runs of a seed are identical.

import { Heap } from '../../../src/base/heap.js';
import { Rng } from '../../../src/base/rng.js';
import { membershipOf } from '../../../src/raft/membership.js';
import type { Message } from '../../../src/raft/messages.js';
import type { Membership } from '../../../src/raft/types.js';
import { Checker } from './checker.js';
import { performFault } from './faults.js';
import { SimulatedNode, type World } from './node.js';
import { drawOptions, type Options, TICK } from './options.js';
import type { Body } from './store.js';

interface Event {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

/** Election timeouts the healed group gets to converge. */
const PATIENCE = 60;

export interface Outcome {
  readonly events: number;
  readonly committed: number;
  readonly terms: number;
  /** Changes with every event, message and random draw: equal for equal runs. */
  readonly trace: number;
}

export class Simulation implements World {
  readonly options: Options;
  readonly checker: Checker;
  readonly nodes: SimulatedNode[] = [];
  readonly initial: Membership;
  /** Ordered pairs "from>to" that lose everything. */
  readonly cut = new Set<string>();
  now = 0;
  healed = false;
  readonly faultRng: Rng;
  readonly #netRng: Rng;
  readonly #diskRng: Rng;
  readonly #clientRng: Rng;
  readonly #events = new Heap<Event>((a, b) => a.at < b.at || (a.at === b.at && a.order < b.order));
  readonly #arrivals = new Map<string, number>();
  #order = 0;
  #ran = 0;
  #bodies = 0;
  #readIds = 0;
  #trace = 0;

  constructor(seed: number) {
    const rng = new Rng(seed);
    this.options = drawOptions(seed, rng);
    this.faultRng = new Rng(rng.uint32());
    this.#netRng = new Rng(rng.uint32());
    this.#diskRng = new Rng(rng.uint32());
    this.#clientRng = new Rng(rng.uint32());
    const ids: string[] = [];
    for (let i = 1; i <= this.options.voters + this.options.spares; i++) ids.push(`n${i}`);
    this.initial = membershipOf(ids.slice(0, this.options.voters), []);
    this.checker = new Checker(this.nodes, this.initial);
    const none = membershipOf([], []);
    for (const id of ids) {
      const membership = this.initial.voters.includes(id) ? this.initial : none;
      const snapshot = { index: 0, term: 0, membership };
      this.nodes.push(new SimulatedNode(id, snapshot, this, rng.uint32()));
    }
  }

  run(): Outcome {
    for (const node of this.nodes) {
      node.start();
      this.#tickLater(node);
    }
    this.#repeat(this.options.proposeEvery, () => this.#propose());
    this.#repeat(this.options.readEvery, () => this.#read());
    if (this.options.faults.length > 0) this.#fault();
    this.#runUntil(() => this.now >= this.options.duration);
    this.#heal();
    this.#converge();
    const terms = Math.max(...this.nodes.map((node) => node.core?.term ?? 0));
    return {
      events: this.#ran,
      committed: this.checker.commitIndex,
      terms,
      trace: this.#trace >>> 0,
    };
  }

  delay(max: number): number {
    return this.upTo(this.healed ? Math.min(max, TICK) : max);
  }

  upTo(max: number): number {
    return 1 + this.#diskRng.below(max);
  }

  nextBody(): Body {
    return ++this.#bodies;
  }

  at(wait: number, run: () => void): void {
    this.#events.push({ at: this.now + wait, order: this.#order++, run });
  }

  later(node: SimulatedNode, wait: number, what: () => void): void {
    const { life } = node;
    const run = (): void => {
      if (node.life !== life) return;
      if (node.pausedUntil > this.now) this.at(node.pausedUntil - this.now, run);
      else what();
    };
    this.at(wait, run);
  }

  node(id: string): SimulatedNode {
    return this.nodes.find((node) => node.id === id)!;
  }

  transmit(message: Message<Body>): void {
    const { drop, duplicate } = this.options;
    const rng = this.#netRng;
    this.#trace = Math.imul(this.#trace ^ (this.now + message.term), 0x9e3779b1);
    if (!this.healed && rng.float() < drop) return;
    this.#deliver(message);
    if (!this.healed && rng.float() < duplicate) this.#deliver(message);
  }

  streamSnapshot(from: SimulatedNode, to: string): void {
    const meta = from.store.snapshot;
    const term = from.core!.term;
    const wait = 1 + this.#netRng.below(this.options.delayMax * 4);
    const ok = this.healed || this.#netRng.below(4) > 0;
    const arrives = ok && !this.cut.has(`${from.id}>${to}`);
    this.later(from, wait, () => from.act((core) => core.snapshotSent(to, arrives)));
    if (!arrives) return;
    const receiver = this.node(to);
    const message = { type: 'snapshot', from: from.id, to, term, meta } as const;
    const receive = (): void => receiver.act((core) => core.step(message));
    const late = this.#netRng.below(this.options.delayMax);
    this.at(wait + late, () => this.#whenAwake(receiver, receive));
  }

  /** Every node gets its ticks, whatever its clock's drift. */
  #tickLater(node: SimulatedNode): void {
    const drift = this.faultRng.below(3) - 1;
    const tick = (): void => {
      this.at(TICK + (this.#order % 8 === 0 ? drift : 0), tick);
      if (node.pausedUntil <= this.now) node.act((core) => core.tick());
    };
    this.at(1 + this.faultRng.below(TICK), tick);
  }

  #deliver(message: Message<Body>): void {
    const link = `${message.from}>${message.to}`;
    if (this.cut.has(link)) return;
    const delayMax = this.healed ? Math.min(this.options.delayMax, TICK) : this.options.delayMax;
    let at = this.now + 1 + this.#netRng.below(delayMax);
    if (this.options.ordered) {
      at = Math.max(at, this.#arrivals.get(link) ?? 0);
      this.#arrivals.set(link, at);
    }
    const receiver = this.node(message.to);
    const receive = (): void => receiver.act((core) => core.step(message));
    this.at(at - this.now, () => {
      if (!this.cut.has(link)) this.#whenAwake(receiver, receive);
    });
  }

  /** A paused process finds its mail when it goes on. */
  #whenAwake(node: SimulatedNode, what: () => void): void {
    if (node.pausedUntil > this.now) this.at(node.pausedUntil - this.now, what);
    else what();
  }

  #repeat(every: number, what: () => void): void {
    const run = (): void => {
      this.at(1 + this.#clientRng.below(2 * every), run);
      what();
    };
    this.at(every, run);
  }

  #propose(): void {
    if (this.healed && this.#clientRng.below(20) > 0) return;
    const leaders = this.nodes.filter((node) => node.core?.role === 'leader' && this.#awake(node));
    const node = leaders[this.#clientRng.below(Math.max(1, leaders.length))];
    const size = 1 + this.#clientRng.below(20);
    const count = 1 + this.#clientRng.below(3);
    node?.act((core) => {
      for (let i = 0; i < count; i++) {
        const entry = core.propose('batch', size, () => this.nextBody());
        const limit = Math.max(size, this.options.raft.uncommittedBytesMax);
        if (entry !== null && core.status().uncommittedBytes > limit) {
          this.checker.fail(`R9 ${node.id} took more uncommitted bytes than ${limit}`);
        }
      }
    });
  }

  /** Of anyone, or of one that believes it leads: a deposed leader is the one to be wrong. */
  #read(): void {
    const leaders = this.nodes.filter((node) => node.core?.role === 'leader');
    const from = leaders.length > 0 && this.#clientRng.below(2) === 0 ? leaders : this.nodes;
    this.readAt(from[this.#clientRng.below(from.length)]!);
  }

  readAt(node: SimulatedNode): void {
    const count = 1 + this.#clientRng.below(2);
    if (!this.#awake(node)) return;
    node.act((core) => {
      for (let i = 0; i < count; i++) {
        const id = ++this.#readIds;
        node.reads.set(id, this.checker.commitIndex);
        core.readIndex(id);
      }
    });
  }

  #awake(node: SimulatedNode): boolean {
    return node.core !== null && node.pausedUntil <= this.now;
  }

  #fault(): void {
    this.at(1 + this.faultRng.below(2 * this.options.faultEvery), () => {
      if (this.healed) return;
      performFault(this);
      this.#fault();
    });
  }

  #heal(): void {
    this.healed = true;
    this.cut.clear();
    for (const node of this.nodes) {
      node.pausedUntil = 0;
      if (node.core === null) node.start();
    }
  }

  #converge(): void {
    const { electionTicks } = this.options.raft;
    const backlog = Math.max(...this.nodes.map((node) => node.core!.lastIndex));
    // The worst window sends one entry per round trip and sync.
    const catchUp = (backlog - Math.min(...this.nodes.map((node) => node.applied))) * 4 * TICK;
    const patience = PATIENCE * electionTicks * TICK + catchUp;
    const deadline = this.now + patience;
    this.#runUntil(() => this.now >= deadline || this.#settled());
    if (!this.#settled()) this.checker.fail(`no convergence: ${this.describe()}`);
    const goal = this.checker.commitIndex + 1;
    const reached = (): boolean => this.#members().every((node) => node.applied >= goal);
    this.#runUntil(() => this.now >= deadline + patience || reached());
    if (!reached()) this.checker.fail(`nothing new applied everywhere: ${this.describe()}`);
    this.#readEverywhere(deadline + 2 * patience);
  }

  /**
   * Every member of a healthy group answers a linearizable read; the client asks again when
   * refused.
   */
  #readEverywhere(deadline: number): void {
    for (const node of this.#members()) {
      const wanted = node.answeredReads + 1;
      const done = (): boolean => node.answeredReads >= wanted || !this.#members().includes(node);
      this.#runUntil(() => this.now >= deadline || done());
      if (!done()) this.checker.fail(`${node.id} answers no reads: ${this.describe()}`);
    }
  }

  /** One leader, known to all members, and a membership that is not joint. */
  #settled(): boolean {
    const members = this.#members();
    const leaders = members.filter((node) => node.core!.role === 'leader');
    if (leaders.length !== 1) return false;
    const { term } = leaders[0]!.core!;
    return members.every((node) => node.core!.term === term && node.core!.leader !== '');
  }

  #members(): SimulatedNode[] {
    const { voters, outgoing, learners } = this.checker.membership;
    const ids = new Set([...voters, ...outgoing, ...learners]);
    return this.nodes.filter((node) => ids.has(node.id));
  }

  #runUntil(done: () => boolean): void {
    while (!done()) {
      const event = this.#events.pop()!;
      this.now = event.at;
      this.#ran++;
      event.run();
    }
  }

  describe(): string {
    return JSON.stringify(this.nodes.map((node) => node.core?.status()));
  }
}
