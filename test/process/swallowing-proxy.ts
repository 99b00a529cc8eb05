// Owns: TCP between members that can begin to swallow: what is open stays open for both ends and
// carries nothing any more, as after a cut whose repetitions are long apart or behind a firewall
// that forgot; what is opened later works.

import { createConnection, createServer, type Server, type Socket } from 'node:net';

export class SwallowingProxy {
  readonly port: number;
  readonly #server: Server;
  readonly #open = new Set<Socket>();

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.port = port;
  }

  /** Connections to its port go on to `to`. */
  static start(to: number): Promise<SwallowingProxy> {
    return new Promise((resolve) => {
      const server = createServer((near) => proxy.#join(near, to));
      let proxy: SwallowingProxy;
      server.listen(0, '127.0.0.1', () => {
        proxy = new SwallowingProxy(server, (server.address() as { port: number }).port);
        resolve(proxy);
      });
    });
  }

  /** Everything that is open now; returns how many connections these are. */
  swallow(): number {
    const count = this.#open.size / 2;
    for (const socket of this.#open) {
      socket.removeAllListeners('data');
      socket.removeAllListeners('close');
      socket.on('data', () => {});
    }
    return count;
  }

  async close(): Promise<void> {
    for (const socket of this.#open) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #join(near: Socket, to: number): void {
    const far = createConnection({ port: to, host: '127.0.0.1' });
    for (const [from, into] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#open.add(from);
      from.on('error', () => {});
      from.on('data', (chunk) => into.write(chunk));
      from.on('close', () => into.destroy());
    }
  }
}
