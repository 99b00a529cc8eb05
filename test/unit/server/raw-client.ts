// A client that sends exactly the bytes it is told and hands back exactly the bytes it got.

import { connect, type Socket } from 'node:net';

export class RawClient {
  readonly socket: Socket;
  #received = '';
  #ended = false;
  #waiters: (() => void)[] = [];

  constructor(port: number) {
    this.socket = connect({ port, host: '127.0.0.1', noDelay: true });
    this.socket.on('data', (chunk) => {
      this.#received += chunk.latin1Slice();
      this.#wake();
    });
    this.socket.on('error', () => {});
    this.socket.on('close', () => {
      this.#ended = true;
      this.#wake();
    });
  }

  get received(): string {
    return this.#received;
  }

  get ended(): boolean {
    return this.#ended;
  }

  send(...parts: (string | Buffer)[]): this {
    for (const part of parts) {
      this.socket.write(typeof part === 'string' ? Buffer.from(part, 'latin1') : part);
    }
    return this;
  }

  /** Sends each command as an inline line, in one write. */
  lines(...lines: string[]): this {
    return this.send(lines.map((line) => `${line}\r\n`).join(''));
  }

  /** Waits until exactly as many characters as `expected` have come, and takes them. */
  async expect(expected: string): Promise<void> {
    await this.#until(() => this.#received.length >= expected.length || this.#ended);
    const got = this.#received.slice(0, expected.length);
    this.#received = this.#received.slice(expected.length);
    if (got !== expected) {
      throw new Error(
        `expected ${JSON.stringify(expected)}, got ${JSON.stringify(got + this.#received)}`,
      );
    }
  }

  async length(count: number): Promise<void> {
    await this.#until(() => this.#received.length >= count || this.#ended);
  }

  /** Waits for the close; returns what had come and was not taken. */
  async closed(): Promise<string> {
    await this.#until(() => this.#ended);
    return this.#received;
  }

  destroy(): void {
    this.socket.destroy();
  }

  async #until(done: () => boolean): Promise<void> {
    while (!done()) await new Promise<void>((resolve) => this.#waiters.push(resolve));
  }

  #wake(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const waiter of waiters) waiter();
  }
}

/** A command as an array of bulk strings. */
export function resp(...args: string[]): string {
  return `*${args.length}\r\n${args.map((arg) => `$${arg.length}\r\n${arg}\r\n`).join('')}`;
}
