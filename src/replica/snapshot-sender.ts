// Owns: streaming a snapshot file to one member over a link of its own, so that it never delays a
// heartbeat. The file stays readable while it is open, whatever replaces it: a connection that
// breaks is made again, and the stream goes on from where the member has it. Bounded: no more than
// a window is on its way, and without progress for a while the attempt fails; the core asks again
// when it still needs one.

import { Dialer } from '../peer/dialer.js';
import { FrameKind } from '../peer/frame.js';
import type { MemberIdentity } from '../peer/handshake.js';
import type { MemberAddress } from '../peer/links.js';
import {
  decodeProgress,
  decodeVerdict,
  encodeBegin,
  encodeChunk,
  encodeEnd,
  type SnapshotBegin,
} from '../peer/snapshot-codec.js';
import type { Clock, Timer } from '../platform/clock.js';
import type { Disk, DiskFile } from '../platform/disk.js';
import type { Net } from '../platform/net.js';

/** Chunks sent and not yet written by the member, at most. */
const WINDOW_CHUNKS = 16;
/** Without progress for so long the attempt fails, ms. */
const STALL_MS_MAX = 10_000;
const CHECKSUM_BYTES = 8;
/** Where a connection stands before the member has said it: nothing may be sent. */
const UNKNOWN = Number.POSITIVE_INFINITY;

export interface SendOptions {
  readonly to: MemberAddress;
  readonly self: () => MemberIdentity;
  readonly begin: Omit<SnapshotBegin, 'checksum'>;
  readonly path: string;
  /** Read and sent at a time. */
  readonly chunkBytes: number;
  readonly disk: Disk;
  readonly net: Net;
  readonly clock: Clock;
  /** Asked about once a second: false ends the attempt. */
  readonly wanted: () => boolean;
}

/**
 * Resolves with an empty string when the member has the snapshot, otherwise with what went wrong.
 * Never rejects.
 */
export async function sendSnapshot(options: SendOptions): Promise<string> {
  let file: DiskFile;
  try {
    file = await options.disk.open(options.path, { create: false });
  } catch (error) {
    return `snapshot file: ${String(error)}`;
  }
  try {
    const { bytes } = options.begin;
    const tail = await file.read(Math.max(0, bytes - CHECKSUM_BYTES), CHECKSUM_BYTES);
    const begin = { ...options.begin, checksum: tail.toString('hex') };
    return await new Sender(options, begin, file).outcome;
  } catch (error) {
    return `snapshot file: ${String(error)}`;
  } finally {
    await file.close();
  }
}

class Sender {
  readonly outcome: Promise<string>;
  readonly #clock: Clock;
  readonly #begin: SnapshotBegin;
  readonly #file: DiskFile;
  readonly #dialer: Dialer;
  readonly #watch: Timer;
  readonly #wanted: () => boolean;
  readonly #chunkBytes: number;
  #finish: (outcome: string) => void = () => {};
  #finished = false;
  /** The connection in use; 0 while there is none. */
  #connection = 0;
  #connections = 0;
  #refused = 'no connection';
  /** What the member has, and what was sent to it on this connection. */
  #acknowledged = 0;
  #sent = 0;
  #reading = false;
  #ended = false;
  #movedAt: number;

  constructor(options: SendOptions, begin: SnapshotBegin, file: DiskFile) {
    const { to, self, net, clock, wanted } = options;
    this.#chunkBytes = options.chunkBytes;
    this.#wanted = wanted;
    this.#clock = clock;
    this.#begin = begin;
    this.#file = file;
    this.#movedAt = clock.monotonic();
    this.outcome = new Promise((resolve) => {
      this.#finish = resolve;
    });
    this.#dialer = new Dialer({
      target: { nodeId: to.id, host: to.host, port: to.port },
      kind: 'bulk',
      self,
      net,
      clock,
      events: {
        onUp: () => this.#greeted(),
        onDown: () => {
          this.#connection = 0;
          this.#sent = UNKNOWN;
          this.#refused = 'connection lost';
        },
        onRefused: ({ reason }) => this.#end(reason),
        onFault: (reason) => this.#end(reason),
        onFrame: (kind, body) => this.#receive(kind, body),
      },
    });
    this.#watch = clock.every(STALL_MS_MAX / 10, () => this.#checkProgress());
  }

  #greeted(): void {
    this.#connection = ++this.#connections;
    this.#ended = false;
    this.#refused = 'the member does not read';
    // Nothing is sent before the member has said where it is.
    this.#sent = UNKNOWN;
    this.#dialer.send([encodeBegin(this.#begin)]);
  }

  #receive(kind: number, body: Buffer): void {
    if (kind === FrameKind.snapshotEnd) {
      this.#end(decodeVerdict(body));
      return;
    }
    if (kind !== FrameKind.snapshotProgress) return;
    const offset = decodeProgress(body);
    const first = this.#sent === UNKNOWN;
    if (
      typeof offset === 'string' ||
      offset > this.#begin.bytes ||
      (!first && offset > this.#sent)
    ) {
      this.#end(typeof offset === 'string' ? offset : `progress to ${offset} is impossible`);
      return;
    }
    if (first) this.#sent = offset;
    this.#acknowledged = offset;
    this.#movedAt = this.#clock.monotonic();
    void this.#stream();
  }

  /** Reads and sends what the window has room for. */
  async #stream(): Promise<void> {
    if (this.#reading) return;
    this.#reading = true;
    const { bytes } = this.#begin;
    const size = this.#chunkBytes;
    const window = (): number => Math.min(bytes, this.#acknowledged + size * WINDOW_CHUNKS);
    try {
      while (!this.#finished && this.#sent < window()) {
        const connection = this.#connection;
        const offset = this.#sent;
        const chunk = await this.#file.read(offset, Math.min(size, bytes - offset));
        if (chunk.length === 0) throw new Error(`the file ends at ${offset} of ${bytes} bytes`);
        // Another connection begins where the member says.
        if (connection !== this.#connection || this.#sent !== offset) continue;
        this.#dialer.send(encodeChunk(offset, chunk));
        this.#sent = offset + chunk.length;
      }
      if (this.#sent === bytes && !this.#ended && !this.#finished) {
        this.#ended = true;
        this.#dialer.send([encodeEnd()]);
      }
    } catch (error) {
      this.#end(`reading the snapshot: ${String(error)}`);
    } finally {
      this.#reading = false;
    }
  }

  #checkProgress(): void {
    if (!this.#wanted()) this.#end('it is not for this node any more');
    if (this.#clock.monotonic() - this.#movedAt >= STALL_MS_MAX) this.#end(this.#refused);
  }

  #end(outcome: string): void {
    if (this.#finished) return;
    this.#finished = true;
    this.#watch.cancel();
    this.#dialer.close();
    this.#finish(outcome);
  }
}
