// Owns: what the HTTP port of an SMTP node answers to operators and Prometheus. Read only. JSON but
// for /metrics.
//   /healthz  200 while the process runs          /readyz   200 when mail can be accepted, else 503
//   and why
//   /metrics  Prometheus text                     /sessions sessions of all nodes
//   /nodes    live nodes                          /queue    depth and the last failed messages
// /sessions, /nodes and /queue hold addresses: with a token configured they want `Authorization:
// Bearer`.

import { createHash, timingSafeEqual } from 'node:crypto';
import type { HttpHandler, HttpResponse } from '../platform/http.js';
import { reasonOf } from './reason.js';

export interface StatusSources {
  /** Empty when ready, else the reasons why not. */
  readonly unready: () => string[];
  readonly metrics: () => Promise<string>;
  readonly metricsType: string;
  readonly sessions: () => Promise<unknown>;
  readonly nodes: () => Promise<unknown>;
  readonly queue: () => Promise<unknown>;
}

interface Route {
  readonly guarded: boolean;
  readonly answer: () => HttpResponse | Promise<HttpResponse>;
}

export function statusHandler(sources: StatusSources, token: string | null): HttpHandler {
  const routes = routesFor(sources);
  const expected = token === null ? null : digest(`Bearer ${token}`);
  return async (request) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      return json(405, { error: 'only GET and HEAD' });
    }
    const route = routes.get(request.path);
    if (route === undefined) return json(404, { error: 'not found', paths: [...routes.keys()] });
    const shown = digest(request.header('authorization') ?? '');
    if (route.guarded && expected !== null && !timingSafeEqual(shown, expected)) {
      return json(401, { error: 'a bearer token is needed' });
    }
    try {
      return await route.answer();
    } catch (error) {
      return json(503, { error: reasonOf(error) });
    }
  };
}

function routesFor(sources: StatusSources): ReadonlyMap<string, Route> {
  const open = (answer: Route['answer']): Route => ({ guarded: false, answer });
  const listing = (read: () => Promise<unknown>): Route => ({
    guarded: true,
    answer: async () => json(200, await read()),
  });
  return new Map<string, Route>([
    ['/healthz', open(() => json(200, { status: 'ok' }))],
    ['/readyz', open(() => readiness(sources.unready()))],
    [
      '/metrics',
      open(async () => ({
        status: 200,
        headers: { 'content-type': sources.metricsType },
        body: await sources.metrics(),
      })),
    ],
    ['/sessions', listing(sources.sessions)],
    ['/nodes', listing(sources.nodes)],
    ['/queue', listing(sources.queue)],
  ]);
}

function readiness(reasons: readonly string[]): HttpResponse {
  if (reasons.length === 0) return json(200, { status: 'ready' });
  return json(503, { status: 'not ready', reasons });
}

function json(status: number, value: unknown): HttpResponse {
  const headers = { 'content-type': 'application/json', 'cache-control': 'no-store' };
  return { status, headers, body: `${JSON.stringify(value)}\n` };
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
