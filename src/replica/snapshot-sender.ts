// Owns: streaming the newest snapshot file to one member over a link of its own, so that it never
// delays a heartbeat. One attempt; the core asks again when it still needs one. The file stays
// readable while it is open, whatever replaces it.

import { Dialer } from '../peer/dialer.js';
import { FrameKind } from '../peer/frame.js';
import type { MemberIdentity } from '../peer/handshake.js';
import type { MemberAddress } from '../peer/links.js';
import {
  decodeVerdict,
  encodeBegin,
  encodeChunk,
  encodeEnd,
  type SnapshotBegin,
} from '../peer/snapshot-codec.js';
import type { Clock } from '../platform/clock.js';
import type { Disk, DiskFile } from '../platform/disk.js';
import type { Net } from '../platform/net.js';

const CHUNK_BYTES = 256 * 1024;
/**
 * Bytes handed to the connection and not yet taken by the kernel, beyond which the next chunk
 * waits.
 */
const PENDING_BYTES_MAX = 4 * 2 ** 20;
/** Without progress for so long the attempt fails. */
const STALL_MS_MAX = 10_000;

export interface SendOptions {
  readonly to: MemberAddress;
  readonly self: () => MemberIdentity;
  readonly begin: SnapshotBegin;
  readonly path: string;
  readonly disk: Disk;
  readonly net: Net;
  readonly clock: Clock;
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
  const sender = new Sender(options, file);
  const outcome = await sender.outcome;
  await file.close();
  return outcome;
}

class Sender {
  readonly outcome: Promise<string>;
  readonly #options: SendOptions;
  readonly #file: DiskFile;
  readonly #dialer: Dialer;
  #finish: (outcome: string) => void = () => {};
  #finished = false;

  constructor(options: SendOptions, file: DiskFile) {
    this.#options = options;
    this.#file = file;
    this.outcome = new Promise((resolve) => {
      this.#finish = resolve;
    });
    const { to, self, net, clock } = options;
    this.#dialer = new Dialer({
      target: { nodeId: to.id, host: to.host, port: to.port },
      kind: 'bulk',
      self,
      net,
      clock,
      events: {
        onUp: () => void this.#stream(),
        onDown: () => this.#end('connection lost'),
        onRefused: ({ reason }) => this.#end(reason),
        onFrame: (kind, body) => {
          if (kind === FrameKind.snapshotEnd) this.#end(decodeVerdict(body));
        },
      },
    });
    clock.after(STALL_MS_MAX, () => {
      if (!this.#dialer.up) this.#end('no connection');
    });
  }

  async #stream(): Promise<void> {
    try {
      const { begin } = this.#options;
      this.#dialer.send([encodeBegin(begin)]);
      for (let offset = 0; offset < begin.bytes && !this.#finished; ) {
        const bytes = await this.#file.read(offset, Math.min(CHUNK_BYTES, begin.bytes - offset));
        this.#dialer.send(encodeChunk(offset, bytes));
        offset += bytes.length;
        await this.#room();
      }
      this.#dialer.send([encodeEnd()]);
    } catch (error) {
      this.#end(`reading the snapshot: ${String(error)}`);
    }
  }

  /** Waits until the connection has taken most of what it was given. */
  async #room(): Promise<void> {
    const { clock } = this.#options;
    const until = clock.monotonic() + STALL_MS_MAX;
    while (this.#dialer.pendingBytes > PENDING_BYTES_MAX && !this.#finished) {
      if (clock.monotonic() > until) this.#end('the member does not read');
      else await new Promise<void>((resolve) => clock.after(5, resolve));
    }
  }

  #end(outcome: string): void {
    if (this.#finished) return;
    this.#finished = true;
    this.#dialer.close();
    this.#finish(outcome);
  }
}
