// Owns: what clients do, by family of commands, as one table: how a group of keys is named, what
// may be sent to it, and how it is read at the end. A group gets a bounded number of operations and
// is then left for a new one, so that no part of the history grows beyond what a search can judge.

import type { Rng } from '../../../src/base/rng.js';
import type { Command } from '../check/history.js';

/** What one worker does next, on the keys of one group. */
export type Step =
  | { readonly kind: 'commands'; readonly commands: readonly Command[] }
  | { readonly kind: 'transaction'; readonly commands: readonly Command[] }
  /** WATCH key, GET key, then the transaction. */
  | { readonly kind: 'watch'; readonly key: string; readonly commands: readonly Command[] };

export interface Family {
  readonly name: string;
  /** Groups in use at the same time. */
  readonly slots: number;
  readonly operationsPerGroup: number;
  /** How often it is chosen, relative to the others. */
  readonly weight: number;
  keys(group: string): readonly string[];
  next(rng: Rng, keys: readonly string[], value: () => string): Step;
  readonly finalRead: (key: string) => Command;
}

function pick<T>(rng: Rng, items: readonly T[]): T {
  return items[rng.below(items.length)]!;
}

function single(command: Command): Step {
  return { kind: 'commands', commands: [command] };
}

const registers: Family = {
  name: 'r',
  slots: 4,
  operationsPerGroup: 80,
  weight: 4,
  keys: (group) => [group],
  next(rng, [key], value) {
    const choices: Array<() => Command> = [
      () => ['GET', key!],
      () => ['GET', key!],
      () => ['SET', key!, value()],
      () => ['SETNX', key!, value()],
      () => ['GETSET', key!, value()],
      () => ['GETDEL', key!],
      () => ['DEL', key!],
      () => ['CAS', key!, '', value()],
    ];
    if (rng.below(8) > 0) return single(pick(rng, choices)());
    const commands = Array.from({ length: 2 + rng.below(4) }, () => pick(rng, choices)());
    return { kind: 'commands', commands };
  },
  finalRead: (key) => ['GET', key],
};

const pairs: Family = {
  name: 'p',
  slots: 2,
  operationsPerGroup: 60,
  weight: 3,
  keys: (group) => [`${group}a`, `${group}b`],
  next(rng, [a, b], value) {
    const watched = pick(rng, [a!, b!]);
    const choices: Array<() => Step> = [
      () => single(['MGET', a!, b!]),
      () => single(['MSET', a!, value(), b!, value()]),
      () => single(['DEL', a!, b!]),
      () => single(['SET', watched, value()]),
      () => ({
        kind: 'transaction',
        commands: [
          ['GET', a!],
          ['SET', b!, value()],
          ['GET', b!],
          ['GETSET', a!, value()],
        ],
      }),
      () => ({
        kind: 'watch',
        key: watched,
        commands: [
          ['SET', a!, value()],
          ['GETSET', b!, value()],
        ],
      }),
    ];
    return pick(rng, choices)();
  },
  finalRead: (key) => ['GET', key],
};

const counters: Family = {
  name: 'c',
  slots: 2,
  operationsPerGroup: 80,
  weight: 2,
  keys: (group) => [group],
  next: (rng, [key]) =>
    single(
      pick<Command>(rng, [
        ['INCR', key!],
        ['INCR', key!],
        ['INCR', key!],
        ['INCRBY', key!, '1000'],
        ['GET', key!],
      ]),
    ),
  finalRead: (key) => ['GET', key],
};

const lists: Family = {
  name: 'l',
  slots: 2,
  operationsPerGroup: 60,
  weight: 3,
  keys: (group) => [`${group}a`, `${group}b`],
  next(rng, [a, b], value) {
    const key = rng.below(3) === 0 ? b! : a!;
    const choices: Array<() => Step> = [
      () => single(['RPUSH', key, value()]),
      () => single(['LPUSH', key, value()]),
      () => single(['RPUSH', key, value(), value()]),
      () => single(['LPOP', key]),
      () => single(['RPOP', key]),
      () => single(['LRANGE', key, '0', '-1']),
      () => single(['LLEN', key]),
      () => single(['RPOPLPUSH', a!, b!]),
    ];
    return pick(rng, choices)();
  },
  finalRead: (key) => ['LRANGE', key, '0', '-1'],
};

const hashes: Family = {
  name: 'h',
  slots: 2,
  operationsPerGroup: 60,
  weight: 2,
  keys: (group) => [group],
  next(rng, [key], value) {
    const field = pick(rng, ['f', 'g', 'i']);
    const choices: Array<() => Command> = [
      () => ['HSET', key!, field, value()],
      () => ['HSET', key!, field, value()],
      () => ['HGET', key!, field],
      () => ['HDEL', key!, field],
      () => ['HGETALL', key!],
    ];
    return single(pick(rng, choices)());
  },
  finalRead: (key) => ['HGETALL', key],
};

const sets: Family = {
  name: 's',
  slots: 2,
  operationsPerGroup: 60,
  weight: 2,
  keys: (group) => [group],
  next(rng, [key]) {
    const member = pick(rng, ['a', 'b', 'c', 'd']);
    const commands: readonly Command[] = [
      ['SADD', key!, member],
      ['SREM', key!, member],
      ['SISMEMBER', key!, member],
      ['SMEMBERS', key!],
    ];
    return single(pick(rng, commands));
  },
  finalRead: (key) => ['SMEMBERS', key],
};

const expiring: Family = {
  name: 'x',
  slots: 3,
  operationsPerGroup: 60,
  weight: 2,
  keys: (group) => [group],
  next(rng, [key], value) {
    const choices: Array<() => Command> = [
      () => ['SET', key!, value()],
      () => ['PEXPIRE', key!, String(20 + rng.below(1500))],
      () => ['PEXPIRE', key!, String(20 + rng.below(300))],
      () => ['PERSIST', key!],
      () => ['PTTL', key!],
      () => ['GET', key!],
      () => ['EXISTS', key!],
    ];
    return single(pick(rng, choices)());
  },
  finalRead: (key) => ['GET', key],
};

/**
 * For the checker of list transactions: nothing but RPUSH and LRANGE, over several keys at once.
 */
export const appends: Family = {
  name: 'a',
  slots: 1,
  operationsPerGroup: 400,
  weight: 4,
  keys: (group) => ['a', 'b', 'c', 'd', 'e', 'f'].map((suffix) => `${group}${suffix}`),
  next(rng, keys, value) {
    // Few keys often, the others seldom, so that transactions meet and lists differ in length.
    const key = (): string =>
      keys[Math.min(keys.length - 1, Math.floor(-Math.log(1 - rng.float()) * 2))]!;
    const one = (): Command =>
      rng.below(2) === 0 ? ['RPUSH', key(), value()] : ['LRANGE', key(), '0', '-1'];
    const length = 1 + rng.below(4);
    if (length === 1) return single(one());
    return { kind: 'transaction', commands: Array.from({ length }, one) };
  },
  finalRead: (key) => ['LRANGE', key, '0', '-1'],
};

export const families: readonly Family[] = [
  ...[registers, pairs, counters, lists, hashes, sets, expiring, appends],
];
