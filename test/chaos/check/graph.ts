// Owns: directed graphs of small integers with labelled edges: strongly connected components
// (Tarjan 1972, without recursion) and a shortest cycle through them.

export class Graph<L extends string> {
  readonly #edges: Map<number, Set<L>>[];

  constructor(nodes: number) {
    this.#edges = Array.from({ length: nodes }, () => new Map());
  }

  get size(): number {
    return this.#edges.length;
  }

  add(from: number, to: number, label: L): void {
    if (from === to) return;
    const labels = this.#edges[from]!.get(to);
    if (labels === undefined) this.#edges[from]!.set(to, new Set([label]));
    else labels.add(label);
  }

  successors(from: number): Iterable<number> {
    return this.#edges[from]!.keys();
  }

  labels(from: number, to: number): ReadonlySet<L> {
    return this.#edges[from]!.get(to) ?? new Set();
  }

  /** The same nodes with only the edges that have one of `kept`. */
  only(kept: readonly L[]): Graph<L> {
    const result = new Graph<L>(this.size);
    this.#edges.forEach((targets, from) => {
      for (const [to, labels] of targets) {
        for (const label of labels) if (kept.includes(label)) result.add(from, to, label);
      }
    });
    return result;
  }

  /** Components of two nodes or more: each has a cycle, and each cycle is in one. */
  components(): number[][] {
    return new Tarjan(this).run();
  }

  /** A shortest cycle within `component`, beginning anywhere. */
  cycleIn(component: readonly number[]): number[] {
    let best: number[] = [];
    for (const start of component.slice(0, 50)) {
      const cycle = this.pathWithin(start, start, new Set(component));
      if (cycle.length > 0 && (best.length === 0 || cycle.length < best.length)) best = cycle;
    }
    return best;
  }

  /**
   * Shortest path of at least one edge from `from` to `to`, without the final `to`; empty if none.
   */
  pathWithin(from: number, to: number, within: ReadonlySet<number>): number[] {
    const cameFrom = new Map<number, number>();
    let frontier = [from];
    while (frontier.length > 0) {
      const next: number[] = [];
      for (const at of frontier) {
        for (const step of this.successors(at)) {
          if (step === to) return this.#trace(cameFrom, from, at);
          if (!within.has(step) || cameFrom.has(step) || step === from) continue;
          cameFrom.set(step, at);
          next.push(step);
        }
      }
      frontier = next;
    }
    return [];
  }

  #trace(cameFrom: ReadonlyMap<number, number>, from: number, end: number): number[] {
    const path = [end];
    for (let at = end; at !== from; path.unshift(at)) at = cameFrom.get(at)!;
    return path;
  }
}

class Tarjan {
  readonly #graph: Graph<string>;
  readonly #index: Int32Array;
  readonly #low: Int32Array;
  readonly #onStack: Uint8Array;
  readonly #stack: number[] = [];
  readonly #found: number[][] = [];
  #counter = 0;

  constructor(graph: Graph<string>) {
    this.#graph = graph;
    this.#index = new Int32Array(graph.size).fill(-1);
    this.#low = new Int32Array(graph.size);
    this.#onStack = new Uint8Array(graph.size);
  }

  run(): number[][] {
    for (let node = 0; node < this.#graph.size; node++) {
      if (this.#index[node] === -1) this.#visit(node);
    }
    return this.#found;
  }

  #visit(root: number): void {
    const path = [this.#open(root)];
    while (path.length > 0) {
      const top = path[path.length - 1]!;
      const next = top.rest.next();
      if (next.done === true) {
        path.pop();
        this.#close(top.node);
        const parent = path[path.length - 1]?.node;
        if (parent !== undefined) this.#lower(parent, this.#low[top.node]!);
      } else if (this.#index[next.value] === -1) {
        path.push(this.#open(next.value));
      } else if (this.#onStack[next.value] === 1) {
        this.#lower(top.node, this.#index[next.value]!);
      }
    }
  }

  #open(node: number): { node: number; rest: Iterator<number> } {
    this.#index[node] = this.#low[node] = this.#counter++;
    this.#stack.push(node);
    this.#onStack[node] = 1;
    return { node, rest: this.#graph.successors(node)[Symbol.iterator]() };
  }

  #lower(node: number, to: number): void {
    if (to < this.#low[node]!) this.#low[node] = to;
  }

  #close(node: number): void {
    if (this.#low[node] !== this.#index[node]) return;
    const component = this.#stack.splice(this.#stack.lastIndexOf(node));
    for (const each of component) this.#onStack[each] = 0;
    if (component.length > 1) this.#found.push(component);
  }
}
