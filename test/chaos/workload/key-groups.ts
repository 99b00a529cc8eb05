// Owns: which group of keys each family uses now, and all that were used in this epoch.

import type { Rng } from '../../../src/base/rng.js';
import { type Family, families } from './families.js';

interface Slot {
  group: string;
  used: number;
}

export class KeyGroups {
  readonly #epoch: number;
  readonly #slots = new Map<Family, Slot[]>();
  readonly #used = new Map<Family, string[]>();
  #made = 0;

  constructor(epoch: number) {
    this.#epoch = epoch;
    for (const family of families) {
      this.#used.set(family, []);
      this.#slots.set(
        family,
        Array.from({ length: family.slots }, () => this.#open(family)),
      );
    }
  }

  /** Keys for one more operation of `family`. */
  keysFor(family: Family, rng: Rng): readonly string[] {
    const slots = this.#slots.get(family)!;
    const at = rng.below(slots.length);
    if (slots[at]!.used >= family.operationsPerGroup) slots[at] = this.#open(family);
    slots[at]!.used++;
    return family.keys(slots[at]!.group);
  }

  /** Every key of the epoch with its family. */
  all(): Array<{ family: Family; key: string }> {
    return [...this.#used].flatMap(([family, groups]) =>
      groups.flatMap((group) => family.keys(group).map((key) => ({ family, key }))),
    );
  }

  #open(family: Family): Slot {
    const group = `${family.name}:${this.#epoch}:${++this.#made}`;
    this.#used.get(family)!.push(group);
    return { group, used: 0 };
  }
}
