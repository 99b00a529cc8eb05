// Owns: the members of one scenario and what is between them: messages in flight in the order they
// were sent, links that are cut, messages set aside. A message crosses a link only when a verb
// delivers it; one that meets a cut link, a node that is down or nobody is lost.

import type { Message, MessageType } from '../../src/raft/messages.js';
import type { Roster } from '../../src/raft/types.js';
import { type Body, messageText } from './describe.js';
import { Invariants } from './invariants.js';
import { type ScenarioNode, type Surroundings, seenRoster } from './node.js';
import { Trace } from './trace.js';

/** Which messages in flight a verb means; everything that is not given matches. */
export interface Selection {
  readonly to?: readonly string[] | undefined;
  readonly from?: string | undefined;
  readonly type?: MessageType | undefined;
  /** At most so many, the oldest first. */
  readonly count?: number | undefined;
}

/** Rounds after which `stabilize` gives up: something goes round in circles. */
const ROUNDS_MAX = 200;

export class World implements Surroundings {
  readonly trace = new Trace();
  readonly nodes = new Map<string, ScenarioNode>();
  readonly invariants = new Invariants();
  /** Ticks that passed, for all nodes. */
  #inFlight: Message<Body>[] = [];
  #aside: Message<Body>[] = [];
  /** Directed links that lose everything: "a>b". */
  readonly #cuts = new Set<string>();

  node(id: string | undefined): ScenarioNode {
    const node = this.nodes.get(id ?? '');
    if (node === undefined) throw new Error(`there is no node ${id ?? '(none named)'}`);
    return node;
  }

  /** The nodes with these ids, all when there are none; sorted. */
  nodesOf(ids: readonly string[]): ScenarioNode[] {
    const all = ids.length === 0 || ids[0] === 'all';
    return (all ? [...this.nodes.keys()] : [...ids]).sort().map((id) => this.node(id));
  }

  post(message: Message<Body>): void {
    const lost = this.#isCut(message) ? ' (lost)' : '';
    this.trace.step(`${message.from} -> ${message.to} ${messageText(message)}${lost}`);
    this.invariants.sent(message);
    if (lost === '') this.#inFlight.push(message);
  }

  answered(node: string, id: number, index: number): void {
    this.invariants.answered(node, id, index);
  }

  rosterOf(ids: readonly string[]): Roster {
    const known = ids.filter((id) => this.nodes.has(id));
    return seenRoster(known.map((id) => [id, this.node(id).disk] as const));
  }

  asked(node: string, id: number): void {
    this.invariants.asked(node, id, this.nodes.values());
  }

  /** Each of these nodes loses its links to all nodes of the other groups. */
  partition(groups: readonly (readonly string[])[]): void {
    this.#cuts.clear();
    for (const one of groups) {
      for (const other of groups) {
        if (one !== other) for (const from of one) for (const to of other) this.cut(from, to);
      }
    }
  }

  /** What `from` sends to `to` is lost from now on, and what is on the way. */
  cut(from: string, to: string): void {
    this.#cuts.add(`${from}>${to}`);
  }

  heal(): void {
    this.#cuts.clear();
  }

  /** Number of messages handed over or lost. */
  deliver(selection: Selection): number {
    const messages = this.#take(selection);
    for (const message of messages) this.#arrive(message);
    return messages.length;
  }

  /** The same, loses them. */
  drop(selection: Selection): number {
    const messages = this.#take(selection);
    for (const message of messages) {
      this.trace.step(`lost: ${message.from} -> ${message.to} ${messageText(message)}`);
      this.#streamEnded(message, false);
    }
    return messages.length;
  }

  /** Messages in flight wait until `releaseAside`, while later ones pass them. */
  setAside(selection: Selection): number {
    const messages = this.#take(selection);
    this.#aside.push(...messages);
    for (const message of messages) {
      this.trace.step(`late: ${message.from} -> ${message.to} ${messageText(message)}`);
    }
    return messages.length;
  }

  releaseAside(): number {
    const messages = this.#aside.splice(0);
    this.#inFlight.push(...messages);
    return messages.length;
  }

  /** The network delivers these once more. */
  duplicate(selection: Selection): number {
    const messages = this.#inFlight.filter((message) => matches(selection, message));
    this.#inFlight.push(...messages);
    return messages.length;
  }

  flying(): string[] {
    return this.#inFlight.map((m) => `${m.from} -> ${m.to} ${messageText(m)}`);
  }

  /** The driver of `from` streams its newest snapshot; it arrives like any message. */
  sendSnapshot(from: ScenarioNode, to: string): void {
    from.wanted = from.wanted.filter((id) => id !== to);
    const { term } = from.core;
    this.post({ type: 'snapshot', from: from.id, to, term, meta: from.disk.snapshot });
  }

  /** Until none of these nodes has anything to do and nothing is in flight to them. */
  stabilize(nodes: readonly ScenarioNode[]): void {
    for (let round = 0; round < ROUNDS_MAX; round++) {
      let busy = false;
      for (const node of nodes) busy = this.#work(node) || busy;
      for (const node of nodes) busy = this.#receive(node) || busy;
      if (!busy) return;
    }
    throw new Error(`not stable after ${ROUNDS_MAX} rounds`);
  }

  #work(node: ScenarioNode): boolean {
    if (!node.awake) return false;
    let busy = node.processReady();
    if (!node.held.has('disk') && node.unflushed > 0) {
      node.flush(node.unflushed);
      busy = true;
    }
    if (!node.held.has('apply')) busy = node.apply() || busy;
    if (node.held.has('snapshots')) return busy;
    for (const to of [...node.wanted]) {
      this.sendSnapshot(node, to);
      busy = true;
    }
    return busy;
  }

  /** In `stabilize` a line names what arrives; the line of its sender has the rest. */
  #receive(node: ScenarioNode): boolean {
    if (node.paused) return false;
    const messages = this.#take({ to: [node.id] });
    if (messages.length === 0) return false;
    if (node.running) {
      const names = messages.map(({ from, type }) => `${type} from ${from}`);
      this.trace.step(`${node.id} receives ${names.join(', ')}`);
    }
    const { detail } = this.trace;
    for (const message of messages) this.#step(message);
    this.trace.detail = detail;
    return true;
  }

  #arrive(message: Message<Body>): void {
    this.trace.step(`${message.to} <- ${message.from} ${messageText(message)}`);
    this.#step(message);
  }

  #step(message: Message<Body>): void {
    const target = this.nodes.get(message.to);
    const reached = target?.running === true && !this.#isCut(message);
    if (reached) target.act((core) => core.step(message));
    else this.trace.step(`lost: ${message.from} -> ${message.to} ${messageText(message)}`);
    this.#streamEnded(message, reached);
  }

  /** Who streamed a snapshot learns how that went. */
  #streamEnded(message: Message<Body>, ok: boolean): void {
    if (message.type !== 'snapshot') return;
    const sender = this.nodes.get(message.from);
    if (sender?.running) sender.act((core) => core.snapshotSent(message.to, ok));
  }

  #isCut({ from, to }: Message<Body>): boolean {
    return this.#cuts.has(`${from}>${to}`);
  }

  #take(selection: Selection): Message<Body>[] {
    const taken: Message<Body>[] = [];
    const rest: Message<Body>[] = [];
    for (const message of this.#inFlight) {
      const wanted = taken.length < (selection.count ?? Number.POSITIVE_INFINITY);
      (wanted && matches(selection, message) ? taken : rest).push(message);
    }
    this.#inFlight = rest;
    return taken;
  }
}

function matches({ to, from, type }: Selection, message: Message<Body>): boolean {
  return (
    (to === undefined || to.includes(message.to)) &&
    (from === undefined || from === message.from) &&
    (type === undefined || type === message.type)
  );
}
