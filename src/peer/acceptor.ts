// Owns: the listening side of member links: greets or refuses each connection, then hands its
// frames up with the sender's id. A connection that is not introduced within GREETING_MS_MAX, or
// sends damage, is closed; refusals are told with the reason.

import type { Clock } from '../platform/clock.js';
import type { Connection, Listener, Net } from '../platform/net.js';
import { FRAME_BYTES_MAX, FrameDecoder, FrameKind } from './frame.js';
import {
  decodeHello,
  encodeJson,
  encodeRefusal,
  type Hello,
  type MemberIdentity,
  type Refusal,
  refusalOf,
} from './handshake.js';
import { SIGN, Signs } from './pulse.js';
import type { RefusalCause } from './refusals.js';

const GREETING_MS_MAX = 5000;
const NO_HELLO = refusalOf('expected a hello', '', 'greeting');

/** A connection whose dialer was welcomed. */
export interface AcceptedLink {
  readonly hello: Hello;
  /** Answers on the same connection (bulk links only: raft messages go over the dialed ones). */
  send(frame: Uint8Array): void;
  /** Stops and starts reading, for a receiver that writes to disk. */
  pause(): void;
  resume(): void;
  close(): void;
}

export interface AcceptorEvents {
  /** Null to welcome the member, or why it is refused. */
  judge(hello: Hello): Refusal | null;
  onOpen(link: AcceptedLink): void;
  onFrame(link: AcceptedLink, kind: number, body: Buffer): void;
  onClose(link: AcceptedLink): void;
  /** A connection ended for a fault of the other side; `remote` is its address. */
  onFault(remote: string, cause: RefusalCause, reason: string): void;
}

export class Acceptor {
  readonly #self: () => MemberIdentity;
  readonly #clock: Clock;
  readonly #events: AcceptorEvents;
  readonly #open = new Set<Connection>();
  readonly #links = new Set<AcceptedLink>();
  #listener: Listener | null = null;

  constructor(self: () => MemberIdentity, clock: Clock, events: AcceptorEvents) {
    this.#self = self;
    this.#clock = clock;
    this.#events = events;
  }

  /** Rejects with the system's error when the address cannot be had. Returns the port in use. */
  async listen(net: Net, at: { host: string; port: number }): Promise<number> {
    this.#listener = await net.listen(at, (connection) => this.#accept(connection));
    return this.#listener.port;
  }

  /** Closes the links that `isWelcome` does not want any more. */
  review(isWelcome: (hello: Hello) => boolean): void {
    for (const link of [...this.#links]) if (!isWelcome(link.hello)) link.close();
  }

  /** Closes what its dialer has replaced: nothing that is late may come behind what is new. */
  supersede(by: AcceptedLink): void {
    for (const link of [...this.#links]) if (link !== by && isSameWay(link, by)) link.close();
  }

  /** A `raft` link from this node is open. */
  hasLinkFrom(nodeId: string): boolean {
    return [...this.#links].some(({ hello }) => hello.kind === 'raft' && hello.nodeId === nodeId);
  }

  async close(): Promise<void> {
    for (const connection of this.#open) connection.destroy();
    await this.#listener?.close();
  }

  #accept(connection: Connection): void {
    this.#open.add(connection);
    let link: AcceptedLink | null = null;
    let signs: Signs | null = null;
    const limit = this.#clock.after(GREETING_MS_MAX, () => {
      if (link === null) connection.destroy();
    });
    const decoder = new FrameDecoder((kind, body) => {
      if (link !== null) {
        this.#events.onFrame(link, kind, body);
        return;
      }
      link = this.#greet(connection, kind, body, () => decoder.stop());
      if (link === null) {
        decoder.stop();
        return;
      }
      decoder.bytesMax = FRAME_BYTES_MAX;
      this.#links.add(link);
      if (link.hello.kind === 'raft') signs = new Signs(this.#clock);
      this.#events.onOpen(link);
    });
    connection.onData((chunk) => {
      if (signs?.received()) connection.write(SIGN);
      const fault = decoder.push(chunk);
      if (fault === null) return;
      this.#events.onFault(connection.remote, 'frame', fault);
      connection.destroy();
    });
    connection.onClose(() => {
      limit.cancel();
      this.#open.delete(connection);
      if (link === null) return;
      this.#links.delete(link);
      this.#events.onClose(link);
    });
  }

  #greet(
    connection: Connection,
    kind: number,
    body: Buffer,
    stop: () => void,
  ): AcceptedLink | null {
    const hello = kind === FrameKind.hello ? decodeHello(body) : NO_HELLO;
    const refusal = 'reason' in hello ? hello : this.#events.judge(hello);
    if (refusal !== null || 'reason' in hello) {
      this.#events.onFault(connection.remote, refusal!.cause, refusal!.reason);
      connection.write(encodeRefusal(refusal!));
      connection.end();
      return null;
    }
    connection.write(encodeJson(FrameKind.welcome, this.#self()));
    // Says that this node gives signs.
    if (hello.kind === 'raft') connection.write(SIGN);
    return linkOver(connection, hello, stop);
  }
}

function isSameWay(one: AcceptedLink, other: AcceptedLink): boolean {
  const [a, b] = [one.hello, other.hello];
  return a.kind === 'raft' && b.kind === 'raft' && a.nodeId === b.nodeId;
}

/** `stop` ends the delivery of frames that have arrived already. */
function linkOver(connection: Connection, hello: Hello, stop: () => void): AcceptedLink {
  return {
    hello,
    send: (frame) => void connection.write(frame),
    pause: () => connection.pause(),
    resume: () => connection.resume(),
    close: () => {
      stop();
      connection.destroy();
    },
  };
}
