// Owns: all RESP connections of this node and what they share: the command table, counters, WATCH
// marks, CLIENT PAUSE, and the turn: input is read, commands run, and then everything answered goes
// out in one write per connection. It executes what does not go through the log; what does comes
// back from the group to the session it came from.

import { Rng } from '../base/rng.js';
import { dataCommands } from '../commands/registry.js';
import type { DataCommand } from '../commands/spec.js';
import type { Clock, Timer } from '../platform/clock.js';
import type { Connection } from '../platform/net.js';
import type { Group } from '../replica/group.js';
import { DEFAULT_LIMITS, LONGEST_BULK, type RequestLimits } from '../resp/limits.js';
import { ErrorReply, NULL_ARRAY, OK, type Reply } from '../resp/reply.js';
import { nextCommand } from '../resp/request.js';
import type { Client, SubscriptionCounts } from './client.js';
import { LATER, type ServerCommand, type ServerResult } from './command.js';
import { type CommandEntry, CommandTable } from './command-table.js';
import { connectionCommands } from './commands/connection.js';
import { transactionCommands } from './commands/transactions.js';
import { HOLD } from './hold.js';
import { type Instruments, SAMPLE_INTERVAL_MS } from './instruments.js';
import { newCommandStats } from './latency.js';
import type { WriteItem } from './pending.js';
import type { Server, ServerStats } from './server.js';
import { Session } from './session.js';
import type { Settings } from './settings.js';
import type { Transaction } from './transaction.js';
import { type Watch, WatchTable } from './watches.js';

export interface RespServerOptions {
  readonly clock: Clock;
  readonly group: Group;
  readonly settings: Settings;
  readonly instruments: Instruments;
  /** Server commands besides those of connections and transactions. */
  readonly commands: readonly ServerCommand[];
  /** For what reads draw on this node (RANDOMKEY); any safe integer. */
  readonly seed: number;
  readonly shutdown: (options: { save: boolean }) => void;
  /** For the operator's log. */
  readonly warn: (message: string) => void;
}

const WATCH_SEVERAL = new ErrorReply(
  'ERR WATCH on keys of more than one database is not supported',
);
/** Samples between checks of idle connections: a second. */
const CHECK_EVERY = Math.ceil(1000 / SAMPLE_INTERVAL_MS);
/** ms a refused connection has to take its error and leave. */
const REFUSAL_LINGER_MS = 1000;
const TOO_MANY = '-ERR max number of clients reached\r\n';

export class RespServer implements Server {
  readonly clock: Clock;
  readonly group: Group;
  readonly settings: Settings;
  readonly instruments: Instruments;
  readonly clients = new Map<number, Session>();
  readonly stats: ServerStats;
  readonly commands: ReadonlyMap<string, ServerCommand>;
  readonly table: CommandTable;
  readonly watches: WatchTable;
  /** Counts of names, kept by pub/sub. */
  subscriptions: SubscriptionCounts = { channels: 0, patterns: 0, shardChannels: 0 };
  pause: Server['pause'] = { until: 0, mode: 'all' };
  /** Set by whoever watches memory: commands flagged denyoom are refused. */
  outOfMemory = false;
  /** Told each command about to run, while someone MONITORs. */
  monitor: ((client: Client, args: readonly string[]) => void) | null = null;
  /** Told each key that changed, besides WATCH (blocking commands wait for pushes). */
  onTouch: ((db: number, key: string) => void) | null = null;
  readonly heldByPause = new Set<Session>();
  readonly shutdown: (options: { save: boolean }) => void;
  readonly warn: (message: string) => void;

  readonly #rng: Rng;
  readonly #closeListeners: ((client: Client) => void)[] = [];
  readonly #sampler: Timer;
  #samples = 0;
  #nextId = 1;
  #limits: RequestLimits = DEFAULT_LIMITS;
  /** Monotonic ms at which the last read of this pass of a decoder ended; 0 before the first. */
  #mark = 0;
  /** Wall clock as of this turn, ms. */
  #now: number;
  #unflushed: Session[] = [];
  #woken: Session[] = [];
  #turnScheduled = false;
  readonly #endTurn = (): void => {
    this.#turnScheduled = false;
    this.flushOutputs();
  };

  constructor(options: RespServerOptions) {
    this.clock = options.clock;
    this.group = options.group;
    this.settings = options.settings;
    this.instruments = options.instruments;
    this.shutdown = options.shutdown;
    this.warn = options.warn;
    this.#rng = new Rng(options.seed);
    this.#now = options.clock.now();
    this.stats = newStats(this.#now);
    const rows = [...connectionCommands, ...transactionCommands, ...options.commands];
    this.commands = new Map(rows.map((command) => [command.name, command]));
    this.table = new CommandTable(dataCommands.values(), rows);
    const { keyspace } = options.group.machine;
    this.watches = new WatchTable(keyspace);
    keyspace.onTouch = (db, key) => {
      if (this.watches.size > 0) this.watches.touch(db, key);
      if (this.onTouch !== null) this.onTouch(db, key);
    };
    keyspace.onTouchAll = (db) => this.watches.touchAll(db);
    this.#sampler = this.clock.every(SAMPLE_INTERVAL_MS, () => this.#sample());
  }

  // Connections.

  /** Takes over a connection just accepted. */
  accept(connection: Connection): void {
    this.stats.connectionsReceived++;
    const { maxclients } = this.settings;
    if (maxclients > 0 && this.clients.size >= maxclients) {
      this.stats.connectionsRejected++;
      connection.write(TOO_MANY);
      connection.end();
      const linger = this.clock.after(REFUSAL_LINGER_MS, () => connection.destroy());
      connection.onClose(() => linger.cancel());
      return;
    }
    const session = new Session(this, connection, this.#nextId++, this.clock.now());
    this.clients.set(session.id, session);
  }

  /** What decoders may accept now; the same object while the settings stay. */
  get requestLimits(): RequestLimits {
    const bulkMax = Math.min(this.settings.protoMaxBulkLength, LONGEST_BULK);
    const commandMax = this.settings.queryBufferLimit;
    if (this.#limits.bulkMax !== bulkMax || this.#limits.commandMax !== commandMax) {
      this.#limits = { ...DEFAULT_LIMITS, bulkMax, commandMax };
    }
    return this.#limits;
  }

  /** `run` is called for each connection that ends, after it has left `clients`. */
  onClientClosed(run: (client: Client) => void): void {
    this.#closeListeners.push(run);
  }

  sessionClosed(session: Session): void {
    this.clients.delete(session.id);
    this.heldByPause.delete(session);
    for (const listener of this.#closeListeners) listener(session);
  }

  /** Ends all connections after what they were answered; the listener is closed by its owner. */
  close(): void {
    this.#sampler.cancel();
    this.flushOutputs();
    for (const session of [...this.clients.values()]) session.close('soon');
  }

  // The turn.

  /** Input has arrived; returns the wall clock, ms. */
  beginTurn(): number {
    this.#now = this.clock.now();
    this.#mark = 0;
    return this.#now;
  }

  needsFlush(session: Session): void {
    this.#unflushed.push(session);
    this.#scheduleTurn();
  }

  /** `wakeUp` of the session is called when commands may run. */
  wake(session: Session): void {
    this.#woken.push(session);
    this.#scheduleTurn();
  }

  /**
   * Lets waiting connections go on and writes out what was answered. The owner of the group calls
   * it after applying entries, outside of apply; otherwise it happens at the end of the turn.
   */
  flushOutputs(): void {
    if (this.#woken.length > 0) {
      const woken = this.#woken;
      this.#woken = [];
      this.beginTurn();
      for (const session of woken) session.wakeUp();
    }
    if (this.#unflushed.length > 0) {
      const sessions = this.#unflushed;
      this.#unflushed = [];
      for (const session of sessions) session.flush();
    }
  }

  #scheduleTurn(): void {
    if (this.#turnScheduled) return;
    this.#turnScheduled = true;
    this.clock.endOfTurn(this.#endTurn);
  }

  #sample(): void {
    this.beginTurn();
    this.instruments.sample(this.stats, this.clock.monotonic());
    if (this.pause.until !== 0 && !this.paused) this.pause = { ...this.pause, until: 0 };
    if (this.heldByPause.size > 0 && !this.paused) this.#resumePaused();
    if (++this.#samples % CHECK_EVERY !== 0) return;
    for (const session of [...this.clients.values()]) session.check(this.#now);
  }

  get paused(): boolean {
    return this.pause.until !== 0 && this.pause.until > this.clock.now();
  }

  #resumePaused(): void {
    const held = [...this.heldByPause];
    this.heldByPause.clear();
    for (const session of held) session.release(HOLD.PAUSE);
  }

  // Execution on this node.

  executeRead(
    session: Session,
    entry: CommandEntry,
    command: DataCommand,
    args: readonly string[],
    db: number,
  ): Reply {
    const { machine } = this.group;
    const started = this.clock.monotonic();
    const reply = session.noTouch
      ? this.#readUntouched(command, args, db)
      : machine.read(command, args, db, this.#now, this.#rng.uint32());
    const micros = (this.clock.monotonic() - started) * 1000;
    this.record(session, entry, micros, reply instanceof ErrorReply, args);
    return reply;
  }

  /**
   * The same for a read that runs as it is decoded: in a pipeline one begins where the one before
   * ended, which saves a look at the clock for each.
   */
  executeReadInPass(
    session: Session,
    entry: CommandEntry,
    command: DataCommand,
    args: readonly string[],
  ): Reply {
    if (session.noTouch) return this.executeRead(session, entry, command, args, session.db);
    const started = this.#mark === 0 ? this.clock.monotonic() : this.#mark;
    const { machine } = this.group;
    const reply = machine.read(command, args, session.db, this.#now, this.#rng.uint32());
    this.#mark = this.clock.monotonic();
    const micros = (this.#mark - started) * 1000;
    this.record(session, entry, micros, reply instanceof ErrorReply, args);
    return reply;
  }

  /** CLIENT NO-TOUCH: the access marks of keys stay as they are. */
  #readUntouched(command: DataCommand, args: readonly string[], db: number): Reply {
    const { machine } = this.group;
    const { keyspace } = machine;
    const { markAccess } = keyspace;
    keyspace.markAccess = (stamp) => stamp;
    const reply = machine.read(command, args, db, this.#now, this.#rng.uint32());
    keyspace.markAccess = markAccess;
    return reply;
  }

  executeServer(session: Session, entry: CommandEntry, args: readonly string[]): ServerResult {
    this.#mark = 0;
    const started = this.clock.monotonic();
    let result: ServerResult;
    try {
      result = entry.server!.run(session, args, this);
    } catch (error) {
      if (!(error instanceof ErrorReply)) throw error;
      result = error;
    }
    const micros = (this.clock.monotonic() - started) * 1000;
    const noted = result === LATER ? null : args;
    this.record(session, entry, micros, result instanceof ErrorReply, noted);
    if (this.heldByPause.size > 0 && !this.paused) this.#resumePaused();
    return result;
  }

  executeWatch(session: Session, entry: CommandEntry, args: readonly string[], db: number): Reply {
    const failed = session.watch !== null && session.watch.db !== db;
    this.record(session, entry, 0, failed, args);
    if (failed) return WATCH_SEVERAL;
    session.watchKeys(db, args.slice(1), this.#deadline);
    return OK;
  }

  /** EXEC of reads; ends their watch. */
  executeTransaction(
    session: Session,
    entry: CommandEntry,
    transaction: Transaction,
    watch: Watch | null,
  ): Reply {
    const dirty = watch !== null && this.touched(watch);
    if (watch !== null) this.watches.remove(watch);
    this.record(session, entry, 0, false, null);
    return dirty ? NULL_ARRAY : transaction.runHere(session, this);
  }

  /** Whether EXEC must answer null. Erring on the side of yes only makes the client retry. */
  touched(watch: Watch): boolean {
    return watch.dirty || this.watches.expired(watch, this.#deadline);
  }

  /**
   * Keys that expire up to here are dead as far as WATCH goes, ms: replicated time stands still
   * while nothing is written.
   */
  get #deadline(): number {
    return Math.max(this.group.machine.time, this.#now);
  }

  // Accounting.

  /** Counts a command that ran for `micros`; `args` null keeps it out of the slowlog. */
  record(
    session: Session,
    entry: CommandEntry,
    micros: number,
    failed: boolean,
    args: readonly string[] | null,
  ): void {
    const stats = entry.stats ?? this.#statsOf(entry);
    stats.calls++;
    stats.micros += micros;
    if (failed) stats.failed++;
    this.stats.commandsProcessed++;
    const { settings } = this;
    if (settings.latencyTracking) stats.latency.record(micros);
    if (args !== null) this.noteRunTime(session, entry, micros, args);
  }

  /** For SLOWLOG and LATENCY. */
  noteRunTime(
    session: Session,
    entry: CommandEntry,
    micros: number,
    args: readonly string[],
  ): void {
    if (!this.#isSlow(micros)) return;
    const { slowlog, latency } = this.instruments;
    if (!entry.skipSlowlog) slowlog.note(args, micros, session, this.#now);
    latency.note(entry.fast ? 'fast-command' : 'command', micros / 1000, this.#now);
  }

  /** Returns how long it ran, microseconds. */
  recordWrite(session: Session, write: WriteItem, reply: Reply): number {
    const { entry, startedAt } = write;
    const micros = startedAt === 0 ? 0 : (this.clock.monotonic() - startedAt) * 1000;
    const args = this.#isSlow(micros) ? nextCommand(write.chunk, write.start).args : null;
    this.record(session, entry, micros, reply instanceof ErrorReply, args);
    return micros;
  }

  rejected(entry: CommandEntry): void {
    (entry.stats ?? this.#statsOf(entry)).rejected++;
  }

  countError(error: ErrorReply): void {
    const { errors } = this.stats;
    const { code } = error;
    const count = errors.get(code);
    // As Redis does, so that a client that makes codes up cannot fill memory.
    if (count !== undefined || errors.size < ERROR_CODES_MAX) errors.set(code, (count ?? 0) + 1);
  }

  #statsOf(entry: CommandEntry): NonNullable<CommandEntry['stats']> {
    entry.stats = newCommandStats();
    this.stats.commands.set(entry.name, entry.stats);
    return entry.stats;
  }

  #isSlow(micros: number): boolean {
    const { slowlogSlowerThan, latencyThreshold } = this.settings;
    if (slowlogSlowerThan >= 0 && micros >= slowlogSlowerThan) return true;
    return latencyThreshold > 0 && micros >= latencyThreshold * 1000;
  }
}

const ERROR_CODES_MAX = 128;

function newStats(now: number): ServerStats {
  return {
    startedAt: now,
    connectionsReceived: 0,
    connectionsRejected: 0,
    commandsProcessed: 0,
    bytesIn: 0,
    bytesOut: 0,
    errors: new Map(),
    commands: new Map(),
  };
}
