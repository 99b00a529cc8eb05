// Owns: the simulated network: hosts, paths between them, listeners. TCP as seen by a program:
// bytes arrive in order and whole, or the connection breaks. A path that is cut holds what is sent
// on it, as lost segments are sent again, until the sender's patience ends. What a connection does
// with its bytes is connection.ts.

import type { Rng } from '../../../src/base/rng.js';
import type { Connection, Listener, Net } from '../../../src/platform/net.js';
import { CLIENTS, SimConnection } from './connection.js';
import type { Actor, Events } from './events.js';

export interface NetOptions {
  /** Microseconds from one host to another. */
  readonly delayMin: number;
  readonly delayMax: number;
  /** One delivery in so many is late by up to `lateMax`; 0 for none. */
  readonly lateOneIn: number;
  readonly lateMax: number;
  /** Deliveries are cut into pieces of up to so many bytes; 0 for whole. */
  readonly pieceMax: number;
  /** Microseconds a sender waits for a cut path before it gives the connection up. */
  readonly patience: number;
}

interface ListenerEntry {
  readonly actor: Actor;
  readonly host: string;
  readonly halfOpen: boolean;
  readonly accept: (connection: Connection) => void;
}

/** Sees what a node writes to another one. */
export type Tap = (from: string, to: string, port: number, bytes: Uint8Array) => void;

export class SimNet {
  readonly events: Events;
  readonly options: NetOptions;
  readonly rng: Rng;
  /** Everything is well from now on: no late deliveries. */
  calm = false;
  tap: Tap | null = null;
  readonly #listeners = new Map<string, ListenerEntry>();
  /** Ordered pairs "from>to" on which nothing arrives. */
  readonly #cuts = new Set<string>();
  /** Paths that move nothing until a time, microseconds. */
  readonly #dark = new Set<string>();
  readonly #clogs = new Map<string, number>();
  readonly #open = new Set<SimConnection>();
  /** Who answers instead at an address, on one port. */
  readonly #misrouted = new Map<string, string>();
  #port = 40_000;

  constructor(events: Events, options: NetOptions, rng: Rng) {
    this.events = events;
    this.options = options;
    this.rng = rng;
  }

  /** The network as the programs of one life of a host see it. */
  of(host: string, actor: Actor): Net {
    return {
      listen: async (at, accept) => {
        if (actor.alive) return this.#listen(host, actor, at, accept);
        return new Promise<Listener>(() => {});
      },
      connect: (to, opened) => this.#connect(host, actor, to, opened),
    };
  }

  /** Microseconds until something sent now arrives. */
  delay(): number {
    const { delayMin, delayMax, lateOneIn, lateMax } = this.options;
    const delay = delayMin + this.rng.below(delayMax - delayMin + 1);
    if (this.calm || lateOneIn === 0 || this.rng.below(lateOneIn) > 0) return delay;
    return delay + this.rng.below(lateMax);
  }

  /** A host without power answers nothing, not even that nobody is there. */
  setPower(host: string, on: boolean): void {
    if (!on) this.#dark.add(host);
    else if (this.#dark.delete(host)) {
      for (const connection of this.#open) connection.sendAgain();
    }
  }

  /** Null when the path is open; microseconds to wait, Infinity for a cut one. */
  blocked(from: string, to: string): number | null {
    const path = `${from}>${to}`;
    if (this.#dark.has(to) || this.#cuts.has(path)) return Number.POSITIVE_INFINITY;
    const until = this.#clogs.get(path);
    if (until === undefined) return null;
    if (until > this.events.now) return until - this.events.now;
    this.#clogs.delete(path);
    return null;
  }

  cut(from: string, to: string): void {
    this.#cuts.add(`${from}>${to}`);
  }

  isCut(from: string, to: string): boolean {
    return this.#cuts.has(`${from}>${to}`);
  }

  /** What waits on a path that is opened goes on at the next heal. */
  setCut(from: string, to: string, cut: boolean): void {
    if (cut) this.cut(from, to);
    else this.#cuts.delete(`${from}>${to}`);
  }

  clog(from: string, to: string, microseconds: number): void {
    this.#clogs.set(`${from}>${to}`, this.events.now + microseconds);
  }

  /** Opens paths again; all of them without arguments. What waited is sent again soon. */
  heal(keep: (path: string) => boolean = () => false): void {
    this.#misrouted.clear();
    for (const path of [...this.#cuts]) if (!keep(path)) this.#cuts.delete(path);
    for (const path of [...this.#clogs.keys()]) if (!keep(path)) this.#clogs.delete(path);
    for (const connection of this.#open) connection.sendAgain();
  }

  /** From now on another host answers at this address and port; null: the right one again. */
  misroute(address: string, port: number, to: string | null): void {
    if (to === null) this.#misrouted.delete(`${address}:${port}`);
    else this.#misrouted.set(`${address}:${port}`, to);
  }

  get cuts(): number {
    return this.#cuts.size;
  }

  /** The kernel of a host whose process ended closes its sockets; after a power cut nobody does. */
  processEnded(actor: Actor, silently: boolean): void {
    for (const [key, entry] of this.#listeners) {
      if (entry.actor === actor) this.#listeners.delete(key);
    }
    for (const connection of [...this.#open]) {
      if (connection.actor !== actor) continue;
      if (silently) connection.vanish();
      else connection.destroy();
      connection.other?.receiverGone();
    }
  }

  /** Breaks some connections between two hosts, as a router that lost its state does. */
  reset(a: string, b: string, chance: () => boolean, dialedBy = ''): number {
    let count = 0;
    for (const connection of [...this.#open]) {
      const { host, otherHost } = connection;
      const between = (host === a && otherHost === b) || (host === b && otherHost === a);
      if (!between || !connection.dialed || !chance()) continue;
      if (dialedBy !== '' && dialedBy !== host) continue;
      count++;
      connection.break('ECONNRESET');
      connection.other?.break('ECONNRESET');
    }
    return count;
  }

  opened(connection: SimConnection): void {
    this.#open.add(connection);
  }

  closed(connection: SimConnection): void {
    this.#open.delete(connection);
  }

  #listen(
    host: string,
    actor: Actor,
    at: { host: string; port: number; halfOpen?: boolean },
    accept: (connection: Connection) => void,
  ): Listener {
    const key = `${host}:${at.port}`;
    const inUse: NodeJS.ErrnoException = new Error(`listen EADDRINUSE ${key}`);
    inUse.code = 'EADDRINUSE';
    if (this.#listeners.has(key)) throw inUse;
    const entry = { actor, host, halfOpen: at.halfOpen === true, accept };
    this.#listeners.set(key, entry);
    const close = async (): Promise<void> => {
      if (this.#listeners.get(key) === entry) this.#listeners.delete(key);
    };
    return { host: at.host, port: at.port, close };
  }

  #connect(
    host: string,
    actor: Actor,
    meant: { host: string; port: number },
    opened: () => void,
  ): Connection {
    const elsewhere = this.#misrouted.get(`${meant.host}:${meant.port}`);
    const to = { host: elsewhere ?? meant.host, port: meant.port };
    const local = `${host}:${this.#port++}`;
    const connection = new SimConnection(this, actor, local, `${to.host}:${to.port}`, true);
    const arrive = (): void => this.#arrive(connection, to, opened);
    this.events.schedule(this.delay(), this.events.world, arrive);
    return connection;
  }

  /** The SYN arrives, or has to be sent again. */
  #arrive(dialed: SimConnection, to: { host: string; port: number }, opened: () => void): void {
    if (dialed.closed) return;
    const { host } = dialed;
    if (this.blocked(host, to.host) !== null || this.blocked(to.host, host) !== null) {
      dialed.syns++;
      if (dialed.syns > 6) {
        dialed.break('ETIMEDOUT');
        return;
      }
      const again = (): void => this.#arrive(dialed, to, opened);
      this.events.schedule(200_000 * 2 ** dialed.syns, this.events.world, again);
      return;
    }
    const entry = this.#listeners.get(`${to.host}:${to.port}`);
    if (entry === undefined) {
      dialed.break('ECONNREFUSED');
      return;
    }
    const accepted = new SimConnection(this, entry.actor, dialed.remote, dialed.local, false);
    accepted.halfOpen = entry.halfOpen;
    accepted.other = dialed;
    dialed.other = accepted;
    const accept = this.events.schedule(0, entry.actor, () => {
      if (!accepted.closed) entry.accept(accepted);
    });
    accept.fromClient = host.startsWith(CLIENTS);
    this.events.schedule(this.delay(), dialed.actor, () => {
      if (!dialed.closed) opened();
    });
  }
}
