// Owns: the SMTP server side: smtp-server's callbacks turned into our limiter, sessions and intake.
// Invariants: 250 after DATA only when the queue acknowledged; every refusal goes through
// `#refuse`, which counts it; no STARTTLS without a certificate of our own (the library's built-in
// key is public), no AUTH without users. The library greets 100 ms after the connection; a probe
// that hangs up before is not counted against the limit.

import { SMTPServer, type SMTPServerAddress, type SMTPServerSession } from 'smtp-server';
import type { Logger } from '../observe/logger.js';
import type { Clock } from '../platform/clock.js';
import type { UserList } from './auth.js';
import { settledWithin } from './deadline.js';
import { type IntakeOptions, receiveMessage } from './intake.js';
import { canonicalIp } from './ip-address.js';
import { listenError } from './listen-error.js';
import type { SmtpMetrics } from './metrics.js';
import type { RateLimiter } from './rate-limit.js';
import { reasonOf } from './reason.js';
import type { SessionRegistry } from './sessions.js';
import type { MailConfig } from './settings.js';
import { SmtpReply } from './smtp-reply.js';
import type { Store } from './store.js';

export interface ListenerOptions {
  readonly config: MailConfig;
  readonly tls: { readonly cert: string; readonly key: string } | null;
  readonly store: Store;
  readonly limiter: RateLimiter;
  readonly sessions: SessionRegistry;
  readonly intake: IntakeOptions;
  readonly users: UserList;
  readonly metrics: SmtpMetrics;
  readonly clock: Clock;
  readonly log: Logger;
  /** After each message that got 250. */
  readonly onAccepted: () => void;
}

type Done = (error?: Error | null) => void;
type Connection = SMTPServer['connections'] extends Set<infer C> ? C : never;

const AUTH_FAILURES_MAX = 3;
const COMMANDS_BEFORE_AUTH_MAX = 50;
const DRAIN_LOOK_MS = 25;
/** For the last replies to go out. */
const CLOSE_MS = 500;

export class SmtpListener {
  readonly #options: ListenerOptions;
  readonly #server: SMTPServer;
  readonly #authFailures = new Map<string, number>();
  #draining = false;
  #port = 0;

  constructor(options: ListenerOptions) {
    this.#options = options;
    this.#server = new SMTPServer({
      ...this.#protocolOptions(),
      onConnect: (session, done) => void this.#connect(session, done),
      onAuth: (auth, session, done) => {
        const user = auth.username ?? '';
        if (this.#login(user, auth.password ?? '', session, done)) done(null, { user });
      },
      onMailFrom: (address, session, done) => void this.#mailFrom(address, session, done),
      onRcptTo: (address, session, done) => this.#rcptTo(address, session, done),
      onData: (stream, session, done) => void this.#data(stream, session, done),
      onClose: (session) => {
        this.#authFailures.delete(session.id);
        options.sessions.close(session.id);
      },
    });
  }

  get port(): number {
    return this.#port;
  }

  get active(): number {
    return this.#server.connections.size;
  }

  /** Rejects with E_LISTEN, saying what is wrong with host or port. */
  listen(): Promise<void> {
    const { smtpHost: host, smtpPort: port } = this.#options.config;
    return new Promise((resolve, reject) => {
      const fail = (error: Error): void => reject(listenError('SMTP', host, port, error));
      this.#server.once('error', fail);
      this.#server.listen(port, host, () => {
        this.#server.off('error', fail);
        this.#server.on('error', (error: Error) => {
          this.#options.log.debug('SMTP connection broke', { reason: error.message });
        });
        const address = this.#server.server.address();
        this.#port = typeof address === 'object' && address !== null ? address.port : port;
        resolve();
      });
    });
  }

  /** No new connections and transactions; running ones may finish within `drainMs`. */
  async stop(drainMs: number): Promise<void> {
    this.#draining = true;
    const { clock } = this.#options;
    const deadline = clock.monotonic() + drainMs;
    const closed = new Promise<void>((resolve) => {
      this.#server.server.close(() => resolve());
    });
    await new Promise<void>((resolve) => {
      const look = (): void => {
        const late = clock.monotonic() >= deadline;
        for (const connection of this.#server.connections) {
          if (late || isIdle(connection)) farewell(connection);
        }
        if (!late && this.#server.connections.size > 0) return;
        timer.cancel();
        resolve();
      };
      const timer = clock.every(DRAIN_LOOK_MS, look);
      look();
    });
    await settledWithin(clock, closed, CLOSE_MS);
  }

  #protocolOptions(): ConstructorParameters<typeof SMTPServer>[0] {
    const { config, tls, users } = this.#options;
    const disabledCommands: string[] = [];
    if (tls === null) disabledCommands.push('STARTTLS');
    if (users.size === 0) disabledCommands.push('AUTH');
    return {
      name: config.hostname,
      banner: config.banner,
      size: config.maxMessageBytes,
      maxClients: config.maxClients,
      socketTimeout: config.idleTimeoutMs,
      disableReverseLookup: true,
      // Ours stand in the reply texts: the library would choose them by reply code alone.
      hideENHANCEDSTATUSCODES: true,
      disabledCommands,
      authMethods: ['PLAIN', 'LOGIN'],
      authOptional: !config.authRequired,
      allowInsecureAuth: config.authInsecure,
      maxAllowedUnauthenticatedCommands: COMMANDS_BEFORE_AUTH_MAX,
      logger: false,
      ...(config.proxyFrom.length > 0 ? { useProxy: [...config.proxyFrom] } : {}),
      ...(tls === null ? {} : { cert: tls.cert, key: tls.key, minVersion: 'TLSv1.2' as const }),
    };
  }

  async #connect(session: SMTPServerSession, done: Done): Promise<void> {
    const { config, metrics, sessions, clock } = this.#options;
    metrics.connections.inc();
    if (config.rateCount === 'connection' && !(await this.#withinLimit(session, done))) return;
    if (this.#draining) {
      this.#refuse(done, new SmtpReply(421, '4.3.2 This server is stopping'));
      return;
    }
    sessions.open(session.id, {
      node: config.nodeId,
      clientIp: canonicalIp(session.remoteAddress),
      startedAt: clock.now(),
      helo: '',
      user: '',
      tls: session.secure,
      state: 'connected',
      mailFrom: '',
      recipients: 0,
      accepted: 0,
      rejected: 0,
    });
    done();
  }

  #login(name: string, password: string, session: SMTPServerSession, done: Done): boolean {
    const { users, sessions, log } = this.#options;
    if (users.accepts(name, password)) {
      sessions.update(session.id, { user: name, tls: session.secure });
      return true;
    }
    const failures = (this.#authFailures.get(session.id) ?? 0) + 1;
    this.#authFailures.set(session.id, failures);
    log.info('Login refused', { user: name, client: session.remoteAddress });
    const tooMany = failures >= AUTH_FAILURES_MAX;
    this.#refuse(
      done,
      tooMany
        ? new SmtpReply(421, '4.7.0 Too many failed logins')
        : new SmtpReply(535, '5.7.8 User name or password is wrong'),
    );
    return false;
  }

  async #mailFrom(
    address: SMTPServerAddress,
    session: SMTPServerSession,
    done: Done,
  ): Promise<void> {
    const { config, store, sessions } = this.#options;
    if (this.#draining) {
      this.#refuse(done, new SmtpReply(421, '4.3.2 This server is stopping'));
      return;
    }
    if (config.rateCount === 'message' && !(await this.#withinLimit(session, done))) return;
    // Known to be away: the client need not send its data first.
    if (store.downForMs > config.commandTimeoutMs) {
      const text = '4.3.0 The mail queue is not available now, please try again later';
      this.#refuse(done, new SmtpReply(451, text));
      return;
    }
    sessions.update(session.id, {
      helo: session.hostNameAppearsAs,
      tls: session.secure,
      state: 'mail',
      mailFrom: address.address,
      recipients: 0,
    });
    done();
  }

  #rcptTo(address: SMTPServerAddress, session: SMTPServerSession, done: Done): void {
    const { config, sessions } = this.#options;
    const count = session.envelope.rcptTo.length;
    if (count >= config.maxRecipients) {
      const text = `4.5.3 Too many recipients, at most ${config.maxRecipients} in one message`;
      this.#refuse(done, new SmtpReply(452, text));
      return;
    }
    const domain = address.address.slice(address.address.lastIndexOf('@') + 1).toLowerCase();
    const allowed = config.recipientDomains;
    if (allowed.length > 0 && !session.user && !allowed.includes(domain)) {
      this.#refuse(done, new SmtpReply(550, '5.7.1 We do not relay to this domain'));
      return;
    }
    const state = sessions.get(session.id);
    if (state !== null) state.recipients = count + 1;
    done();
  }

  async #data(
    stream: Parameters<typeof receiveMessage>[1],
    session: SMTPServerSession,
    done: (error?: Error | null, message?: string) => void,
  ): Promise<void> {
    const { metrics, sessions, intake, log, onAccepted } = this.#options;
    metrics.received.inc();
    sessions.update(session.id, { state: 'data' });
    const state = sessions.get(session.id);
    try {
      const id = await receiveMessage(intake, stream, this.#origin(session));
      metrics.accepted.inc();
      if (state !== null) state.accepted += 1;
      log.debug('Message queued', { id, client: session.remoteAddress });
      done(null, `2.0.0 Ok: queued as ${id}`);
      onAccepted();
    } catch (error) {
      if (state !== null) state.rejected += 1;
      if (error instanceof SmtpReply) this.#refuse(done, error);
      // The client is gone: nobody reads this reply.
      else this.#refuse(done, new SmtpReply(451, `4.3.0 ${reasonOf(error)}`));
    }
    sessions.update(session.id, { state: 'connected', mailFrom: '', recipients: 0 });
  }

  #origin(session: SMTPServerSession): Parameters<typeof receiveMessage>[2] {
    const { envelope } = session;
    const from = envelope.mailFrom === false ? '' : envelope.mailFrom.address;
    return {
      envelope: {
        from,
        to: envelope.rcptTo.map((one) => one.address),
        eightBit: envelope.bodyType === '8bitmime',
        smtpUtf8: envelope.smtpUtf8 === true,
      },
      node: this.#options.config.nodeId,
      clientIp: canonicalIp(session.remoteAddress),
      helo: session.hostNameAppearsAs,
      user: typeof session.user === 'string' ? session.user : '',
      protocol: session.transmissionType,
    };
  }

  async #withinLimit(session: SMTPServerSession, done: Done): Promise<boolean> {
    const { config, limiter, metrics } = this.#options;
    const decision = await limiter.take(session.remoteAddress);
    if (decision.allowed) return true;
    metrics.rateLimitHits.inc();
    const what = `${config.rateMax} ${config.rateCount}s per ${config.rateWindowMs / 1_000} s`;
    const wait = Math.ceil(decision.retryAfterMs / 1_000);
    const ip = canonicalIp(session.remoteAddress);
    const text = `4.7.0 Rate limit for ${ip} reached (${what}), try again in ${wait} s`;
    this.#refuse(done, new SmtpReply(421, text));
    return false;
  }

  #refuse(done: Done, reply: SmtpReply): void {
    this.#options.metrics.rejected.inc({ code: String(reply.responseCode) });
    done(reply);
  }
}

/**
 * Between transactions. One whose greeting is not sent yet has no envelope and is refused by
 * onConnect.
 */
function isIdle(connection: Connection): boolean {
  return connection.session.envelope !== undefined && !connection.session.envelope.mailFrom;
}

function farewell(connection: Connection): void {
  connection.send(421, '4.3.2 This server is stopping', false);
}
