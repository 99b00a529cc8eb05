// Owns: the members as this node's driver deals with them: what it says of itself, where the others
// are, which links it keeps, and, while it leads, the changes that a leader makes by itself
// (membership-plan.ts). The roster in the core decides; the list this node was started with only
// stands in until there is one.

import type { LoggedRecord } from '../base/log-entry.js';
import type { Logger } from '../observe/logger.js';
import type { MemberIdentity } from '../peer/handshake.js';
import type { MemberAddress, PeerLinks } from '../peer/links.js';
import type { RaftCore } from '../raft/core.js';
import { allMembers } from '../raft/membership.js';
import type { MessageType } from '../raft/messages.js';
import { rosterMember } from '../raft/roster.js';
import type { Membership, PeerStatus, Roster } from '../raft/types.js';
import { formatAddress, formatMembers, parseAddress } from './bootstrap.js';
import type { Gatekeeper } from './gatekeeper.js';
import type { MemberInfo, MembershipStatus } from './group.js';
import { listMembers, pendingChange } from './member-list.js';
import { firstRoster, type MemberFacts, planChange } from './membership-plan.js';
import { logRemoval } from './role-log.js';

export interface MembersParts {
  readonly nodeId: string;
  readonly uuid: string;
  /** Where clients reach this node, `host:port`. */
  readonly respAddress: string;
  /** Where the other members reach it, `host:port`. */
  readonly raftAddress: string;
  /** As this node was started with: stands in where the roster has no address, and is tried too. */
  readonly known: readonly MemberAddress[];
  readonly core: RaftCore<LoggedRecord>;
  readonly gatekeeper: Gatekeeper;
  readonly links: PeerLinks;
  /** Empty while this node belongs to none. */
  readonly clusterId: () => string;
  readonly newUuid: () => string;
  /** The cluster and its members, as `id=host:port,...`, are known for certain. */
  readonly onCommitted: (clusterId: string, list: string) => void;
  /** Monotonic ms. */
  readonly now: () => number;
  readonly logger: Logger;
}

/** A greeting older than this says nothing about now: refused members greet twice a second. */
const FRESH_MS = 2000;
/** Between two looks at how far learners are: what the log held at the first is a moment ago. */
const MARK_MS = 100;
/** Links outlive a membership by so long: an answer may be on its way. */
const PARTING_MS = 1000;
/** A leader that finds a log without a roster waits so long for members it has not seen. */
const PATIENCE_MS = 5000;
/** A member that starts with nothing waits so long to see the others: for a whole first roster. */
const GATHER_MS = 1000;

export class Members {
  /** Not a member any more: this node does not campaign and serves nobody. */
  gone = false;
  readonly #parts: MembersParts;
  readonly #startedAt: number;
  #shown: Membership | null = null;
  #shownCommitted: Membership | null = null;
  #guestsShown = 0;
  #targeted: readonly MemberAddress[] = [];
  /** When the links with those that left are closed, monotonic ms; 0: nobody left. */
  #partAt = 0;
  /** Last index of the log when learners were last looked at. */
  #mark = 0;
  #markedAt: number;
  #caughtUp: ReadonlySet<string> = new Set();
  #ledSince = 0;
  #toldRemoved = false;
  #saved: Membership | null = null;

  constructor(parts: MembersParts) {
    this.#parts = parts;
    this.#startedAt = parts.now();
    this.#markedAt = this.#startedAt;
  }

  /** What this node says of itself to others. */
  identity(): MemberIdentity {
    const { nodeId, uuid, respAddress, raftAddress, core } = this.#parts;
    const clusterId = this.#parts.clusterId();
    const members = formatMembers(this.#addresses(core.membership));
    return { nodeId, uuid, clusterId, standing: core.admission, respAddress, raftAddress, members };
  }

  /** Raft address of a member, `host:port`; empty when it is not known. */
  addressOf(id: string): string {
    const address = rosterMember(this.#parts.core.membership.roster, id)?.address ?? '';
    if (address !== '') return address;
    const known = this.#parts.known.find((member) => member.id === id);
    return known === undefined ? '' : formatAddress(known.host, known.port);
  }

  endpointOf(id: string): MemberAddress | null {
    return parseAddress(id, this.addressOf(id));
  }

  /** Says that `newcomer` is counted in, to ask it whether it would be. */
  invitation(newcomer: MemberAddress): MemberIdentity {
    const list = [...this.#addresses(this.#parts.core.membership), newcomer];
    return { ...this.identity(), members: formatMembers(list) };
  }

  /** Leader: every member was heard within an election timeout. */
  allAlive(): boolean {
    const { core } = this.#parts;
    const peers = new Map(core.status().peers.map((peer) => [peer.id, peer]));
    return allMembers(core.membership).every((id) => this.#factsOf(id, peers.get(id)).alive);
  }

  /** Why leadership cannot go to `to`; null when it may. */
  transferFault(to: string | null): string | null {
    const { core, nodeId } = this.#parts;
    const { voters, learners } = core.membership;
    if (to === null) return voters.length > 1 ? null : 'there is no other voter';
    if (to === nodeId) return `${nodeId} leads already`;
    if (learners.includes(to)) return `${to} is a learner, which cannot lead`;
    if (!voters.includes(to)) return `${to} is not a member; the voters are ${voters.join(', ')}`;
    if (core.status().transferee !== '') return 'leadership is being transferred already';
    return this.facts(to).alive ? null : `${to} cannot be reached`;
  }

  /** This node belonged to the cluster and does not any more, as far as it knows. */
  get removed(): boolean {
    const { core, nodeId } = this.#parts;
    const { committedMembership, admission } = core;
    if (admission !== 'admitted' || committedMembership.roster.clusterId === '') return false;
    return this.#toldRemoved || !allMembers(committedMembership).includes(nodeId);
  }

  /** A member said that this node was removed. */
  noteRemoved(): void {
    this.#toldRemoved = true;
  }

  /** A leader sends only to members, and knows better. */
  heard(type: MessageType): void {
    if (type === 'append' || type === 'heartbeat') this.#toldRemoved = false;
  }

  list(): MemberInfo[] {
    return listMembers(this.#parts, (id) => this.addressOf(id));
  }

  status(): MembershipStatus {
    const { core, uuid } = this.#parts;
    const { roster } = core.membership;
    return {
      clusterId: this.#parts.clusterId() || roster.clusterId,
      uuid,
      standing: this.removed ? 'removed' : core.admission,
      pending: pendingChange(core.membership, core.committedMembership),
      transferee: core.status().transferee,
      removed: roster.removed.length,
      members: this.list(),
    };
  }

  /** The roster in the first entry of a log, made by this node as its leader. */
  firstRoster(initial: Membership): Roster {
    return firstRoster(initial, (id) => this.#factsOf(id, undefined), this.#parts.newUuid());
  }

  /**
   * A group that starts with nothing waits a moment for its members: whoever is in the first roster
   * is a full member at once.
   */
  gathering(): boolean {
    const { core, gatekeeper, nodeId, now } = this.#parts;
    if (core.admission !== 'new' || core.lastIndex > 0) return false;
    if (now() - this.#startedAt > GATHER_MS) return false;
    const others = core.membership.voters.filter((id) => id !== nodeId);
    return others.some((id) => gatekeeper.sightingOf(id) === null);
  }

  /** Follows the membership in force with the links, at the end of a turn. */
  follow(): void {
    const { core, gatekeeper, links } = this.#parts;
    const { membership, committedMembership } = core;
    const same = membership === this.#shown && committedMembership === this.#shownCommitted;
    if (same && gatekeeper.guests.size === this.#guestsShown) return;
    this.#shown = membership;
    this.#shownCommitted = committedMembership;
    for (const id of allMembers(membership)) gatekeeper.guests.delete(id);
    this.#guestsShown = gatekeeper.guests.size;
    const targets = this.#targets(membership);
    const gone = this.#targeted.filter(({ id }) => !targets.some((target) => target.id === id));
    links.setMembers([...targets, ...gone]);
    this.#targeted = targets;
    this.#partAt = this.#parts.now() + PARTING_MS;
    const members = allMembers(membership);
    links.review((member) => gatekeeper.isWelcome(member) || !members.includes(member.nodeId));
  }

  /** Who has left may still owe an answer, or be owed one; then the links are closed. */
  #part(): void {
    if (this.#partAt === 0 || this.#parts.now() < this.#partAt) return;
    this.#partAt = 0;
    const { links, gatekeeper } = this.#parts;
    links.setMembers(this.#targeted);
    links.review((member) => gatekeeper.isWelcome(member));
  }

  /**
   * Regularly: remembers the cluster, and as leader makes the next change that is due. True when
   * this node has just been removed.
   */
  poll(): boolean {
    this.#part();
    const { core } = this.#parts;
    const committed = core.committedMembership;
    if (committed !== this.#saved && committed.roster.clusterId !== '') {
      this.#saved = committed;
      const list = formatMembers(this.#addresses(committed));
      this.#parts.onCommitted(committed.roster.clusterId, list);
    }
    if (core.role === 'leader') this.#lead();
    else this.#ledSince = 0;
    return this.#noteGone();
  }

  #noteGone(): boolean {
    if (this.removed === this.gone) return false;
    this.gone = this.removed;
    if (this.gone) logRemoval(this.#parts.logger, this.#parts.nodeId);
    return this.gone;
  }

  readonly facts = (id: string): MemberFacts => {
    const peer = this.#parts.core.status().peers.find((each) => each.id === id);
    return this.#factsOf(id, peer);
  };

  #lead(): void {
    const { core, logger, now } = this.#parts;
    if (this.#ledSince === 0) {
      this.#ledSince = now();
      this.#caughtUp = new Set();
      this.#mark = core.lastIndex;
    }
    const status = core.status();
    this.#lookAtLearners(status.peers);
    const peers = new Map(status.peers.map((peer) => [peer.id, peer]));
    const facts = (id: string): MemberFacts => this.#factsOf(id, peers.get(id));
    const change = planChange(core.membership, facts, this.#clusterIdToMake());
    if (change === null) return;
    const { voters, learners, roster, what, member } = change;
    const result = core.proposeMembership(voters, learners, roster);
    if (typeof result !== 'string') logger.info(what, { member, index: result.index });
  }

  /** Empty while a log without a roster waits for its members to be seen. */
  #clusterIdToMake(): string {
    const { core, gatekeeper, nodeId, now, newUuid } = this.#parts;
    const { membership } = core;
    if (membership.roster.clusterId !== '') return '';
    const unseen = allMembers(membership).some(
      (id) => id !== nodeId && gatekeeper.sightingOf(id) === null,
    );
    return unseen && now() - this.#ledSince < PATIENCE_MS ? '' : newUuid();
  }

  #lookAtLearners(peers: readonly PeerStatus[]): void {
    const { core, now } = this.#parts;
    if (now() - this.#markedAt < MARK_MS) return;
    // One that may not vote yet would be a voter in name only: a quorum with it might never meet.
    const level = peers.filter(
      (peer) => peer.state === 'replicate' && peer.match >= this.#mark && peer.admitted,
    );
    this.#caughtUp = new Set(level.map(({ id }) => id));
    this.#mark = core.lastIndex;
    this.#markedAt = now();
  }

  #factsOf(id: string, peer: PeerStatus | undefined): MemberFacts {
    const { nodeId, uuid, raftAddress, gatekeeper, links, now } = this.#parts;
    const knownAddress = this.addressOf(id);
    if (id === nodeId) {
      const seen = { uuid, address: raftAddress, admitted: true, fresh: true };
      return { seen, alive: true, caughtUp: true, reachedAt: '', knownAddress };
    }
    const sighting = gatekeeper.sightingOf(id);
    const seen = sighting && {
      uuid: sighting.uuid,
      address: parseAddress(id, sighting.address) === null ? knownAddress : sighting.address,
      admitted: sighting.standing === 'admitted',
      fresh: now() - sighting.at < FRESH_MS,
    };
    const alive = links.isUp(id) && (peer?.alive ?? false);
    const endpoint = links.endpointOf(id);
    const reachedAt = endpoint === null ? '' : formatAddress(endpoint.host, endpoint.port);
    return { seen, alive, caughtUp: this.#caughtUp.has(id), reachedAt, knownAddress };
  }

  /** Whom to dial: the members, those that are about to leave, and guests. */
  #targets(membership: Membership): MemberAddress[] {
    const { nodeId, known, gatekeeper, core } = this.#parts;
    const targets = this.#addresses(membership).filter(({ id }) => id !== nodeId);
    for (const { id, address } of core.committedMembership.roster.members) {
      const leaving = parseAddress(id, address);
      if (id === nodeId || leaving === null) continue;
      if (!targets.some((target) => target.id === id)) targets.push(leaving);
    }
    for (const [id, address] of gatekeeper.guests) {
      const guest = parseAddress(id, address);
      if (guest !== null && !targets.some((target) => target.id === id)) targets.push(guest);
    }
    return targets.map((target) => {
      const other = known.find(({ id }) => id === target.id);
      const elsewhere = other && (other.host !== target.host || other.port !== target.port);
      return elsewhere ? { ...target, alternative: other } : target;
    });
  }

  #addresses(membership: Membership): MemberAddress[] {
    const ids = allMembers(membership);
    if (ids.length === 0) return [...this.#parts.known];
    return ids.flatMap((id) => this.endpointOf(id) ?? []);
  }
}
