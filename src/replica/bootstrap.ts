// Owns: whom a node starts with (architecture D11). Known members: those. None, and Raft wanted:
// wait to be contacted by a member that counts this node in, and adopt its list; after the grace
// period become a cluster of one. What was decided is stored with the node's identity and never
// decided again.

import type { Hello } from '../peer/handshake.js';
import type { MemberAddress } from '../peer/links.js';
import type { Clock, Timer } from '../platform/clock.js';

export function formatMembers(members: readonly MemberAddress[]): string {
  return members.map(({ id, host, port }) => `${id}=${formatAddress(host, port)}`).join(',');
}

export function formatAddress(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

const MEMBER = /^([^=,\s]{1,200})=(?:\[([0-9A-Fa-f:.]+)\]|([^[\]:,\s]+)):([1-9][0-9]{0,4})$/;

/** The members in a text made by formatMembers; null when it is not one. */
export function parseMembers(text: string): MemberAddress[] | null {
  if (text === '') return [];
  const members: MemberAddress[] = [];
  for (const part of text.split(',')) {
    const match = MEMBER.exec(part);
    if (match === null || Number(match[4]) > 65_535) return null;
    members.push({ id: match[1]!, host: match[2] ?? match[3]!, port: Number(match[4]) });
  }
  return members;
}

/** A member at `host:port`; null when the text is none. */
export function parseAddress(id: string, text: string): MemberAddress | null {
  const [member] = (text === '' ? null : parseMembers(`${id}=${text}`)) ?? [];
  return member ?? null;
}

/** Who counts this node in, as its greeting said. */
export interface Invitation {
  readonly members: readonly MemberAddress[];
  /** Empty while that is no cluster yet. */
  readonly clusterId: string;
}

/** Waits for a hello that counts this node in, at most `graceMs`. */
export class Contact {
  readonly #nodeId: string;
  /** Null when nobody came in time. */
  readonly invitation: Promise<Invitation | null>;
  readonly #timer: Timer;
  #settle: (invitation: Invitation | null) => void = () => {};

  constructor(nodeId: string, graceMs: number, clock: Clock) {
    this.#nodeId = nodeId;
    this.invitation = new Promise((resolve) => {
      this.#settle = resolve;
    });
    this.#timer = clock.after(graceMs, () => this.#settle(null));
  }

  /** Nobody will come any more. */
  giveUp(): void {
    this.#timer.cancel();
    this.#settle(null);
  }

  /** Looks at a hello; the first that names this node among its members decides. */
  offer(hello: Hello): void {
    const members = parseMembers(hello.members);
    if (members === null || !members.some(({ id }) => id === this.#nodeId)) return;
    this.#timer.cancel();
    this.#settle({ members, clusterId: hello.clusterId });
  }
}
