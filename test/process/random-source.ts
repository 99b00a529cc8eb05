// Owns: reproducible randomness for the fuzz tests: a seed that is printed, or given as
// HELIOS_FUZZ_SEED, and the draws they need. Also the damage done to bytes, shared by those that
// damage files and frames.

export class RandomSource {
  readonly seed: number;
  #state: number;

  /** Prints the seed, so that a failure can be had again. */
  constructor(name: string, seed = Number(process.env.HELIOS_FUZZ_SEED ?? Date.now() % 2 ** 31)) {
    this.seed = seed;
    this.#state = seed >>> 0;
    process.stderr.write(`${name}: HELIOS_FUZZ_SEED=${seed}\n`);
  }

  /** 0 to `below` - 1. */
  below(below: number): number {
    // A Weyl step and a finaliser of the murmur family: even enough for tests.
    this.#state = (this.#state + 0x9e3779b9) >>> 0;
    let x = this.#state;
    x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
    x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
    return ((x ^ (x >>> 16)) >>> 0) % below;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }

  bytes(length: number): Buffer {
    const out = Buffer.allocUnsafe(length);
    for (let i = 0; i < length; i++) out[i] = this.below(256);
    return out;
  }

  /** A copy with one kind of damage, and what it was. */
  damage(bytes: Buffer): { bytes: Buffer; what: string } {
    const at = this.below(Math.max(1, bytes.length));
    const copy = Buffer.from(bytes);
    switch (this.below(5)) {
      case 0:
        return { bytes: copy.subarray(0, at), what: `cut to ${at} of ${bytes.length}` };
      case 1: {
        const length = Math.min(1 + this.below(64), bytes.length - at);
        copy.fill(0, at, at + length);
        return { bytes: copy, what: `zeros at ${at}, ${length}` };
      }
      case 2: {
        const more = this.bytes(1 + this.below(64));
        return { bytes: Buffer.concat([copy, more]), what: `${more.length} bytes behind` };
      }
      default:
        if (bytes.length > 0) copy[at] = copy[at]! ^ (1 << this.below(8));
        return { bytes: copy, what: `bit flipped at ${at} of ${bytes.length}` };
    }
  }
}
