// Owns: a doubly linked order of small integers from which elements are lifted and put back in the
// opposite order, in constant time (the "dancing" list of Wing and Gong's search as Lowe improved
// it).

export class LinkedOrder {
  readonly #next: Int32Array;
  readonly #previous: Int32Array;
  readonly #end: number;

  /** `order`: distinct integers from 0 to `capacity` - 1, first to last. */
  constructor(order: readonly number[], capacity: number) {
    this.#end = capacity;
    this.#next = new Int32Array(capacity + 1).fill(-1);
    this.#previous = new Int32Array(capacity + 1).fill(-1);
    let last = capacity;
    for (const each of order) {
      this.#next[last] = each;
      this.#previous[each] = last;
      last = each;
    }
    this.#next[last] = capacity;
    this.#previous[capacity] = last;
  }

  /** First element, or -1. */
  get first(): number {
    return this.after(this.#end);
  }

  /** Element behind `element`, or -1. */
  after(element: number): number {
    const next = this.#next[element]!;
    return next === this.#end ? -1 : next;
  }

  lift(element: number): void {
    const next = this.#next[element]!;
    const previous = this.#previous[element]!;
    this.#next[previous] = next;
    this.#previous[next] = previous;
  }

  /** Undoes the latest lift that was not undone yet; it must have been of `element`. */
  unlift(element: number): void {
    this.#next[this.#previous[element]!] = element;
    this.#previous[this.#next[element]!] = element;
  }
}
