// Owns: a raw TCP client for the fuzz tests, and the check that a daemon came through: it answers,
// it did not grow beyond a bound, and it printed no stack trace.

import { readFileSync } from 'node:fs';
import { createConnection, type Socket } from 'node:net';
import { traceIn } from '../e2e/programs.js';
import { askLine, type Daemon } from './daemon.js';

const PATIENCE_MS = 3000;
const KEPT_BYTES = 65_536;

export class HostileClient {
  readonly socket: Socket;
  /** The last bytes that arrived. */
  received: Buffer = Buffer.alloc(0);
  closed = false;
  readonly #closing: Promise<void>;

  constructor(port: number) {
    this.socket = createConnection({ port, host: '127.0.0.1' });
    this.socket.on('error', () => {});
    this.socket.on('data', (chunk: Buffer) => {
      this.received = Buffer.concat([this.received, chunk]).subarray(-KEPT_BYTES);
    });
    this.#closing = new Promise((resolve) => {
      this.socket.on('close', () => {
        this.closed = true;
        resolve();
      });
    });
  }

  /** Resolves when the kernel has taken it or the connection is gone. */
  send(bytes: Buffer | string): Promise<void> {
    if (this.closed) return Promise.resolve();
    const taken = new Promise<void>((resolve) => {
      this.socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes, () =>
        resolve(),
      );
    });
    return Promise.race([taken, this.#closing, pause(PATIENCE_MS)]);
  }

  /** Whether the other side closed it within the time. */
  async closes(ms = PATIENCE_MS): Promise<boolean> {
    await Promise.race([this.#closing, pause(ms)]);
    return this.closed;
  }

  /** Waits until `pattern` arrived, it is closed, or the time is over; what arrived. */
  async answer(pattern: RegExp, ms = PATIENCE_MS): Promise<string> {
    const until = Date.now() + ms;
    while (!pattern.test(this.received.toString('latin1')) && !this.closed && Date.now() < until) {
      await pause(2);
    }
    return this.received.toString('latin1');
  }

  end(): void {
    this.socket.destroy();
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Resident memory of a process, bytes. */
export function residentBytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024;
}

/** What is wrong with a daemon after an attack; null when nothing is. */
export async function harm(daemon: Daemon, residentMax: number): Promise<string | null> {
  if (!daemon.running) return `it ended: ${daemon.output.slice(-2000)}`;
  const pong = await askLine(daemon.spec.port, 'PING');
  if (pong !== 'PONG') return `it answers ${pong}`;
  const trace = traceIn(daemon.output);
  if (trace !== null) return `it printed ${trace}: ${daemon.output.slice(-2000)}`;
  const resident = residentBytes(daemon.pid);
  return resident > residentMax
    ? `it holds ${resident} bytes, at most ${residentMax} expected`
    : null;
}
