// A leader's view of one follower: probe, replicate, snapshot, and the window.

import { describe, expect, it } from 'vitest';
import { AssertionError } from '../../../src/base/assert.js';
import { Inflights } from '../../../src/raft/inflights.js';
import { Progress } from '../../../src/raft/progress.js';

const MANY = 1000;

function progress(next: number, match = 0): Progress {
  const peer = new Progress('b', '', next, 2, MANY);
  peer.match = match;
  return peer;
}

describe('Inflights', () => {
  it('are full by messages or by bytes, and one message may overshoot the bytes', () => {
    const byCount = new Inflights(2, MANY);
    byCount.add(1, 1);
    expect(byCount.full).toBe(false);
    byCount.add(2, 1);
    expect(byCount.full).toBe(true);
    const byBytes = new Inflights(9, 10);
    byBytes.add(1, 9);
    expect(byBytes.full).toBe(false);
    byBytes.add(2, 500);
    expect([byBytes.full, byBytes.bytes]).toEqual([true, 509]);
  });

  it('are freed up to an index, whatever the messages were', () => {
    const inflights = new Inflights(9, MANY);
    for (const last of [3, 5, 9]) inflights.add(last, last);
    inflights.freeTo(2);
    expect(inflights.count).toBe(3);
    inflights.freeTo(6);
    expect([inflights.count, inflights.bytes]).toEqual([1, 9]);
    inflights.freeTo(100);
    expect([inflights.count, inflights.bytes]).toEqual([0, 0]);
  });

  it('do not take more than the window nor an index that does not ascend', () => {
    const inflights = new Inflights(2, MANY);
    inflights.add(5, 1);
    expect(() => inflights.add(5, 1)).toThrow(AssertionError);
    inflights.add(6, 1);
    expect(() => inflights.add(7, 1)).toThrow(AssertionError);
  });

  it('are forgotten when cleared, so that a new window may start lower', () => {
    const inflights = new Inflights(2, MANY);
    inflights.add(9, 4);
    inflights.clear();
    inflights.add(2, 1);
    expect([inflights.count, inflights.bytes]).toEqual([1, 1]);
  });
});

describe('Progress', () => {
  it('in probe waits for an answer after one message, without moving on', () => {
    const peer = progress(5);
    peer.sent(8, 10);
    expect([peer.paused, peer.next]).toEqual([true, 5]);
  });

  it('in replicate moves on at once', () => {
    const peer = progress(5, 4);
    peer.replicate();
    peer.sent(8, 10);
    expect([peer.next, peer.inflights.count]).toEqual([9, 1]);
  });

  it('keeps match below next when an acknowledgement is ahead of what was sent', () => {
    const peer = progress(5);
    expect(peer.acknowledge(7)).toBe(true);
    expect([peer.match, peer.next]).toEqual([7, 8]);
    expect(peer.acknowledge(7)).toBe(false);
    expect(peer.acknowledge(3)).toBe(false);
    expect([peer.match, peer.next]).toEqual([7, 8]);
  });

  it.each([
    // state, match, next, rejected, hint -> taken, next
    ['probe', 0, 10, 9, 9, true, 9],
    ['probe', 0, 10, 9, 4, true, 5],
    ['probe', 0, 10, 9, 0, true, 1],
    ['probe', 3, 10, 9, 0, true, 4],
    ['probe', 0, 10, 8, 2, false, 10],
    ['probe', 5, 10, 5, 2, false, 10],
    ['probe', 0, 1, 0, 0, false, 1],
    ['replicate', 5, 10, 5, 2, false, 10],
    ['replicate', 5, 10, 9, 8, true, 9],
    ['replicate', 5, 10, 9, 2, true, 6],
    ['replicate', 5, 10, 12, 2, false, 10],
  ] as const)(
    'in %s at (%i, %i) takes a refusal of %i with hint %i: %s, next %i',
    (state, match, next, rejected, hint, taken, after) => {
      const peer = progress(next, match);
      peer.state = state;
      expect(peer.reject(rejected, hint)).toBe(taken);
      expect(peer.next).toBe(after);
      if (taken) expect([peer.state, peer.paused]).toEqual(['probe', false]);
    },
  );

  it('in snapshot ignores refusals, and goes on after the snapshot when it was sent', () => {
    const peer = progress(5, 2);
    peer.awaitSnapshot(20);
    expect(peer.reject(4, 1)).toBe(false);
    peer.probe();
    expect([peer.state, peer.next]).toEqual(['probe', 21]);
  });

  it('goes on after its match when the snapshot turned out older than that', () => {
    const peer = progress(5, 2);
    peer.awaitSnapshot(20);
    peer.acknowledge(30);
    peer.probe();
    expect(peer.next).toBe(31);
  });
});
