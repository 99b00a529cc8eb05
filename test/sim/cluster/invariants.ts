// Owns: the invariants of shared/research/raft.md section 1 over the real nodes (those about who the
// members are: standing.ts), checked on the node
// that acted after every event in which its core moved. It sees all nodes at once and remembers the
// whole run: who led which term, who voted for whom, which entry was committed where.

import type { LoggedRecord, LogRecord } from '../../../src/base/log-entry.js';
import { keyspaceDigest } from '../../../src/commands/digest.js';
import { decodeRaft } from '../../../src/peer/raft-codec.js';
import { isJoint } from '../../../src/raft/membership.js';
import { majority } from '../../../src/raft/quorum.js';
import type { Entry, Membership } from '../../../src/raft/types.js';
import type { SimProcess } from './host.js';
import { Mirror } from './mirror.js';
import { type Hosts, Standing } from './standing.js';

/** What identifies an entry: its leader drew the seed. */
interface Seen {
  readonly print: string;
  readonly prevTerm: number;
}

/** Entries between two digests that members are compared at. */
const DIGEST_EVERY = 32;

const RAFT_FRAME = 4;
const VOTE_RESPONSE = 3;
const APPEND_RESPONSE = 6;

export class Violation extends Error {}

export class Invariants {
  /** committed[i]: the entry at index i; index 0 is a placeholder. */
  readonly committed: (LogRecord | null)[] = [null];
  /** Simulated time at which it was first committed, microseconds. */
  readonly committedAt: number[] = [0];
  /** The newest membership that is committed. */
  membership: Membership;
  readonly #committedIn: number[] = [0];
  readonly #leaders = new Map<number, string>();
  readonly #entries = new Map<string, Seen>();
  readonly #votes = new Map<string, string>();
  /** The highest term each host has promised anything in. */
  readonly #promised = new Map<string, number>();
  readonly #digests = new Map<number, string>();
  /** By the core: a process may begin another life without ending. */
  readonly #mirrors = new WeakMap<object, Mirror>();
  readonly #hosts: Hosts;
  readonly #standing: Standing;
  readonly #byAddress: ReadonlyMap<string, string>;
  /** Microseconds. */
  now: () => number = () => 0;

  constructor(hosts: Hosts, initial: Membership) {
    this.#hosts = hosts;
    this.membership = initial;
    this.#standing = new Standing(hosts, initial, (what) => this.fail(what));
    this.#byAddress = new Map([...hosts].map(([id, { host }]) => [host.address, id]));
  }

  get commitIndex(): number {
    return this.committed.length - 1;
  }

  /** After an event of this process. */
  check(process: SimProcess): void {
    const { parts } = process;
    if (parts === null) return;
    let mirror = this.#mirrors.get(parts.core);
    if (mirror === undefined) {
      mirror = this.#begin(process);
      this.#mirrors.set(parts.core, mirror);
    }
    if (!mirror.moved(parts)) return;
    this.#followLog(process, mirror);
    this.#order(process, mirror);
    if (parts.core.role === 'leader') this.#leader(process, mirror);
    if (parts.core.commitIndex > mirror.commit) this.#commit(process, mirror);
    if (parts.machine.appliedIndex > mirror.applied) this.#applied(process, mirror);
    this.#standing.order(process, mirror, (index) => this.committed[index]?.term ?? -1);
    if (parts.core.role === 'leader') {
      this.#standing.leader(process, mirror, this.commitIndex);
    }
    this.#noteAdmission(process);
    process.host.inForce = parts.core.membership;
    mirror.note(parts);
  }

  #noteAdmission({ host, parts }: SimProcess): void {
    const { core, machine } = parts!;
    if (core.admission !== 'admitted') return;
    host.admitted = true;
    // It is whole again once it has what everybody had when it came back.
    if (
      host.damaged &&
      !host.unread &&
      core.role !== 'leader' &&
      machine.appliedIndex >= this.commitIndex
    ) {
      host.damaged = false;
    }
  }

  /** Its data is gone, and with it every promise. */
  wiped(id: string): void {
    this.#promised.delete(id);
  }

  /** Frames from one node's raft link to another: what is promised on them must be kept. */
  sent(fromAddress: string, toAddress: string, bytes: Uint8Array): void {
    if (bytes.length < 14 || bytes[4] !== RAFT_FRAME) return;
    if (bytes[5] !== VOTE_RESPONSE && bytes[5] !== APPEND_RESPONSE) return;
    const from = this.#byAddress.get(fromAddress);
    const to = this.#byAddress.get(toAddress);
    if (from === undefined || to === undefined) return;
    const body = Buffer.from(bytes.buffer, bytes.byteOffset + 5, bytes.length - 5);
    const message = decodeRaft(body, from, to, () => 'no entries here');
    if (typeof message === 'string') return;
    this.#promised.set(from, Math.max(this.#promised.get(from) ?? 0, message.term));
    if (message.type === 'voteResponse' && message.granted) this.#voted(from, to, message.term);
    else if (message.type === 'appendResponse' && message.accepted) {
      this.#accepted(from, message.term, message.index);
    }
  }

  fail(what: string): never {
    throw new Violation(what);
  }

  #voted(voter: string, candidate: string, term: number): void {
    const key = `${voter}/${term}`;
    const before = this.#votes.get(key);
    if (before !== undefined && before !== candidate) {
      this.fail(`I13 ${voter} voted for ${before} and ${candidate} in term ${term}`);
    }
    this.#votes.set(key, candidate);
  }

  #accepted(follower: string, term: number, index: number): void {
    const { host, durable } = this.#hosts.get(follower)!;
    const parts = host.process?.parts;
    if (parts === undefined || parts === null || parts.core.term !== term) return;
    // What rots behind its back it has synced: the disk does not say so any more.
    if (host.unread) return;
    if (index > Math.max(durable.last, parts.store.snapshot?.index ?? 0)) {
      this.fail(`I13 ${follower} accepted ${index}, durable ${durable.last}`);
    }
  }

  /** A new life: its term is at least what the lives before promised in. */
  #begin(process: SimProcess): Mirror {
    const { id } = process.host;
    const { core, machine } = process.parts!;
    const promised = this.#promised.get(id) ?? 0;
    if (core.term < promised) {
      this.fail(`I9 ${id} is back in term ${core.term} after answers in ${promised}`);
    }
    // Its log may be another one: what was there before was set aside.
    this.#hosts.get(id)!.durable.reread();
    const mirror = new Mirror(core.commitIndex, machine.appliedIndex);
    this.#compareDigest(process, machine.appliedIndex);
    return mirror;
  }

  /** I3: index and term determine an entry and, by the term before it, everything before. */
  #followLog(process: SimProcess, mirror: Mirror): void {
    const { core } = process.parts!;
    const { lastIndex } = core;
    let from = lastIndex + 1;
    let tail: readonly Entry<LoggedRecord>[] = [];
    let step = 4;
    while (from > 1) {
      from = Math.max(1, from - step);
      step *= 4;
      tail = core.tailFrom(from);
      const first = tail[0];
      if (first === undefined || first.index > from) break;
      if (mirror.terms.get(first.index) === first.term) break;
    }
    mirror.truncateTo(lastIndex);
    let previous = -1;
    for (const entry of tail) {
      const prevTerm = previous;
      if (mirror.terms.get(entry.index) !== entry.term) this.#appended(entry, prevTerm);
      mirror.terms.set(entry.index, entry.term);
      previous = entry.term;
    }
  }

  #appended(entry: Entry<LoggedRecord>, prevTerm: number): void {
    const { record } = entry.body;
    const key = `${entry.index}/${entry.term}`;
    const print = fingerprint(record);
    const seen = this.#entries.get(key);
    if (seen === undefined) {
      this.#entries.set(key, { print, prevTerm });
      return;
    }
    if (seen.print !== print) this.fail(`I3 two entries at ${key}`);
    if (prevTerm >= 0 && seen.prevTerm >= 0 && prevTerm !== seen.prevTerm) {
      this.fail(`I3 before ${key}: terms ${seen.prevTerm} and ${prevTerm}`);
    }
  }

  /** I9 within a life, I10. */
  #order(process: SimProcess, mirror: Mirror): void {
    const { core, machine, store } = process.parts!;
    const { id } = process.host;
    const back =
      core.term < mirror.term ||
      core.commitIndex < mirror.commit ||
      // Data that is replaced is made anew from an earlier entry on.
      (machine.appliedIndex < mirror.applied && !process.host.corrupt);
    if (back) {
      const now = `${core.term} ${core.commitIndex} ${machine.appliedIndex}`;
      this.fail(`I9 ${id} went back: term, commit, applied ${mirror.describe()} to ${now}`);
    }
    const snapshot = store.snapshot?.index ?? 0;
    const ordered =
      snapshot <= core.commitIndex &&
      core.commitIndex <= core.lastIndex &&
      core.appliedIndex <= core.commitIndex;
    if (!ordered) {
      const { appliedIndex, commitIndex, lastIndex } = core;
      this.fail(`I10 ${id}: ${snapshot} <= ${appliedIndex} <= ${commitIndex} <= ${lastIndex}`);
    }
    if (core.fault !== '') this.fail(`${id} at fault: ${core.fault}`);
  }

  #leader(process: SimProcess, mirror: Mirror): void {
    const { core } = process.parts!;
    const { id } = process.host;
    const known = this.#leaders.get(core.term);
    if (known !== undefined && known !== id) this.fail(`I1 ${known} and ${id} lead ${core.term}`);
    const led = mirror.role === 'leader' && mirror.term === core.term;
    if (led && core.lastIndex < mirror.last) this.fail(`I2 leader ${id} lost entries`);
    if (!led) this.#complete(process, mirror);
    this.#leaders.set(core.term, id);
  }

  /** I4: a new leader has everything that was committed in earlier terms. */
  #complete(process: SimProcess, mirror: Mirror): void {
    const { core } = process.parts!;
    const first = core.status().firstIndex;
    for (let index = this.commitIndex; index >= first; index--) {
      if (this.#committedIn[index]! >= core.term) continue;
      if (mirror.terms.get(index) !== this.committed[index]!.term) {
        const who = `leader ${process.host.id} of term ${core.term}`;
        this.fail(`I4 ${who} lacks committed entry ${index}`);
      }
    }
  }

  /** I6, I7, I11. */
  #commit(process: SimProcess, mirror: Mirror): void {
    const { core } = process.parts!;
    const { id } = process.host;
    const before = this.membership;
    const counting = this.#countingTerm(process, mirror);
    let first = false;
    for (const entry of core.tailFrom(mirror.commit + 1)) {
      if (entry.index > core.commitIndex) break;
      const known = this.committed[entry.index];
      if (known === undefined || known === null) {
        first = true;
        this.#commitFirst(entry, counting, id);
      } else if (known.term !== entry.term || known.seed !== entry.body.record.seed) {
        this.fail(`I6 ${id} committed another entry at ${entry.index}`);
      }
    }
    if (core.commitIndex > this.commitIndex) {
      this.fail(`${id} committed ${core.commitIndex}, which it does not have`);
    }
    if (!first) return;
    const term = mirror.terms.get(core.commitIndex);
    if (term !== counting) this.fail(`I11 ${id} in ${counting} counted an entry of ${term}`);
    // What was in force before this event is what it counted with, if it led then.
    const led = mirror.role === 'leader' && mirror.term === counting && mirror.membership !== null;
    const inForce = led ? [mirror.membership!] : [core.membership, before];
    const isDurable = (index: number, by: Membership): boolean =>
      this.#durableOn(by, index, mirror.terms.get(index) ?? counting);
    if (inForce.some((membership) => isDurable(core.commitIndex, membership))) return;
    // With the joint membership committed it goes on counting with the one that follows (6).
    const joint = led && isJoint(mirror.membership!) ? this.#lastChange(process) : 0;
    const wentOn = joint > 0 && !isJoint(core.membership);
    if (wentOn && isDurable(joint, inForce[0]!) && isDurable(core.commitIndex, core.membership))
      return;
    const durable = [...this.#hosts].map(([each, known]) => `${each} ${known.durable.last}`);
    const sets = inForce.map(({ voters, outgoing }) => `${voters}/${outgoing}`);
    this.fail(
      `I7 ${id} committed ${core.commitIndex} without a durable quorum of ${sets.join(' or ')}; ` +
        `durable: ${durable.join(', ')}`,
    );
  }

  /** Index of the newest membership that is committed at this node and still in its log; 0: none. */
  #lastChange(process: SimProcess): number {
    const { core } = process.parts!;
    let found = 0;
    for (const { index, membership } of core.tailFrom(core.status().firstIndex)) {
      if (index > core.commitIndex) break;
      if (membership !== null) found = index;
    }
    return found;
  }

  /** In one event a leader may be told of an acknowledgement, and then of a newer term. */
  #countingTerm(process: SimProcess, mirror: Mirror): number {
    const { core } = process.parts!;
    const deposed = mirror.role === 'leader' && mirror.term < core.term;
    return deposed && core.role !== 'leader' ? mirror.term : core.term;
  }

  #commitFirst(entry: Entry<LoggedRecord>, term: number, id: string): void {
    if (entry.index !== this.committed.length) {
      this.fail(`${id} committed ${entry.index} after ${this.commitIndex}`);
    }
    this.committed.push(entry.body.record);
    this.committedAt.push(this.now());
    this.#committedIn.push(term);
    if (entry.membership === null) return;
    this.#standing.committed(entry.index, entry.membership);
    this.membership = entry.membership;
  }

  #durableOn(membership: Membership, index: number, term: number): boolean {
    const holds = (id: string): boolean => {
      const known = this.#hosts.get(id);
      if (known === undefined) return false;
      // Its acknowledgement may have been on the way when it lost everything: a minority may.
      if (known.host.damaged) return true;
      if (known.durable.termAt(index) === term) return true;
      const snapshot = known.host.process?.parts?.store.snapshot;
      return snapshot !== null && snapshot !== undefined && snapshot.index >= index;
    };
    return [membership.voters, membership.outgoing].every(
      (half) => half.length === 0 || half.filter(holds).length >= majority(half.length),
    );
  }

  /** I5: equal state at equal index, for ever. */
  #applied(process: SimProcess, mirror: Mirror): void {
    const { machine } = process.parts!;
    const now = Math.floor(machine.appliedIndex / DIGEST_EVERY);
    if (now === Math.floor(mirror.applied / DIGEST_EVERY)) return;
    this.#compareDigest(process, machine.appliedIndex);
  }

  #compareDigest(process: SimProcess, index: number): void {
    const { machine } = process.parts!;
    if (index === 0 || index !== machine.appliedIndex || process.host.corrupt) return;
    const digest = digestOf(process);
    const known = this.#digests.get(index);
    if (known !== undefined && known !== digest) {
      this.fail(`I5 ${process.host.id} differs at ${index}: ${digest} and ${known}`);
    }
    this.#digests.set(index, digest);
  }
}

/** Of everything a machine's answers rest on. */
export function digestOf(process: SimProcess): string {
  const { machine } = process.parts!;
  const { time, origins } = machine.dumpState();
  const keys = Buffer.from(keyspaceDigest(machine.keyspace)).toString('hex');
  return `${keys}/${time}/${JSON.stringify(origins)}`;
}

function fingerprint(record: LogRecord): string {
  return `${record.kind}/${record.time}/${record.seed}/${record.payload.length}`;
}
