// Owns: the connection to the store (Helios, Valkey or Redis, single or Cluster) and what a failure
// there means. Invariants: no command waits longer than `commandTimeoutMs`; nothing is queued while
// the store is away; a lost connection rejects what was in flight at once, and its outcome is then
// unknown. Only `script` repeats a command, because only scripts are written to be repeated.
// Must never: hang, or resend behind the caller's back (ioredis' own resending is off for that
// reason).

import { Cluster, Redis, type RedisOptions } from 'ioredis';
import { OperationalError } from '../base/errors.js';
import type { Logger } from '../observe/logger.js';
import type { Clock } from '../platform/clock.js';
import { pause } from './deadline.js';
import { reasonOf } from './reason.js';
import type { Script } from './scripts.js';
import { describeStore, type StoreAddress, type StoreHost } from './store-url.js';

export type StoreClient = Redis | Cluster;
export type StoreValue = string | Buffer | number;

export interface StoreTls {
  readonly ca: string | undefined;
  readonly cert: string | undefined;
  readonly key: string | undefined;
  readonly verify: boolean;
}

export interface StoreOptions {
  readonly address: StoreAddress;
  readonly cluster: boolean;
  readonly commandTimeoutMs: number;
  readonly tls: StoreTls;
  readonly clientName: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** After each command: name, ms it took, and whether it failed. */
  readonly observe: (command: string, ms: number, failed: boolean) => void;
}

/** The store did not do it, or may have done it and could not say so. */
export class StoreUnavailable extends OperationalError {}

/** Replies after which the same command may be sent again: not executed, or outcome unknown. */
const RETRIABLE = /^(LOADING|CLUSTERDOWN|READONLY|MASTERDOWN|TRYAGAIN|UNKNOWN|BUSY|NOREPLICAS) /;
/** Replies that say: another host of the URL may do better. */
const WRONG_HOST = /^(READONLY|CLUSTERDOWN|MASTERDOWN) /;
const BACKOFF_MS = [20, 50, 100, 200] as const;

export class Store {
  readonly #options: StoreOptions;
  readonly #client: StoreClient;
  readonly #clock: Clock;
  #up = false;
  #downSince: number;
  #closed = false;
  #lastReason = '';

  constructor(options: StoreOptions) {
    this.#options = options;
    this.#clock = options.clock;
    this.#downSince = options.clock.monotonic();
    this.#client = options.cluster ? openCluster(options) : openSingle(options);
    this.#client.on('ready', () => this.#becomeUp());
    this.#client.on('close', () => this.#becomeDown('connection closed'));
    this.#client.on('error', (error: unknown) => this.#report(reasonOf(error)));
  }

  get up(): boolean {
    return this.#up;
  }

  /** How long the store has been away, ms; 0 when it is there. */
  get downForMs(): number {
    return this.#up ? 0 : this.#clock.monotonic() - this.#downSince;
  }

  /** True when it is there before `ms` have passed. */
  waitUntilUp(ms: number): Promise<boolean> {
    if (this.#up || this.#closed) return Promise.resolve(this.#up);
    return new Promise((resolve) => {
      const finish = (): void => {
        timer.cancel();
        this.#client.off('ready', finish);
        resolve(this.#up);
      };
      const timer = this.#clock.after(ms, finish);
      this.#client.on('ready', finish);
    });
  }

  /** One attempt. Rejects with StoreUnavailable, or with the store's own error reply. */
  async run<T>(name: string, send: (client: StoreClient) => Promise<T>): Promise<T> {
    const started = this.#clock.monotonic();
    let failed = true;
    try {
      if (!this.#up) throw new StoreUnavailable('E_STORE_DOWN', 'the store is not connected');
      const reply = await send(this.#client);
      failed = false;
      return reply;
    } catch (error) {
      throw explain(name, error);
    } finally {
      this.#options.observe(name, this.#clock.monotonic() - started, failed);
    }
  }

  /**
   * Runs a script, again and again with the same arguments until it is answered or `withinMs` are
   * over.
   */
  async script(
    script: Script,
    keys: readonly string[],
    args: readonly StoreValue[],
    withinMs: number,
  ): Promise<unknown> {
    const deadline = this.#clock.monotonic() + withinMs;
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await this.run(script.name, (client) => evaluate(client, script, keys, args));
      } catch (error) {
        const wait = BACKOFF_MS[Math.min(attempt, BACKOFF_MS.length - 1)] ?? 200;
        const left = deadline - this.#clock.monotonic() - wait;
        if (!(error instanceof StoreUnavailable) || left <= 0 || this.#closed) throw error;
        await pause(this.#clock, wait);
        if (!this.#up) await this.waitUntilUp(left);
      }
    }
  }

  close(): void {
    this.#closed = true;
    this.#client.disconnect();
  }

  /**
   * Each new reason once: a wrong password must be seen, a host that stays away must not fill the
   * log.
   */
  #report(reason: string): void {
    const { log, address } = this.#options;
    const store = describeStore(address);
    if (reason === this.#lastReason) log.debug('Store still not reachable', { store, reason });
    else log.warn('Store not reachable', { store, reason });
    this.#lastReason = reason;
  }

  #becomeUp(): void {
    this.#up = true;
    this.#lastReason = '';
    this.#options.log.info('Store connected', { store: describeStore(this.#options.address) });
  }

  #becomeDown(reason: string): void {
    if (!this.#up) return;
    this.#up = false;
    this.#downSince = this.#clock.monotonic();
    if (this.#closed) return;
    const store = describeStore(this.#options.address);
    this.#options.log.warn('Store lost, new mail gets 451 until it is back', { store, reason });
  }
}

async function evaluate(
  client: StoreClient,
  script: Script,
  keys: readonly string[],
  args: readonly StoreValue[],
): Promise<unknown> {
  const list: StoreValue[] = [...keys, ...args];
  try {
    return await client.evalsha(script.sha, keys.length, ...list);
  } catch (error) {
    if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
    return client.eval(script.lua, keys.length, ...list);
  }
}

/** An error reply of the store says what it says; everything else means that it is away. */
function explain(name: string, error: unknown): unknown {
  if (error instanceof StoreUnavailable || !(error instanceof Error)) return error;
  // A bug of ours must not look like an outage and be repeated.
  if (error instanceof TypeError || error instanceof RangeError) return error;
  if (error.name === 'ReplyError' && !RETRIABLE.test(error.message)) return error;
  return new StoreUnavailable('E_STORE_UNKNOWN', `${name}: ${error.message}`, { cause: error });
}

/**
 * `replyMapping` is named because ioredis' own types ask for it under exactOptionalPropertyTypes.
 */
type ClientOptions = RedisOptions & { replyMapping: 'legacy' };

function commonOptions(options: StoreOptions): ClientOptions {
  const { address, commandTimeoutMs } = options;
  const common: ClientOptions = {
    replyMapping: 'legacy',
    db: address.db,
    connectionName: options.clientName,
    commandTimeout: commandTimeoutMs,
    connectTimeout: Math.max(commandTimeoutMs, 1_000),
    // A host that accepts and then says nothing must not hold us: the socket goes and the next host
    // is tried.
    socketTimeout: commandTimeoutMs * 2,
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxLoadingRetryTime: 200,
    keepAlive: 5_000,
  };
  if (address.username !== '') common.username = address.username;
  if (address.password !== '') common.password = address.password;
  return common;
}

function tlsFor(options: StoreOptions, at: StoreHost): NonNullable<RedisOptions['tls']> {
  const { ca, cert, key, verify } = options.tls;
  const tls: NonNullable<RedisOptions['tls']> = { rejectUnauthorized: verify };
  if (ca !== undefined) tls.ca = ca;
  if (cert !== undefined) tls.cert = cert;
  if (key !== undefined) tls.key = key;
  // SNI is for names only (RFC 6066 section 3).
  if (!/^[\d.]+$|:/.test(at.host)) tls.servername = at.host;
  return tls;
}

function openSingle(options: StoreOptions): Redis {
  const { hosts, tls } = options.address;
  let turn = 0;
  const aim = (target: RedisOptions): void => {
    const at = hosts[turn % hosts.length];
    if (at === undefined) return;
    target.host = at.host;
    target.port = at.port;
    if (tls) target.tls = tlsFor(options, at);
  };
  const settings = commonOptions(options);
  aim(settings);
  settings.reconnectOnError = (error) => hosts.length > 1 && WRONG_HOST.test(error.message);
  settings.retryStrategy = (times) => {
    turn += 1;
    // ioredis reads host and port from its options at each connect, so this is how the next host is
    // chosen.
    aim(client.options);
    const round = Math.ceil(times / hosts.length);
    return Math.min(50 * round, 1_000);
  };
  const client: Redis = new Redis(settings);
  return client;
}

function openCluster(options: StoreOptions): Cluster {
  const { hosts, tls } = options.address;
  const redisOptions = commonOptions(options);
  const first = hosts[0];
  if (tls && first !== undefined) redisOptions.tls = tlsFor(options, first);
  return new Cluster(
    hosts.map((at) => ({ host: at.host, port: at.port })),
    {
      redisOptions,
      enableOfflineQueue: false,
      maxRedirections: 16,
      slotsRefreshTimeout: Math.max(options.commandTimeoutMs, 1_000),
      clusterRetryStrategy: (times) => Math.min(50 * times, 1_000),
    },
  );
}
