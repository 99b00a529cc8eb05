// Owns: the requests of this node's operator on their way to whoever leads. A leader that is lost
// with one (its link, its office) may have carried it out: the next one is asked again, in a way
// that what is so already counts as done. Without a next one soon the answer is that nobody knows,
// and what shows it. Every request gets one answer; none waits for a leader that is gone.

import type { AdminOutcome, AdminRequest, AdminResponse } from '../peer/admin-codec.js';
import type { Clock, Timer } from '../platform/clock.js';

export interface LeaderRequestsParts {
  readonly nodeId: string;
  /** Who leads, if it can be reached; empty otherwise. */
  readonly leader: () => string;
  readonly execute: (words: readonly string[], again: boolean) => Promise<AdminOutcome>;
  readonly send: (to: string, request: AdminRequest) => void;
  readonly clock: Clock;
}

interface Request {
  readonly words: readonly string[];
  readonly resolve: (outcome: AdminOutcome) => void;
  readonly limit: Timer;
  /** Who was asked last; empty while there is nobody to ask. */
  to: string;
  /** Of what was sent last: an answer to anything earlier does not count. */
  id: number;
  /** A leader that was asked may have done it. */
  doubtful: boolean;
  /** Who was asked first. */
  first: string;
  /** Monotonic ms since when there is nobody to ask. */
  since: number;
}

/** Longer than anything the leader waits for. */
const LIMIT_MS = 30_000;
/** A leader that was lost has a successor by then, or the majority is gone. */
const LEADERLESS_MS = 2000;
const REQUESTS_MAX = 64;

export const NO_LEADER = refused(
  'no leader is known here: ask again when there is one, or at another node',
);

export class LeaderRequests {
  readonly #parts: LeaderRequestsParts;
  readonly #waiting = new Set<Request>();
  #lastId = 0;

  constructor(parts: LeaderRequestsParts) {
    this.#parts = parts;
  }

  /** Never rejects. */
  ask(words: readonly string[]): Promise<AdminOutcome> {
    const { clock, leader } = this.#parts;
    const to = leader();
    if (to === '') return Promise.resolve(NO_LEADER);
    if (this.#waiting.size >= REQUESTS_MAX) {
      return Promise.resolve(refused('too many requests are waiting'));
    }
    return new Promise((resolve) => {
      const limit = clock.after(LIMIT_MS, () => {
        this.#end(request, unknown(`${request.to || request.first} did not answer in time`));
      });
      const request: Request = {
        ...{ words, resolve, limit, to, first: to, id: 0, doubtful: false, since: 0 },
      };
      this.#waiting.add(request);
      this.#hand(request);
    });
  }

  onResponse({ id, ...outcome }: AdminResponse): void {
    for (const request of this.#waiting) if (request.id === id) this.#answered(request, outcome);
  }

  /** What was on its way to or from this node may be lost. */
  linkDown(nodeId: string): void {
    for (const request of this.#waiting) if (request.to === nodeId) this.#lost(request, true);
    this.follow();
  }

  /** Regularly: somebody else may lead by now. */
  follow(): void {
    if (this.#waiting.size === 0) return;
    const { leader, nodeId, clock } = this.#parts;
    const to = leader();
    for (const request of this.#waiting) {
      // What this node itself carries out finds out by itself.
      if (request.to === nodeId) continue;
      if (request.to !== '' && request.to !== to) this.#lost(request, true);
      if (request.to !== '') continue;
      if (to !== '') this.#retry(request, to);
      else if (clock.monotonic() - request.since > LEADERLESS_MS) this.#giveUp(request);
    }
  }

  #hand(request: Request): void {
    const { nodeId, execute, send } = this.#parts;
    const id = ++this.#lastId;
    const { words, doubtful: again, to } = request;
    request.id = id;
    if (to !== nodeId) {
      send(to, { id, words, again });
      return;
    }
    void execute(words, again).then((outcome) => this.onResponse({ id, ...outcome }));
  }

  #answered(request: Request, outcome: AdminOutcome): void {
    if (outcome.moved !== true) {
      this.#end(request, outcome);
      return;
    }
    // Asked again with the next look: this node may not know yet who leads instead.
    this.#lost(request, outcome.outcome === 'unknown');
  }

  #lost(request: Request, doubtful: boolean): void {
    request.to = '';
    request.id = 0;
    request.doubtful ||= doubtful;
    request.since = this.#parts.clock.monotonic();
  }

  #retry(request: Request, to: string): void {
    const [word, target = to] = request.words;
    // That leadership went where it was to go is what was asked for.
    if (word === 'transfer' && request.doubtful && target === to && to !== request.first) {
      this.#end(request, { outcome: 'done', text: 'OK' });
      return;
    }
    request.to = to;
    this.#hand(request);
  }

  #giveUp(request: Request): void {
    const lost = `${request.first} was lost before it answered, and nobody else leads`;
    this.#end(request, request.doubtful ? unknown(lost) : NO_LEADER);
  }

  #end(request: Request, outcome: AdminOutcome): void {
    if (!this.#waiting.delete(request)) return;
    request.limit.cancel();
    request.resolve(outcome);
  }
}

export function done(text: string): AdminOutcome {
  return { outcome: 'done', text };
}

export function refused(text: string): AdminOutcome {
  return { outcome: 'refused', text };
}

export function unknown(text: string): AdminOutcome {
  return { outcome: 'unknown', text: `${text}; RAFT.LISTPEERS shows what came of it` };
}
