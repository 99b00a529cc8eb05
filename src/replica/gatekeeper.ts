// Owns: who may talk to this node, by identity and not by address (architecture D10): another
// cluster, a UUID that was removed, and a member's id with another data directory than the roster
// knows are refused, unless that one may be right because this node's log is old: then what it
// leads is heard and what it promises does not count. What each member said of itself last is kept
// for the leader to act on. Decides nothing about membership.

import type { Hello, MemberIdentity, Refusal, Standing } from '../peer/handshake.js';
import { refusalOf } from '../peer/handshake.js';
import { allMembers } from '../raft/membership.js';
import { rosterMember } from '../raft/roster.js';
import type { Membership } from '../raft/types.js';

/** What a node said of itself when it last greeted this one. */
export interface Sighting {
  readonly uuid: string;
  readonly clusterId: string;
  readonly standing: Standing;
  /** Raft address, `host:port`. */
  readonly address: string;
  /** Monotonic ms. */
  readonly at: number;
}

export interface GatekeeperParts {
  readonly nodeId: string;
  /** In force, maybe not committed. */
  readonly membership: () => Membership;
  readonly committed: () => Membership;
  /** Empty while this node belongs to none. */
  readonly clusterId: () => string;
  /** Monotonic ms. */
  readonly now: () => number;
}

const GUESTS_MAX = 16;

export class Gatekeeper {
  readonly #parts: GatekeeperParts;
  readonly #sightings = new Map<string, Sighting>();
  /**
   * Whom this node's log does not know as members yet, and who are heard nevertheless, for their
   * log may be newer (Raft paper 6). Raft addresses by id.
   */
  readonly guests = new Map<string, string>();

  constructor(parts: GatekeeperParts) {
    this.#parts = parts;
  }

  sightingOf(id: string): Sighting | null {
    return this.#sightings.get(id) ?? null;
  }

  judgeHello(hello: Hello): Refusal | null {
    const { nodeId } = this.#parts;
    if (hello.to !== nodeId) return refusalOf(`this node is ${nodeId}, not ${hello.to}`);
    if (hello.nodeId === nodeId) return refusalOf(`this node is ${nodeId} itself`);
    return this.judge(hello);
  }

  /** Null when this is the member that the roster means; notes what it says of itself. */
  judge(member: MemberIdentity): Refusal | null {
    const refusal = this.#refusalFor(member);
    const { nodeId: id, uuid, clusterId, standing, raftAddress: address } = member;
    const isMember = allMembers(this.#parts.membership()).includes(id);
    if (isMember) {
      this.#sightings.set(id, { uuid, clusterId, standing, address, at: this.#parts.now() });
    } else if (refusal === null && this.guests.size < GUESTS_MAX) {
      this.guests.set(id, address);
    }
    return refusal;
  }

  /** Whether a link made earlier is still one with who is meant. */
  isWelcome(member: MemberIdentity): boolean {
    return this.#refusalFor(member) === null;
  }

  /**
   * Whether the roster in force means this very directory by the id. Of ids that are no members the
   * core itself takes no answers.
   */
  isKnown({ nodeId, uuid }: MemberIdentity): boolean {
    const { roster } = this.#parts.membership();
    const row = rosterMember(roster, nodeId);
    return row === null || row.uuid === uuid || (row.uuid === '' && roster.clusterId === '');
  }

  #refusalFor(member: MemberIdentity): Refusal | null {
    const { nodeId: id, uuid } = member;
    const { roster } = this.#parts.membership();
    const committed = this.#parts.committed().roster;
    if (committed.removed.includes(uuid)) return removed(id);
    const row = rosterMember(roster, id);
    // Who leaves is needed until its leaving is committed: it may be the leader.
    if (row === null && rosterMember(committed, id)?.uuid === uuid) return null;
    // A full member of this cluster by entries that this node may only not have yet: it may lead.
    if (this.#isComrade(member)) return null;
    if (roster.removed.includes(uuid)) {
      return refusalOf(`${id} is about to be removed`, 'again', 'identity');
    }
    const own = this.#parts.clusterId();
    if (own !== '' && member.clusterId !== '' && member.clusterId !== own) {
      const reason = `${id} belongs to cluster ${member.clusterId}, this node to ${own}`;
      return refusalOf(reason, '', 'cluster');
    }
    // Of a member that no leader has seen yet nobody knows whether it is new or lost what it had.
    if (row?.uuid === '' && roster.clusterId !== '') {
      const reason = `${id} was not here before: the leader takes it in as a learner`;
      return refusalOf(reason, 'again', 'identity');
    }
    if (row !== null && row.uuid !== '' && row.uuid !== uuid) {
      return refusalOf(
        `${id} is known here by another data directory (uuid ${row.uuid}, not ${uuid}): ` +
          'if that one is lost the leader takes this one in as a learner',
        'again',
        'identity',
      );
    }
    // Who has forgotten its cluster, or never had one, cannot know who is in the one that counts it
    // in: it may have other members by now than this node's configuration names.
    if (own === '' && member.clusterId !== '' && member.standing === 'admitted') return null;
    const members = allMembers(this.#parts.membership());
    // Whoever is only about to join knows nobody yet.
    if (members.length === 0 || members.includes(id)) return null;
    return refusalOf(`${id} is not a member of this cluster`, 'again');
  }

  #isComrade({ clusterId, standing }: MemberIdentity): boolean {
    return clusterId !== '' && clusterId === this.#parts.clusterId() && standing === 'admitted';
  }
}

function removed(id: string): Refusal {
  return refusalOf(
    `${id} was removed from this cluster. To bring it back, empty its data directories ` +
      '(or RAFT.RESET there) and add it with RAFT.ADDPEER at a member',
    'removed',
    'identity',
  );
}
