// Rounds of reads: what confirms them and what never does.

import { describe, expect, it } from 'vitest';
import {
  ForwardedReads,
  LeaderReads,
  PENDING_READS_MAX,
  type ReadRequest,
} from '../../../src/raft/read-index.js';

describe('LeaderReads', () => {
  const confirmed = (reads: LeaderReads, round: number): [number, number][] => {
    const answers: [number, number][] = [];
    reads.confirm(round, (request, index) => answers.push([request.id, index]));
    return answers;
  };
  const ask = (reads: LeaderReads, id: number): boolean => reads.add({ from: 'a', id });

  it('confirms a round by its number or a later one, never by an earlier one', () => {
    const reads = new LeaderReads();
    const earlier = reads.round;
    ask(reads, 1);
    ask(reads, 2);
    reads.startRound(10);
    ask(reads, 3);
    reads.startRound(12);
    expect(confirmed(reads, earlier)).toEqual([]);
    expect(confirmed(reads, earlier + 1)).toEqual([
      [1, 10],
      [2, 10],
    ]);
    expect(confirmed(reads, earlier + 5)).toEqual([[3, 12]]);
    expect(reads.waiting).toBe(false);
  });

  it('does not confirm what no round has been started for', () => {
    const reads = new LeaderReads();
    ask(reads, 1);
    expect(confirmed(reads, 1000)).toEqual([]);
  });

  it('refuses each request once when leadership is lost', () => {
    const reads = new LeaderReads();
    ask(reads, 1);
    reads.startRound(10);
    ask(reads, 2);
    const refused: number[] = [];
    const refuse = (request: ReadRequest): number => refused.push(request.id);
    reads.refuseAll(refuse);
    reads.refuseAll(refuse);
    expect(refused).toEqual([1, 2]);
  });

  it('takes a bounded number of requests, and more when some are answered', () => {
    const reads = new LeaderReads();
    for (let id = 0; id < PENDING_READS_MAX; id++) expect(ask(reads, id)).toBe(true);
    expect(ask(reads, -1)).toBe(false);
    reads.startRound(1);
    expect(ask(reads, -1)).toBe(false);
    confirmed(reads, reads.round);
    expect(ask(reads, -1)).toBe(true);
  });
});

describe('ForwardedReads', () => {
  it('stands for all reads of a turn by one id, answered once', () => {
    const reads = new ForwardedReads(500);
    reads.add(1);
    reads.add(2);
    const first = reads.forward(10);
    reads.add(3);
    const second = reads.forward(10);
    expect(reads.take(second)).toEqual([3]);
    expect(reads.take(first)).toEqual([1, 2]);
    expect(reads.take(first)).toEqual([]);
    expect(reads.take(499)).toEqual([]);
  });

  it('gives up what was not answered in time, oldest first', () => {
    const reads = new ForwardedReads(0);
    reads.add(1);
    reads.forward(10);
    reads.add(2);
    reads.forward(12);
    expect(reads.takeExpired(9)).toBeNull();
    expect(reads.takeExpired(10)).toEqual([1]);
    expect(reads.takeExpired(10)).toBeNull();
  });

  it('is bounded, and free again when refused', () => {
    const reads = new ForwardedReads(0);
    for (let id = 0; id < PENDING_READS_MAX; id++) reads.add(id);
    expect(reads.add(-1)).toBe(false);
    let refused = 0;
    reads.refuseAll(() => refused++);
    expect(refused).toBe(PENDING_READS_MAX);
    expect(reads.add(-1)).toBe(true);
  });
});
