// Owns: the numbers of one SMTP node, under the names operators know from Elemta's documents. Every
// series carries node_id, so sums over the cluster are sums over it.

import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { QueueDepth } from './queue.js';

export interface MetricSources {
  readonly storeUp: () => boolean;
  readonly activeConnections: () => number;
  readonly activeDeliveries: () => number;
  readonly depth: () => Promise<QueueDepth>;
}

const STORE_BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];
const DELIVERY_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];

export class SmtpMetrics {
  readonly registry = new Registry();
  readonly connections: Counter;
  readonly received: Counter;
  readonly accepted: Counter;
  readonly rejected: Counter<'code'>;
  readonly rateLimitHits: Counter;
  readonly localFallback: Counter;
  readonly deliveries: Counter<'result'>;
  readonly recovered: Counter;
  readonly #commands: Counter<'command'>;
  readonly #commandErrors: Counter<'command'>;
  readonly #commandSeconds: Histogram;
  readonly #deliverySeconds: Histogram;
  readonly #attempts: Histogram;

  constructor(nodeId: string) {
    this.registry.setDefaultLabels({ node_id: nodeId });
    const count = (name: string, help: string): Counter =>
      new Counter({ name, help, registers: [this.registry] });
    this.connections = count('smtp_connections_total', 'SMTP connections accepted');
    this.received = count('smtp_messages_received_total', 'Messages whose data began');
    this.accepted = count('smtp_messages_accepted_total', 'Messages answered with 250');
    this.rateLimitHits = count('rate_limit_hits_total', 'Connections or messages over the limit');
    this.localFallback = count(
      'rate_limit_local_fallback_total',
      'Limits decided without the store',
    );
    this.recovered = count(
      'queue_leases_recovered_total',
      'Leases that ran out and were taken over',
    );
    const registers = [this.registry];
    this.rejected = new Counter({
      name: 'smtp_messages_rejected_total',
      help: 'Refusals of connections, senders, recipients and messages by reply code',
      labelNames: ['code'],
      registers,
    });
    this.deliveries = new Counter({
      name: 'deliveries_total',
      help: 'Ended delivery attempts',
      labelNames: ['result'],
      registers,
    });
    this.#commands = new Counter({
      name: 'valkey_commands_total',
      help: 'Commands sent to the store',
      labelNames: ['command'],
      registers,
    });
    this.#commandErrors = new Counter({
      name: 'valkey_command_errors_total',
      help: 'Commands that failed or got no answer',
      labelNames: ['command'],
      registers,
    });
    this.#commandSeconds = new Histogram({
      name: 'valkey_command_duration_seconds',
      help: 'Time from sending a command to its reply',
      buckets: STORE_BUCKETS,
      registers,
    });
    this.#deliverySeconds = new Histogram({
      name: 'delivery_duration_seconds',
      help: 'Time of one delivery attempt',
      buckets: DELIVERY_BUCKETS,
      registers,
    });
    this.#attempts = new Histogram({
      name: 'delivery_attempts',
      help: 'Number of the attempt with which a message left the queue',
      buckets: [1, 2, 3, 4, 5, 6, 8, 10],
      registers,
    });
  }

  /** Adds the gauges, which ask when they are scraped. */
  watch(sources: MetricSources): void {
    const registers = [this.registry];
    const gauge = (name: string, help: string, read: () => number): void => {
      new Gauge({
        name,
        help,
        registers,
        collect() {
          this.set(read());
        },
      });
    };
    gauge('valkey_up', '1 when the store is connected', () => (sources.storeUp() ? 1 : 0));
    gauge('smtp_connections_active', 'SMTP connections open now', sources.activeConnections);
    gauge('deliveries_active', 'Deliveries running now', sources.activeDeliveries);
    new Gauge({
      name: 'queue_depth',
      help: 'Messages in the queue of the whole cluster; absent while the store is away',
      labelNames: ['state'],
      registers,
      async collect() {
        this.reset();
        if (!sources.storeUp()) return;
        const depth = await sources.depth().catch(() => null);
        if (depth === null) return;
        this.set({ state: 'pending' }, depth.pending);
        this.set({ state: 'leased' }, depth.leased);
        this.set({ state: 'failed' }, depth.failed);
      },
    });
  }

  command(name: string, ms: number, failed: boolean): void {
    this.#commands.inc({ command: name });
    if (failed) this.#commandErrors.inc({ command: name });
    else this.#commandSeconds.observe(ms / 1_000);
  }

  delivery(result: string, ms: number, attempt: number): void {
    this.deliveries.inc({ result });
    this.#deliverySeconds.observe(ms / 1_000);
    if (result === 'delivered' || result === 'failed') this.#attempts.observe(attempt);
  }
}
