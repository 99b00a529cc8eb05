// Owns: one simulated host: its disk, its key-value store, its clock's faults, and the process that
// runs on it, one life after another. A life is the whole of src/node.ts over a platform of its
// own. A life that ended does nothing any more, whatever code of it still runs in that event.

import { Rng } from '../../../src/base/rng.js';
import type { Config } from '../../../src/config/load.js';
import { Node, type NodeParts } from '../../../src/node.js';
import type { LogFields, LogOutput } from '../../../src/observe/logger.js';
import { readLuaBinary } from '../../../src/platform/lua-binary.js';
import type { Platform } from '../../../src/platform/platform.js';
import type { ProcessFacts } from '../../../src/platform/process.js';
import type { Membership } from '../../../src/raft/types.js';
import { type ClockFaults, SimClock } from './clock.js';
import { noTroubles, SimDisk } from './disk.js';
import { entropyFrom } from './entropy.js';
import type { Actor, Events, SimEvent } from './events.js';
import { SimKeyValue } from './key-value.js';
import type { SimNet } from './net.js';
import type { Options } from './options.js';

/** What a life of a process comes to. */
export interface HostEvents {
  /** The process ends because it may not go on; it has stopped to exist when this is called. */
  onFatal(process: SimProcess, error: unknown): void;
  /** The process ended in good order. */
  onStopped(process: SimProcess): void;
  onLog(process: SimProcess, level: string, event: string, fields?: LogFields): void;
}

/** No client asks for it: data in memory that the log did not make. */
export const CORRUPT_KEY = 'corrupt';

/** Thrown where a real process would have exited. */
export class ProcessEnded {}

export class SimProcess implements Actor {
  readonly number: number;
  readonly host: SimHost;
  readonly node: Node;
  readonly backlog: SimEvent[] = [];
  alive = true;
  paused = false;
  /** Clients can connect. */
  ready = false;
  stopping = false;
  /** Failed operations of the disk in the lives before. */
  readonly diskFaultsBefore: number;

  constructor(number: number, host: SimHost, make: (process: SimProcess) => Node) {
    this.number = number;
    this.host = host;
    this.diskFaultsBefore = host.disk.faults;
    this.node = make(this);
  }

  get parts(): NodeParts | null {
    return this.alive ? this.node.parts : null;
  }
}

let luaBinary: Uint8Array | null = null;
let lives = 0;

/** Numbers of processes begin anew with every run, so that two runs of a seed are equal. */
export function restartNumbers(): void {
  lives = 0;
}

/** Read before a run begins: nothing of the real disk is touched in one. */
export function preloadLua(): void {
  luaBinary = readLuaBinary();
}

export class SimHost {
  readonly id: string;
  readonly address: string;
  readonly disk: SimDisk;
  readonly keyValue: SimKeyValue;
  readonly clockFaults: ClockFaults;
  readonly rng: Rng;
  process: SimProcess | null = null;
  /** No restart: for good, or until somebody mends it. */
  stayDown = false;
  /** Bytes at rest were changed, or all are gone: not mended until it is a full member again. */
  damaged = false;
  /** The life that runs has not read the damage yet. */
  unread = false;
  /** Its data in memory was changed, or may be taken from one whose was. */
  corrupt = false;
  /** It ends without losing power, and loses that soon after it has started again. */
  killThenCut = false;
  /** What it counted with when it was last seen; it may be down now. */
  inForce: Membership | null = null;
  /** Of another cluster: what holds for the group says nothing about it. */
  readonly stranger: boolean;
  /** It was a full member once, in this life or another, and has its data still. */
  admitted = false;
  readonly #events: Events;
  readonly #net: SimNet;
  readonly #options: Options;
  #config: Config;
  readonly #hooks: HostEvents;

  constructor(parts: {
    id: string;
    address: string;
    events: Events;
    net: SimNet;
    options: Options;
    config: Config;
    hooks: HostEvents;
    seed: number;
    stranger: boolean;
  }) {
    this.stranger = parts.stranger;
    this.id = parts.id;
    this.address = parts.address;
    this.#events = parts.events;
    this.#net = parts.net;
    this.#options = parts.options;
    this.#config = parts.config;
    this.#hooks = parts.hooks;
    this.rng = new Rng(parts.seed);
    this.disk = new SimDisk(this.#events, parts.options.disk, new Rng(this.rng.uint32()));
    this.keyValue = new SimKeyValue(this.disk);
    this.disk.onDirectory = (path) => this.keyValue.madeDirectory(path);
    const { drift, lookCost } = parts.options;
    this.clockFaults = { rate: 1 + drift * (2 * this.rng.float() - 1), offset: 0, lookCost };
    this.disk.onLastOperation = () => this.crash(true);
  }

  get running(): boolean {
    return this.process !== null;
  }

  /** A process that takes part, is not stopped and knows its role. */
  get awake(): SimProcess | null {
    const { process } = this;
    return process?.alive && !process.paused && process.parts !== null ? process : null;
  }

  /** Looks: it may have lost what was wrong, in a restart or since it was rebuilt. */
  lookForCorruption(): void {
    const machine = this.awake?.parts?.machine;
    if (machine === undefined) return;
    this.corrupt = machine.keyspace.database(0).peek(CORRUPT_KEY, machine.time) !== undefined;
  }

  start(): void {
    if (this.process !== null) return;
    this.unread = false;
    this.#net.setPower(this.address, true);
    const process = new SimProcess(++lives, this, (self) => this.#makeNode(self));
    this.process = process;
    this.#events.schedule(1, process, () => {
      process.node.start().then(
        () => {
          process.ready = true;
        },
        (error) => this.#fatal(process, error),
      );
    });
  }

  /** The process ends; with `powerCut` nobody is told and unsynced bytes are at risk. */
  crash(powerCut: boolean): void {
    const { process } = this;
    if (process === null) return;
    this.#end(process, powerCut);
    if (powerCut) this.#net.setPower(this.address, false);
    // Later, since the operation that is under way may still take its effect in this event.
    this.#events.schedule(0, this.#events.world, () => {
      this.keyValue.crash(this.rng);
      if (powerCut) this.disk.loseUnsynced();
      Object.assign(this.disk.troubles, { operationsToLive: Number.POSITIVE_INFINITY });
    });
  }

  /** SIGTERM: leadership away, a last snapshot, then the end. */
  stop(): void {
    const { process } = this;
    if (process === null || process.stopping || !process.ready) return;
    process.stopping = true;
    this.#events.schedule(1, process, () => {
      process.node.stop(true).then(
        () => {
          if (!process.alive) return;
          this.#end(process, false);
          this.#hooks.onStopped(process);
        },
        (error) => this.#fatal(process, error),
      );
    });
  }

  pause(): void {
    if (this.process !== null) this.process.paused = true;
  }

  resume(clientsFirst = false): void {
    if (this.process?.paused) this.#events.resume(this.process, clientsFirst);
  }

  /** For its next life. */
  reconfigure(config: Config): void {
    this.#config = config;
  }

  /** Everything on the disk is gone; the process is not running. */
  wipe(): void {
    this.disk.wipe();
    this.keyValue.wipe();
    this.admitted = false;
    this.inForce = null;
    this.damaged = true;
  }

  mend(): void {
    Object.assign(this.disk.troubles, noTroubles());
  }

  /** An error nobody caught ends a process, as in main.ts. */
  uncaught(process: SimProcess, error: unknown): void {
    if (error instanceof ProcessEnded || !process.alive) return;
    this.#end(process, false);
    this.#hooks.onFatal(process, error);
  }

  #fatal(process: SimProcess, error: unknown): never {
    this.uncaught(process, error);
    throw new ProcessEnded();
  }

  #end(process: SimProcess, silently: boolean): void {
    process.alive = false;
    process.backlog.length = 0;
    this.process = null;
    this.#net.processEnded(process, silently);
  }

  #makeNode(process: SimProcess): Node {
    const logger = new SimLogger((level, event, fields) => {
      if (process.alive) this.#hooks.onLog(process, level, event, fields);
    });
    const fatal = (error: unknown): never => this.#fatal(process, error);
    const node = new Node(
      this.#config,
      'simulated',
      logger,
      fatal,
      this.#platform(process),
      this.#options.limits,
    );
    node.onShutdown = () => this.stop();
    return node;
  }

  #platform(process: SimProcess): Platform {
    return {
      clock: new SimClock(this.#events, process, this.clockFaults),
      disk: this.disk.of(process),
      net: this.#net.of(this.address, process),
      entropy: entropyFrom(new Rng(this.rng.uint32())),
      process: FACTS,
      openKeyValue: (directory) => this.keyValue.open(directory, process),
      luaBinary: () => (this.#options.workload.scripts ? luaBinary : null),
    };
  }
}

const MEMORY = { rss: 1e8, used: 5e7, heapUsed: 4e7, heapTotal: 6e7, external: 1e7 };

const FACTS: ProcessFacts = {
  pid: 1,
  executable: 'helios-atlasd',
  hostname: 'simulated',
  os: 'Simulation 1 x86_64',
  archBits: 64,
  runtime: 'node simulated',
  totalMemory: 2 ** 34,
  memory: () => MEMORY,
  cpu: () => ({ user: 1, system: 1 }),
  uptime: () => 1,
  collectGarbage: () => false,
};

class SimLogger implements LogOutput {
  readonly level = 'info';
  readonly #note: (level: string, event: string, fields?: LogFields) => void;

  constructor(note: (level: string, event: string, fields?: LogFields) => void) {
    this.#note = note;
  }

  child(): SimLogger {
    return this;
  }

  debug(): void {}

  info(event: string, fields?: LogFields): void {
    this.#note('info', event, fields);
  }

  warn(event: string, fields?: LogFields): void {
    this.#note('warn', event, fields);
  }

  error(event: string, fields?: LogFields): void {
    this.#note('error', event, fields);
  }

  setLevel(): void {}

  reopen(): void {}

  flush(): void {}
}
