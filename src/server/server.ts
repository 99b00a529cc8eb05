// Owns: what all connections share, as commands and the rest of the process see it; resp-server.ts
// implements it.

import type { Clock } from '../platform/clock.js';
import type { Group } from '../replica/group.js';
import type { Client, SubscriptionCounts } from './client.js';
import type { ServerCommand } from './command.js';
import type { Instruments } from './instruments.js';
import type { LatencyHistogram } from './latency.js';
import type { Settings } from './settings.js';

export interface ServerStats {
  /** ms since 1970. */
  startedAt: number;
  connectionsReceived: number;
  connectionsRejected: number;
  commandsProcessed: number;
  bytesIn: number;
  bytesOut: number;
  /** INFO errorstats: first word of the error -> count. */
  readonly errors: Map<string, number>;
  /** INFO commandstats by command name. */
  readonly commands: Map<string, CommandStats>;
}

export interface CommandStats {
  calls: number;
  micros: number;
  rejected: number;
  failed: number;
  /** Run times in microseconds; `newCommandStats` of latency.ts makes the whole record. */
  latency?: LatencyHistogram;
}

export interface Server {
  readonly clock: Clock;
  readonly group: Group;
  /** Parameters of CONFIG; read live. */
  readonly settings: Settings;
  /** Slowlog, latency events, rates, process facts: what INFO and its kin print. */
  readonly instruments: Instruments;
  /** Names with subscribers on this node (INFO stats). */
  readonly subscriptions: SubscriptionCounts;
  /** By client id, in order of connection. */
  readonly clients: Map<number, Client>;
  readonly stats: ServerStats;
  readonly commands: ReadonlyMap<string, ServerCommand>;
  /** CLIENT PAUSE: until when (ms since 1970, 0 for not paused) and what. */
  pause: { until: number; mode: 'all' | 'write' };
  /** True while commands flagged denyoom are refused; set by whoever watches memory. */
  outOfMemory: boolean;
  /** Told each command about to run, while someone MONITORs; null otherwise, since it costs. */
  monitor: ((client: Client, args: readonly string[]) => void) | null;
  /**
   * Told each key that changed here, besides WATCH (blocking commands wait for pushes). Called
   * inside apply.
   */
  onTouch: ((db: number, key: string) => void) | null;
  /** `run` is called for each connection that ends, after it has left `clients`. */
  onClientClosed(run: (client: Client) => void): void;
  /**
   * Lets waiting connections go on and writes out replies; to be called after entries were applied,
   * outside apply.
   */
  flushOutputs(): void;
  /** Starts the orderly end of the process (SHUTDOWN, SIGTERM). */
  shutdown(options: { save: boolean }): void;
}
