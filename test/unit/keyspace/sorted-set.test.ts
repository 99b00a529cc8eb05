// SortedSetValue against a sorted array: ranks, ranges, both encodings, memory, restoring.

import { describe, expect, it } from 'vitest';
import { Rng } from '../../../src/base/rng.js';
import { SortedSetValue } from '../../../src/keyspace/sorted-set.js';

type Pair = [member: string, score: number];

function byOrder(a: Pair, b: Pair): number {
  if (a[1] !== b[1]) return a[1] < b[1] ? -1 : 1;
  return a[0] < b[0] ? -1 : 1;
}

function randomScore(rng: Rng): number {
  const kind = rng.below(20);
  if (kind === 0) return Number.POSITIVE_INFINITY;
  if (kind === 1) return Number.NEGATIVE_INFINITY;
  return kind < 10 ? rng.below(5) : (rng.below(2_000_001) - 1_000_000) / 8;
}

/** One random edit, rank or pop; the answer shows everything the sorted set would tell. */
function step(sortedSet: SortedSetValue, rng: Rng, range: number): string {
  const member = `m${rng.below(range)}`;
  const action = rng.below(10);
  const score = randomScore(rng);
  if (action < 5) return String(sortedSet.set(member, score));
  if (action < 7) return String(sortedSet.delete(member));
  if (action === 7 && score > 0) return String(sortedSet.firstMemberAbove(member));
  if (action < 8) return String(sortedSet.rank(member));
  if (action < 9) return String(sortedSet.firstAbove(score));
  const first = sortedSet.at(0);
  if (first !== undefined) sortedSet.delete(first[0]);
  return String(first);
}

function expectSame(sortedSet: SortedSetValue, model: Map<string, number>): void {
  const sorted = [...model].sort(byOrder);
  expect([...sortedSet]).toEqual(sorted);
  expect([...sortedSet.reversed()]).toEqual(sorted.toReversed());
  sorted.forEach(([member, score], rank) => {
    expect(sortedSet.rank(member)).toBe(rank);
    expect(sortedSet.score(member)).toBe(score);
    expect(sortedSet.at(rank)).toEqual([member, score]);
  });
  for (const limit of [-Infinity, -3, 0, 1, 2.5, 4, 1e9, Infinity]) {
    const scores = sorted.map((pair) => pair[1]);
    expect(sortedSet.firstAtLeast(limit)).toBe(scores.filter((score) => score < limit).length);
    expect(sortedSet.firstAbove(limit)).toBe(scores.filter((score) => score <= limit).length);
  }
}

describe('SortedSetValue', () => {
  it('keeps what a sorted Map keeps, through every size', () => {
    const rng = new Rng(1);
    for (const range of [5, 127, 130, 300, 3000]) {
      const sortedSet = new SortedSetValue();
      const model = new Map<string, number>();
      for (let i = 0; i < 3 * range + 500; i++) {
        const member = `m${rng.below(range)}`;
        if (rng.below(4) > 0) {
          const score = randomScore(rng);
          expect(sortedSet.set(member, score)).toBe(!model.has(member));
          model.set(member, score);
        } else {
          expect(sortedSet.delete(member)).toBe(model.delete(member));
        }
        expect(sortedSet.size).toBe(model.size);
      }
      expectSame(sortedSet, model);
      const members: string[] = [];
      const scores: number[] = [];
      const start = rng.below(sortedSet.size);
      sortedSet.collect(start, sortedSet.size - 1, members, scores);
      expect(members).toEqual([...sortedSet].slice(start, -1).map((pair) => pair[0]));
      expect(scores).toEqual([...sortedSet].slice(start, -1).map((pair) => pair[1]));
      for (const member of [...model.keys()]) {
        if (rng.below(10) === 0) continue;
        sortedSet.delete(member);
        model.delete(member);
      }
      expectSame(sortedSet, model);
    }
  });

  it('stays exact when ranks are asked between edits of many chunks', () => {
    const rng = new Rng(3);
    const sortedSet = new SortedSetValue();
    for (let i = 0; i < 5000; i++) sortedSet.set(`m${i}`, i);
    for (let i = 0; i < 3000; i++) {
      sortedSet.set(`m${rng.below(6000)}`, rng.below(6000));
      sortedSet.delete(`m${rng.below(6000)}`);
      const rank = rng.below(sortedSet.size);
      const [member, score] = sortedSet.at(rank)!;
      expect(sortedSet.rank(member)).toBe(rank);
      expect(sortedSet.firstAtLeast(score)).toBeLessThanOrEqual(rank);
      expect(sortedSet.firstAbove(score)).toBeGreaterThan(rank);
    }
    while (sortedSet.size > 0) {
      const [lowest] = sortedSet.at(0)!;
      sortedSet.delete(lowest);
    }
    expect(sortedSet.at(0)).toBeUndefined();
    expect([...sortedSet]).toEqual([]);
    sortedSet.set('again', 1);
    expect(sortedSet.rank('again')).toBe(0);
  });

  it('orders members of equal score by bytes', () => {
    const sortedSet = new SortedSetValue();
    for (const member of ['b', '\xff', '', 'a', 'ab', 'A', '\x00']) sortedSet.set(member, 1);
    const members = [...sortedSet].map((pair) => pair[0]);
    expect(members).toEqual(['', '\x00', 'A', 'a', 'ab', 'b', '\xff']);
    expect(sortedSet.firstMemberAtLeast('a')).toBe(3);
    expect(sortedSet.firstMemberAbove('a')).toBe(4);
    expect(sortedSet.firstMemberAtLeast('zz')).toBe(6);
  });

  it('treats -0 as 0 in order, and keeps it only when large', () => {
    const small = new SortedSetValue();
    small.set('a', -0);
    expect(Object.is(small.score('a'), 0)).toBe(true);
    const large = SortedSetValue.restore([], 'skiplist');
    large.set('b', 0);
    large.set('a', -0);
    expect(Object.is(large.score('a'), -0)).toBe(true);
    expect(large.rank('a')).toBe(0);
    large.set('b', -0);
    expect(Object.is(large.score('b'), 0)).toBe(true);
    expect(large.delete('a')).toBe(true);
  });

  it('becomes a skiplist beyond 128 members or 64 bytes, for ever', () => {
    const sortedSet = new SortedSetValue();
    for (let i = 0; i < 128; i++) sortedSet.set(`m${i}`, i);
    expect(sortedSet.encoding).toBe('listpack');
    sortedSet.set('m1', 7);
    expect(sortedSet.encoding).toBe('listpack');
    sortedSet.set('more', 1);
    expect(sortedSet.encoding).toBe('skiplist');
    for (let i = 0; i < 128; i++) sortedSet.delete(`m${i}`);
    expect(sortedSet.encoding).toBe('skiplist');
    const long = new SortedSetValue();
    long.set('x'.repeat(65), 1);
    expect(long.encoding).toBe('skiplist');
  });

  it('restored from its iteration, goes on exactly alike', () => {
    for (const range of [20, 128, 400, 3000]) {
      const history = new Rng(range);
      const original = new SortedSetValue();
      for (let i = 0; i < 4000; i++) step(original, history, range);
      const restored = SortedSetValue.restore([...original], original.encoding);
      const [a, b] = [new Rng(7), new Rng(7)];
      for (let i = 0; i < 4000; i++)
        expect(step(restored, b, range)).toBe(step(original, a, range));
      expect([...restored]).toEqual([...original]);
      expect(restored.encoding).toBe(original.encoding);
      expect(restored.bytes).toBe(original.bytes);
    }
  });

  it('gives back the memory of what is removed', () => {
    for (const encoding of ['listpack', 'skiplist'] as const) {
      const sortedSet = SortedSetValue.restore([], encoding);
      const empty = sortedSet.bytes;
      for (let i = 0; i < 100; i++) sortedSet.set(`m${i}`, i);
      for (let i = 0; i < 100; i++) sortedSet.set(`m${i}`, -i);
      expect(sortedSet.bytes).toBeGreaterThan(empty + 100 * 16);
      for (let i = 0; i < 100; i++) sortedSet.delete(`m${i}`);
      expect(sortedSet.bytes).toBe(empty);
    }
  });

  it('scans every lasting member, whatever happens to the others', () => {
    const rng = new Rng(5);
    const sortedSet = new SortedSetValue();
    for (let i = 0; i < 2000; i++) sortedSet.set(`stay${i}`, rng.below(50));
    for (let i = 0; i < 500; i++) sortedSet.set(`go${i}`, rng.below(50));
    const seen = new Map<string, number>();
    let cursor = 0;
    do {
      const part = sortedSet.scan(cursor, 1 + rng.below(30));
      for (const member of part.members) seen.set(member, (seen.get(member) ?? 0) + 1);
      cursor = part.cursor;
      for (let i = 0; i < 20; i++) {
        sortedSet.set(`stay${rng.below(2000)}`, rng.below(50));
        sortedSet.set(`new${rng.below(3000)}`, rng.below(50));
        sortedSet.delete(`go${rng.below(500)}`);
      }
    } while (cursor !== 0);
    for (let i = 0; i < 2000; i++) expect(seen.get(`stay${i}`)).toBeGreaterThanOrEqual(1);
    const total = [...seen.values()].reduce((sum, count) => sum + count, 0);
    expect(total).toBeLessThan(1.5 * seen.size);
  });

  it('scans on over a restore and a growth between', () => {
    const sortedSet = new SortedSetValue();
    for (let i = 0; i < 1000; i++) sortedSet.set(`m${i}`, i);
    const first = sortedSet.scan(0, 400);
    expect(first.members.length).toBeGreaterThanOrEqual(400);
    expect(first.members.length).toBeLessThan(500);
    const restored = SortedSetValue.restore([...sortedSet], 'skiplist');
    for (let i = 0; i < 20_000; i++) restored.set(`other${i}`, i);
    const rest = restored.scan(first.cursor, 100_000);
    expect(rest.cursor).toBe(0);
    const seen = new Set([...first.members, ...rest.members]);
    for (let i = 0; i < 1000; i++) expect(seen.has(`m${i}`)).toBe(true);
  });
});
