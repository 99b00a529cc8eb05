// Owns: one simulated client: it speaks RESP2 bytes to one node at a time, sends bursts, connects
// again when its connection ends, and writes down when it asked, when it was answered, and how. It
// never asks twice for the same operation.

import type { Rng } from '../../../src/base/rng.js';
import type { Connection } from '../../../src/platform/net.js';
import { encodeCommand } from '../../../src/resp/request.js';
import { SimConnection } from './connection.js';
import type { Actor, Events, SimEvent } from './events.js';
import type { SimNet } from './net.js';
import type { Command, Plan } from './operations.js';
import { ReplyReader } from './reply-reader.js';

/** Asked and perhaps answered. `reply` holds the bytes as received. */
export interface Operation {
  readonly plan: Plan;
  readonly client: number;
  /** Number of the connection, over all clients. */
  readonly connection: number;
  /** What its entry in the log says, see identityOf; for reads the command. */
  identity: string;
  /** Microseconds. */
  readonly invokedAt: number;
  /** Infinity while there is no answer. */
  returnedAt: number;
  /** Null: no answer will come. */
  reply: string | null;
  /** For a transaction under WATCH: the bytes GET answered before. */
  watched: string | null;
}

interface Waiting {
  readonly operation: Operation;
  /** Replies still owed for what has been sent. */
  owed: number;
  phase: number;
  /** The first error among them that was not the last reply. */
  refusal: string | null;
}

export interface ClientOptions {
  readonly thinkMs: number;
  readonly burstMax: number;
  readonly watchMs: number;
  /** Ms after which it gives a connection up that does not answer. */
  readonly patienceMs: number;
  readonly port: number;
}

let connections = 0;

export function restartConnections(): void {
  connections = 0;
}

export class SimClient implements Actor {
  readonly number: number;
  alive = true;
  readonly paused = false;
  readonly backlog: SimEvent[] = [];
  readonly #events: Events;
  readonly #net: SimNet;
  readonly #rng: Rng;
  readonly #options: ClientOptions;
  readonly #targets: readonly string[];
  readonly #nextPlan: () => Plan;
  readonly #history: Operation[];
  #connection: Connection | null = null;
  #connectionNumber = 0;
  #reader = new ReplyReader();
  readonly #waiting: Waiting[] = [];
  #stopped = false;

  constructor(parts: {
    number: number;
    events: Events;
    net: SimNet;
    rng: Rng;
    options: ClientOptions;
    /** Addresses of nodes; it prefers the first. */
    targets: readonly string[];
    nextPlan: () => Plan;
    history: Operation[];
  }) {
    this.number = parts.number;
    this.#events = parts.events;
    this.#net = parts.net;
    this.#rng = parts.rng;
    this.#options = parts.options;
    this.#targets = parts.targets;
    this.#nextPlan = parts.nextPlan;
    this.#history = parts.history;
  }

  start(): void {
    this.#later(this.#options.thinkMs, () => this.#connect());
  }

  /** Asks nothing more; what was asked may still be answered. */
  stop(): void {
    this.#stopped = true;
  }

  get idle(): boolean {
    return this.#waiting.length === 0;
  }

  /** The process that owes it an answer and is still there; null when nobody does. */
  get debtor(): Actor | null {
    const connection = this.#connection;
    const server = connection instanceof SimConnection ? connection.other : null;
    if (this.idle || server === null || server.closed) return null;
    return server.actor.alive ? server.actor : null;
  }

  describe(): string {
    const waiting = this.#waiting.map(({ operation, owed, phase }) => {
      const text = operation.plan.commands.join(' ').slice(0, 100);
      return `${text} since ${operation.invokedAt / 1000} (${owed} owed, phase ${phase})`;
    });
    return `client ${this.number} at ${this.#connection?.remote}: ${waiting.join('; ')}`;
  }

  close(): void {
    this.#connection?.destroy();
  }

  #later(ms: number, run: () => void): void {
    this.#events.schedule(1000 * ms * this.#rng.float(), this, run);
  }

  #connect(): void {
    if (this.#stopped) return;
    const at = this.#rng.below(4) > 0 ? 0 : this.#rng.below(this.#targets.length);
    const to = { host: this.#targets[at]!, port: this.#options.port };
    const connection = this.#net.of(`10.1.0.${this.number}`, this).connect(to, () => this.#burst());
    this.#connection = connection;
    this.#connectionNumber = ++connections;
    this.#reader = new ReplyReader();
    connection.onData((chunk) => this.#received(connection, chunk));
    connection.onClose(() => this.#lost(connection));
  }

  #lost(connection: Connection): void {
    if (this.#connection !== connection) return;
    this.#connection = null;
    for (const { operation } of this.#waiting.splice(0)) operation.reply = null;
    this.#later(200 + this.#options.thinkMs, () => this.#connect());
  }

  #burst(): void {
    const connection = this.#connection;
    if (connection === null || this.#stopped || !this.idle) return;
    const count = 1 + this.#rng.below(this.#options.burstMax);
    const bytes: Buffer[] = [];
    for (let i = 0; i < count; i++) {
      const plan = this.#nextPlan();
      bytes.push(this.#ask(plan));
      // What follows under WATCH depends on the answer.
      if (plan.kind === 'watch') break;
    }
    this.#watchOver(connection);
    connection.write(Buffer.concat(bytes));
  }

  #ask(plan: Plan): Buffer {
    const operation: Operation = {
      plan,
      client: this.number,
      connection: this.#connectionNumber,
      identity: plan.kind === 'watch' ? '' : identityOf(plan.commands),
      invokedAt: this.#events.now,
      returnedAt: Number.POSITIVE_INFINITY,
      reply: null,
      watched: null,
    };
    this.#history.push(operation);
    this.#waiting.push({ operation, owed: plan.commands.length, phase: 0, refusal: null });
    return encodeAll(plan.commands);
  }

  /** Closes a connection whose oldest operation is not answered in time. */
  #watchOver(connection: Connection): void {
    const oldest = this.#waiting[0]?.operation;
    this.#events.schedule(this.#options.patienceMs * 1000, this, () => {
      if (this.#connection === connection && this.#waiting[0]?.operation === oldest) {
        if (oldest !== undefined) connection.destroy();
      }
    });
  }

  #received(connection: Connection, chunk: Buffer): void {
    for (const reply of this.#reader.push(chunk)) {
      const waiting = this.#waiting[0];
      if (waiting === undefined) throw new Error(`an answer nobody waits for: ${reply}`);
      waiting.owed--;
      if (waiting.owed > 0) {
        if (reply.startsWith('-')) waiting.refusal ??= reply;
        continue;
      }
      if (waiting.operation.plan.kind === 'watch' && waiting.phase === 0) {
        this.#continueWatch(connection, waiting, reply);
      } else {
        this.#finish(waiting, reply);
      }
    }
  }

  #continueWatch(connection: Connection, waiting: Waiting, reply: string): void {
    const { operation } = waiting;
    const refusal = waiting.refusal ?? (reply.startsWith('-') ? reply : null);
    if (refusal !== null) {
      this.#finish(waiting, refusal);
      // The next transaction must not be under what remains of this WATCH.
      connection.destroy();
      return;
    }
    const value = reply === '$-1\r\n' ? '' : reply.slice(reply.indexOf('\n') + 1, -2);
    const commands = operation.plan.next(value);
    operation.watched = reply;
    operation.identity = identityOf(commands);
    waiting.phase = 1;
    waiting.owed = commands.length;
    const go = (): void => {
      if (this.#connection === connection) connection.write(encodeAll(commands));
    };
    if (this.#options.watchMs === 0) go();
    else this.#later(this.#options.watchMs, go);
  }

  #finish(waiting: Waiting, reply: string): void {
    waiting.operation.reply = reply;
    waiting.operation.returnedAt = this.#events.now;
    this.#waiting.shift();
    if (this.#waiting.length === 0) this.#later(this.#options.thinkMs, () => this.#burst());
  }
}

/** The commands of a write as they stand in the log, without MULTI and EXEC. */
export function identityOf(commands: readonly Command[]): string {
  return commands
    .filter(([name]) => name !== 'MULTI' && name !== 'EXEC')
    .map((command) => command.join(' '))
    .join('\n');
}

function encodeAll(commands: readonly Command[]): Buffer {
  return Buffer.concat(commands.map((command) => encodeCommand([...command])));
}
