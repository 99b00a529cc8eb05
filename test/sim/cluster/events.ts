// Owns: simulated time and the order of everything: a heap of events, each run to the end, with all
// that promises make of it, before the next one. Invariant: with equal events two runs are equal,
// bit by bit; `trace` changes with every event.
//
// Promises: V8 tells when one is made or settled (v8.promiseHooks). An event during which neither
// happened cannot have left a microtask, since those come only from promises (queueMicrotask is
// trapped, clock.ts asks for a drain when it uses it). Only after the other events does the loop
// give way to Node (setImmediate), which runs every microtask first.

import { promiseHooks } from 'node:v8';
import { Heap } from '../../../src/base/heap.js';

/** Whoever events happen to: a process, a client. Events of a dead one do not happen. */
export interface Actor {
  readonly number: number;
  alive: boolean;
  /** SIGSTOP: its events wait, in order. */
  paused: boolean;
  readonly backlog: SimEvent[];
}

export interface SimEvent {
  /** Microseconds of simulated time. */
  at: number;
  order: number;
  readonly actor: Actor;
  run: (() => void) | null;
  /** Bytes of a client: after a pause its socket may be the first that is read. */
  fromClient: boolean;
}

const giveWay = setImmediate;

/** Set by V8 whenever there may be microtasks. */
let promisesMoved = false;
promiseHooks.onInit(() => {
  promisesMoved = true;
});
promiseHooks.onSettled(() => {
  promisesMoved = true;
});

/** For code that queues a microtask by itself. */
export function expectMicrotasks(): void {
  promisesMoved = true;
}

/** The run that goes on now: an error nobody caught belongs to its present actor. */
let running: Events | null = null;
process.on('unhandledRejection', (error) => {
  if (running === null) throw error;
  running.caught(error);
});
process.on('uncaughtException', (error) => {
  if (running === null) {
    process.stderr.write(`${error.stack}\n`);
    process.exit(70);
  }
  running.caught(error);
});

export class Events {
  /** Microseconds since the run began. */
  now = 0;
  /** Events run. */
  count = 0;
  trace = 0;
  readonly world: Actor = { number: 0, alive: true, paused: false, backlog: [] };
  #current: Actor = this.world;
  #order = 0;
  /** An event has run and its microtasks may not have. */
  #open = false;
  readonly #heap = new Heap<SimEvent>(
    (a, b) => a.at < b.at || (a.at === b.at && a.order < b.order),
  );
  /** An actor's code threw. */
  onError: (actor: Actor, error: unknown) => void = () => {};
  /** After each event and all that followed from it. */
  afterEvent: (actor: Actor) => void = () => {};

  get current(): Actor {
    return this.#current;
  }

  /** `wait` in microseconds. Set `run` of the result to null to cancel. */
  schedule(wait: number, actor: Actor, run: () => void): SimEvent {
    const at = this.now + Math.max(0, Math.round(wait));
    const event = { at, order: this.#order++, actor, run, fromClient: false };
    this.#heap.push(event);
    return event;
  }

  /** What waited while it was stopped happens now; `clientsFirst`: their bytes before the rest. */
  resume(actor: Actor, clientsFirst = false): void {
    actor.paused = false;
    const waited = actor.backlog.splice(0);
    if (clientsFirst) waited.sort((a, b) => Number(b.fromClient) - Number(a.fromClient));
    for (const event of waited) {
      event.at = this.now;
      event.order = this.#order++;
      this.#heap.push(event);
    }
  }

  mix(value: number): void {
    this.trace = Math.imul(this.trace ^ value, 0x9e3779b1) ^ (this.trace >>> 15);
  }

  caught(error: unknown): void {
    this.onError(this.#current, error);
  }

  /** Resolves once `done` is true; it is asked after every event. */
  run(done: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      running = this;
      const loop = (): void => {
        try {
          if (!this.#runSome(done)) {
            giveWay(loop);
            return;
          }
          running = null;
          resolve();
        } catch (error) {
          running = null;
          reject(error);
        }
      };
      giveWay(loop);
    });
  }

  /** False when microtasks have to run before the next event. */
  #runSome(done: () => boolean): boolean {
    // The event before is over with all its consequences.
    if (this.#open) this.#finish();
    while (!done()) {
      const event = this.#heap.pop();
      if (event === undefined) throw new Error('nothing will ever happen again');
      this.now = event.at;
      const { actor, run } = event;
      if (run === null || !actor.alive) continue;
      if (actor.paused) {
        actor.backlog.push(event);
        continue;
      }
      this.#begin(actor);
      try {
        run();
      } catch (error) {
        this.onError(actor, error);
      }
      if (promisesMoved) return false;
      this.#finish();
    }
    return true;
  }

  #begin(actor: Actor): void {
    this.count++;
    this.#current = actor;
    this.#open = true;
    this.mix(this.now + actor.number * 7);
    promisesMoved = false;
  }

  #finish(): void {
    const actor = this.#current;
    this.#current = this.world;
    this.#open = false;
    this.afterEvent(actor);
  }
}
