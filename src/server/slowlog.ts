// Owns: the last commands that ran longer than `slowlog-log-slower-than`. SLOWLOG.
// Bounded three ways: entries by slowlog-max-len (and ENTRIES_MAX), arguments by number, each
// argument by length.
// Passwords never get in.

import { RingBuffer } from '../base/ring-buffer.js';
import type { Settings } from './settings.js';

export interface SlowlogEntry {
  readonly id: number;
  /** Seconds since 1970. */
  readonly time: number;
  readonly micros: number;
  readonly args: readonly string[];
  readonly remote: string;
  readonly clientName: string;
}

/** Arguments kept, the last one telling how many more there were; and characters kept of each. */
const ARGS_MAX = 32;
const ARG_LENGTH_MAX = 128;
/** Whatever slowlog-max-len says. */
const ENTRIES_MAX = 100_000;

const REDACTED = '(redacted)';

export class Slowlog {
  readonly #settings: Settings;
  /** Newest last. */
  readonly #entries = new RingBuffer<SlowlogEntry>();
  #nextId = 0;

  constructor(settings: Settings) {
    this.#settings = settings;
  }

  get length(): number {
    return this.#entries.length;
  }

  /** Keeps a command if it was slow. `now`: ms since 1970. */
  note(
    args: readonly string[],
    micros: number,
    client: { readonly remote: string; readonly name: string },
    now: number,
  ): void {
    const threshold = this.#settings.slowlogSlowerThan;
    if (threshold < 0 || micros < threshold) return;
    this.#entries.push({
      id: this.#nextId++,
      time: Math.floor(now / 1000),
      micros: Math.round(micros),
      args: shorten(redact(args, this.#settings)),
      remote: client.remote,
      clientName: client.name,
    });
    this.trim();
  }

  /** Newest first; all for a negative count. */
  latest(count: number): readonly SlowlogEntry[] {
    const { length } = this.#entries;
    const taken = count < 0 ? length : Math.min(count, length);
    return Array.from({ length: taken }, (_, i) => this.#entries.at(length - 1 - i)!);
  }

  reset(): void {
    this.#entries.clear();
  }

  /** Forgets the oldest beyond slowlog-max-len. */
  trim(): void {
    const keep = Math.min(this.#settings.slowlogMaxLength, ENTRIES_MAX);
    while (this.#entries.length > keep) this.#entries.shift();
  }
}

function shorten(args: readonly string[]): readonly string[] {
  const kept = args.length > ARGS_MAX ? args.slice(0, ARGS_MAX - 1) : args;
  const short = kept.map((arg) =>
    arg.length > ARG_LENGTH_MAX
      ? `${arg.slice(0, ARG_LENGTH_MAX)}... (${arg.length - ARG_LENGTH_MAX} more bytes)`
      : arg,
  );
  if (kept !== args) short.push(`... (${args.length - ARGS_MAX + 1} more arguments)`);
  return short;
}

/**
 * Blanks out what may be a password: everything after AUTH, in HELLO, ACL SETUSER, and secret
 * parameters.
 */
export function redact(args: readonly string[], settings: Settings): readonly string[] {
  const name = args[0]?.toLowerCase();
  const sub = args[1]?.toLowerCase();
  if (name === 'auth') return blank(args, (at) => at >= 1);
  if (name === 'hello') return blank(args, (at) => at >= 2);
  if (name === 'acl' && sub === 'setuser') return blank(args, (at) => at >= 3);
  if (name === 'config' && sub === 'set') {
    return blank(args, (at) => at % 2 === 1 && settings.row(args[at - 1]!)?.secret === true);
  }
  return args;
}

function blank(args: readonly string[], hides: (at: number) => boolean): readonly string[] {
  return args.map((arg, at) => (hides(at) ? REDACTED : arg));
}
