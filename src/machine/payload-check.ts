// Owns: the check of a payload that came from another member before it may enter the log: it is
// RESP arrays of bulk strings, has exactly the writes its runs count, and starts and ends in
// database 0. Answers what is wrong; never throws.

import { DATABASE_COUNT } from '../keyspace/keyspace.js';

const ARGUMENTS_MAX = 1024 * 1024;

export function checkPayload(
  payload: Buffer,
  runs: readonly { count: number; watchIndex: number }[],
): string | null {
  return new Checker(payload).check(runs);
}

class Checker {
  readonly #bytes: Buffer;
  #at = 0;
  /**
   * Lower-case name of the command just skipped, when it is short; its first argument when it is
   * SELECT.
   */
  #word = '';
  #argument = '';
  #db = 0;

  constructor(payload: Buffer) {
    this.#bytes = payload;
  }

  check(runs: readonly { count: number; watchIndex: number }[]): string | null {
    for (const run of runs) {
      for (let i = 0; i < run.count; i++) {
        if (!this.#unit(run.watchIndex > 0)) return `payload damaged near byte ${this.#at}`;
      }
    }
    while (this.#at < this.#bytes.length) {
      if (!this.#command() || !this.#isSelect()) return 'payload has more writes than its runs';
    }
    return this.#db === 0 ? null : 'payload does not end in database 0';
  }

  #unit(guarded: boolean): boolean {
    do {
      if (!this.#command()) return false;
    } while (this.#isSelect());
    if (guarded && !(this.#is('watch') && this.#command() && this.#is('multi'))) return false;
    return this.#is('multi') ? this.#transaction() : !this.#is('exec');
  }

  /** From behind MULTI to EXEC. */
  #transaction(): boolean {
    while (this.#command()) {
      if (this.#is('exec')) return true;
      if (this.#is('multi') || this.#is('watch')) return false;
      this.#isSelect();
    }
    return false;
  }

  #is(word: string): boolean {
    return this.#word === word;
  }

  /** Takes note of a SELECT that was just skipped. */
  #isSelect(): boolean {
    if (!this.#is('select')) return false;
    const db = Number(this.#argument);
    this.#db = Number.isInteger(db) && db >= 0 && db < DATABASE_COUNT ? db : -1;
    return true;
  }

  #command(): boolean {
    const count = this.#length(42);
    if (count < 1 || count > ARGUMENTS_MAX) return false;
    for (let i = 0; i < count; i++) {
      const length = this.#length(36);
      const end = this.#at + length;
      if (length < 0 || end + 2 > this.#bytes.length) return false;
      if (i === 0) this.#word = length <= 6 ? this.#text(end).toLowerCase() : '';
      if (i === 1 && this.#word === 'select') this.#argument = this.#text(end);
      this.#at = end + 2;
    }
    return this.#word !== 'select' || (count === 2 && this.#validDb());
  }

  #validDb(): boolean {
    return /^(?:\d|1[0-5])$/.test(this.#argument);
  }

  #text(end: number): string {
    return this.#bytes.latin1Slice(this.#at, Math.min(end, this.#at + 16));
  }

  /** Reads `*n` or `$n`; -1 when it is not one. */
  #length(marker: number): number {
    const bytes = this.#bytes;
    if (bytes[this.#at] !== marker) return -1;
    let value = 0;
    let at = this.#at + 1;
    for (let digits = 0; digits < 10; digits++) {
      const byte = bytes[at];
      if (byte === 13 && digits > 0 && bytes[at + 1] === 10) {
        this.#at = at + 2;
        return value;
      }
      if (byte === undefined || byte < 48 || byte > 57) return -1;
      value = value * 10 + byte - 48;
      at++;
    }
    return -1;
  }
}
