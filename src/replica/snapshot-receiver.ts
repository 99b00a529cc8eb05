// Owns: a snapshot coming in from another member: chunks in order into a temporary file, which is
// handed over when it is complete and synced. One at a time: a sender's newer stream replaces its
// older one, and another sender's only when its term is newer or the present one stands still: two
// that displaced each other would never end.
// What a broken stream left is kept for a while, at most one, and the same snapshot from the same
// sender goes on from there. Every chunk is answered with how far the file is, so that the sender
// never has more on its way than it may; while a whole one is loaded the sender hears that too, and
// the outcome last. Never decides whether it is installed.

import type { AcceptedLink } from '../peer/acceptor.js';
import { FrameKind } from '../peer/frame.js';
import {
  decodeBegin,
  decodeChunk,
  encodeProgress,
  encodeVerdict,
  isSameSnapshot,
  type SnapshotBegin,
} from '../peer/snapshot-codec.js';
import type { Clock, Timer } from '../platform/clock.js';
import type { SnapshotSink } from '../storage/snapshot-sink.js';

export interface ReceivedSnapshot {
  readonly from: string;
  readonly begin: SnapshotBegin;
  readonly sink: SnapshotSink;
}

/** What is on disk of a snapshot; `received` bytes of it are in the file. */
interface Part {
  readonly from: string;
  readonly begin: SnapshotBegin;
  readonly sink: SnapshotSink;
  received: number;
}

interface Incoming {
  readonly link: AcceptedLink;
  readonly part: Part;
  /** Monotonic ms of its last frame. */
  movedAt: number;
  /** Frames wait here while the one before them is being written. */
  work: Promise<void>;
}

export interface ReceiverPort {
  readonly clock: Clock;
  /** This node's term: a stream of an older one is refused. */
  term(): number;
  createSink(): Promise<SnapshotSink>;
  /**
   * A whole snapshot is durable in its sink; whoever gets it owns the sink. Resolves with what is
   * wrong with it, or empty; never rejects.
   */
  onReceived(snapshot: ReceivedSnapshot): Promise<string>;
  /** The stream broke. */
  onFailed(from: string, reason: string): void;
  /** What came is out of order, damaged or unwanted: the connection is closed. */
  onRefused(from: string, reason: string): void;
}

/** A whole snapshot that is being loaded, and who waits to hear how it goes. */
interface Handed {
  readonly from: string;
  readonly begin: SnapshotBegin;
  readonly links: Set<AcceptedLink>;
}

/** A member that loads is heard from so often, ms. */
const STILL_HERE_MS = 1000;
/** A stream from which nothing comes for so long may be displaced, ms. */
const STANDSTILL_MS = 10_000;
/** A part whose stream broke is thrown away after this, ms. */
const KEPT_MS_MAX = 120_000;

export class SnapshotReceiver {
  readonly #port: ReceiverPort;
  #incoming: Incoming | null = null;
  #opening: AcceptedLink | null = null;
  #handed: Handed | null = null;
  /** Left by a stream that broke. */
  #left: Part | null = null;
  #leftLimit: Timer | null = null;

  constructor(port: ReceiverPort) {
    this.#port = port;
  }

  /** True while one is on its way. */
  get busy(): boolean {
    return this.#incoming !== null || this.#opening !== null || this.#handed !== null;
  }

  onFrame(link: AcceptedLink, kind: number, body: Buffer): void {
    if (kind === FrameKind.snapshotBegin) {
      void this.#begin(link, body);
      return;
    }
    // All of it is here already: what is still said of it does not matter.
    if (this.#handed?.links.has(link)) return;
    const incoming = this.#incoming;
    if (incoming === null || incoming.link !== link) {
      this.#refuse(link, 'snapshot frame without a beginning');
      return;
    }
    incoming.movedAt = this.#port.clock.monotonic();
    link.pause();
    const step = async (): Promise<void> => {
      await this.#take(incoming, kind, body);
      link.resume();
    };
    incoming.work = incoming.work.then(step).catch((error) => this.#fail(incoming, String(error)));
  }

  onClose(link: AcceptedLink): void {
    if (this.#opening === link) this.#opening = null;
    this.#handed?.links.delete(link);
    const incoming = this.#incoming;
    if (incoming?.link !== link) return;
    incoming.movedAt = Number.NEGATIVE_INFINITY;
    incoming.work = incoming.work.then(() => this.#keep(incoming));
  }

  async #begin(link: AcceptedLink, body: Buffer): Promise<void> {
    const begin = decodeBegin(body);
    const fault = typeof begin === 'string' ? begin : this.#judge(begin);
    if (fault !== null || typeof begin === 'string') {
      this.#refuse(link, fault ?? 'refused');
      return;
    }
    const handed = this.#handed;
    if (handed?.from === link.hello.nodeId && isSameSnapshot(handed.begin, begin)) {
      handed.links.add(link);
      link.send(encodeProgress(begin.bytes));
      return;
    }
    const rival = this.#rivalOf(link, begin);
    if (rival !== null) {
      this.#refuse(link, `a snapshot of ${rival} is on its way`);
      return;
    }
    link.pause();
    const before = this.#incoming;
    this.#opening = link;
    if (before !== null) {
      before.link.close();
      await before.work.then(() => this.#keep(before));
    }
    const part = await this.#partFor(link.hello.nodeId, begin);
    if (this.#opening !== link) {
      this.#leave(part);
      return;
    }
    this.#opening = null;
    const movedAt = this.#port.clock.monotonic();
    this.#incoming = { link, part, movedAt, work: Promise.resolve() };
    link.send(encodeProgress(part.received));
    link.resume();
  }

  #judge(begin: SnapshotBegin): string | null {
    const term = this.#port.term();
    return begin.term < term ? `snapshot of term ${begin.term}, this node is in ${term}` : null;
  }

  /** Another member whose stream goes on and is as good as the one that begins; null for none. */
  #rivalOf({ hello }: AcceptedLink, { term }: SnapshotBegin): string | null {
    const present = this.#incoming;
    if (present === null) return null;
    const { from, begin } = present.part;
    if (from === hello.nodeId || term > begin.term) return null;
    const silentMs = this.#port.clock.monotonic() - present.movedAt;
    return silentMs < STANDSTILL_MS ? from : null;
  }

  /** The rest of what is here, or a fresh file. */
  async #partFor(from: string, begin: SnapshotBegin): Promise<Part> {
    const left = this.#takeLeft();
    if (left !== null && left.from === from && isSameSnapshot(left.begin, begin)) {
      return { ...left, begin };
    }
    if (left !== null) await left.sink.abort();
    return { from, begin, sink: await this.#port.createSink(), received: 0 };
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
    const { part, link } = incoming;
    if (offset !== part.received || offset + bytes.length > part.begin.bytes) {
      this.#fail(incoming, `chunk at ${offset}, expected ${part.received}`);
      return;
    }
    await part.sink.write([bytes]);
    part.received += bytes.length;
    link.send(encodeProgress(part.received));
  }

  async #end(incoming: Incoming): Promise<void> {
    const { link, part } = incoming;
    const { from, begin, sink, received } = part;
    if (received !== begin.bytes) {
      this.#fail(incoming, `ended at ${received} of ${begin.bytes} bytes`);
      return;
    }
    await sink.finish();
    this.#incoming = null;
    void this.#hand({ from, begin, links: new Set([link]) }, sink);
  }

  async #hand(handed: Handed, sink: SnapshotSink): Promise<void> {
    const { from, begin, links } = handed;
    this.#handed = handed;
    const alive = this.#port.clock.every(STILL_HERE_MS, () => {
      for (const link of links) link.send(encodeProgress(begin.bytes));
    });
    const reason = await this.#port.onReceived({ from, begin, sink });
    alive.cancel();
    if (this.#handed === handed) this.#handed = null;
    for (const link of links) link.send(encodeVerdict(reason));
  }

  /** The stream broke: what is here is good. */
  #keep(incoming: Incoming): void {
    if (this.#incoming !== incoming) return;
    this.#incoming = null;
    const { part, link } = incoming;
    const reason = `connection lost after ${part.received} of ${part.begin.bytes} bytes`;
    this.#port.onFailed(link.hello.nodeId, reason);
    this.#leave(part);
  }

  #leave(part: Part): void {
    void this.#takeLeft()?.sink.abort();
    this.#left = part;
    this.#leftLimit = this.#port.clock.after(KEPT_MS_MAX, () => {
      void this.#takeLeft()?.sink.abort();
    });
  }

  #takeLeft(): Part | null {
    const left = this.#left;
    this.#left = null;
    this.#leftLimit?.cancel();
    this.#leftLimit = null;
    return left;
  }

  /** The sender is at fault, or the disk: nothing of it is kept. */
  #fail(incoming: Incoming, reason: string): void {
    if (this.#incoming !== incoming) return;
    this.#incoming = null;
    // A chunk may still be on its way to the file, which must not be closed under it.
    incoming.work = incoming.work.then(() => incoming.part.sink.abort());
    this.#refuse(incoming.link, reason);
  }

  /** Lets go of what is kept; for the end of this life. */
  async close(): Promise<void> {
    await this.#takeLeft()?.sink.abort();
  }

  #refuse(link: AcceptedLink, reason: string): void {
    this.#port.onRefused(link.hello.nodeId, reason);
    link.send(encodeVerdict(reason));
    link.close();
  }
}
