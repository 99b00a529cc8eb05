// Owns: an unbounded FIFO on a power-of-two ring, for queues whose length the owner already bounds.
// Invariant: 0 <= #tail - #head <= #slots.length. Slots outside [head, tail) hold undefined, so
// nothing is retained.

export class RingBuffer<T> {
  #slots: (T | undefined)[] = new Array(16).fill(undefined);
  #head = 0;
  #tail = 0;

  get length(): number {
    return this.#tail - this.#head;
  }

  push(item: T): void {
    if (this.#tail - this.#head === this.#slots.length) this.#grow();
    this.#slots[this.#tail & (this.#slots.length - 1)] = item;
    this.#tail++;
  }

  shift(): T | undefined {
    if (this.#head === this.#tail) return undefined;
    const at = this.#head & (this.#slots.length - 1);
    const item = this.#slots[at];
    this.#slots[at] = undefined;
    this.#head++;
    return item;
  }

  peek(): T | undefined {
    return this.#slots[this.#head & (this.#slots.length - 1)];
  }

  /** The item `offset` places behind the head; undefined outside [0, length). */
  at(offset: number): T | undefined {
    if (offset < 0 || offset >= this.length) return undefined;
    return this.#slots[(this.#head + offset) & (this.#slots.length - 1)];
  }

  clear(): void {
    this.#slots = new Array(16).fill(undefined);
    this.#head = 0;
    this.#tail = 0;
  }

  #grow(): void {
    const length = this.length;
    const next: (T | undefined)[] = new Array(this.#slots.length * 2).fill(undefined);
    for (let i = 0; i < length; i++) next[i] = this.at(i);
    this.#slots = next;
    this.#head = 0;
    this.#tail = length;
  }
}
