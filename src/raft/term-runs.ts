// Owns: the terms of a log as runs (first index, term), so that conflict search costs the number of
// terms, not entries. Invariant: firsts and terms both strictly ascend; the first run begins at the
// log's base.

export class TermRuns {
  readonly #firsts: number[] = [];
  readonly #terms: number[] = [];

  constructor(baseIndex: number, baseTerm: number) {
    this.#firsts.push(baseIndex);
    this.#terms.push(baseTerm);
  }

  /** `index` is one past the last index so far; `term` is not below the last term. */
  append(index: number, term: number): void {
    if (this.#terms[this.#terms.length - 1] === term) return;
    this.#firsts.push(index);
    this.#terms.push(term);
  }

  /** Forgets `index` and everything after it; `index` is above the base. */
  truncateFrom(index: number): void {
    let count = this.#firsts.length;
    while (count > 1 && this.#firsts[count - 1]! >= index) count--;
    this.#firsts.length = count;
    this.#terms.length = count;
  }

  /** Moves the base up to `index`, which becomes the first index the runs know. */
  compactTo(index: number): void {
    let keep = 0;
    while (keep + 1 < this.#firsts.length && this.#firsts[keep + 1]! <= index) keep++;
    this.#firsts.splice(0, keep);
    this.#terms.splice(0, keep);
    this.#firsts[0] = index;
  }

  /**
   * The largest index <= `index` whose term is <= `term`; one below the base when there is none.
   */
  findAtMost(index: number, term: number): number {
    let end = index;
    for (let i = this.#firsts.length - 1; i >= 0; i--) {
      const first = this.#firsts[i]!;
      if (first > end) continue;
      if (this.#terms[i]! <= term) return end;
      end = first - 1;
    }
    return this.#firsts[0]! - 1;
  }
}
