// Owns: SMTP connections to the next hop and what its answers mean for a message.
// Connections are kept and reused: a new one costs a greeting (100 ms with some servers) and a TLS
// handshake. Invariants: a connection whose dialogue broke off is closed, never reused; a message
// is sent a second time within one attempt only if the first connection was a reused one that died
// before any data went out.

import { Readable } from 'node:stream';
import SMTPConnection, {
  type SMTPConnectionOptions,
  type SMTPConnectionSendInfo,
  type SMTPEnvelope,
} from 'nodemailer/lib/smtp-connection';
import type { RecipientFailure } from './queue.js';
import { reasonOf } from './reason.js';

export interface NextHopSettings {
  readonly host: string;
  readonly port: number;
  readonly tls: 'none' | 'opportunistic' | 'required' | 'implicit';
  readonly verify: boolean;
  readonly user: string | null;
  readonly password: string | null;
  readonly timeoutMs: number;
  /** Our name in EHLO. */
  readonly name: string;
  readonly maxIdle: number;
}

export interface Outgoing {
  readonly from: string;
  readonly to: readonly string[];
  readonly eightBit: boolean;
  readonly sizeBytes: number;
  /** Called once per sending; yields the message from its first byte. */
  readonly body: () => AsyncIterable<Buffer>;
}

export interface SendResult {
  readonly accepted: readonly string[];
  readonly refused: readonly RecipientFailure[];
}

/** Nobody got the message this time. `code` is the reply code, 0 when there was none. */
export class SendError extends Error {
  override readonly name = 'SendError';
  readonly code: number;

  constructor(code: number, reason: string) {
    super(reason);
    this.code = code;
  }

  get permanent(): boolean {
    return this.code >= 500;
  }
}

/**
 * How long an unused connection is kept; below the 5 min after which servers hang up (RFC 5321
 * 4.5.3.2.7).
 */
const IDLE_MS = 30_000;

interface Idle {
  readonly connection: SMTPConnection;
  readonly since: number;
}

export class NextHop {
  readonly #settings: NextHopSettings;
  readonly #monotonic: () => number;
  readonly #idle: Idle[] = [];
  readonly #busy = new Set<SMTPConnection>();
  #closed = false;

  constructor(settings: NextHopSettings, monotonic: () => number) {
    this.#settings = settings;
    this.#monotonic = monotonic;
  }

  /** Rejects with SendError. */
  async send(message: Outgoing): Promise<SendResult> {
    const kept = this.#takeIdle();
    if (kept !== null) {
      const attempt = new Sending(kept, message);
      try {
        return await this.#sendOn(attempt);
      } catch (error) {
        const stale = error instanceof SendError && (error.code === 0 || error.code === 421);
        if (!stale || attempt.dataStarted || this.#closed) throw error;
      }
    }
    return this.#sendOn(new Sending(await this.#open(), message));
  }

  /** Breaks off what is running and closes everything. */
  close(): void {
    this.#closed = true;
    for (const connection of this.#busy) connection.close();
    for (const { connection } of this.#idle.splice(0)) connection.quit();
  }

  async #sendOn(attempt: Sending): Promise<SendResult> {
    const { connection } = attempt;
    this.#busy.add(connection);
    try {
      const result = await attempt.run();
      this.#keep(connection);
      return result;
    } catch (error) {
      const code = error instanceof SendError ? error.code : 0;
      // After a refusal the dialogue is intact, RSET makes it fresh; after anything else it is not.
      if (code >= 400 && code !== 421 && !attempt.dataStarted) this.#resetAndKeep(connection);
      else connection.close();
      throw error;
    } finally {
      this.#busy.delete(connection);
    }
  }

  #takeIdle(): SMTPConnection | null {
    const oldest = this.#monotonic() - IDLE_MS;
    for (let found = this.#idle.pop(); found !== undefined; found = this.#idle.pop()) {
      if (!found.connection.destroyed && found.since >= oldest) return found.connection;
      found.connection.close();
    }
    return null;
  }

  #keep(connection: SMTPConnection): void {
    if (this.#closed || this.#idle.length >= this.#settings.maxIdle) connection.quit();
    else this.#idle.push({ connection, since: this.#monotonic() });
  }

  #resetAndKeep(connection: SMTPConnection): void {
    connection.reset((error) => {
      if (error) connection.close();
      else this.#keep(connection);
    });
  }

  async #open(): Promise<SMTPConnection> {
    if (this.#closed) throw new SendError(0, 'this node is stopping');
    const connection = new SMTPConnection(this.#connectionOptions());
    this.#busy.add(connection);
    // An error after the callbacks are done (an idle connection that is reset) must not become
    // uncaught.
    connection.on('error', () => connection.close());
    try {
      await settle((done) => {
        connection.once('error', done);
        connection.once('end', () => done(new Error('the next hop closed the connection')));
        connection.connect(done);
      });
      const { user, password } = this.#settings;
      if (user !== null && password !== null) {
        await settle<boolean>((done) => connection.login({ user, pass: password }, done));
      }
      return connection;
    } catch (error) {
      connection.close();
      // A wrong password or a refused greeting is our misconfiguration or its trouble, not the
      // message's fault.
      throw new SendError(0, `next hop ${this.#settings.host}: ${reasonOf(error)}`);
    } finally {
      this.#busy.delete(connection);
    }
  }

  #connectionOptions(): SMTPConnectionOptions {
    const { host, port, tls, verify, timeoutMs, name } = this.#settings;
    return {
      host,
      port,
      name,
      secure: tls === 'implicit',
      ignoreTLS: tls === 'none',
      requireTLS: tls === 'required',
      opportunisticTLS: tls === 'opportunistic',
      connectionTimeout: Math.min(timeoutMs, 30_000),
      greetingTimeout: timeoutMs,
      socketTimeout: timeoutMs,
      // Opportunistic TLS protects from listeners only (RFC 7435), so a bad certificate is no
      // reason for plain text.
      tls: { rejectUnauthorized: verify && tls !== 'opportunistic' },
    };
  }
}

/** One message on one connection. */
class Sending {
  readonly connection: SMTPConnection;
  readonly #message: Outgoing;
  dataStarted = false;

  constructor(connection: SMTPConnection, message: Outgoing) {
    this.connection = connection;
    this.#message = message;
  }

  async run(): Promise<SendResult> {
    const { from, to, eightBit, sizeBytes } = this.#message;
    const envelope: SMTPEnvelope = { from: from === '' ? false : from, to: [...to] };
    envelope.size = sizeBytes;
    envelope.use8BitMime = eightBit;
    const body = Readable.from(this.#bytes(), { objectMode: false });
    try {
      const info = await settle<SMTPConnectionSendInfo>((done) => {
        this.connection.once('error', done);
        this.connection.once('end', () => done(new Error('the next hop closed the connection')));
        this.connection.send(envelope, body, done);
      });
      const refused = (info.rejectedErrors ?? []).map((error) => asFailure(error));
      return { accepted: info.accepted, refused };
    } catch (error) {
      throw toSendError(error);
    } finally {
      body.destroy();
      this.connection.removeAllListeners('end');
      this.connection.removeAllListeners('error');
      this.connection.on('error', () => this.connection.close());
    }
  }

  async *#bytes(): AsyncGenerator<Buffer> {
    this.dataStarted = true;
    yield* this.#message.body();
  }
}

interface SmtpFailure {
  readonly responseCode?: unknown;
  readonly response?: unknown;
  readonly recipient?: unknown;
  readonly rejectedErrors?: unknown;
}

/**
 * All recipients refused: the worst that can still change decides, so one 4xx makes it temporary.
 */
function toSendError(error: unknown): SendError {
  const { responseCode, rejectedErrors } = error as SmtpFailure;
  const codes = Array.isArray(rejectedErrors) ? rejectedErrors.map((e) => codeOf(e)) : [];
  const code = codes.find((c) => c < 500) ?? (typeof responseCode === 'number' ? responseCode : 0);
  return new SendError(code, reasonOf(error));
}

function asFailure(error: unknown): RecipientFailure {
  const { recipient } = error as SmtpFailure;
  return { to: String(recipient ?? ''), code: codeOf(error), reason: reasonOf(error) };
}

function codeOf(error: unknown): number {
  const { responseCode } = error as SmtpFailure;
  return typeof responseCode === 'number' ? responseCode : 0;
}

/** One callback to one promise; the first call counts. */
function settle<T = void>(
  start: (done: (error?: Error | null, value?: T) => void) => void,
): Promise<T> {
  return new Promise((resolve, reject) => {
    start((error, value) => {
      if (error) reject(error);
      else resolve(value as T);
    });
  });
}
