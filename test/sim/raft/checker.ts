// Owns: the invariants (shared/research/raft.md section 1), checked after every event on the node
// that acted. It sees all nodes at once and remembers the whole run: who led which term, which
// entry was committed where.

import { isVoter } from '../../../src/raft/membership.js';
import type { Message } from '../../../src/raft/messages.js';
import { majority } from '../../../src/raft/quorum.js';
import type { Entry, Membership, RaftStatus, SnapshotMeta } from '../../../src/raft/types.js';
import type { SimulatedNode } from './node.js';
import type { Body } from './store.js';

interface Seen {
  readonly body: Body;
  readonly prevTerm: number;
}

/** These rest on nothing: a pre-vote changes no state, a question or a refusal may be forgotten. */
const PROMISES_NOTHING: ReadonlySet<string> = new Set([
  'preVote',
  'preVoteResponse',
  'readIndex',
  'readIndexResponse',
]);

export class Checker {
  readonly #nodes: readonly SimulatedNode[];
  readonly #leaders = new Map<number, string>();
  readonly #entries = new Map<string, Seen>();
  readonly #votes = new Map<string, string>();
  /** committed[i]: the entry at index i; index 0 is a placeholder. */
  readonly committed: (Entry<Body> | null)[] = [null];
  /** The term in which each of them was committed. */
  readonly #committedIn: number[] = [0];
  readonly #initial: Membership;

  constructor(nodes: readonly SimulatedNode[], initial: Membership) {
    this.#nodes = nodes;
    this.#initial = initial;
  }

  get commitIndex(): number {
    return this.committed.length - 1;
  }

  /**
   * I3: index and term determine an entry and, by induction over the previous term, everything
   * before it.
   */
  appended(entry: Entry<Body>, prevTerm: number): void {
    const key = `${entry.index}/${entry.term}`;
    const seen = this.#entries.get(key);
    if (seen === undefined) this.#entries.set(key, { body: entry.body, prevTerm });
    else if (seen.body !== entry.body || seen.prevTerm !== prevTerm)
      this.fail(`I3 log matching at ${key}`);
  }

  /** I5: what is applied at an index is the one committed entry there. */
  applied(node: string, entry: Entry<Body>): void {
    const committed = this.committed[entry.index];
    if (committed?.body !== entry.body || committed.term !== entry.term) {
      this.fail(`I5 ${node} applied something else at ${entry.index}`);
    }
  }

  /** I13 and I12: nothing leaves before what it rests on is durable. */
  sent(node: SimulatedNode, message: Message<Body>): void {
    const { store } = node;
    const { hardState } = store;
    if (!PROMISES_NOTHING.has(message.type) && hardState.term < message.term) {
      this.fail(
        `I13 ${node.id} sent ${message.type} of term ${message.term}, durable ${hardState.term}`,
      );
    }
    if (message.type === 'voteResponse' && message.granted) {
      const key = `${node.id}/${message.term}`;
      const before = this.#votes.get(key);
      if (before !== undefined && before !== message.to) this.fail(`I13 ${key} voted twice`);
      this.#votes.set(key, message.to);
      if (hardState.term === message.term && hardState.vote !== message.to) {
        this.fail(`I13 ${node.id} granted ${message.to} without a durable vote`);
      }
    }
    // In a later term the entry may be gone again: as if the answer had been under way for long.
    const current = hardState.term === message.term;
    if (message.type !== 'appendResponse' || !message.accepted || !current) return;
    if (message.index > store.lastIndex) {
      this.fail(`I13 ${node.id} accepted ${message.index}, durable ${store.lastIndex}`);
    }
  }

  /** I17: a snapshot's term and membership are those of its index. */
  snapshot(meta: SnapshotMeta): void {
    const entry = this.committed[meta.index];
    if (entry === undefined || (entry !== null && entry.term !== meta.term)) {
      this.fail(`I17 snapshot at ${meta.index} has term ${meta.term}`);
    }
    const expected = JSON.stringify(this.#membershipAt(meta.index));
    if (JSON.stringify(meta.membership) !== expected)
      this.fail(
        `I17 membership at ${meta.index}: ${JSON.stringify(meta.membership)} not ${expected}`,
      );
  }

  /** A read asked when `floor` was committed somewhere must see it. */
  read(node: string, index: number, floor: number): void {
    if (index < floor) this.fail(`stale read at ${node}: index ${index}, committed ${floor}`);
  }

  /**
   * Everything else, on one node after it acted. `before`: its status at the last check of the same
   * life.
   */
  check(node: SimulatedNode, before: RaftStatus | null): RaftStatus {
    const status = node.core!.status();
    if (status.fault !== '') this.fail(`${node.id} fault: ${status.fault}`);
    this.#order(node, status);
    if (before !== null) this.#monotone(status, before);
    if (status.role === 'leader') this.#leader(node, status, before);
    const floor = before?.commitIndex ?? node.store.snapshot.index;
    if (status.commitIndex > floor) this.#commit(node, status, before, floor);
    if (node.core!.canReadNow && status.appliedIndex < this.commitIndex) {
      this.fail(`${node.id} may read now at ${status.appliedIndex} of ${this.commitIndex}`);
    }
    return status;
  }

  fail(what: string): never {
    throw new Error(what);
  }

  /** I10. */
  #order(node: SimulatedNode, s: RaftStatus): void {
    const installing = s.appliedIndex < s.firstIndex - 1;
    const ordered =
      (installing || s.appliedIndex <= s.durableIndex) &&
      s.appliedIndex <= s.commitIndex &&
      s.commitIndex <= s.lastIndex &&
      s.durableIndex <= s.lastIndex &&
      s.firstIndex <= s.lastIndex + 1;
    if (!ordered) this.fail(`I10 order at ${s.id}: ${JSON.stringify(s)}`);
    if (s.durableIndex > node.store.lastIndex) {
      this.fail(`I12 ${s.id} believes ${s.durableIndex} durable, disk has ${node.store.lastIndex}`);
    }
  }

  /** I9 within a life; across lives the disk's term and vote are what I13 checks. */
  #monotone(now: RaftStatus, before: RaftStatus): void {
    const kept =
      now.term >= before.term &&
      (now.term > before.term || before.vote === '' || now.vote === before.vote) &&
      now.commitIndex >= before.commitIndex &&
      now.appliedIndex >= before.appliedIndex;
    if (!kept) this.fail(`I9 ${now.id} went back: ${JSON.stringify({ before, now })}`);
  }

  #leader(node: SimulatedNode, s: RaftStatus, before: RaftStatus | null): void {
    const known = this.#leaders.get(s.term);
    if (known !== undefined && known !== s.id)
      this.fail(`I1 ${known} and ${s.id} lead term ${s.term}`);
    const led = before?.role === 'leader' && before.term === s.term;
    if (led && s.lastIndex < before.lastIndex) this.fail(`I2 leader ${s.id} lost entries`);
    if (!led) this.#complete(node, s);
    this.#leaders.set(s.term, s.id);
    for (const peer of s.peers) {
      if (peer.match >= peer.next || peer.next - 1 > Math.max(s.lastIndex, peer.match)) {
        this.fail(`I16 ${s.id}: ${JSON.stringify(peer)} last ${s.lastIndex}`);
      }
    }
  }

  /** I4: a new leader has everything that was committed in earlier terms. */
  #complete(node: SimulatedNode, s: RaftStatus): void {
    for (let index = s.firstIndex; index <= this.commitIndex; index++) {
      if (this.#committedIn[index]! >= s.term) break;
      if (node.log.get(index)?.term !== this.committed[index]!.term) {
        this.fail(`I4 leader ${s.id} of term ${s.term} lacks committed entry ${index}`);
      }
    }
  }

  /** I6, I7, I11. */
  #commit(node: SimulatedNode, s: RaftStatus, before: RaftStatus | null, from: number): void {
    for (let index = Math.max(from + 1, s.firstIndex); index <= s.commitIndex; index++) {
      const entry = node.log.get(index);
      if (entry === undefined) this.fail(`${s.id} committed ${index} and does not have it`);
      const known = this.committed[index];
      if (known === undefined || known === null) {
        if (index !== this.committed.length) this.fail(`${s.id} committed ${index} out of nowhere`);
        if (s.role !== 'leader' && before?.role !== 'leader')
          this.fail(`${s.id} commits ${index} first`);
        this.committed.push(entry);
        this.#committedIn.push(s.term);
      } else if (known.term !== entry.term || known.body !== entry.body) {
        this.fail(`I6 ${s.id} committed another entry at ${index}`);
      }
    }
    if (s.role !== 'leader') return;
    const term = node.log.get(s.commitIndex)?.term;
    if (term !== s.term) this.fail(`I11 ${s.id} in term ${s.term} counted an entry of ${term}`);
    const inForce = [s.membership, before?.membership ?? s.membership];
    if (!inForce.some((membership) => this.#durableOn(membership, s.commitIndex, s.term))) {
      this.fail(`I7 ${s.id} committed ${s.commitIndex} without a durable quorum`);
    }
  }

  /**
   * By the membership in force before or after the commit, which may itself have brought the next
   * one.
   */
  #durableOn(membership: Membership, index: number, term: number): boolean {
    return [membership.voters, membership.outgoing].every((half) => {
      const holds = (node: SimulatedNode): boolean =>
        half.includes(node.id) && node.store.holds(index, term);
      return half.length === 0 || this.#nodes.filter(holds).length >= majority(half.length);
    });
  }

  #membershipAt(index: number): Membership {
    for (let i = index; i > 0; i--) {
      const membership = this.committed[i]?.membership;
      if (membership) return membership;
    }
    return this.#initial;
  }

  /** The membership of the newest committed config. */
  get membership(): Membership {
    return this.#membershipAt(this.commitIndex);
  }

  isVoter(id: string): boolean {
    return isVoter(this.membership, id);
  }
}
