// Owns: the append messages sent to one follower and not acknowledged yet: their last indexes and
// bytes. Invariant: indexes strictly ascend from head to tail.

import { assert } from '../base/assert.js';
import { RingBuffer } from '../base/ring-buffer.js';

export class Inflights {
  readonly #messagesMax: number;
  readonly #bytesMax: number;
  readonly #lastIndexes = new RingBuffer<number>();
  readonly #sizes = new RingBuffer<number>();
  #bytes = 0;
  #newest = 0;

  constructor(messagesMax: number, bytesMax: number) {
    this.#messagesMax = messagesMax;
    this.#bytesMax = bytesMax;
  }

  get count(): number {
    return this.#lastIndexes.length;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** The byte limit is soft: a message may go as long as those before it are below the limit. */
  get full(): boolean {
    return this.count >= this.#messagesMax || this.#bytes >= this.#bytesMax;
  }

  add(lastIndex: number, bytes: number): void {
    assert(!this.full, 'append sent into a full window');
    assert(this.count === 0 || lastIndex > this.#newest, `inflight ${lastIndex} not ascending`);
    this.#lastIndexes.push(lastIndex);
    this.#sizes.push(bytes);
    this.#bytes += bytes;
    this.#newest = lastIndex;
  }

  /** Everything up to `index` has arrived. */
  freeTo(index: number): void {
    while (this.count > 0 && this.#lastIndexes.peek()! <= index) {
      this.#lastIndexes.shift();
      this.#bytes -= this.#sizes.shift()!;
    }
  }

  clear(): void {
    while (this.count > 0) {
      this.#lastIndexes.shift();
      this.#sizes.shift();
    }
    this.#bytes = 0;
  }
}
