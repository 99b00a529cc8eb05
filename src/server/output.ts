// Owns: the replies of one connection on their way out: joined into one string a turn, written
// once, bounded. Bounds (D15): while the kernel has not taken OUTPUT_HIGH bytes the session runs no
// more commands; beyond the limits of client-output-buffer-limit the connection ends, and where
// those say "no limit" OUTPUT_LIMIT holds.

import type { Connection } from '../platform/net.js';
import { encodeReply } from '../resp/encoder.js';
import type { Reply } from '../resp/reply.js';
import { HOLD } from './hold.js';
import type { Session } from './session.js';
import type { OutputLimit } from './setting-types.js';

/**
 * Replies are handed to the socket when they reach this, else at the end of the turn. Characters.
 */
const FLUSH_AT = 256 * 1024;
/** Bytes the kernel has not taken beyond which no more commands run. */
const OUTPUT_HIGH = 1024 * 1024;
/** Where Redis has no limit by default. Bytes. */
const OUTPUT_LIMIT = 256 * 1024 * 1024;

export class Output {
  readonly #session: Session;
  readonly #connection: Connection;
  #text = '';
  /** ms since 1970 at which the soft limit was first seen exceeded; 0 while it is not. */
  #softLimitSince = 0;

  constructor(session: Session, connection: Connection) {
    this.#session = session;
    this.#connection = connection;
  }

  /** Of replies that the kernel has not taken. */
  get bytes(): number {
    return this.#text.length + this.#connection.pendingBytes;
  }

  append(reply: Reply): void {
    const text = this.#text;
    try {
      this.#text = text + encodeReply(reply, this.#session.protocol);
    } catch (error) {
      // Longer than any string can be, so far beyond every limit.
      if (!(error instanceof RangeError)) throw error;
      this.#session.close('now');
      return;
    }
    if (text === '') this.#session.server.needsFlush(this.#session);
    if (this.#text.length >= FLUSH_AT) this.flush();
  }

  /** Hands the replies to the socket. */
  flush(): void {
    const text = this.#text;
    if (text === '') return;
    this.#text = '';
    const { hard } = this.#limit();
    // As in Redis, a client beyond the limit that was asked for gets none of this.
    if (hard > 0 && text.length + this.#connection.pendingBytes > hard) {
      this.#session.close('now');
      return;
    }
    this.#session.server.stats.bytesOut += text.length;
    this.#connection.write(text);
    const pending = this.#connection.pendingBytes;
    if (pending <= OUTPUT_HIGH) return;
    this.#session.hold(HOLD.OUTPUT);
    // Without a limit one reply may be of any size; being owed another while it waits is what ends
    // the connection.
    if (pending > OUTPUT_LIMIT && pending > text.length) this.#session.close('now');
  }

  /** Once a second; `now`: ms since 1970. */
  check(now: number): void {
    const pending = this.#connection.pendingBytes;
    const { soft, softSeconds } = this.#limit();
    if (soft === 0 || pending <= soft) this.#softLimitSince = 0;
    else if (this.#softLimitSince === 0) this.#softLimitSince = now;
    else if (now - this.#softLimitSince >= softSeconds * 1000) this.#session.close('now');
  }

  drop(): void {
    this.#text = '';
  }

  #limit(): OutputLimit {
    const { server, subscribed } = this.#session;
    return server.settings.outputLimit(subscribed ? 'pubsub' : 'normal');
  }
}
