// Owns: the connection this node opens to one member to send on: dial, hello, welcome, and again
// after a loss. Sends only while up; what is sent while down is lost, which Raft expects. A `raft`
// connection that swallows what is sent counts as lost (pulse.ts). Reconnects for ever with a
// bounded delay.

import type { Clock, Timer } from '../platform/clock.js';
import type { Connection, Net } from '../platform/net.js';
import { FrameDecoder, FrameKind } from './frame.js';
import {
  decodeRefusal,
  decodeWelcome,
  encodeHello,
  type LinkKind,
  type MemberIdentity,
  type Refusal,
  refusalOf,
} from './handshake.js';
import { BEAT, Pulse } from './pulse.js';

const RETRY_MS_MIN = 25;
const RETRY_MS_MAX = 500;
/** Of a node that was removed: it may be taken back one day. */
const RETRY_REMOVED_MS = 5000;
/** A dial or handshake that takes longer is given up. */
const GREETING_MS_MAX = 2000;
/** Bytes waiting for the kernel beyond which a frame is dropped: the member is not reading. */
const PENDING_BYTES_MAX = 256 * 2 ** 20;

export interface DialerEvents {
  onUp(member: MemberIdentity): void;
  onDown(): void;
  /** Why there is no link with who answered; for every try. `isNew`: not the same as before. */
  onRefused(refusal: Refusal, isNew: boolean): void;
  /** What came back cannot be a frame; the connection ends. */
  onFault(reason: string): void;
  /** A frame came back on this connection. */
  onFrame(kind: number, body: Buffer): void;
}

export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

export interface DialTarget extends Endpoint {
  readonly nodeId: string;
  /** Tried in turn with host and port, when the member may be at either. */
  readonly alternative?: Endpoint;
}

export class Dialer {
  readonly target: DialTarget;
  readonly #kind: LinkKind;
  readonly #self: () => MemberIdentity;
  readonly #net: Net;
  readonly #clock: Clock;
  readonly #events: DialerEvents;
  readonly #judge: (member: MemberIdentity) => Refusal | null;
  #connection: Connection | null = null;
  #up = false;
  #retryMs = RETRY_MS_MIN;
  #retry: Timer | null = null;
  #closed = false;
  #lastRefusal = '';
  #dials = 0;
  #endpoint: Endpoint;
  readonly #pulse: Pulse;

  constructor(options: {
    target: DialTarget;
    kind: LinkKind;
    self: () => MemberIdentity;
    net: Net;
    clock: Clock;
    events: DialerEvents;
    /** Null when who answered is who was meant. */
    judge?: (member: MemberIdentity) => Refusal | null;
  }) {
    this.target = options.target;
    this.#endpoint = options.target;
    this.#kind = options.kind;
    this.#self = options.self;
    this.#net = options.net;
    this.#clock = options.clock;
    this.#events = options.events;
    this.#judge = options.judge ?? (() => null);
    this.#pulse = new Pulse(
      options.clock,
      () => this.#connection?.write(BEAT),
      () => this.drop(),
    );
    this.#dial();
  }

  get up(): boolean {
    return this.#up;
  }

  /** Where it is connected to, or tries to be. */
  get endpoint(): Endpoint {
    return this.#endpoint;
  }

  get pendingBytes(): number {
    return this.#connection?.pendingBytes ?? 0;
  }

  /** Sends the buffers of whole frames in order; false when they were dropped. */
  send(buffers: readonly Uint8Array[]): boolean {
    if (!this.#up || this.#connection!.pendingBytes > PENDING_BYTES_MAX) return false;
    this.#connection!.writev(buffers);
    return true;
  }

  /** Dials at once if it is waiting to. */
  hurry(): void {
    if (this.#retry === null || this.#closed) return;
    this.#retry.cancel();
    this.#retryMs = RETRY_MS_MIN;
    this.#dial();
  }

  /** Ends this connection and dials anew. */
  drop(): void {
    this.#connection?.destroy();
  }

  /** Sends what it was given, then closes: the member has left. */
  retire(): void {
    if (this.#up) this.#connection?.end();
    else this.#connection?.destroy();
    this.#closed = true;
    this.#up = false;
    this.#pulse.stop();
    this.#retry?.cancel();
  }

  close(): void {
    this.#closed = true;
    this.#pulse.stop();
    this.#retry?.cancel();
    this.#connection?.destroy();
  }

  #dial(): void {
    this.#retry = null;
    const { nodeId } = this.target;
    this.#endpoint = this.#next();
    const connection = this.#net.connect(this.#endpoint, () => {
      connection.write(encodeHello(this.#self(), this.#kind, nodeId));
    });
    this.#connection = connection;
    const limit = this.#clock.after(GREETING_MS_MAX, () => {
      if (!this.#up) connection.destroy();
    });
    const decoder = new FrameDecoder((kind, body) => this.#receive(kind, body, decoder));
    connection.onData((chunk) => {
      const fault = decoder.push(chunk);
      if (fault === null) return;
      this.#events.onFault(fault);
      connection.destroy();
    });
    connection.onClose(() => {
      limit.cancel();
      this.#lost();
    });
  }

  #next(): Endpoint {
    const { host, port, alternative } = this.target;
    const second = this.#dials++ % 2 === 1;
    return second && alternative !== undefined ? alternative : { host, port };
  }

  #receive(kind: number, body: Buffer, decoder: FrameDecoder): void {
    if (this.#closed) return;
    if (this.#up) {
      if (kind === FrameKind.sign) this.#pulse.sign();
      else this.#events.onFrame(kind, body);
      return;
    }
    if (kind === FrameKind.refuse) {
      this.#refused(decodeRefusal(body));
      return;
    }
    const member = kind === FrameKind.welcome ? decodeWelcome(body) : 'expected a welcome';
    const refusal =
      typeof member === 'string' ? refusalOf(member, '', 'greeting') : this.#objection(member);
    if (refusal !== null || typeof member === 'string') {
      this.#refused(refusal!);
      return;
    }
    decoder.bytesMax = 2 ** 20;
    this.#up = true;
    this.#retryMs = RETRY_MS_MIN;
    this.#lastRefusal = '';
    this.#events.onUp(member);
  }

  #objection(member: MemberIdentity): Refusal | null {
    const { nodeId } = this.target;
    const { host, port } = this.#endpoint;
    if (member.nodeId !== nodeId) return refusalOf(`${host}:${port} is ${member.nodeId}`);
    // A code is what the other side says of this node.
    const objection = this.#judge(member);
    return objection && refusalOf(objection.reason, '', objection.cause);
  }

  #refused(refusal: Refusal): void {
    const isNew = refusal.reason !== this.#lastRefusal;
    this.#lastRefusal = refusal.reason;
    this.#retryMs = refusal.code === 'removed' ? RETRY_REMOVED_MS : RETRY_MS_MAX;
    this.#events.onRefused(refusal, isNew);
    this.#connection!.destroy();
  }

  #lost(): void {
    const wasUp = this.#up;
    this.#up = false;
    this.#pulse.stop();
    this.#connection = null;
    if (wasUp) this.#events.onDown();
    if (this.#closed) return;
    this.#retry = this.#clock.after(this.#retryMs, () => this.#dial());
    this.#retryMs = Math.min(this.#retryMs * 2, RETRY_MS_MAX);
  }
}
