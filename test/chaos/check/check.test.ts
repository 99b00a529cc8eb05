// The judges, judged: histories known to be right pass, histories known to be wrong do not, and a
// random history is right exactly when trying every order says so.

import { describe, expect, it } from 'vitest';
import { Rng } from '../../../src/base/rng.js';
import { redisModel } from '../model/redis-model.js';
import { checkAppends } from './append-list.js';
import type { Command, Guard, Operation, Reply } from './history.js';
import { checkLinearizable, type Model } from './linearizability.js';
import { partitionByKeys } from './partition.js';
import { judge } from './verdict.js';

interface Extra {
  readonly guards?: readonly Guard[];
  readonly settled?: boolean;
}

/** One operation from a text: `GET k; SET k v`. Replies undefined: its outcome is not known. */
function op(
  call: number,
  end: number,
  text: string,
  replies?: readonly Reply[],
  extra: Extra = {},
): Operation {
  const commands: Command[] = text.split('; ').map((command) => command.split(' '));
  const known = replies !== undefined;
  return {
    ...{ worker: 0, node: 'n', commands, guards: [], settled: false, call, ...extra },
    return: known ? end : Number.POSITIVE_INFINITY,
    outcome: known ? 'ok' : 'unknown',
    replies: replies ?? [],
  };
}

function failed(call: number, end: number, text: string): Operation {
  return { ...op(call, end, text, []), outcome: 'definite' };
}

function verdictOf(...operations: Operation[]): string {
  return checkLinearizable(operations, redisModel(0, 1000)).verdict;
}

describe('linearizability', () => {
  it('accepts reads of either value while a write is under way', () => {
    const write = op(0, 10, 'SET k b', ['OK']);
    expect(verdictOf(write, op(1, 2, 'GET k', [null]), op(3, 4, 'GET k', ['b']))).toBe(
      'linearizable',
    );
  });

  it('finds a stale read', () => {
    expect(verdictOf(op(0, 1, 'SET k b', ['OK']), op(2, 3, 'GET k', [null]))).toBe('violation');
  });

  it('counts touching intervals as concurrent', () => {
    expect(verdictOf(op(0, 2, 'SET k b', ['OK']), op(2, 3, 'GET k', [null]))).toBe('linearizable');
  });

  it('finds a read that goes back', () => {
    const write = op(0, 10, 'SET k b', ['OK']);
    expect(verdictOf(write, op(1, 2, 'GET k', ['b']), op(3, 4, 'GET k', [null]))).toBe('violation');
  });

  it('lets a write of unknown outcome happen late, or never, but once', () => {
    const incr = op(0, 0, 'INCR k');
    const read = (at: number, reply: Reply): Operation => op(at, at + 1, 'GET k', [reply]);
    expect(verdictOf(incr, read(10, null), read(20, '1'))).toBe('linearizable');
    expect(verdictOf(incr, read(10, null), read(20, null))).toBe('linearizable');
    expect(verdictOf(incr, read(10, '1'), read(20, null))).toBe('violation');
    expect(verdictOf(incr, read(10, '1'), read(20, '2'))).toBe('violation');
  });

  it('finds an acknowledged increment that is gone, and one that counted twice', () => {
    const both = [op(0, 1, 'INCR k', [1]), op(2, 3, 'INCR k', [2])];
    expect(verdictOf(...both, op(4, 5, 'GET k', ['2']))).toBe('linearizable');
    expect(verdictOf(...both, op(4, 5, 'GET k', ['1']))).toBe('violation');
    expect(verdictOf(...both, op(4, 5, 'GET k', ['3']))).toBe('violation');
  });

  it('takes a transaction as one', () => {
    const transaction = op(0, 10, 'GET a; SET a x; SET b x', [null, 'OK', 'OK']);
    expect(verdictOf(transaction, op(3, 4, 'MGET a b', [['x', 'x']]))).toBe('linearizable');
    expect(verdictOf(transaction, op(3, 4, 'MGET a b', [['x', null]]))).toBe('violation');
  });

  it('finds an EXEC that succeeded although its watched key had changed', () => {
    const watched = { guards: [{ key: 'a', value: 'x' }] };
    const start = op(0, 1, 'SET a x', ['OK']);
    const exec = (replies?: Reply[]): Operation => op(6, 7, 'SET b y', replies, watched);
    const between = op(2, 3, 'SET a z', ['OK']);
    expect(verdictOf(start, exec(['OK']))).toBe('linearizable');
    expect(verdictOf(start, between, exec(['OK']))).toBe('violation');
    expect(verdictOf(start, between, exec(), op(8, 9, 'GET b', [null]))).toBe('linearizable');
    expect(verdictOf(start, between, exec(), op(8, 9, 'GET b', ['y']))).toBe('violation');
  });

  it('knows lists, hashes and sets', () => {
    expect(
      verdictOf(
        op(0, 1, 'RPUSH l a', [1]),
        op(2, 3, 'LPUSH l b', [2]),
        op(4, 5, 'RPOPLPUSH l m', ['a']),
        op(6, 7, 'LRANGE l 0 -1', [['b']]),
        op(8, 9, 'LPOP m', ['a']),
        op(10, 11, 'LLEN m', [0]),
      ),
    ).toBe('linearizable');
    expect(
      verdictOf(
        op(0, 1, 'HSET h f 1', [1]),
        op(2, 3, 'HSET h f 2', [0]),
        op(4, 5, 'HGETALL h', [['f', '2']]),
        op(6, 7, 'SADD s a', [1]),
        op(8, 9, 'SMEMBERS s', [['a']]),
      ),
    ).toBe('linearizable');
    expect(
      verdictOf(op(0, 1, 'RPUSH l a', [1]), op(2, 3, 'LPOP l', ['a']), op(4, 5, 'LPOP l', ['a'])),
    ).toBe('violation');
  });

  it('lets a key die at its deadline and not before, and stay dead', () => {
    const start = [op(0, 1, 'SET k v', ['OK']), op(2, 3, 'PEXPIRE k 100', [1])];
    const get = (at: number, reply: Reply, settled = false): Operation =>
      op(at, at + 1, 'GET k', [reply], { settled });
    expect(verdictOf(...start, get(50, null))).toBe('violation');
    expect(verdictOf(...start, get(50, 'v'), get(110, null))).toBe('linearizable');
    expect(verdictOf(...start, get(110, null), get(120, 'v'))).toBe('violation');
    expect(verdictOf(...start, get(150, 'v'), get(2000, 'v', true))).toBe('violation');
    expect(verdictOf(...start, op(10, 11, 'PERSIST k', [1]), get(500, null))).toBe('violation');
    expect(verdictOf(...start, op(10, 11, 'PTTL k', [-1]))).toBe('violation');
  });

  it('says so when its budget is spent', () => {
    const many = Array.from({ length: 12 }, (_, i) => op(0, 100, `SADD k ${i}`, [1]));
    const wrong = op(101, 102, 'SMEMBERS k', [['none']]);
    expect(checkLinearizable([...many, wrong], redisModel(0), 100).verdict).toBe('undecided');
  });

  it('agrees with trying every order', () => {
    const rng = new Rng(7);
    const seen = new Set<string>();
    for (let round = 0; round < 3000; round++) {
      const operations = Array.from({ length: 5 }, (): Operation => {
        const call = rng.below(12);
        const end = call + 1 + rng.below(6);
        const unknown = rng.below(5) === 0;
        if (rng.below(2) === 0)
          return op(call, end, `INCR k`, unknown ? undefined : [1 + rng.below(3)]);
        const value = rng.below(4);
        return op(call, end, 'GET k', unknown ? undefined : [value === 0 ? null : String(value)]);
      });
      const expected = anyOrderFits(operations) ? 'linearizable' : 'violation';
      expect(verdictOf(...operations), JSON.stringify(operations)).toBe(expected);
      seen.add(expected);
    }
    expect(seen.size).toBe(2);
  });
});

/** The definition, without any cleverness. */
function anyOrderFits(operations: readonly Operation[]): boolean {
  const model = redisModel(0);
  type State = typeof model extends Model<infer S, Operation> ? S : never;
  const extend = (left: readonly Operation[], state: State): boolean => {
    if (left.every(({ outcome }) => outcome === 'unknown')) return true;
    return left.some((next) => {
      if (left.some((other) => other !== next && other.return < next.call)) return false;
      const rest = left.filter((other) => other !== next);
      return model.step(state, next).some((after) => extend(rest, after));
    });
  };
  return extend(operations, model.initial);
}

describe('partitions', () => {
  it('are the connected components of keys', () => {
    const parts = partitionByKeys([['a'], ['b', 'c'], ['d'], ['c', 'a'], []], (keys) => keys);
    expect(parts.map((part) => part.flat().sort().join())).toEqual(['a,a,b,c,c', 'd']);
  });
});

describe('list-append transactions', () => {
  const kinds = (final: Record<string, string[]>, ...transactions: Operation[]): string[] => {
    const lists = new Map(Object.entries(final));
    return checkAppends(transactions, lists).anomalies.map(({ kind }) => kind);
  };
  const read = (call: number, text: string, ...replies: Reply[]): Operation =>
    op(call, call + 1, text, replies);

  it('accept a serial history', () => {
    const found = kinds(
      { x: ['1', '2'] },
      read(0, 'RPUSH x 1', 1),
      read(2, 'RPUSH x 2; LRANGE x', 2, ['1', '2']),
      read(4, 'LRANGE x', ['1', '2']),
    );
    expect(found).toEqual([]);
  });

  it('accept concurrent transactions in either order', () => {
    const found = kinds(
      { x: ['1', '2'] },
      op(0, 10, 'RPUSH x 1', [1]),
      op(0, 10, 'RPUSH x 2', [2]),
      op(0, 10, 'LRANGE x', [['1']]),
      op(0, 10, 'LRANGE x', [[]]),
      read(20, 'LRANGE x', ['1', '2']),
    );
    expect(found).toEqual([]);
  });

  it('find lost, doubled, made-up and out-of-order appends', () => {
    const one = read(0, 'RPUSH x 1', 1);
    const two = read(2, 'RPUSH x 2', 2);
    expect(kinds({ x: ['2'] }, one, two, read(4, 'LRANGE x', ['2']))).toContain('lost');
    expect(kinds({ x: ['1', '1'] }, one, read(4, 'LRANGE x', ['1', '1']))).toContain('duplicate');
    expect(kinds({ x: ['9'] }, read(4, 'LRANGE x', ['9']))).toContain('phantom');
    const orders = [read(4, 'LRANGE x', ['1', '2']), read(6, 'LRANGE x', ['2'])];
    expect(kinds({ x: ['1', '2'] }, one, two, ...orders)).toContain('incompatible-order');
  });

  it('find G1a, an append that was said to have failed', () => {
    const found = kinds({ x: ['1'] }, failed(0, 1, 'RPUSH x 1'), read(2, 'LRANGE x', ['1']));
    expect(found).toContain('G1a');
  });

  it('find G1b, half a transaction', () => {
    const writer = op(0, 10, 'RPUSH x 1; RPUSH x 2', [1, 2]);
    const found = kinds({ x: ['1', '2'] }, writer, op(0, 10, 'LRANGE x', [['1']]));
    expect(found).toContain('G1b');
  });

  it('find a transaction that does not see its own appends', () => {
    expect(kinds({ x: ['1'] }, read(0, 'RPUSH x 1; LRANGE x', 1, []))).toContain('internal');
  });

  const meanwhile = (text: string, ...replies: Reply[]): Operation => op(0, 100, text, replies);

  it('find G0, writes of two transactions interleaved', () => {
    const found = kinds(
      { x: ['1', '2'], y: ['4', '3'] },
      meanwhile('RPUSH x 1; RPUSH y 3', 1, 2),
      meanwhile('RPUSH x 2; RPUSH y 4', 2, 1),
      meanwhile('LRANGE x; LRANGE y', ['1', '2'], ['4', '3']),
    );
    expect(found).toContain('G0');
  });

  it('find G1c, two transactions that saw each other', () => {
    const found = kinds(
      { x: ['1'], y: ['2'] },
      meanwhile('RPUSH x 1; LRANGE y', 1, ['2']),
      meanwhile('RPUSH y 2; LRANGE x', 1, ['1']),
    );
    expect(found).toEqual(['G1c']);
  });

  it('find G-single, a read between two writes of one transaction', () => {
    const found = kinds(
      { x: ['1'], y: ['2'] },
      meanwhile('RPUSH x 1; RPUSH y 2', 1, 1),
      meanwhile('LRANGE x; LRANGE y', [], ['2']),
      read(200, 'LRANGE x', ['1']),
    );
    expect(found).toEqual(['G-single']);
  });

  it('find G2, write skew', () => {
    const found = kinds(
      { x: ['1'], y: ['2'] },
      meanwhile('LRANGE y; RPUSH x 1', [], 1),
      meanwhile('LRANGE x; RPUSH y 2', [], 1),
      meanwhile('LRANGE x; LRANGE y', ['1'], ['2']),
    );
    expect(found).toEqual(['G2']);
  });

  it('find a read that misses what was acknowledged before it began', () => {
    const found = kinds(
      { x: ['1'] },
      read(0, 'RPUSH x 1', 1),
      read(5, 'LRANGE x', []),
      read(8, 'LRANGE x', ['1']),
    );
    expect(found).toEqual(['G-single-realtime']);
  });

  it('take an append without outcome for real once it was read', () => {
    const unknown = op(0, 0, 'RPUSH x 1');
    expect(kinds({ x: ['1'] }, unknown, read(5, 'LRANGE x', ['1']))).toEqual([]);
    expect(kinds({ x: [] }, unknown, read(5, 'LRANGE x', []))).toEqual([]);
    expect(
      kinds({ x: [] }, unknown, read(5, 'LRANGE x', ['1']), read(7, 'LRANGE x', [])),
    ).not.toEqual([]);
  });
});

describe('the verdict', () => {
  const of = (...operations: Operation[]): string[] =>
    judge({ operations, transactions: [], finalLists: new Map(), clockError: 0 }).violations.map(
      ({ kind }) => kind,
    );
  const final = (at: number, text: string, reply: Reply): Operation =>
    op(at, at + 1, text, [reply], { settled: true });

  it('calls things by the names users know', () => {
    const set = op(0, 1, 'SET k b', ['OK']);
    expect(of(set, op(2, 3, 'GET k', [null]), final(9, 'GET k', 'b'))).toEqual(['stale']);
    expect(of(set, final(9, 'GET k', null))).toEqual(['lost']);
    const push = op(0, 1, 'RPUSH k l1.1', [1]);
    const pop = (at: number): Operation => op(at, at + 1, 'LPOP k', ['l1.1']);
    expect(of(push, pop(2), pop(4))).toEqual(['duplicated']);
    expect(of(op(0, 1, 'INCR k', [1]), op(2, 3, 'INCR k', [1]))).toEqual(['duplicated']);
    expect(of(set, final(9, 'GET k', 'b'))).toEqual([]);
  });

  it('holds the server to its definite failures', () => {
    expect(of(failed(0, 1, 'SET k b'), final(9, 'GET k', null))).toEqual([]);
    expect(of(failed(0, 1, 'SET k b'), final(9, 'GET k', 'b'))).toEqual(['lost']);
  });
});
