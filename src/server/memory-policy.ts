// Owns: maxmemory (architecture D12): keys and values over the limit are evicted by the leader, as
// explicit UNLINKs in the log, so that every member drops the same keys; where nothing may be
// evicted, commands that need memory are refused. The limit is on Keyspace.bytes, which is equal on
// all members, not on the process.

import type { Rng } from '../base/rng.js';
import type { Database } from '../keyspace/database.js';
import { keyBytes, valueBytes } from '../keyspace/memory.js';
import type { Clock } from '../platform/clock.js';
import type { Group, PendingWrite } from '../replica/group.js';
import type { ErrorReply, Reply } from '../resp/reply.js';
import { encodeCommand } from '../resp/request.js';
import { AccessStamps } from './access-stamps.js';
import type { Server } from './server.js';
import type { Settings } from './settings.js';

/** Evictions proposed and not applied yet. */
const IN_FLIGHT_MAX = 256;
/** Slots looked at for one sample before a database counts as having no candidate. */
const PROBES_MAX = 64;
/** Over the limit by this share, even an evicting policy refuses writes until it has caught up. */
const OVERSHOOT_SHARE = 1 / 16;

interface Candidate {
  readonly database: Database;
  readonly key: string;
  readonly bytes: number;
  readonly badness: number;
}

/** One key on its way out: a write without a client. */
class Eviction implements PendingWrite {
  readonly chunk: Buffer;
  readonly start = 0;
  readonly end: number;
  readonly db: number;
  readonly endDb: number;
  readonly watchIndex = 0;
  readonly bytes: number;
  readonly #ended: (eviction: Eviction, removed: boolean) => void;

  constructor(chosen: Candidate, ended: (eviction: Eviction, removed: boolean) => void) {
    this.chunk = encodeCommand(['UNLINK', chosen.key]);
    this.end = this.chunk.length;
    this.db = chosen.database.index;
    this.endDb = this.db;
    this.bytes = chosen.bytes;
    this.#ended = ended;
  }

  beforeApply(): void {}

  onApplied(reply: Reply): void {
    this.#ended(this, reply === 1);
  }

  onFailed(_error: ErrorReply): void {
    this.#ended(this, false);
  }
}

export class MemoryPolicy {
  readonly #server: Server;
  readonly #group: Group;
  readonly #settings: Settings;
  readonly #clock: Clock;
  readonly #rng: Rng;
  readonly #stamps: AccessStamps;
  #policy = 'noeviction';
  #samples = 5;
  #inFlight = 0;
  #inFlightBytes = 0;
  /** Keys already on their way out, `db:key`. */
  readonly #leaving = new Set<string>();

  constructor(server: Server, rng: Rng) {
    this.#server = server;
    this.#group = server.group;
    this.#settings = server.settings;
    this.#clock = server.clock;
    this.#rng = rng;
    this.#stamps = new AccessStamps(rng);
    const { keyspace } = server.group.machine;
    keyspace.markAccess = this.#stamps.mark;
    keyspace.readAccess = this.#stamps.read;
    keyspace.placeAccess = this.#stamps.place;
    this.reload();
    this.tick();
  }

  /** Takes over the settings as they are now; the limit holds for the next command already. */
  reload(): void {
    const settings = this.#settings;
    this.#policy = settings.text('maxmemory-policy');
    this.#samples = settings.number('maxmemory-samples');
    this.#stamps.rules = {
      lfu: this.#policy.endsWith('-lfu'),
      logFactor: settings.number('lfu-log-factor'),
      decayMinutes: settings.number('lfu-decay-time'),
    };
    this.check();
  }

  /** Keeps the stamps' clock; call it every second or faster. */
  tick(): void {
    this.#stamps.seconds = Math.floor(this.#clock.now() / 1000);
  }

  /** Called after entries were applied: refuses or evicts. */
  check(): void {
    const { maxmemory } = this.#settings;
    const bytes = maxmemory === 0 ? 0 : this.#group.machine.keyspace.bytes;
    if (bytes <= maxmemory) {
      this.#server.outOfMemory = false;
      return;
    }
    const evicts = this.#policy !== 'noeviction';
    const overshot = bytes > maxmemory * (1 + OVERSHOOT_SHARE);
    this.#server.outOfMemory = !evicts || overshot || !this.#hasCandidates();
    if (evicts && this.#group.status().role === 'Leader') this.#evict(bytes - maxmemory);
  }

  #hasCandidates(): boolean {
    return this.#databases().length > 0;
  }

  #databases(): Database[] {
    const volatile = this.#policy.startsWith('volatile-');
    const { databases } = this.#group.machine.keyspace;
    return databases.filter((database) => (volatile ? database.volatileSize : database.size) > 0);
  }

  #evict(excess: number): void {
    const databases = this.#databases();
    while (this.#inFlightBytes < excess && this.#inFlight < IN_FLIGHT_MAX) {
      const chosen = this.#choose(databases);
      if (chosen === null) return;
      this.#leaving.add(nameOf(chosen.database.index, chosen.key));
      this.#inFlight++;
      this.#inFlightBytes += chosen.bytes;
      this.#group.write(
        new Eviction(chosen, (eviction, removed) => this.#ended(eviction, removed)),
      );
    }
  }

  #ended(eviction: Eviction, removed: boolean): void {
    this.#inFlight--;
    this.#inFlightBytes -= eviction.bytes;
    if (removed) this.#group.machine.keyspace.stats.evicted++;
    if (this.#inFlight === 0) this.#leaving.clear();
  }

  /** The worst of a few samples. */
  #choose(databases: readonly Database[]): Candidate | null {
    let best: Candidate | null = null;
    for (let i = 0; i < this.#samples && databases.length > 0; i++) {
      const database = databases[this.#rng.below(databases.length)]!;
      const candidate = this.#sample(database);
      if (candidate !== null && (best === null || candidate.badness > best.badness))
        best = candidate;
    }
    return best;
  }

  #sample(database: Database): Candidate | null {
    const { table } = database;
    const volatile = this.#policy.startsWith('volatile-');
    for (let probe = 0; probe < PROBES_MAX; probe++) {
      const slot = this.#rng.below(table.slotCount);
      const key = table.keyAt(slot);
      if (key === undefined || (volatile && table.expireAt(slot) === 0)) continue;
      if (this.#leaving.has(nameOf(database.index, key))) continue;
      const bytes = keyBytes(key) + valueBytes(table.valueAt(slot)!);
      return {
        database,
        key,
        bytes,
        badness: this.#badness(table.accessAt(slot), table.expireAt(slot)),
      };
    }
    return null;
  }

  #badness(stamp: number, expireAt: number): number {
    if (this.#policy.endsWith('-random')) return this.#rng.float();
    if (this.#policy === 'volatile-ttl') return -expireAt;
    return this.#stamps.badness(stamp);
  }
}

function nameOf(db: number, key: string): string {
  return `${db}:${key}`;
}
