// The in-memory log: slices, truncation, compaction, sizes, conflict search.

import { describe, expect, it } from 'vitest';
import { AssertionError } from '../../../src/base/assert.js';
import { Rng } from '../../../src/base/rng.js';
import { RaftLog } from '../../../src/raft/log.js';
import type { Entry } from '../../../src/raft/types.js';

function entry(index: number, term: number, size = 1): Entry<string> {
  return { index, term, kind: 'batch', size, body: `${index}@${term}`, membership: null };
}

/** A log after a base at (baseIndex, terms[0]) with entries of the terms that follow. */
function logOf(baseIndex: number, ...terms: number[]): RaftLog<string> {
  const log = new RaftLog<string>(baseIndex, terms[0]!);
  for (let at = 1; at < terms.length; at++) log.append(entry(baseIndex + at, terms[at]!));
  return log;
}

/** Largest index <= `index` with a term <= `term`, entry by entry. */
function scan(log: RaftLog<string>, index: number, term: number): number {
  let at = index;
  while (at >= log.baseIndex && log.termAt(at) > term) at--;
  return Math.max(at, log.baseIndex - 1);
}

describe('RaftLog', () => {
  it('knows the terms of its base and its entries, and of nothing else', () => {
    const log = logOf(5, 2, 2, 3);
    expect([4, 5, 6, 7, 8].map((index) => log.termAt(index))).toEqual([-1, 2, 2, 3, -1]);
    expect([log.lastIndex, log.lastTerm]).toEqual([7, 3]);
    expect(new RaftLog(9, 4).lastTerm).toBe(4);
  });

  it('refuses a gap and a term that goes down', () => {
    const log = logOf(0, 0, 1, 2);
    expect(() => log.append(entry(4, 2))).toThrow(AssertionError);
    expect(() => log.append(entry(3, 1))).toThrow(AssertionError);
  });

  it('truncates a tail and goes on with other entries', () => {
    const log = logOf(0, 0, 1, 1, 2, 2);
    log.slice(3, 4);
    log.truncateFrom(3);
    expect(log.lastIndex).toBe(2);
    log.append(entry(3, 5));
    log.append(entry(4, 5));
    expect(log.slice(3, 4).map(({ term }) => term)).toEqual([5, 5]);
    expect(log.findAtMost(4, 4)).toBe(2);
  });

  it('keeps the term at the base when it forgets a prefix', () => {
    const log = logOf(0, 0, 1, 2, 2, 3);
    log.compactTo(3);
    expect([log.baseIndex, log.termAt(3), log.termAt(2), log.lastIndex]).toEqual([3, 2, -1, 4]);
    log.compactTo(1);
    expect(log.baseIndex).toBe(3);
  });

  it('starts over after a snapshot', () => {
    const log = logOf(0, 0, 1, 2);
    log.resetTo(10, 4);
    expect([log.baseIndex, log.lastIndex, log.lastTerm, log.termAt(2)]).toEqual([10, 10, 4, -1]);
    log.append(entry(11, 4));
    expect(log.bytesBetween(10, 11)).toBe(1);
  });

  it('counts bytes exactly through truncation and compaction', () => {
    const rng = new Rng(3);
    const log = new RaftLog<string>(0, 0);
    const sizes = new Map<number, number>();
    for (let step = 0; step < 3000; step++) {
      const action = rng.below(10);
      if (action === 0 && log.lastIndex > log.baseIndex) {
        log.truncateFrom(log.baseIndex + 1 + rng.below(log.lastIndex - log.baseIndex));
      } else if (action === 1) {
        log.compactTo(log.baseIndex + rng.below(log.lastIndex - log.baseIndex + 1));
      } else {
        const size = rng.below(50);
        sizes.set(log.lastIndex + 1, size);
        log.append(entry(log.lastIndex + 1, log.lastTerm, size));
      }
      const from = log.baseIndex + rng.below(log.lastIndex - log.baseIndex + 1);
      let bytes = 0;
      for (let index = from + 1; index <= log.lastIndex; index++) bytes += sizes.get(index)!;
      expect(log.bytesBetween(from, log.lastIndex)).toBe(bytes);
    }
  });

  it('cuts a slice by bytes but never below one entry', () => {
    const log = new RaftLog<string>(0, 0);
    for (const [at, size] of [10, 10, 50, 1].entries()) log.append(entry(at + 1, 1, size));
    expect(log.lastWithin(1, 4, 20)).toBe(2);
    expect(log.lastWithin(1, 4, 19)).toBe(1);
    expect(log.lastWithin(3, 4, 5)).toBe(3);
    expect(log.lastWithin(1, 4, 1000)).toBe(4);
    expect(log.lastWithin(1, 3, 1000)).toBe(3);
  });

  it('gives the same array to everyone who asks for the same entries', () => {
    const log = logOf(0, 0, 1, 1, 1);
    expect(log.slice(2, 3)).toBe(log.slice(2, 3));
    expect(log.slice(2, 3).map(({ index }) => index)).toEqual([2, 3]);
    expect(log.slice(1, 2).map(({ index }) => index)).toEqual([1, 2]);
  });

  it.each([
    [3, 3, true],
    [3, 4, true],
    [2, 4, true],
    [9, 2, false],
    [2, 3, false],
  ])('judges a log that ends at (%i, term %i) up to date: %s', (index, term, upToDate) => {
    expect(logOf(0, 0, 1, 2, 3).isUpToDate(index, term)).toBe(upToDate);
  });
});

describe('the conflict hint', () => {
  it('is what a scan of every entry finds', () => {
    const rng = new Rng(4);
    for (let run = 0; run < 2000; run++) {
      const terms = [rng.below(3)];
      for (let i = rng.below(12); i > 0; i--) terms.push(terms.at(-1)! + (rng.below(3) % 2));
      const log = logOf(rng.below(5), ...terms);
      if (rng.below(3) === 0) log.compactTo(log.baseIndex + rng.below(terms.length));
      const index = log.baseIndex + rng.below(log.lastIndex - log.baseIndex + 1);
      const term = rng.below(8);
      expect(log.findAtMost(index, term)).toBe(scan(log, index, term));
    }
  });

  it('never skips the last entry both logs share, and ends at it in one exchange per term', () => {
    const rng = new Rng(5);
    for (let run = 0; run < 1000; run++) {
      const shared = [0];
      for (let i = rng.below(6); i > 0; i--) shared.push(shared.at(-1)! + rng.below(2));
      const grow = (from: number[]): number[] => {
        const terms = [...from];
        for (let i = rng.below(8); i > 0; i--) terms.push(terms.at(-1)! + rng.below(3));
        return terms;
      };
      const leader = logOf(0, ...grow(shared));
      const follower = logOf(0, ...grow(shared));
      let agreed = 0;
      while (
        leader.termAt(agreed + 1) === follower.termAt(agreed + 1) &&
        agreed < leader.lastIndex
      ) {
        agreed++;
      }
      let prev = leader.lastIndex;
      let rounds = 0;
      while (follower.termAt(prev) !== leader.termAt(prev)) {
        const hint = follower.findAtMost(Math.min(prev, follower.lastIndex), leader.termAt(prev));
        const next = Math.min(prev - 1, leader.findAtMost(hint, follower.termAt(hint)));
        expect(next).toBeGreaterThanOrEqual(agreed);
        prev = next;
        rounds++;
      }
      const terms = new Set<number>();
      for (let index = agreed; index <= leader.lastIndex; index++) terms.add(leader.termAt(index));
      expect(rounds).toBeLessThanOrEqual(terms.size + 1);
    }
  });
});
