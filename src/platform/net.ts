// Owns: TCP as the server and the peer links see it. Real sockets here, a simulated network in
// test/sim.

import { connect as connectTcp, createServer, type Socket } from 'node:net';

export interface Connection {
  /** `address:port` of the other side, IPv6 in brackets. */
  readonly remote: string;
  readonly local: string;
  /** Bytes accepted by write and not yet taken by the kernel. */
  readonly pendingBytes: number;
  /**
   * Queues bytes; a string is written as latin1. False when the buffer is over the high-water mark.
   */
  write(data: string | Uint8Array): boolean;
  /** Queues several buffers as one system call. */
  writev(buffers: readonly Uint8Array[]): boolean;
  onData(run: (chunk: Buffer) => void): void;
  /**
   * Once, after which nothing else is called. `error` says why when it was not an orderly close.
   */
  onClose(run: (error: Error | null) => void): void;
  onDrain(run: () => void): void;
  /**
   * The other side will send no more but may still read. Only where half-open connections were
   * asked for.
   */
  onEnd?(run: () => void): void;
  pause(): void;
  resume(): void;
  /** Closes after what was written has gone out. */
  end(): void;
  /** Closes at once. */
  destroy(): void;
}

export interface Listener {
  readonly host: string;
  /** The port in use, also when 0 was asked for. */
  readonly port: number;
  /** Stops accepting; open connections stay. */
  close(): Promise<void>;
}

export interface Net {
  /** Rejects with the system's error (EADDRINUSE, EACCES, ...). */
  listen(
    at: { host: string; port: number; halfOpen?: boolean },
    accept: (connection: Connection) => void,
  ): Promise<Listener>;
  /** Calls `opened` when connected; a failure arrives as onClose. */
  connect(to: { host: string; port: number }, opened: () => void): Connection;
}

class TcpConnection implements Connection {
  readonly #socket: Socket;
  readonly remote: string;
  readonly local: string;
  #error: Error | null = null;

  constructor(socket: Socket, remote: string) {
    this.#socket = socket;
    this.remote = remote;
    this.local = endpoint(socket.localAddress, socket.localPort);
    socket.on('error', (error) => {
      this.#error = error;
    });
  }

  get pendingBytes(): number {
    return this.#socket.writableLength;
  }

  write(data: string | Uint8Array): boolean {
    if (!this.#socket.writable) return true;
    return typeof data === 'string' ? this.#socket.write(data, 'latin1') : this.#socket.write(data);
  }

  writev(buffers: readonly Uint8Array[]): boolean {
    if (!this.#socket.writable) return true;
    this.#socket.cork();
    let roomy = true;
    for (const buffer of buffers) roomy = this.#socket.write(buffer);
    this.#socket.uncork();
    return roomy;
  }

  onData(run: (chunk: Buffer) => void): void {
    this.#socket.on('data', run);
  }

  onClose(run: (error: Error | null) => void): void {
    this.#socket.on('close', () => run(this.#error));
  }

  onDrain(run: () => void): void {
    this.#socket.on('drain', run);
  }

  onEnd(run: () => void): void {
    this.#socket.on('end', run);
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  end(): void {
    this.#socket.end();
  }

  destroy(): void {
    this.#socket.destroy();
  }
}

export const tcp: Net = {
  listen(at, accept) {
    return new Promise((resolve, reject) => {
      const allowHalfOpen = at.halfOpen === true;
      const server = createServer({ noDelay: true, keepAlive: true, allowHalfOpen }, (socket) => {
        accept(new TcpConnection(socket, endpoint(socket.remoteAddress, socket.remotePort)));
      });
      server.once('error', reject);
      server.listen({ host: at.host, port: at.port }, () => {
        server.off('error', reject);
        const address = server.address();
        const port = typeof address === 'object' && address !== null ? address.port : at.port;
        const close = (): Promise<void> => new Promise((done) => server.close(() => done()));
        resolve({ host: at.host, port, close });
      });
    });
  },
  connect(to, opened) {
    const socket = connectTcp({ host: to.host, port: to.port, noDelay: true, keepAlive: true });
    socket.once('connect', opened);
    return new TcpConnection(socket, endpoint(to.host, to.port));
  },
};

function endpoint(address: string | undefined, port: number | undefined): string {
  const host = address ?? '?';
  return host.includes(':') ? `[${host}]:${port ?? 0}` : `${host}:${port ?? 0}`;
}
