// Owns: what all connections share. (Contract for now; server/ fills it in.)

import type { Group } from '../replica/group.js';
import type { Clock } from '../platform/clock.js';
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
  /** Starts the orderly end of the process (SHUTDOWN, SIGTERM). */
  shutdown(options: { save: boolean }): void;
}
