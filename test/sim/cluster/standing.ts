// Owns: the invariants about who the members are and what a leader may believe of them: I12, I14 to
// I17 and E4 of shared/research/raft.md section 1. It remembers the committed memberships by index.

import { allMembers, isJoint, sameMembership } from '../../../src/raft/membership.js';
import { rosterMember } from '../../../src/raft/roster.js';
import type { Membership, PeerStatus } from '../../../src/raft/types.js';
import type { DurableLog } from './durable-log.js';
import type { SimHost, SimProcess } from './host.js';
import type { Mirror } from './mirror.js';

export type Hosts = ReadonlyMap<string, { host: SimHost; durable: DurableLog }>;

export class Standing {
  readonly #hosts: Hosts;
  /** What is wrong; does not return. */
  readonly #fail: (what: string) => never;
  readonly #committed: { readonly index: number; readonly membership: Membership }[];
  /** Index of the entry that let a data directory in, by its UUID. */
  readonly #entered = new Map<string, number>();

  /** Term in which a leader last had a quorum that it heard. */
  readonly #heardIn = new Map<string, number>();

  constructor(hosts: Hosts, initial: Membership, fail: (what: string) => never) {
    this.#hosts = hosts;
    this.#fail = fail;
    this.#committed = [{ index: 0, membership: initial }];
  }

  /** I14 and I15: each committed membership follows the one before by a safe step. */
  committed(index: number, next: Membership): void {
    const before = this.#committed.at(-1)!.membership;
    if (!isSafeStep(before, next)) {
      this.#fail(`I14 at ${index}: ${describe(next)} after ${describe(before)}`);
    }
    const gone = next.roster.removed;
    if (before.roster.removed.some((uuid) => !gone.includes(uuid))) {
      this.#fail(`I15 at ${index}: a removed UUID is forgotten`);
    }
    const back = next.roster.members.find(({ uuid }) => gone.includes(uuid));
    if (back !== undefined) this.#fail(`I15 at ${index}: ${back.id} is back with a removed UUID`);
    for (const { uuid } of next.roster.members) {
      if (!this.#entered.has(uuid)) this.#entered.set(uuid, index);
    }
    this.#committed.push({ index, membership: next });
  }

  /** I17: what a node holds for committed is what was, snapshots included. */
  order({ host, parts }: SimProcess, mirror: Mirror, termAt: (index: number) => number): void {
    const { core, store } = parts!;
    const { snapshot } = store;
    if (snapshot !== null && snapshot.index !== mirror.snapshot) {
      mirror.snapshot = snapshot.index;
      const term = termAt(snapshot.index);
      if (term >= 0 && term !== snapshot.term) {
        this.#fail(
          `I17 ${host.id}: snapshot at ${snapshot.index} of ${snapshot.term}, not ${term}`,
        );
      }
    }
    const { committedMembership } = core;
    if (committedMembership === mirror.committedMembership) return;
    mirror.committedMembership = committedMembership;
    const expected = this.#inForceAt(core.commitIndex);
    const joining = allMembers(committedMembership).length === 0;
    if (core.commitIndex === 0 || joining || sameMembership(expected, committedMembership)) return;
    const found = describe(committedMembership);
    this.#fail(`I17 ${host.id} at ${core.commitIndex}: ${found}, not ${describe(expected)}`);
  }

  /** `commitIndex`: of the group. */
  leader(process: SimProcess, mirror: Mirror, commitIndex: number): void {
    const { core } = process.parts!;
    const { id } = process.host;
    const status = core.status();
    const own = this.#durableOf(id);
    if (own !== null && status.durableIndex > own) {
      this.#fail(`I12 ${id} counts itself at ${status.durableIndex}, durable ${own}`);
    }
    if (mirror.membership === core.membership && !isJoint(core.membership)) {
      const heard = status.peers.filter(({ alive, learner }) => alive && !learner).length;
      const { voters } = core.membership;
      const quorum = (heard + (voters.includes(id) ? 1 : 0)) * 2 > voters.length;
      if (quorum) this.#heardIn.set(id, core.term);
      else if (this.#heardIn.get(id) === core.term) this.#fail(`E4 ${id} leads without a quorum`);
    }
    const members = allMembers(core.membership);
    for (const peer of status.peers) {
      if (!members.includes(peer.id)) this.#fail(`I15 ${id} counts ${peer.id}, which is no member`);
      this.#peer(id, core.term, status.lastIndex, peer);
    }
    if (core.membership === mirror.membership) return;
    // What an earlier leader committed, a new one may not know for committed yet.
    const known = Math.max(core.commitIndex, commitIndex);
    const pending = core.tailFrom(known + 1).filter(({ membership }) => membership !== null);
    if (pending.length > 1) this.#fail(`I14 ${id}: ${pending.length} changes are pending`);
    const led = mirror.role === 'leader' && mirror.term === core.term;
    if (led && mirror.membership !== null) this.#promotions(id, mirror.membership, core.membership);
    mirror.membership = core.membership;
  }

  /** I16, and that nobody is believed to have what its disk does not. */
  #peer(leader: string, term: number, lastIndex: number, peer: PeerStatus): void {
    const { id, match, next } = peer;
    if (match >= next || next - 1 > lastIndex) {
      this.#fail(`I16 ${leader} on ${id}: match ${match}, next ${next}, last ${lastIndex}`);
    }
    const { host } = this.#hosts.get(id)!;
    const core = host.process?.parts?.core;
    if (host.damaged || host.corrupt || core === undefined || core.term !== term) return;
    const durable = this.#durableOf(id);
    if (durable !== null && match > durable) {
      this.#fail(`I16 ${leader} believes ${id} to have ${match}, durable ${durable}`);
    }
  }

  /** M7: who becomes a voter has at least the entry that let it in. */
  #promotions(leader: string, before: Membership, now: Membership): void {
    for (const id of now.voters) {
      // Who was wiped just now is not known for that yet.
      if (!before.learners.includes(id) || this.#hosts.get(id)!.host.damaged) continue;
      const entered = this.#entered.get(rosterMember(now.roster, id)?.uuid ?? '') ?? 0;
      const durable = this.#durableOf(id);
      if (durable !== null && durable < entered) {
        this.#fail(`M7 ${leader} promotes ${id}, which has ${durable}: it came in at ${entered}`);
      }
    }
  }

  /** Null while the node does not run. */
  #durableOf(id: string): number | null {
    const known = this.#hosts.get(id)!;
    const parts = known.host.process?.parts;
    if (parts === undefined || parts === null) return null;
    return Math.max(known.durable.last, parts.store.snapshot?.index ?? 0);
  }

  #inForceAt(index: number): Membership {
    let at = this.#committed.length - 1;
    while (this.#committed[at]!.index > index) at--;
    return this.#committed[at]!.membership;
  }
}

/** Any two majorities of the one and the other meet. */
function isSafeStep(before: Membership, next: Membership): boolean {
  if (isJoint(before)) return !isJoint(next) && sameSet(before.voters, next.voters);
  if (isJoint(next)) return sameSet(next.outgoing, before.voters);
  const added = next.voters.filter((id) => !before.voters.includes(id)).length;
  const removed = before.voters.filter((id) => !next.voters.includes(id)).length;
  return added + removed <= 1;
}

function sameSet(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((id) => b.includes(id));
}

function describe({ voters, outgoing, learners }: Membership): string {
  return `${voters}|${outgoing}|${learners}`;
}
