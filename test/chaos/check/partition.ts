// Owns: cutting a history into parts that can be checked alone. A history is linearizable if its
// parts are (locality, Herlihy and Wing 1990), as long as every operation lies in one part: so keys
// that were ever used together by one operation are in one part.

export class DisjointSets {
  readonly #parent = new Map<string, string>();

  find(item: string): string {
    let root = item;
    for (let up = this.#parent.get(root); up !== undefined; up = this.#parent.get(root)) root = up;
    for (let at = item; at !== root; ) {
      const up = this.#parent.get(at)!;
      this.#parent.set(at, root);
      at = up;
    }
    return root;
  }

  join(a: string, b: string): void {
    const rootA = this.find(a);
    const rootB = this.find(b);
    if (rootA !== rootB) this.#parent.set(rootA, rootB);
  }
}

/** Operations by connected component of the keys they touch; those that touch none are left out. */
export function partitionByKeys<O>(
  operations: readonly O[],
  keysOf: (operation: O) => readonly string[],
): O[][] {
  const sets = new DisjointSets();
  const keys = operations.map(keysOf);
  for (const each of keys) for (const key of each) sets.join(key, each[0]!);
  const parts = new Map<string, O[]>();
  operations.forEach((operation, i) => {
    const first = keys[i]![0];
    if (first === undefined) return;
    const root = sets.find(first);
    const part = parts.get(root);
    if (part === undefined) parts.set(root, [operation]);
    else part.push(operation);
  });
  return [...parts.values()];
}
