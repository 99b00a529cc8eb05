// Owns: what clients ask for. Every write carries a number that no other write has, in a place
// where Redis allows one, so that it can be told apart in the log by its own bytes; its answer is
// checked against a sequential replay, whatever it is.

import type { Rng } from '../../../src/base/rng.js';
import type { WorkloadOptions } from './options.js';

export type Command = readonly string[];

/** How an operation is asked. */
export interface Plan {
  /** What is sent at once; for `watch` only the first part of it. */
  readonly commands: readonly Command[];
  readonly kind: 'write' | 'read' | 'watch';
  /** For `watch`: the key read under WATCH, and the transaction for its value. */
  readonly key: string;
  readonly next: (value: string) => readonly Command[];
}

const NOTHING_MORE = (): readonly Command[] => [];

/** Large enough to be a number nothing else uses. */
const FIRST_TOKEN = 1_000_000;

export class Operations {
  readonly #options: WorkloadOptions;
  readonly #rng: Rng;
  #token = FIRST_TOKEN;

  constructor(options: WorkloadOptions, rng: Rng) {
    this.#options = options;
    this.#rng = rng;
  }

  next(): Plan {
    const draw = this.#rng.below(100);
    if (draw < 30) return this.#read();
    if (draw < 38) return this.#watch();
    if (draw < 48) return write([['MULTI'], this.#write(), this.#write(), ['EXEC']]);
    if (draw < 52) {
      const set = this.#key('s');
      // SPOP has no room for a number; beside it there is one.
      return write([['MULTI'], ['SPOP', set], ['SADD', set, this.#unique()], ['EXEC']]);
    }
    if (draw < 56 && this.#options.scripts) return write([this.#script()]);
    return write([this.#write()]);
  }

  /** For the checks at the end; `padding`: bytes of the value. */
  probe(name: string, padding = 0): { write: Plan; read: Plan } {
    const key = `probe:${name}`;
    return {
      write: write([['SET', key, this.#unique() + 'x'.repeat(padding)]]),
      read: { commands: [['GET', key]], kind: 'read', key: '', next: NOTHING_MORE },
    };
  }

  #read(): Plan {
    const k = (kind: string): string => this.#key(kind);
    const reads: readonly (() => Command)[] = [
      () => ['GET', k('r')],
      () => ['GET', k('c')],
      () => ['LRANGE', k('l'), '0', '-1'],
      () => ['SCARD', k('s')],
      () => ['HGETALL', k('h')],
      () => ['ZRANGE', k('z'), '0', '-1', 'WITHSCORES'],
      () => ['MGET', k('r'), k('r'), k('c')],
      () => ['EXISTS', k('v'), k('r')],
      () => ['GET', k('v')],
      () => ['STRLEN', k('b')],
    ];
    const commands = [reads[this.#rng.below(reads.length)]!()];
    return { commands, kind: 'read', key: '', next: NOTHING_MORE };
  }

  #write(): Command {
    const k = (kind: string): string => this.#key(kind);
    const one = (): string => this.#unique();
    const writes: readonly (() => Command)[] = [
      () => ['SET', k('r'), one()],
      () => ['SET', k('r'), one(), 'NX'],
      () => ['INCRBY', k('c'), one()],
      () => ['RPUSH', k('l'), one()],
      () => ['LPUSH', k('l'), one()],
      () => ['LREM', k('l'), '1', one()],
      () => ['SADD', k('s'), one()],
      () => ['HSET', k('h'), k('f'), one()],
      () => ['HINCRBY', k('h'), 'n', one()],
      () => ['ZADD', k('z'), one(), k('m')],
      () => ['APPEND', k('a'), one()],
      () => ['DEL', k('r'), k('v'), k('l'), one()],
      () => ['SET', k('v'), one(), 'PX', String(1 + this.#rng.below(1500))],
      () => ['PEXPIRE', k('r'), String(Number(one()) - FIRST_TOKEN + 100)],
      () => ['GETSET', k('r'), one()],
      () => ['SETRANGE', k('b'), String(this.#rng.below(20)), one()],
      () => this.#large(),
    ];
    return writes[this.#rng.below(writes.length)]!();
  }

  #large(): Command {
    const { largeValue } = this.#options;
    const padding = 'x'.repeat(this.#rng.below(largeValue + 1));
    return ['SET', this.#key('b'), this.#unique() + padding];
  }

  #script(): Command {
    const script =
      "local v = redis.call('INCRBY', KEYS[1], ARGV[1]); return {v, math.random(1000000)}";
    return ['EVAL', script, '1', this.#key('c'), this.#unique()];
  }

  /** Adds to what was read, only if nobody else wrote meanwhile. */
  #watch(): Plan {
    const key = this.#key('w');
    const token = this.#unique();
    return {
      commands: [
        ['WATCH', key],
        ['GET', key],
      ],
      kind: 'watch',
      key,
      next: (value) => [['MULTI'], ['SET', key, `${value.slice(0, 100)},${token}`], ['EXEC']],
    };
  }

  #key(kind: string): string {
    return `${kind}:${this.#rng.below(this.#options.keys)}`;
  }

  #unique(): string {
    return String(this.#token++);
  }
}

function write(commands: readonly Command[]): Plan {
  return { commands, kind: 'write', key: '', next: NOTHING_MORE };
}
