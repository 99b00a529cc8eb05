// Owns: frames on a member link: u32 little-endian length of what follows, u8 kind, body.
// Invariants: a length is checked against the limit before anything is kept; a frame inside one
// chunk is a view of it; one that spans chunks is collected in one buffer of its exact size. Damage
// is reported once and ends the link.

/** Largest frame of a link that has been introduced: a batch with the largest value, and room. */
export const FRAME_BYTES_MAX = 2 ** 30;
/** Largest frame before the handshake is over. */
export const GREETING_BYTES_MAX = 16 * 1024;

export const FrameKind = {
  hello: 1,
  welcome: 2,
  refuse: 3,
  raft: 4,
  propose: 5,
  proposeNack: 6,
  snapshotBegin: 7,
  snapshotChunk: 8,
  snapshotEnd: 9,
  digest: 10,
  snapshotWanted: 11,
  diskState: 12,
  snapshotProgress: 13,
  adminRequest: 14,
  adminResponse: 15,
  /** Says nothing; see pulse.ts. */
  beat: 16,
  sign: 17,
} as const;

export type FrameKindCode = (typeof FrameKind)[keyof typeof FrameKind];

const PREFIX_BYTES = 5;
/** Bytes set aside for a frame before its bytes arrive; then the buffer doubles. */
const FIRST_BYTES_MAX = 2 ** 20;

/**
 * Length and kind of a frame whose body has `bodyBytes` bytes, with `extra` bytes of the body
 * reserved behind.
 */
export function frameHead(kind: FrameKindCode, bodyBytes: number, extra: number): Buffer {
  const head = Buffer.allocUnsafe(PREFIX_BYTES + extra);
  head.writeUInt32LE(bodyBytes + 1, 0);
  head[4] = kind;
  return head;
}

/** Where the body begins in a buffer from frameHead. */
export const BODY_AT = PREFIX_BYTES;

/** Takes the chunks of one direction of a link apart. */
export class FrameDecoder {
  /** Raised by the owner once the other side is known. */
  bytesMax = GREETING_BYTES_MAX;
  readonly #onFrame: (kind: number, body: Buffer) => void;
  /** A length prefix that arrived in part. */
  #prefix = Buffer.alloc(4);
  #prefixFilled = 0;
  /** The frame being collected across chunks, `#partialLength` bytes when it is whole. */
  #partial: Buffer | null = null;
  #partialFilled = 0;
  #partialLength = 0;
  #stopped = false;

  constructor(onFrame: (kind: number, body: Buffer) => void) {
    this.#onFrame = onFrame;
  }

  /** Nothing more is delivered, also not from the chunk at hand. */
  stop(): void {
    this.#stopped = true;
  }

  /** Delivers every frame that is complete; returns what is wrong with the stream, or null. */
  push(chunk: Buffer): string | null {
    let at = 0;
    while (at < chunk.length && !this.#stopped) {
      if (this.#partial !== null) {
        at = this.#fillPartial(chunk, at);
        continue;
      }
      if (this.#prefixFilled === 0 && chunk.length - at >= 4) {
        const length = chunk.readUInt32LE(at);
        const fault = this.#check(length);
        if (fault !== null) return fault;
        if (chunk.length - at - 4 >= length) {
          this.#deliver(chunk.subarray(at + 4, at + 4 + length));
          at += 4 + length;
          continue;
        }
      }
      this.#prefix[this.#prefixFilled++] = chunk[at++]!;
      if (this.#prefixFilled < 4) continue;
      const length = this.#prefix.readUInt32LE(0);
      const fault = this.#check(length);
      if (fault !== null) return fault;
      this.#prefixFilled = 0;
      this.#partial = Buffer.allocUnsafeSlow(Math.min(length, FIRST_BYTES_MAX));
      this.#partialFilled = 0;
      this.#partialLength = length;
    }
    return null;
  }

  #check(length: number): string | null {
    if (length >= 1 && length <= this.bytesMax) return null;
    return `frame of ${length} bytes, expected 1 to ${this.bytesMax}`;
  }

  #fillPartial(chunk: Buffer, at: number): number {
    const take = Math.min(this.#partialLength - this.#partialFilled, chunk.length - at);
    const partial = this.#roomFor(this.#partialFilled + take);
    chunk.copy(partial, this.#partialFilled, at, at + take);
    this.#partialFilled += take;
    if (this.#partialFilled === this.#partialLength) {
      this.#partial = null;
      this.#deliver(partial);
    }
    return at + take;
  }

  #roomFor(bytes: number): Buffer {
    const partial = this.#partial!;
    if (bytes <= partial.length) return partial;
    const size = Math.min(this.#partialLength, Math.max(bytes, partial.length * 2));
    const larger = Buffer.allocUnsafeSlow(size);
    partial.copy(larger, 0, 0, this.#partialFilled);
    this.#partial = larger;
    return larger;
  }

  #deliver(frame: Buffer): void {
    this.#onFrame(frame[0]!, frame.subarray(1));
  }
}
