// Owns: the listening side of member links: greets or refuses each connection, then hands its frames up with the sender's id.
// A connection that is not introduced within GREETING_MS_MAX, or sends damage, is closed; refusals are told with the reason.

import type { Clock } from '../platform/clock.js';
import type { Connection, Listener, Net } from '../platform/net.js';
import { FRAME_BYTES_MAX, FrameDecoder, FrameKind } from './frame.js';
import { decodeHello, encodeJson, type Hello, type MemberIdentity } from './handshake.js';

const GREETING_MS_MAX = 5000;

export interface AcceptorEvents {
  /** Null to welcome the member, or the reason to refuse it. */
  judge(hello: Hello): string | null;
  onOpen(hello: Hello): void;
  onFrame(hello: Hello, kind: number, body: Buffer): void;
  onClose(hello: Hello): void;
  /** A connection ended for a fault of the other side; `remote` is its address. */
  onFault(remote: string, reason: string): void;
}

export class Acceptor {
  readonly #self: () => MemberIdentity;
  readonly #clock: Clock;
  readonly #events: AcceptorEvents;
  readonly #open = new Set<Connection>();
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

  async close(): Promise<void> {
    for (const connection of this.#open) connection.destroy();
    await this.#listener?.close();
  }

  #accept(connection: Connection): void {
    this.#open.add(connection);
    let hello: Hello | null = null;
    const limit = this.#clock.after(GREETING_MS_MAX, () => {
      if (hello === null) connection.destroy();
    });
    const decoder = new FrameDecoder((kind, body) => {
      if (hello !== null) {
        this.#events.onFrame(hello, kind, body);
        return;
      }
      hello = this.#greet(connection, kind, body);
      if (hello === null) decoder.stop();
      else decoder.bytesMax = FRAME_BYTES_MAX;
    });
    connection.onData((chunk) => {
      const fault = decoder.push(chunk);
      if (fault === null) return;
      this.#events.onFault(connection.remote, fault);
      connection.destroy();
    });
    connection.onClose(() => {
      limit.cancel();
      this.#open.delete(connection);
      if (hello !== null) this.#events.onClose(hello);
    });
  }

  #greet(connection: Connection, kind: number, body: Buffer): Hello | null {
    const hello = kind === FrameKind.hello ? decodeHello(body) : 'expected a hello';
    const reason = typeof hello === 'string' ? hello : this.#events.judge(hello);
    if (reason !== null || typeof hello === 'string') {
      this.#events.onFault(connection.remote, reason ?? 'refused');
      connection.write(encodeJson(FrameKind.refuse, { reason }));
      connection.end();
      return null;
    }
    connection.write(encodeJson(FrameKind.welcome, this.#self()));
    this.#events.onOpen(hello);
    return hello;
  }
}
