// Owns: one end of a simulated TCP connection. Invariants: bytes arrive in the order written;
// nothing is called after onClose; a write to an end that is gone brings a reset, when the path
// allows.

import type { Connection } from '../../../src/platform/net.js';
import type { Actor, SimEvent } from './events.js';
import type { SimNet } from './net.js';

/** What the kernels on both sides take before `pendingBytes` grows. */
const SOCKET_BUFFERS = 256 * 1024;
const HIGH_WATER_MARK = 16 * 1024;
/** Where the addresses of clients begin. */
export const CLIENTS = '10.1.';

interface Segment {
  readonly bytes: Buffer;
  /** The last thing that travels this way. */
  readonly fin: boolean;
  /** Microseconds: when it is there at the earliest. */
  at: number;
}

export class SimConnection implements Connection {
  readonly actor: Actor;
  readonly host: string;
  readonly otherHost: string;
  readonly port: number;
  readonly local: string;
  readonly remote: string;
  readonly dialed: boolean;
  halfOpen = false;
  syns = 0;
  closed = false;
  /** The other end; null until the handshake is over. */
  other: SimConnection | null = null;

  readonly #net: SimNet;
  #segments: Segment[] = [];
  #bytes = 0;
  #lastAt = 0;
  #finSent = false;
  #needsDrain = false;
  #delivery: SimEvent | null = null;
  #stalledSince = -1;
  #readingPaused = false;
  #gotFin = false;
  #data: ((chunk: Buffer) => void) | null = null;
  #close: ((error: Error | null) => void) | null = null;
  #drain: (() => void) | null = null;
  #end: (() => void) | null = null;

  constructor(net: SimNet, actor: Actor, local: string, remote: string, dialed: boolean) {
    this.#net = net;
    this.actor = actor;
    this.local = local;
    this.remote = remote;
    this.dialed = dialed;
    this.host = local.slice(0, local.indexOf(':'));
    this.otherHost = remote.slice(0, remote.indexOf(':'));
    this.port = Number(remote.slice(remote.indexOf(':') + 1));
    net.opened(this);
  }

  get pendingBytes(): number {
    return Math.max(0, this.#bytes - SOCKET_BUFFERS);
  }

  write(data: string | Uint8Array): boolean {
    const bytes = typeof data === 'string' ? Buffer.from(data, 'latin1') : asBuffer(data);
    if (this.dialed) this.#net.tap?.(this.host, this.otherHost, this.port, bytes);
    return this.#send(bytes);
  }

  writev(buffers: readonly Uint8Array[]): boolean {
    if (buffers.length === 1) return this.write(buffers[0]!);
    if (this.dialed && this.#net.tap !== null) {
      for (const bytes of buffers) {
        this.#net.tap(this.host, this.otherHost, this.port, bytes);
      }
    }
    return this.#send(Buffer.concat(buffers));
  }

  onData(run: (chunk: Buffer) => void): void {
    this.#data = run;
  }

  onClose(run: (error: Error | null) => void): void {
    this.#close = run;
  }

  onDrain(run: () => void): void {
    this.#drain = run;
  }

  onEnd(run: () => void): void {
    this.#end = run;
  }

  pause(): void {
    this.#readingPaused = true;
  }

  resume(): void {
    this.#readingPaused = false;
    this.other?.sendAgain();
  }

  end(): void {
    this.#sendFin();
    if (this.#gotFin) this.#closeSoon(null);
  }

  destroy(): void {
    if (this.closed) return;
    this.#sendFin();
    this.#closeSoon(null);
  }

  /** The connection ends here with an error; the other end hears nothing. */
  break(code: string): void {
    const error: NodeJS.ErrnoException = new Error(`simulated ${code}`);
    error.code = code;
    this.#closeSoon(error);
  }

  /** The host lost power: nobody is told anything. */
  vanish(): void {
    this.closed = true;
    this.#net.closed(this);
    this.#dropSegments();
  }

  /** Something changed on the way: what waits is tried again, after TCP's retransmission timer. */
  sendAgain(): void {
    if (this.#segments.length === 0) return;
    if (this.#delivery !== null && this.#stalledSince < 0) return;
    const wait = this.#stalledSince < 0 ? 0 : this.#net.rng.below(200_000);
    this.#stalledSince = -1;
    this.#deliverAfter(wait);
  }

  /** The process at the other end is gone: its kernel, or nobody, gets what is on the way. */
  receiverGone(): void {
    if (this.#delivery !== null) this.#deliverAfter(this.#delivery.at - this.#net.events.now);
  }

  #send(bytes: Buffer): boolean {
    if (this.closed || this.#finSent || bytes.length === 0) return true;
    this.#queue({ bytes, fin: false, at: 0 });
    const roomy = this.#bytes < SOCKET_BUFFERS + HIGH_WATER_MARK;
    if (!roomy) this.#needsDrain = true;
    return roomy;
  }

  #sendFin(): void {
    if (this.closed || this.#finSent) return;
    this.#finSent = true;
    this.#queue({ bytes: NOTHING, fin: true, at: 0 });
  }

  #queue(segment: Segment): void {
    const { events } = this.#net;
    segment.at = Math.max(events.now + this.#net.delay(), this.#lastAt);
    this.#lastAt = segment.at;
    this.#segments.push(segment);
    this.#bytes += segment.bytes.length;
    if (this.#delivery === null && this.#stalledSince < 0) {
      this.#deliverAfter(segment.at - events.now);
    }
  }

  #deliverAfter(wait: number): void {
    const { events } = this.#net;
    if (this.#delivery !== null) this.#delivery.run = null;
    const receiver = this.other?.actor ?? events.world;
    // To a process that is gone the kernel answers.
    const actor = receiver.alive ? receiver : events.world;
    this.#delivery = events.schedule(wait, actor, this.#deliver);
    this.#delivery.fromClient = this.host.startsWith(CLIENTS);
  }

  readonly #deliver = (): void => {
    this.#delivery = null;
    const { other } = this;
    const first = this.#segments[0];
    if (first === undefined) return;
    if (other === null) {
      this.#deliverAfter(10_000);
      return;
    }
    if (this.#isBlocked()) return;
    if (other.closed) {
      this.#dropSegments();
      if (!this.closed) this.#answerWithReset();
      return;
    }
    if (other.#readingPaused && !first.fin) return;
    this.#handOver(other);
    if (this.#segments.length > 0) {
      const { now } = this.#net.events;
      this.#deliverAfter(Math.max(this.#pieceDelay(), this.#segments[0]!.at - now));
    } else if (this.closed) {
      this.#net.closed(this);
    }
  };

  /** True when the path does not let anything through now; then it is tried later. */
  #isBlocked(): boolean {
    const { events, options } = this.#net;
    const blocked = this.#net.blocked(this.host, this.otherHost);
    if (blocked === null) {
      this.#stalledSince = -1;
      return false;
    }
    if (this.#stalledSince < 0) this.#stalledSince = events.now;
    if (events.now - this.#stalledSince >= options.patience) {
      this.#dropSegments();
      if (!this.closed) this.break('ETIMEDOUT');
      else this.#net.closed(this);
      return true;
    }
    const wait = Math.min(blocked, options.patience);
    this.#delivery = events.schedule(wait, events.world, () => {
      this.#delivery = null;
      if (this.#segments.length > 0) this.#deliverAfter(0);
    });
    return true;
  }

  #answerWithReset(): void {
    const { events } = this.#net;
    if (this.#net.blocked(this.otherHost, this.host) !== null) return;
    events.schedule(this.#net.delay(), events.world, () => {
      if (!this.closed) this.break('ECONNRESET');
    });
  }

  /** Gives the other end what has arrived by now, as one chunk or as a piece of it. */
  #handOver(other: SimConnection): void {
    const { events } = this.#net;
    const chunk = this.#takeArrived(events.now);
    if (chunk.length > 0) {
      this.#bytes -= chunk.length;
      events.mix(chunk.length);
      this.#maybeDrain();
      other.#data?.(chunk);
    }
    if (this.#segments[0]?.fin === true && this.#segments[0].at <= events.now && !other.closed) {
      this.#segments.shift();
      other.#onFin();
    }
  }

  #takeArrived(now: number): Buffer {
    const segments = this.#segments;
    const { pieceMax } = this.#net.options;
    let count = 0;
    while (count < segments.length && segments[count]!.at <= now && !segments[count]!.fin) count++;
    if (count === 0) return NOTHING;
    const taken = segments.splice(0, count);
    const all = count === 1 ? taken[0]!.bytes : Buffer.concat(taken.map(({ bytes }) => bytes));
    if (pieceMax === 0 || this.#net.calm || all.length <= 1) return all;
    const piece = 1 + this.#net.rng.below(Math.max(pieceMax, all.length >> 2));
    if (piece >= all.length) return all;
    segments.unshift({ bytes: all.subarray(piece), fin: false, at: now });
    return all.subarray(0, piece);
  }

  #pieceDelay(): number {
    return this.#net.options.pieceMax === 0 ? 0 : this.#net.rng.below(50);
  }

  #maybeDrain(): void {
    if (!this.#needsDrain || this.#bytes > SOCKET_BUFFERS || this.closed) return;
    this.#needsDrain = false;
    const run = (): void => {
      if (!this.closed) this.#drain?.();
    };
    this.#net.events.schedule(0, this.actor, run);
  }

  #onFin(): void {
    if (this.closed) return;
    this.#gotFin = true;
    if (this.#finSent) {
      this.#closeSoon(null);
    } else if (this.halfOpen && this.#end !== null) {
      this.#end();
    } else {
      this.#sendFin();
      this.#closeSoon(null);
    }
  }

  /** No more callbacks but onClose. What was written still travels. */
  #closeSoon(error: Error | null): void {
    if (this.closed) return;
    this.closed = true;
    if (this.#segments.length === 0) this.#net.closed(this);
    if (error !== null) this.#dropSegments();
    this.#net.events.schedule(1, this.actor, () => this.#close?.(error));
  }

  #dropSegments(): void {
    this.#segments = [];
    this.#bytes = 0;
    if (this.#delivery !== null) this.#delivery.run = null;
    this.#delivery = null;
    this.#net.closed(this);
  }
}

const NOTHING = Buffer.alloc(0);

function asBuffer(data: Uint8Array): Buffer {
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
}
