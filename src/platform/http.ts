// Owns: HTTP serving as the rest of the code sees it: a request in, a response out, both plain
// data.
// Bodies are bounded, slow senders are cut off, a throwing handler answers 500 and nothing else. No
// routing here.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

export interface HttpRequest {
  readonly method: string;
  /** Path without the query, still percent-encoded. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** Header value by lower-case name; several are joined by commas. */
  header(name: string): string | undefined;
  readonly body: Buffer;
  /** Address of the other side. */
  readonly remote: string;
}

export interface HttpResponse {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
}

export type HttpHandler = (request: HttpRequest) => HttpResponse | Promise<HttpResponse>;

export interface HttpListener {
  /** The port in use, also when 0 was asked for. */
  readonly port: number;
  /** Stops accepting, ends idle connections, resolves when the last request is answered. */
  close(): Promise<void>;
}

export interface HttpOptions {
  readonly host: string;
  readonly port: number;
  /** Largest request body in bytes; beyond it the answer is 413. Default 1 MiB. */
  readonly bodyMax?: number;
  /** Told when a handler throws; the client sees only a 500. */
  readonly onError?: (error: unknown) => void;
}

const BODY_MAX_DEFAULT = 1024 * 1024;
const REQUEST_TIMEOUT_MS = 30_000;

class BodyTooLarge extends Error {}

/** Serves until closed. Rejects with the system's error (EADDRINUSE, EACCES, ...). */
export function listenHttp(options: HttpOptions, handler: HttpHandler): Promise<HttpListener> {
  const bodyMax = options.bodyMax ?? BODY_MAX_DEFAULT;
  const server = createServer({ requestTimeout: REQUEST_TIMEOUT_MS }, (incoming, outgoing) => {
    answer(incoming, outgoing, bodyMax, handler).catch((error: unknown) => {
      fail(outgoing, error);
      if (!(error instanceof BodyTooLarge)) options.onError?.(error);
    });
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: options.host, port: options.port }, () => {
      server.off('error', reject);
      server.on('error', (error) => options.onError?.(error));
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : options.port;
      const close = (): Promise<void> =>
        new Promise((done) => {
          server.close(() => done());
          server.closeIdleConnections();
        });
      resolve({ port, close });
    });
  });
}

async function answer(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  bodyMax: number,
  handler: HttpHandler,
): Promise<void> {
  const body = await readBody(incoming, bodyMax);
  const target = incoming.url ?? '/';
  const mark = target.indexOf('?');
  const response = await handler({
    method: incoming.method ?? 'GET',
    path: mark < 0 ? target : target.slice(0, mark),
    query: new URLSearchParams(mark < 0 ? '' : target.slice(mark + 1)),
    header: (name) => incoming.headersDistinct[name]?.join(', '),
    body,
    remote: incoming.socket.remoteAddress ?? '?',
  });
  send(outgoing, response, incoming.method === 'HEAD');
}

async function readBody(incoming: IncomingMessage, bodyMax: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > bodyMax) throw new BodyTooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function send(outgoing: ServerResponse, response: HttpResponse, headOnly: boolean): void {
  const { body } = response;
  const length = typeof body === 'string' ? Buffer.byteLength(body) : body.length;
  outgoing.writeHead(response.status, { ...response.headers, 'content-length': length });
  outgoing.end(headOnly ? undefined : body);
}

function fail(outgoing: ServerResponse, error: unknown): void {
  if (outgoing.destroyed || outgoing.headersSent) {
    outgoing.destroy();
    return;
  }
  const tooLarge = error instanceof BodyTooLarge;
  outgoing.writeHead(tooLarge ? 413 : 500, { 'content-type': 'text/plain', connection: 'close' });
  outgoing.end(tooLarge ? 'request body too large\n' : 'internal error\n');
}
