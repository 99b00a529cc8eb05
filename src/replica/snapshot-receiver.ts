// Owns: a snapshot coming in from the leader: chunks in order into a temporary file, which is
// handed over when it is complete and synced. One at a time; a newer stream replaces an older one.
// Never decides whether it is installed.

import type { AcceptedLink } from '../peer/acceptor.js';
import { FrameKind } from '../peer/frame.js';
import {
  decodeBegin,
  decodeChunk,
  encodeVerdict,
  type SnapshotBegin,
} from '../peer/snapshot-codec.js';
import type { SnapshotSink } from '../storage/snapshot-sink.js';

export interface ReceivedSnapshot {
  readonly from: string;
  readonly begin: SnapshotBegin;
  readonly sink: SnapshotSink;
}

interface Incoming {
  readonly link: AcceptedLink;
  readonly begin: SnapshotBegin;
  readonly sink: SnapshotSink;
  received: number;
  /** Frames wait here while the one before them is being written. */
  work: Promise<void>;
}

export interface ReceiverPort {
  createSink(): Promise<SnapshotSink>;
  /** A whole snapshot is durable in its sink; whoever gets it owns the sink. */
  onReceived(snapshot: ReceivedSnapshot): void;
  onFailed(from: string, reason: string): void;
}

export class SnapshotReceiver {
  readonly #port: ReceiverPort;
  #incoming: Incoming | null = null;
  #opening: AcceptedLink | null = null;

  constructor(port: ReceiverPort) {
    this.#port = port;
  }

  onFrame(link: AcceptedLink, kind: number, body: Buffer): void {
    if (kind === FrameKind.snapshotBegin) {
      void this.#begin(link, body);
      return;
    }
    const incoming = this.#incoming;
    if (incoming === null || incoming.link !== link) {
      this.#refuse(link, 'snapshot frame without a beginning');
      return;
    }
    link.pause();
    const step = async (): Promise<void> => {
      await this.#take(incoming, kind, body);
      link.resume();
    };
    incoming.work = incoming.work.then(step).catch((error) => this.#fail(incoming, String(error)));
  }

  onClose(link: AcceptedLink): void {
    if (this.#opening === link) this.#opening = null;
    const incoming = this.#incoming;
    if (incoming?.link !== link) return;
    incoming.work = incoming.work.then(() => this.#fail(incoming, 'connection lost'));
  }

  async #begin(link: AcceptedLink, body: Buffer): Promise<void> {
    const begin = decodeBegin(body);
    if (typeof begin === 'string') {
      this.#refuse(link, begin);
      return;
    }
    link.pause();
    if (this.#incoming !== null) this.#fail(this.#incoming, 'replaced by a newer stream');
    this.#opening = link;
    const sink = await this.#port.createSink();
    if (this.#opening !== link) {
      await sink.abort();
      return;
    }
    this.#opening = null;
    this.#incoming = { link, begin, sink, received: 0, work: Promise.resolve() };
    link.resume();
  }

  async #take(incoming: Incoming, kind: number, body: Buffer): Promise<void> {
    if (this.#incoming !== incoming) return;
    if (kind === FrameKind.snapshotEnd) {
      await this.#end(incoming);
      return;
    }
    const chunk = kind === FrameKind.snapshotChunk ? decodeChunk(body) : 'unexpected frame';
    if (typeof chunk === 'string') {
      this.#fail(incoming, chunk);
      return;
    }
    const { offset, bytes } = chunk;
    if (offset !== incoming.received || offset + bytes.length > incoming.begin.bytes) {
      this.#fail(incoming, `chunk at ${offset}, expected ${incoming.received}`);
      return;
    }
    incoming.received += bytes.length;
    await incoming.sink.write([bytes]);
  }

  async #end(incoming: Incoming): Promise<void> {
    const { link, begin, sink, received } = incoming;
    if (received !== begin.bytes) {
      this.#fail(incoming, `ended at ${received} of ${begin.bytes} bytes`);
      return;
    }
    await sink.finish();
    this.#incoming = null;
    link.send(encodeVerdict(''));
    this.#port.onReceived({ from: link.hello.nodeId, begin, sink });
  }

  #fail(incoming: Incoming, reason: string): void {
    if (this.#incoming !== incoming) return;
    this.#incoming = null;
    // A chunk may still be on its way to the file, which must not be closed under it.
    incoming.work = incoming.work.then(() => incoming.sink.abort());
    this.#refuse(incoming.link, reason);
  }

  #refuse(link: AcceptedLink, reason: string): void {
    this.#port.onFailed(link.hello.nodeId, reason);
    link.send(encodeVerdict(reason));
    link.close();
  }
}
