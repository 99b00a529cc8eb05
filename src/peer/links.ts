// Owns: all links of this node to the other members: one dialed `raft` connection to each for
// sending, and the accepted ones for receiving. Messages to a member that is not reachable are
// dropped and reported (raft's `unreachable`). Never interprets a message beyond its form;
// membership and leadership are the replica's.

import type { Clock } from '../platform/clock.js';
import type { Net } from '../platform/net.js';
import type { MessageType } from '../raft/messages.js';
import { type AcceptedLink, Acceptor } from './acceptor.js';
import {
  type AdminRequest,
  type AdminResponse,
  decodeAdminRequest,
  decodeAdminResponse,
} from './admin-codec.js';
import { Dialer, type DialTarget, type Endpoint } from './dialer.js';
import {
  type DigestNote,
  decodeDigest,
  decodeSnapshotWanted,
  encodeDigest,
  encodeSnapshotWanted,
} from './digest-codec.js';
import { type DiskState, decodeDiskState, encodeDiskState } from './disk-codec.js';
import { FrameKind } from './frame.js';
import type { Hello, MemberIdentity, Refusal } from './handshake.js';
import {
  decodeNack,
  decodeProposal,
  encodeNack,
  encodeProposal,
  type Proposal,
  type ProposeNack,
} from './proposal-codec.js';
import { decodeRaft, type EntryDecoder, encodeRaft, type PeerMessage } from './raft-codec.js';
import { hostOf, PeerRefusals } from './refusals.js';

export interface MemberAddress extends Endpoint {
  readonly id: string;
  /** Where it may be instead. */
  readonly alternative?: Endpoint;
}

export interface LinkEvents {
  onMessage(message: PeerMessage): void;
  onProposal(from: string, proposal: Proposal): void;
  onNack(from: string, nack: ProposeNack): void;
  onDigest(from: string, note: DigestNote): void;
  /** A member in quarantine needs a snapshot at `index` or later. */
  onSnapshotWanted(from: string, index: number): void;
  onDiskState(from: string, state: DiskState): void;
  onAdminRequest(from: string, request: AdminRequest): void;
  onAdminResponse(response: AdminResponse): void;
  /** A member can be sent to. */
  onUp(member: MemberIdentity): void;
  /** A connection with a member is gone: the one `in`, by which it sends to this node, or `out`. */
  onDown(nodeId: string, way: 'in' | 'out'): void;
  onUnreachable(nodeId: string): void;
  /** Null to welcome the dialer of a link, or why it is refused. */
  judge(hello: Hello): Refusal | null;
  /** Null when a member that answered this node's dial is who was meant. */
  judgeWelcome(member: MemberIdentity): Refusal | null;
  /** Whether the sender is the very directory that this node's roster means by that id. */
  isKnown(member: MemberIdentity): boolean;
  /** A member does not want this node. */
  onRefused(nodeId: string, refusal: Refusal): void;
  /** A frame of a `bulk` link (snapshot stream). */
  onBulkFrame(link: AcceptedLink, kind: number, body: Buffer): void;
  onBulkClose(link: AcceptedLink): void;
  /** Refusals, damage: for the log; the same is said once a minute at most. */
  onNotice(text: string): void;
}

export interface LinkOptions {
  readonly nodeId: string;
  /** What this node says of itself in a greeting. */
  readonly self: () => MemberIdentity;
  readonly net: Net;
  readonly clock: Clock;
  readonly decodeEntry: EntryDecoder;
  readonly events: LinkEvents;
}

/**
 * What a leader or a candidate sends is judged by term and log alone: it may be a member by entries
 * that this node does not have yet. Votes and acknowledgements are those of a directory.
 */
const HEARD_FROM_UNKNOWN: ReadonlySet<MessageType> = new Set<MessageType>([
  ...(['append', 'heartbeat', 'vote', 'preVote', 'timeoutNow', 'readIndexResponse'] as const),
]);

export class PeerLinks {
  readonly #options: LinkOptions;
  readonly #acceptor: Acceptor;
  readonly #dialers = new Map<string, Dialer>();
  /** What members said of themselves when last greeted. */
  readonly #identities = new Map<string, MemberIdentity>();
  /** Frames of this turn by member, written in one call by flush(). */
  readonly #outbox = new Map<string, Buffer[]>();
  /** What was refused of others; whoever else refuses something of theirs notes it here. */
  readonly refusals: PeerRefusals;

  constructor(options: LinkOptions) {
    this.#options = options;
    const { events } = options;
    this.refusals = new PeerRefusals(options.clock, (text) => events.onNotice(text));
    this.#acceptor = new Acceptor(options.self, options.clock, {
      judge: (hello) => events.judge(hello),
      onOpen: (link) => {
        const { nodeId: from, kind } = link.hello;
        this.#identities.set(from, link.hello);
        this.#acceptor.supersede(link);
        if (kind === 'raft') this.#redial(from);
      },
      onFrame: (link, kind, body) => this.#receive(link, kind, body),
      onClose: (link) => {
        const { nodeId: from, kind } = link.hello;
        if (kind !== 'raft') events.onBulkClose(link);
        else if (!this.#acceptor.hasLinkFrom(from)) events.onDown(from, 'in');
      },
      onFault: (remote, cause, reason) =>
        this.refusals.note(cause, hostOf(remote), `peer link from ${remote}: ${reason}`),
    });
  }

  /** Rejects with the system's error when the address cannot be had. Returns the port in use. */
  listen(at: { host: string; port: number }): Promise<number> {
    return this.#acceptor.listen(this.#options.net, at);
  }

  /** Dials members that are new and drops links to those that left. */
  setMembers(members: readonly MemberAddress[]): void {
    const wanted = new Map(members.map((member) => [member.id, member]));
    for (const [id, dialer] of this.#dialers) {
      const member = wanted.get(id);
      if (member !== undefined && isSameTarget(member, dialer.target)) continue;
      // Who leaves still gets what was sent to it: maybe the entry that says so.
      dialer.retire();
      this.#dialers.delete(id);
    }
    for (const member of members) {
      if (!this.#dialers.has(member.id)) this.#dialers.set(member.id, this.#dial(member));
    }
  }

  /** Closes the links with those that `isWelcome` does not want any more; they are dialed again. */
  review(isWelcome: (member: MemberIdentity) => boolean): void {
    this.#acceptor.review(isWelcome);
    for (const [id, dialer] of this.#dialers) {
      const identity = this.#identities.get(id);
      if (dialer.up && identity !== undefined && !isWelcome(identity)) dialer.drop();
    }
  }

  isUp(nodeId: string): boolean {
    return this.#dialers.get(nodeId)?.up ?? false;
  }

  /** Where the link to a member is open to; null while it is not. */
  endpointOf(nodeId: string): Endpoint | null {
    const dialer = this.#dialers.get(nodeId);
    return dialer?.up ? dialer.endpoint : null;
  }

  identityOf(nodeId: string): MemberIdentity | null {
    return this.#identities.get(nodeId) ?? null;
  }

  /** Queues a raft message for this turn. */
  send(message: PeerMessage): void {
    this.#queue(message.to, encodeRaft(message));
  }

  /** Queues a proposal; false when the member cannot be reached. */
  sendProposal(to: string, proposal: Proposal): boolean {
    if (!this.isUp(to)) return false;
    this.#queue(to, encodeProposal(proposal));
    return true;
  }

  /** Queues a whole frame. */
  sendFrame(to: string, frame: Buffer): void {
    this.#queue(to, [frame]);
  }

  sendNack(to: string, nack: ProposeNack): void {
    this.#queue(to, [encodeNack(nack)]);
  }

  sendDigest(to: string, note: DigestNote): void {
    this.#queue(to, [encodeDigest(note)]);
  }

  sendSnapshotWanted(to: string, index: number): void {
    this.#queue(to, [encodeSnapshotWanted(index)]);
  }

  sendDiskState(to: string, state: DiskState): void {
    if (this.isUp(to)) this.#queue(to, [encodeDiskState(state)]);
  }

  /** Writes what was queued, one system call a member. */
  flush(): void {
    if (this.#outbox.size === 0) return;
    for (const [id, frames] of this.#outbox) {
      if (frames.length === 0) continue;
      const sent = this.#dialers.get(id)?.send(frames) ?? false;
      this.#outbox.set(id, []);
      if (!sent) this.#options.events.onUnreachable(id);
    }
  }

  async close(): Promise<void> {
    for (const dialer of this.#dialers.values()) dialer.close();
    this.#dialers.clear();
    await this.#acceptor.close();
  }

  #queue(to: string, frames: Buffer[]): void {
    const queue = this.#outbox.get(to);
    if (queue === undefined) this.#outbox.set(to, frames);
    else for (const frame of frames) queue.push(frame);
  }

  #dial(member: MemberAddress): Dialer {
    const { self, net, clock, events } = this.#options;
    return new Dialer({
      target: { ...member, nodeId: member.id },
      kind: 'raft',
      judge: (identity) => events.judgeWelcome(identity),
      self,
      net,
      clock,
      events: {
        onUp: (identity) => {
          this.#identities.set(identity.nodeId, identity);
          events.onUp(identity);
        },
        onDown: () => events.onDown(member.id, 'out'),
        onRefused: (refusal, isNew) => {
          const text = `no link to ${member.id}: ${refusal.reason}`;
          this.refusals.note(refusal.cause, member.id, text);
          if (isNew) events.onRefused(member.id, refusal);
        },
        onFault: (reason) => this.refusals.note('frame', member.id, `from ${member.id}: ${reason}`),
        onFrame: () => {},
      },
    });
  }

  /** A member that dials us is alive: do not sit out the rest of a retry delay. */
  #redial(nodeId: string): void {
    this.#dialers.get(nodeId)?.hurry();
  }

  #receive(link: AcceptedLink, kind: number, body: Buffer): void {
    const from = link.hello.nodeId;
    const { events } = this.#options;
    if (link.hello.kind === 'bulk') {
      events.onBulkFrame(link, kind, body);
      return;
    }
    const expected = link.hello.kind === 'raft';
    const fault = expected
      ? this.#receiveRaft(link.hello, kind, body)
      : `frame kind ${kind} of a joiner`;
    if (fault === null) return;
    this.refusals.note('message', from, `from member ${from}: ${fault}`);
    link.close();
  }

  #receiveRaft(hello: Hello, kind: number, body: Buffer): string | null {
    const { events, decodeEntry, nodeId } = this.#options;
    const from = hello.nodeId;
    if (kind === FrameKind.beat) return null;
    const known = events.isKnown(hello);
    if (kind === FrameKind.raft) {
      const message = decodeRaft(body, from, nodeId, decodeEntry);
      if (typeof message === 'string') return message;
      if (!known && !HEARD_FROM_UNKNOWN.has(message.type)) return null;
      events.onMessage(message);
      return null;
    }
    if (!known && kind !== FrameKind.proposeNack && kind !== FrameKind.adminResponse) return null;
    if (kind === FrameKind.propose) {
      const proposal = decodeProposal(body);
      if (typeof proposal === 'string') return proposal;
      events.onProposal(from, proposal);
      return null;
    }
    if (kind === FrameKind.proposeNack) {
      const nack = decodeNack(body);
      if (typeof nack === 'string') return nack;
      events.onNack(from, nack);
      return null;
    }
    if (kind === FrameKind.digest) {
      const note = decodeDigest(body);
      if (typeof note === 'string') return note;
      events.onDigest(from, note);
      return null;
    }
    if (kind === FrameKind.snapshotWanted) {
      const index = decodeSnapshotWanted(body);
      if (typeof index === 'string') return index;
      events.onSnapshotWanted(from, index);
      return null;
    }
    if (kind === FrameKind.diskState) {
      const state = decodeDiskState(body);
      if (typeof state === 'string') return state;
      events.onDiskState(from, state);
      return null;
    }
    return this.#receiveAdmin(from, kind, body);
  }

  #receiveAdmin(from: string, kind: number, body: Buffer): string | null {
    const { events } = this.#options;
    if (kind === FrameKind.adminRequest) {
      const request = decodeAdminRequest(body);
      if (typeof request === 'string') return request;
      events.onAdminRequest(from, request);
      return null;
    }
    if (kind === FrameKind.adminResponse) {
      const response = decodeAdminResponse(body);
      if (typeof response === 'string') return response;
      events.onAdminResponse(response);
      return null;
    }
    return `unexpected frame kind ${kind}`;
  }
}

function isSameTarget(a: MemberAddress, b: DialTarget): boolean {
  const [one, other] = [a.alternative, b.alternative];
  return (
    a.host === b.host && a.port === b.port && one?.host === other?.host && one?.port === other?.port
  );
}
