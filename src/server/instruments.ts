// Owns: what the server measures about itself beyond plain counters: rates over the last seconds,
// peaks, slowlog, latency; and who it is. Main makes one; the server calls `sample` ten times a
// second.

import type { ProcessFacts } from '../platform/process.js';
import { LatencyMonitor } from './latency.js';
import type { ServerStats } from './server.js';
import type { Settings } from './settings.js';
import { Slowlog } from './slowlog.js';

export interface Identity {
  /** Version of Helios. */
  readonly version: string;
  /** 40 hexadecimal digits, new at each start. */
  readonly runId: string;
  /** 40 hexadecimal digits, the same on all members for ever (INFO master_replid). */
  readonly replicationId: string;
  /** Absolute path; empty when started without one. */
  readonly configFile: string;
}

/** The version of Redis whose behaviour Helios follows, as clients read it. */
export const REDIS_VERSION = '7.2.4';

/** How often `Instruments.sample` is to be called, in ms. */
export const SAMPLE_INTERVAL_MS = 100;

const RATE_SAMPLES = 16;

/** The mean rate of a growing counter over the last samples. */
class Rate {
  readonly #samples = new Float64Array(RATE_SAMPLES);
  #at = 0;
  #last = 0;

  sample(total: number, elapsedMs: number): void {
    const grown = Math.max(0, total - this.#last);
    this.#last = total;
    if (elapsedMs <= 0) return;
    this.#samples[this.#at] = (grown * 1000) / elapsedMs;
    this.#at = (this.#at + 1) % RATE_SAMPLES;
  }

  get perSecond(): number {
    return this.#samples.reduce((sum, value) => sum + value, 0) / RATE_SAMPLES;
  }
}

export class Instruments {
  readonly identity: Identity;
  readonly process: ProcessFacts;
  readonly slowlog: Slowlog;
  readonly latency: LatencyMonitor;
  readonly commandRate = new Rate();
  readonly inputRate = new Rate();
  readonly outputRate = new Rate();
  /** Bytes in use when the process was ready, and the most ever sampled. */
  readonly memoryAtStart: number;
  memoryPeak: number;
  /**
   * CONFIG REWRITE: writes the parameters to the configuration file; an error text or null. Main
   * may set it.
   */
  rewriteConfig: (() => string | null) | null = null;
  #sampledAt = 0;

  constructor(settings: Settings, process: ProcessFacts, identity: Identity) {
    this.identity = identity;
    this.process = process;
    this.slowlog = new Slowlog(settings);
    this.latency = new LatencyMonitor(settings);
    this.memoryAtStart = process.memory().used;
    this.memoryPeak = this.memoryAtStart;
  }

  /** Takes the counters as they stand at `now` (any monotonic ms). */
  sample(stats: ServerStats, now: number): void {
    const elapsed = this.#sampledAt === 0 ? 0 : now - this.#sampledAt;
    this.#sampledAt = now;
    this.commandRate.sample(stats.commandsProcessed, elapsed);
    this.inputRate.sample(stats.bytesIn, elapsed);
    this.outputRate.sample(stats.bytesOut, elapsed);
    this.memoryPeak = Math.max(this.memoryPeak, this.process.memory().used);
  }
}

/** CONFIG RESETSTAT: zeroes what INFO counts, in place, since hot paths hold on to the records. */
export function resetStats(stats: ServerStats): void {
  stats.connectionsReceived = 0;
  stats.connectionsRejected = 0;
  stats.commandsProcessed = 0;
  stats.bytesIn = 0;
  stats.bytesOut = 0;
  stats.errors.clear();
  for (const command of stats.commands.values()) {
    command.calls = 0;
    command.micros = 0;
    command.rejected = 0;
    command.failed = 0;
    command.latency?.reset();
  }
}
