// Owns: deciding whether one history of concurrent operations on one object is linearizable: the
// search of Wing and Gong (1993) with Lowe's list lifting and the state cache (Lowe 2017). Exact:
// "violation" is a proof, "undecided" means that the budget of steps was spent. The model may be
// nondeterministic. An operation without a return may take effect at any time after its call, or
// never, with any output.

import { LinkedOrder } from './linked-order.js';

export interface Model<S, O> {
  readonly initial: S;
  /**
   * States in which the operation may leave the object; empty when it cannot have answered so here.
   */
  step(state: S, operation: O): readonly S[];
  /** Equal for equal states, different for different ones. */
  key(state: S): string;
}

export interface Interval {
  readonly call: number;
  /** Infinity when the operation never returned. */
  readonly return: number;
}

export type Verdict = 'linearizable' | 'violation' | 'undecided';

export interface Finding<O> {
  readonly verdict: Verdict;
  readonly steps: number;
  /**
   * The longest order found, and the operations none of which could come next; empty if
   * linearizable.
   */
  readonly prefix: readonly O[];
  readonly stuck: readonly O[];
}

const STEPS_MAX = 1_000_000;

/** One choice on the path: which operation was put next, and into which of its resulting states. */
interface Frame<S> {
  readonly candidates: readonly number[];
  at: number;
  states: readonly S[];
  stateAt: number;
  readonly before: S;
  lifted: number;
}

class Search<S, O extends Interval> {
  readonly #model: Model<S, O>;
  readonly #operations: readonly O[];
  readonly #calls: LinkedOrder;
  readonly #returns: LinkedOrder;
  readonly #done: Uint8Array;
  readonly #unknown: readonly number[];
  readonly #seen = new Set<string>();
  #left: number;
  #longest: number[] = [];
  #stuck: readonly number[] = [];
  steps = 0;

  constructor(operations: readonly O[], model: Model<S, O>) {
    const byCall = [...operations].sort((a, b) => a.call - b.call);
    const all = byCall.map((_, i) => i);
    const known = all.filter((i) => byCall[i]!.return !== Number.POSITIVE_INFINITY);
    this.#operations = byCall;
    this.#model = model;
    this.#calls = new LinkedOrder(all, all.length);
    const byReturn = [...known].sort((a, b) => byCall[a]!.return - byCall[b]!.return);
    this.#returns = new LinkedOrder(byReturn, all.length);
    this.#unknown = all.filter((i) => byCall[i]!.return === Number.POSITIVE_INFINITY);
    this.#done = new Uint8Array(all.length);
    this.#left = known.length;
  }

  run(stepsMax: number): Finding<O> {
    const path: Frame<S>[] = [this.#frame(this.#model.initial)];
    while (this.#left > 0) {
      if (this.steps >= stepsMax) return this.#finding('undecided');
      const top = path[path.length - 1]!;
      const next = this.#advance(top);
      if (next !== null) {
        path.push(this.#frame(next.state));
        continue;
      }
      this.#noteStuck(path, top);
      path.pop();
      const parent = path[path.length - 1];
      if (parent === undefined) return this.#finding('violation');
      this.#putBack(parent);
    }
    return { verdict: 'linearizable', steps: this.steps, prefix: [], stuck: [] };
  }

  /**
   * Who may come next: called before anything that is left returned. Those without a return last.
   */
  #frame(before: S): Frame<S> {
    const firstReturn = this.#returns.first;
    const until =
      firstReturn < 0 ? Number.POSITIVE_INFINITY : this.#operations[firstReturn]!.return;
    const known: number[] = [];
    const unknown: number[] = [];
    for (let i = this.#calls.first; i >= 0; i = this.#calls.after(i)) {
      const operation = this.#operations[i]!;
      if (operation.call > until) break;
      (operation.return === Number.POSITIVE_INFINITY ? unknown : known).push(i);
    }
    // The one that returned first is the likeliest to have been first.
    known.sort((a, b) => this.#operations[a]!.return - this.#operations[b]!.return);
    return {
      candidates: [...known, ...unknown],
      at: 0,
      states: [],
      stateAt: 0,
      before,
      lifted: -1,
    };
  }

  /** Takes the next untried choice of `frame`; null when there is none left. */
  #advance(frame: Frame<S>): { state: S } | null {
    for (; frame.at < frame.candidates.length; frame.at++) {
      const candidate = frame.candidates[frame.at]!;
      if (frame.stateAt === 0) {
        frame.states = this.#model.step(frame.before, this.#operations[candidate]!);
        this.steps++;
      }
      this.#lift(candidate);
      while (frame.stateAt < frame.states.length) {
        const state = frame.states[frame.stateAt++]!;
        const key = this.#configuration(state);
        if (this.#seen.has(key)) continue;
        this.#seen.add(key);
        frame.lifted = candidate;
        return { state };
      }
      this.#unlift(candidate);
      frame.stateAt = 0;
    }
    return null;
  }

  #putBack(frame: Frame<S>): void {
    this.#unlift(frame.lifted);
    frame.lifted = -1;
  }

  #lift(i: number): void {
    this.#calls.lift(i);
    this.#done[i] = 1;
    if (this.#operations[i]!.return === Number.POSITIVE_INFINITY) return;
    this.#returns.lift(i);
    this.#left--;
  }

  #unlift(i: number): void {
    if (this.#operations[i]!.return !== Number.POSITIVE_INFINITY) {
      this.#returns.unlift(i);
      this.#left++;
    }
    this.#done[i] = 0;
    this.#calls.unlift(i);
  }

  /** Which operations are in the order so far, and the state: short, since most of the past is. */
  #configuration(state: S): string {
    let key = '';
    for (const i of this.#unknown) key += this.#done[i];
    let low = 0;
    while (low < this.#done.length && (this.#done[low] === 1 || this.#isUnknown(low))) low++;
    key += `:${low}:`;
    let pending = '';
    for (let i = low; i < this.#done.length; i++) {
      if (this.#isUnknown(i)) continue;
      if (this.#done[i] === 1) pending += `${i},`;
      else if (this.#operations[i]!.call > this.#bound()) break;
    }
    return `${key}${pending}:${this.#model.key(state)}`;
  }

  /** No operation called after the first return that is left can be in the order. */
  #bound(): number {
    const first = this.#returns.first;
    return first < 0 ? Number.POSITIVE_INFINITY : this.#operations[first]!.return;
  }

  #isUnknown(i: number): boolean {
    return this.#operations[i]!.return === Number.POSITIVE_INFINITY;
  }

  #noteStuck(path: readonly Frame<S>[], top: Frame<S>): void {
    if (path.length - 1 < this.#longest.length || path.length === 0) return;
    this.#longest = path.slice(0, -1).map((frame) => frame.lifted);
    this.#stuck = top.candidates;
  }

  #finding(verdict: Verdict): Finding<O> {
    const of = (indexes: readonly number[]): O[] => indexes.map((i) => this.#operations[i]!);
    return { verdict, steps: this.steps, prefix: of(this.#longest), stuck: of(this.#stuck) };
  }
}

/** `stepsMax`: how often the model may be asked before the answer is "undecided". */
export function checkLinearizable<S, O extends Interval>(
  operations: readonly O[],
  model: Model<S, O>,
  stepsMax = STEPS_MAX,
): Finding<O> {
  return new Search(operations, model).run(stepsMax);
}
