// Owns: what this node refuses of other nodes: counted by cause for metrics, and said in the log at
// most once in a while for each cause and source, with how often it was not said. Bounded: a flood
// from many addresses is one source. Refusing itself is done where the fault is found.

import type { Clock } from '../platform/clock.js';

/**
 * cluster: a node of another cluster. identity: a UUID that was removed, or not the one its id
 * stands for. stranger: not a member, or somebody else was meant. version: another peer protocol.
 * greeting: not a greeting. frame: a length or kind that cannot be. message: a CRC that does not
 * match, fields out of range. proposal: writes that are not well formed. snapshot: a stream out of
 * order or damaged. refused: the other side does not want this node.
 */
export const REFUSAL_CAUSES = [
  ...(['cluster', 'identity', 'stranger', 'version', 'greeting'] as const),
  ...(['frame', 'message', 'proposal', 'snapshot', 'refused'] as const),
] as const;
export type RefusalCause = (typeof REFUSAL_CAUSES)[number];

export type RefusalCounts = { readonly [cause in RefusalCause]: number };

/** The same is said again after this, ms. */
const QUIET_MS = 60_000;
const SOURCES_MAX = 64;

interface Source {
  saidAt: number;
  /** Times it was not said since. */
  unsaid: number;
}

export class PeerRefusals {
  readonly #clock: Clock;
  readonly #say: (text: string) => void;
  readonly #counts = new Map<RefusalCause, number>();
  readonly #sources = new Map<string, Source>();

  /** `say` writes one line. */
  constructor(clock: Clock, say: (text: string) => void) {
    this.#clock = clock;
    this.#say = say;
  }

  get counts(): RefusalCounts {
    const counts = REFUSAL_CAUSES.map((cause) => [cause, this.#counts.get(cause) ?? 0] as const);
    return Object.fromEntries(counts) as RefusalCounts;
  }

  /** `source`: a member's id, or the address of who is not known, without its port. */
  note(cause: RefusalCause, source: string, text: string): void {
    this.#counts.set(cause, (this.#counts.get(cause) ?? 0) + 1);
    const now = this.#clock.monotonic();
    const known = this.#sourceOf(cause, source, now);
    if (now - known.saidAt < QUIET_MS) {
      known.unsaid++;
      return;
    }
    const more = known.unsaid === 0 ? '' : ` (${known.unsaid} more like it since the last line)`;
    known.saidAt = now;
    known.unsaid = 0;
    this.#say(`${text}${more}`);
  }

  #sourceOf(cause: RefusalCause, source: string, now: number): Source {
    const own = `${cause} ${source}`;
    const known = this.#sources.get(own);
    if (known !== undefined) return known;
    if (this.#sources.size >= SOURCES_MAX) this.#forgetQuiet(now);
    const key = this.#sources.size >= SOURCES_MAX ? cause : own;
    const shared = this.#sources.get(key);
    if (shared !== undefined) return shared;
    const fresh = { saidAt: Number.NEGATIVE_INFINITY, unsaid: 0 };
    this.#sources.set(key, fresh);
    return fresh;
  }

  #forgetQuiet(now: number): void {
    for (const [key, { saidAt }] of this.#sources) {
      if (now - saidAt >= QUIET_MS) this.#sources.delete(key);
    }
  }
}

/** The host of `host:port`. */
export function hostOf(remote: string): string {
  const at = remote.lastIndexOf(':');
  return at < 0 ? remote : remote.slice(0, at);
}
