// Owns: what must hold after every command of every scenario, whatever its expected trace says
// (raft.md section 1: I1, I5, I6, I7, I9, I10, and D2 for reads). A trace that was rewritten by
// mistake can hide nothing of this.

import { allMembers } from '../../src/raft/membership.js';
import type { Message } from '../../src/raft/messages.js';
import { majority } from '../../src/raft/quorum.js';
import type { Entry } from '../../src/raft/types.js';
import { type Body, entryText } from './describe.js';
import type { ScenarioNode } from './node.js';

export class Invariants {
  /** Who led a term. */
  readonly #leaders = new Map<number, string>();
  /** What was committed anywhere. */
  readonly #committed = new Map<number, string>();
  readonly #terms = new Map<string, number>();
  /** Whom a node voted for in a term, as far as it told anyone: "node term". */
  readonly #votes = new Map<string, string>();
  readonly #commits = new Map<string, number>();
  /** What was committed anywhere when a read was asked, by node and id of the read. */
  readonly #reads = new Map<string, number>();

  /** Throws an Error that says what is broken. */
  check(nodes: Iterable<ScenarioNode>): void {
    const all = [...nodes];
    for (const node of all) {
      if (node.running) this.#checkNode(node, all);
      else this.forget(node.id);
    }
  }

  /** A vote, or the request of a candidate, which is its own vote: one for each term, ever. */
  sent(message: Message<Body>): void {
    const { type, from, to, term } = message;
    const grants = type === 'voteResponse' && message.granted;
    if (!grants && type !== 'vote') return;
    const vote = grants ? to : from;
    const known = this.#votes.get(`${from} ${term}`) ?? vote;
    require(known === vote, `${from} voted for ${known} and for ${vote} in term ${term}`);
    this.#votes.set(`${from} ${term}`, vote);
  }

  /** The node is down, or a new one: what it knew and had not written is gone. */
  forget(node: string): void {
    this.#terms.delete(node);
    this.#commits.delete(node);
  }

  asked(node: string, id: number, nodes: Iterable<ScenarioNode>): void {
    let floor = 0;
    for (const each of nodes) if (each.running) floor = Math.max(floor, each.core.commitIndex);
    this.#reads.set(`${node}/${id}`, Math.max(floor, ...this.#committed.keys()));
  }

  answered(node: string, id: number, index: number): void {
    const floor = this.#reads.get(`${node}/${id}`);
    require(floor !== undefined, `${node} answered read ${id}, which nobody asked or it answered`);
    this.#reads.delete(`${node}/${id}`);
    require(index < 0 || index >= floor, `read ${id} at ${index}, but ${floor} was committed`);
  }

  #checkNode(node: ScenarioNode, all: readonly ScenarioNode[]): void {
    const { id, core } = node;
    const status = core.status();
    const { term, commitIndex, appliedIndex, durableIndex, lastIndex } = status;
    require(term >= (this.#terms.get(id) ?? 0), `${id} went back to term ${term}`);
    this.#terms.set(id, term);
    const before = this.#commits.get(id) ?? 0;
    require(commitIndex >= before, `${id} took back its commit index ${before}`);
    require(appliedIndex <= commitIndex && commitIndex <= lastIndex, `${id} is out of order`);
    require(appliedIndex <= durableIndex ||
      appliedIndex < status.firstIndex, `${id} applied early`);
    if (status.role === 'leader') {
      const other = this.#leaders.get(term) ?? id;
      require(other === id, `${id} and ${other} both led term ${term}`);
      this.#leaders.set(term, id);
      if (commitIndex > before) this.#checkQuorum(node, commitIndex, all);
    }
    this.#checkCommitted(node);
    this.#commits.set(id, commitIndex);
  }

  #checkCommitted({ id, core }: ScenarioNode): void {
    for (const entry of core.tailFrom(core.status().firstIndex)) {
      if (entry.index > core.commitIndex) return;
      const text = entryText(entry);
      const known = this.#committed.get(entry.index) ?? text;
      require(known === text, `${id} committed ${text} where ${known} was committed`);
      this.#committed.set(entry.index, text);
    }
  }

  /** What a leader counts as committed lies on the disks of a quorum. */
  #checkQuorum(leader: ScenarioNode, index: number, all: readonly ScenarioNode[]): void {
    const meta = leader.core.snapshotMeta(index);
    const holds = (id: string): boolean => {
      const disk = all.find((node) => node.id === id)?.disk;
      if (disk === undefined) return false;
      return disk.snapshot.index >= index || hasEntry(disk.entries, index, meta.term);
    };
    const { voters, outgoing } = meta.membership;
    for (const half of [voters, outgoing]) {
      const count = half.filter(holds).length;
      const enough = half.length === 0 || count >= majority(half.length);
      const members = allMembers(meta.membership).join(' ');
      require(enough, `${leader.id} committed ${index}, which is on ${count} disks of ${members}`);
    }
  }
}

function hasEntry(entries: readonly Entry<Body>[], index: number, term: number): boolean {
  return entries.some((entry) => entry.index === index && entry.term === term);
}

function require(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Error(`INVARIANT BROKEN: ${what}`);
}
