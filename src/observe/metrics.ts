// Owns: the Prometheus view of this node and its HTTP listener: /metrics, /healthz, /livez,
// /readyz.
// The server and the group keep plain counters; they are read here when somebody scrapes, and cost
// nothing otherwise.
// Health is true: ready means that a client's write would be taken now, alive only that the process
// answers.

import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { type HttpListener, type HttpResponse, listenHttp } from '../platform/http.js';
import type { Group } from '../replica/group.js';
import type { Server } from '../server/server.js';
import type { Logger } from './logger.js';
import { type Emit, type MetricRow, metricRows, type Sample } from './metric-rows.js';

export class Metrics {
  readonly #server: Server;
  readonly #registry = new Registry();
  #sample: Sample | null = null;

  constructor(server: Server) {
    this.#server = server;
    for (const row of metricRows(server)) this.#define(row);
  }

  /**
   * Adds the runtime's own metrics (CPU, memory, event loop lag). They start observers: once per
   * process.
   */
  withProcessMetrics(): this {
    collectDefaultMetrics({ register: this.#registry });
    return this;
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** The text of all metrics now. */
  async text(): Promise<string> {
    this.#sample = { server: this.#server, status: this.#server.group.status() };
    return await this.#registry.metrics();
  }

  #define(row: MetricRow): void {
    const { name, help } = row;
    const shape = { name, help, labelNames: row.labels ?? [], registers: [this.#registry] };
    const fill = (emit: Emit): void => {
      if (this.#sample !== null) row.read(this.#sample, emit);
    };
    if (row.kind === 'gauge') {
      const metric: Gauge = new Gauge({
        ...shape,
        collect() {
          metric.reset();
          fill((value, labels) => metric.set(labels ?? {}, value));
        },
      });
      return;
    }
    const metric: Counter = new Counter({
      ...shape,
      collect() {
        metric.reset();
        fill((value, labels) => metric.inc(labels ?? {}, value));
      },
    });
  }
}

export interface MetricsListenOptions {
  readonly host: string;
  readonly port: number;
  readonly server: Server;
  readonly metrics: Metrics;
  readonly logger: Logger;
}

/** Serves the metrics and health of this node until closed. Rejects when the port is taken. */
export function listenMetrics(options: MetricsListenOptions): Promise<HttpListener> {
  const { host, port, server, metrics, logger } = options;
  const onError = (error: unknown): void => logger.error('Metrics request failed', { error });
  return listenHttp({ host, port, bodyMax: 0, onError }, async ({ method, path }) => {
    if (method !== 'GET' && method !== 'HEAD') return plain(405, 'method not allowed\n');
    if (path === '/metrics') {
      const headers = { 'content-type': metrics.contentType };
      return { status: 200, headers, body: await metrics.text() };
    }
    if (path === '/livez') return plain(200, 'ok\n');
    if (path === '/healthz' || path === '/readyz') return health(server.group);
    return plain(404, 'not found\n');
  });
}

/** 200 while a write would be taken here, 503 with the reason otherwise. */
export function health(group: Group): HttpResponse {
  const refusal = group.refusal();
  return refusal === null ? plain(200, 'ok\n') : plain(503, `${refusal.text}\n`);
}

function plain(status: number, body: string): HttpResponse {
  return { status, headers: { 'content-type': 'text/plain; charset=utf-8' }, body };
}
