// Owns: how long things took: the spikes of LATENCY (events above a threshold, one sample a second)
// and the run times of each command (LATENCY HISTOGRAM, INFO latencystats). Everything is of fixed
// size.

import type { CommandStats } from './server.js';
import type { Settings } from './settings.js';

/** Kinds of spikes that are watched. */
export type LatencyEvent =
  | 'command'
  | 'fast-command'
  | 'fsync'
  | 'commit'
  | 'apply'
  | 'event-loop'
  | 'eviction-cycle'
  | 'expire-cycle'
  | 'snapshot';

export interface LatencySample {
  /** Seconds since 1970. */
  readonly time: number;
  /** ms. */
  latency: number;
}

const SAMPLES_MAX = 160;

interface Series {
  samples: LatencySample[];
  max: number;
}

/** LATENCY: for each event the last spikes, the worst of each second. */
export class LatencyMonitor {
  readonly #settings: Settings;
  readonly #series = new Map<string, Series>();

  constructor(settings: Settings) {
    this.#settings = settings;
  }

  get enabled(): boolean {
    return this.#settings.latencyThreshold > 0;
  }

  /** Keeps a spike of `ms` if it reaches the threshold. `now`: ms since 1970. */
  note(event: LatencyEvent, ms: number, now: number): void {
    const threshold = this.#settings.latencyThreshold;
    if (threshold === 0 || ms < threshold) return;
    const time = Math.floor(now / 1000);
    const latency = Math.round(ms);
    const series = this.#series.get(event) ?? { samples: [], max: 0 };
    this.#series.set(event, series);
    series.max = Math.max(series.max, latency);
    const last = series.samples.at(-1);
    if (last?.time === time) {
      last.latency = Math.max(last.latency, latency);
      return;
    }
    series.samples.push({ time, latency });
    if (series.samples.length > SAMPLES_MAX) series.samples.shift();
  }

  /** Events with samples, in order of their first spike. */
  events(): { event: string; last: LatencySample; max: number }[] {
    return [...this.#series].map(([event, { samples, max }]) => {
      return { event, last: samples.at(-1)!, max };
    });
  }

  /** Oldest first; empty for an unknown event. */
  history(event: string): readonly LatencySample[] {
    return this.#series.get(event)?.samples ?? [];
  }

  /** Forgets the events named, or all; how many there were. */
  reset(events: readonly string[]): number {
    if (events.length > 0) return events.filter((event) => this.#series.delete(event)).length;
    const count = this.#series.size;
    this.#series.clear();
    return count;
  }
}

/** Steps within a power of two: the relative error of a percentile is at most 1 in STEPS. */
const STEPS = 16;
/** 2^30 microseconds, about 18 minutes; whatever took longer counts there. */
const EXPONENT_MAX = 30;

/** Counts of durations in whole microseconds, in buckets that grow with the value. About 2 kB. */
export class LatencyHistogram {
  readonly #counts = new Uint32Array(STEPS * (EXPONENT_MAX - 2));
  count = 0;

  record(micros: number): void {
    this.#counts[bucketOf(micros)]!++;
    this.count++;
  }

  /** The microseconds that `percent` of the durations do not exceed; 0 without any. */
  percentile(percent: number): number {
    const wanted = Math.max(1, Math.ceil((this.count * percent) / 100));
    let seen = 0;
    for (let bucket = 0; bucket < this.#counts.length; bucket++) {
      seen += this.#counts[bucket]!;
      if (this.count > 0 && seen >= wanted) return topOf(bucket);
    }
    return 0;
  }

  /**
   * Cumulative counts at powers of two microseconds, from the first with any to the one that has
   * all.
   */
  cumulative(): [micros: number, count: number][] {
    const rows: [number, number][] = [];
    let bucket = 0;
    let seen = 0;
    for (let limit = 1; seen < this.count; limit *= 2) {
      while (bucket < this.#counts.length && topOf(bucket) <= limit)
        seen += this.#counts[bucket++]!;
      if (bucket === this.#counts.length) seen = this.count;
      if (seen > 0) rows.push([limit, seen]);
    }
    return rows;
  }

  reset(): void {
    this.#counts.fill(0);
    this.count = 0;
  }
}

/** Values below STEPS have a bucket each; above, STEPS buckets to a power of two. */
function bucketOf(micros: number): number {
  const value = Math.min(Math.max(0, Math.ceil(micros)), 2 ** EXPONENT_MAX - 1);
  if (value < STEPS) return value;
  const exponent = 31 - Math.clz32(value);
  const shift = exponent - 4;
  return (shift + 1) * STEPS + ((value >>> shift) - STEPS);
}

/** The largest value of a bucket. */
function topOf(bucket: number): number {
  if (bucket < STEPS) return bucket;
  const shift = Math.floor(bucket / STEPS) - 1;
  return (STEPS + (bucket % STEPS) + 1) * 2 ** shift - 1;
}

/** A record of INFO commandstats for a command that was not called yet. */
export function newCommandStats(): CommandStats & { latency: LatencyHistogram } {
  return { calls: 0, micros: 0, rejected: 0, failed: 0, latency: new LatencyHistogram() };
}
