// Majorities and joint majorities, by table and against counting by hand.

import { describe, expect, it } from 'vitest';
import { Rng } from '../../../src/base/rng.js';
import {
  jointIndex,
  jointVote,
  majority,
  majorityIndex,
  majorityVote,
} from '../../../src/raft/quorum.js';

describe('majority', () => {
  it.each([
    [1, 1],
    [2, 2],
    [3, 2],
    [4, 3],
    [5, 3],
    [6, 4],
    [7, 4],
  ])('of %i is %i', (size, needed) => expect(majority(size)).toBe(needed));
});

describe('committed index', () => {
  it.each<[number[], number]>([
    [[], Number.POSITIVE_INFINITY],
    [[12], 12],
    [[0], 0],
    [[100, 0], 0],
    [[12, 101], 12],
    [[5, 0, 6], 5],
    [[102, 104, 103], 103],
    [[101, 101, 103, 104], 101],
    [[101, 104, 103, 103], 103],
    [[101, 104, 103, 102, 0], 102],
    [[105, 104, 103, 103, 103], 103],
  ])('of acknowledged %j is %d', (acked, index) => expect(majorityIndex([...acked])).toBe(index));

  it('of a joint group is what both halves have reached', () => {
    expect(jointIndex([3, 5, 4], [1, 9, 2])).toBe(2);
    expect(jointIndex([3, 5, 4], [])).toBe(4);
    expect(jointIndex([], [7])).toBe(7);
  });

  it('is the largest index that a majority has, by brute force', () => {
    const rng = new Rng(1);
    for (let run = 0; run < 2000; run++) {
      const acked = Array.from({ length: 1 + rng.below(8) }, () => rng.below(12));
      let expected = 0;
      for (let index = 0; index <= 12; index++) {
        if (acked.filter((a) => a >= index).length * 2 > acked.length) expected = index;
      }
      expect(majorityIndex([...acked])).toBe(expected);
    }
  });
});

describe('votes', () => {
  const votes = (text: string): Map<string, boolean> => {
    const map = new Map<string, boolean>();
    for (const [at, vote] of [...text].entries()) if (vote !== '_') map.set(`${at}`, vote === 'y');
    return map;
  };
  const ids = (count: number): string[] => Array.from({ length: count }, (_, at) => `${at}`);

  it.each([
    ['', 'won'],
    ['_', 'pending'],
    ['n', 'lost'],
    ['y', 'won'],
    ['y_', 'pending'],
    ['n_', 'lost'],
    ['yy', 'won'],
    ['y__', 'pending'],
    ['n__', 'pending'],
    ['nn_', 'lost'],
    ['yn_', 'pending'],
    ['yny', 'won'],
    ['yn__', 'pending'],
    ['yynn', 'lost'],
    ['yyn__', 'pending'],
    ['yyny_', 'won'],
  ])('%s is %s', (text, result) => {
    expect(majorityVote(ids(text.length), votes(text))).toBe(result);
    expect(jointVote(ids(text.length), [], votes(text))).toBe(result);
  });

  it('of people who do not count are not counted', () => {
    expect(majorityVote(['0', '1', '2'], votes('y__yy'))).toBe('pending');
  });

  it('in a joint group need both halves, and one lost half is enough to lose', () => {
    expect(jointVote(['0', '1', '2'], ['3', '4', '5'], votes('yy____'))).toBe('pending');
    expect(jointVote(['0', '1', '2'], ['3', '4', '5'], votes('yy_yy_'))).toBe('won');
    expect(jointVote(['0', '1', '2'], ['3', '4', '5'], votes('yy_nn_'))).toBe('lost');
    expect(jointVote(['0', '1', '2'], ['3', '4', '5'], votes('nn____'))).toBe('lost');
  });

  it('are settled exactly when no further answer can change them, by brute force', () => {
    const rng = new Rng(2);
    for (let run = 0; run < 500; run++) {
      const size = 1 + rng.below(5);
      const text = Array.from({ length: size }, () => 'yn_'[rng.below(3)]!).join('');
      const open = [...text].filter((vote) => vote === '_').length;
      const outcomes = new Set<boolean>();
      for (let bits = 0; bits < 2 ** open; bits++) {
        let next = 0;
        const full = [...text].map((vote) => (vote === '_' ? 'yn'[(bits >> next++) & 1] : vote));
        outcomes.add(full.filter((vote) => vote === 'y').length * 2 > size);
      }
      const expected = outcomes.size === 2 ? 'pending' : outcomes.has(true) ? 'won' : 'lost';
      expect(majorityVote(ids(size), votes(text))).toBe(expected);
    }
  });
});
