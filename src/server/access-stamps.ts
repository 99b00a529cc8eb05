// Owns: the 32-bit stamp a key carries for eviction and OBJECT: seconds of the last use (LRU
// policies), or a logarithmic use count with its age (LFU policies: minutes in the upper 16 bits,
// count in the lower 8), as Redis keeps them. Node-local: reads stamp too, so members differ;
// nothing replicated may depend on it.

import type { Rng } from '../base/rng.js';
import type { AccessReading } from '../keyspace/keyspace.js';

const MINUTES_MASK = 0xffff;
/** A new key is not the first to go. */
const NEW_KEY_COUNT = 5;
const COUNT_MAX = 255;

export interface StampRules {
  readonly lfu: boolean;
  /** lfu-log-factor. */
  readonly logFactor: number;
  /** lfu-decay-time: minutes for one count less; 0 for no decay. */
  readonly decayMinutes: number;
}

export class AccessStamps {
  rules: StampRules = { lfu: false, logFactor: 10, decayMinutes: 1 };
  /** Seconds since 1970; kept current by the owner, so that a stamp costs no clock call. */
  seconds = 0;
  readonly #rng: Rng;

  constructor(rng: Rng) {
    this.#rng = rng;
  }

  /** The stamp after one more use. */
  readonly mark = (stamp: number): number => {
    if (!this.rules.lfu) return this.seconds;
    const count = stamp === 0 ? NEW_KEY_COUNT : this.#grown(this.#decayed(stamp));
    return (((this.#minutes() << 16) >>> 0) | count) >>> 0;
  };

  readonly read = (stamp: number): AccessReading => {
    if (this.rules.lfu) return { kind: 'frequency', count: this.#decayed(stamp) };
    return { kind: 'idle', seconds: stamp === 0 ? 0 : Math.max(0, this.seconds - stamp) };
  };

  /** The stamp of a key RESTOREd with IDLETIME or FREQ (-1: not given); the policy's kind counts. */
  readonly place = (stamp: number, idleSeconds: number, frequency: number): number => {
    if (!this.rules.lfu) return idleSeconds < 0 ? stamp : Math.max(1, this.seconds - idleSeconds);
    return frequency < 0 ? stamp : (((this.#minutes() << 16) >>> 0) | frequency) >>> 0;
  };

  /** Higher is a better candidate for eviction. */
  badness(stamp: number): number {
    return this.rules.lfu ? COUNT_MAX - this.#decayed(stamp) : this.seconds - stamp;
  }

  #minutes(): number {
    return Math.floor(this.seconds / 60) & MINUTES_MASK;
  }

  #decayed(stamp: number): number {
    const { decayMinutes } = this.rules;
    const count = stamp & COUNT_MAX;
    if (decayMinutes === 0) return count;
    const age = (this.#minutes() - (stamp >>> 16)) & MINUTES_MASK;
    return Math.max(0, count - Math.floor(age / decayMinutes));
  }

  /** The larger the count, the less likely it grows. */
  #grown(count: number): number {
    if (count >= COUNT_MAX) return COUNT_MAX;
    const base = Math.max(0, count - NEW_KEY_COUNT);
    return this.#rng.float() < 1 / (base * this.rules.logFactor + 1) ? count + 1 : count;
  }
}
