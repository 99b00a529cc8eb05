// Owns: the latencies of the last operations, for INFO and metrics. Recording allocates nothing.

/** Samples kept. */
const WINDOW = 2048;

/** Microseconds. `count` is of all time; the rest is over the window. */
export interface LatencySummary {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

export class LatencyWindow {
  readonly #samples = new Float64Array(WINDOW);
  readonly #sorted = new Float64Array(WINDOW);
  #count = 0;

  record(micros: number): void {
    this.#samples[this.#count % WINDOW] = micros;
    this.#count++;
  }

  summary(): LatencySummary {
    const size = Math.min(this.#count, WINDOW);
    if (size === 0) return { count: 0, p50: 0, p99: 0, max: 0 };
    this.#sorted.set(this.#samples);
    const sorted = this.#sorted.subarray(0, size).sort();
    const at = (share: number): number => Math.round(sorted[Math.floor((size - 1) * share)]!);
    return { count: this.#count, p50: at(0.5), p99: at(0.99), max: at(1) };
  }
}
