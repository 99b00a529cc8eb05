// Owns: one SMTP node put together: store, limiter, queue, sessions, worker and the two listeners,
// and the order in which they start and stop. Knows nothing of files, flags or the process.

import type { Logger } from '../observe/logger.js';
import type { Clock } from '../platform/clock.js';
import { systemEntropy } from '../platform/entropy.js';
import { type HttpHandler, type HttpListener, listenHttp } from '../platform/http.js';
import { UserList } from './auth.js';
import { type MailKeys, mailKeys } from './keys.js';
import { listenError } from './listen-error.js';
import { SmtpListener } from './listener.js';
import { SmtpMetrics } from './metrics.js';
import { NextHop } from './next-hop.js';
import { NodeRegistry } from './nodes.js';
import { MailQueue } from './queue.js';
import { RateLimiter } from './rate-limit.js';
import { reasonOf } from './reason.js';
import { SessionRegistry } from './sessions.js';
import type { MailConfig } from './settings.js';
import { statusHandler } from './status-server.js';
import { Store, type StoreTls } from './store.js';
import { DeliveryWorker } from './worker.js';

export interface NodeParts {
  readonly config: MailConfig;
  /** Contents of the PEM files that the configuration names. */
  readonly tls: { readonly cert: string; readonly key: string } | null;
  readonly storeTls: StoreTls;
  readonly clock: Clock;
  readonly log: Logger;
  readonly random: () => number;
}

const FAILURES_SHOWN = 50;

export class SmtpNode {
  readonly #config: MailConfig;
  readonly #log: Logger;
  readonly #store: Store;
  readonly #sessions: SessionRegistry;
  readonly #nodes: NodeRegistry;
  readonly #worker: DeliveryWorker;
  readonly #listener: SmtpListener;
  readonly #status: HttpHandler;
  #http: HttpListener | null = null;
  readonly metrics: SmtpMetrics;
  #stopping: Promise<void> | null = null;

  constructor(parts: NodeParts) {
    const { config, clock } = parts;
    this.#config = config;
    this.#log = parts.log;
    this.metrics = new SmtpMetrics(config.nodeId);
    const owner = `${config.nodeId}.${systemEntropy.bytes(6).toString('hex')}`;
    const keys = mailKeys(config.namespace);
    this.#store = this.#openStore(parts);
    const shared = { store: this.#store, keys, clock };
    this.#sessions = new SessionRegistry({
      ...shared,
      log: parts.log.child('sessions'),
      ttlMs: config.sessionTtlMs,
    });
    this.#nodes = this.#openNodes(parts, keys, owner);
    const queue = new MailQueue(this.#store, keys, config);
    this.#worker = this.#openWorker(parts, queue, owner);
    this.#listener = this.#openListener(parts, queue, owner);
    this.#status = this.#statusOf(queue);
    this.metrics.watch({
      storeUp: () => this.#store.up,
      activeConnections: () => this.#listener.active,
      activeDeliveries: () => this.#worker.active,
      depth: () => queue.depth(),
    });
  }

  get smtpPort(): number {
    return this.#listener.port;
  }

  get httpPort(): number {
    return this.#http?.port ?? 0;
  }

  get storeUp(): boolean {
    return this.#store.up;
  }

  /**
   * Rejects with E_LISTEN when a port cannot be had; nothing runs then. An absent store is waited
   * for, not an error.
   */
  async start(): Promise<void> {
    try {
      this.#http = await this.#listenHttp();
      if (!(await this.#store.waitUntilUp(this.#config.commandTimeoutMs))) {
        this.#log.warn('Starting without the store: mail gets 451 until it is there');
      }
      await this.#listener.listen();
    } catch (error) {
      await this.#http?.close();
      this.#store.close();
      throw error;
    }
    this.#sessions.start();
    await this.#nodes.start();
    this.#worker.start();
    this.#log.info('Ready', {
      node: this.#config.nodeId,
      smtp: this.smtpPort,
      http: this.httpPort,
    });
  }

  /**
   * Finishes what is running within the drain timeout, gives leases back, closes all. Calling it
   * again is harmless.
   */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    const { drainTimeoutMs } = this.#config;
    this.#log.info('Stopping', { drainMs: drainTimeoutMs });
    await Promise.all([this.#listener.stop(drainTimeoutMs), this.#worker.stop(drainTimeoutMs)]);
    await this.#sessions.stop();
    await this.#nodes.stop();
    await this.#http?.close();
    this.#store.close();
    this.#log.info('Stopped');
  }

  #openStore(parts: NodeParts): Store {
    const { config } = parts;
    return new Store({
      address: config.storeUrl,
      cluster: config.storeCluster,
      commandTimeoutMs: config.commandTimeoutMs,
      tls: parts.storeTls,
      clientName: `helios-smtp-${config.nodeId}`,
      clock: parts.clock,
      log: parts.log.child('store'),
      observe: (command, ms, failed) => this.metrics.command(command, ms, failed),
    });
  }

  #openNodes(parts: NodeParts, keys: MailKeys, owner: string): NodeRegistry {
    const { clock } = parts;
    const startedAt = clock.now();
    return new NodeRegistry({
      store: this.#store,
      keys,
      clock,
      log: parts.log.child('nodes'),
      nodeId: parts.config.nodeId,
      facts: () => ({
        owner,
        hostname: parts.config.hostname,
        smtp_port: this.smtpPort,
        http_port: this.httpPort,
        started_at: startedAt,
        connections: this.#listener.active,
        deliveries: this.#worker.active,
        draining: this.#stopping !== null,
      }),
    });
  }

  #openWorker(parts: NodeParts, queue: MailQueue, owner: string): DeliveryWorker {
    const { config, clock } = parts;
    const nextHop = new NextHop(
      {
        host: config.nextHopHost,
        port: config.nextHopPort,
        tls: config.nextHopTls,
        verify: config.nextHopVerify,
        user: config.nextHopUser,
        password: config.nextHopPassword,
        timeoutMs: config.nextHopTimeoutMs,
        name: config.hostname,
        maxIdle: config.concurrency,
      },
      () => clock.monotonic(),
    );
    return new DeliveryWorker({
      queue,
      nextHop,
      clock,
      log: parts.log.child('delivery'),
      random: parts.random,
      owner,
      concurrency: config.concurrency,
      pollMs: config.pollMs,
      retryScheduleMs: config.retryScheduleMs,
      onResult: (result, ms, attempt) => this.metrics.delivery(result, ms, attempt),
      onRecovered: (count) => this.metrics.recovered.inc(count),
    });
  }

  #openListener(parts: NodeParts, queue: MailQueue, owner: string): SmtpListener {
    const { config, clock } = parts;
    const log = parts.log.child('smtp');
    const limiter = new RateLimiter({
      max: config.rateMax,
      windowMs: config.rateWindowMs,
      exempt: config.rateExempt,
      store: this.#store,
      clock,
      log: parts.log.child('limit'),
      prefix: config.ratePrefix,
      owner,
      commandTimeoutMs: config.commandTimeoutMs,
      nodeCount: () => this.#nodes.count,
      onFallback: () => this.metrics.localFallback.inc(),
    });
    const { hostname, maxMessageBytes } = config;
    return new SmtpListener({
      config,
      tls: parts.tls,
      store: this.#store,
      limiter,
      sessions: this.#sessions,
      intake: { queue, clock, log, hostname, maxMessageBytes },
      users: new UserList(config.authUsers),
      metrics: this.metrics,
      clock,
      log,
      onAccepted: () => this.#worker.poke(),
    });
  }

  async #listenHttp(): Promise<HttpListener> {
    const { metricsHost: host, metricsPort: port } = this.#config;
    const onError = (error: unknown): void => {
      this.#log.warn('HTTP request failed', { reason: reasonOf(error) });
    };
    try {
      return await listenHttp({ host, port, onError }, this.#status);
    } catch (error) {
      throw listenError('HTTP', host, port, error);
    }
  }

  #statusOf(queue: MailQueue): HttpHandler {
    return statusHandler(
      {
        unready: () => [
          ...(this.#store.up ? [] : ['the store is not connected']),
          ...(this.#stopping === null ? [] : ['the node is stopping']),
        ],
        metrics: () => this.metrics.registry.metrics(),
        metricsType: this.metrics.registry.contentType,
        sessions: async () => ({ sessions: await this.#sessions.list() }),
        nodes: async () => ({ nodes: await this.#nodes.list() }),
        queue: async () => ({
          ...(await queue.depth()),
          delivering_here: this.#worker.active,
          last_failed: await queue.failures(FAILURES_SHOWN),
        }),
      },
      this.#config.metricsToken,
    );
  }
}
