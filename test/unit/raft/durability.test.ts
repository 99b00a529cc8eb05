// What counts as durable, and what waits for it.

import { describe, expect, it } from 'vitest';
import { AssertionError } from '../../../src/base/assert.js';
import { Durability } from '../../../src/raft/durability.js';

const fresh = (): Durability => new Durability({ term: 1, vote: '' }, 5);

describe('Durability', () => {
  it('believes what was on disk, and what comes after only when it completes', () => {
    const disk = fresh();
    const token = disk.handOver(2, 'a', 8);
    expect([disk.index, disk.handedIndex]).toEqual([5, 8]);
    expect([disk.isHanded(2, 'a'), disk.isDurable(2, 'a')]).toEqual([true, false]);
    disk.complete(token);
    expect([disk.index, disk.isDurable(2, 'a')]).toEqual([8, true]);
  });

  it('takes one completion for all writes before it, and old tokens for nothing', () => {
    const disk = fresh();
    const first = disk.handOver(2, '', 6);
    const second = disk.handOver(2, 'b', 7);
    disk.complete(second);
    expect([disk.index, disk.isDurable(2, 'b')]).toEqual([7, true]);
    disk.complete(first);
    expect([disk.index, disk.isDurable(2, 'b')]).toEqual([7, true]);
    expect(() => disk.complete(second + 1)).toThrow(AssertionError);
  });

  it('does not let an old write vouch for entries that replaced its own', () => {
    const disk = fresh();
    const old = disk.handOver(2, '', 9);
    disk.truncateFrom(7);
    const replaced = disk.handOver(3, '', 9);
    disk.complete(old);
    expect(disk.index).toBe(6);
    disk.complete(replaced);
    expect(disk.index).toBe(9);
  });

  it('forgets durable entries that left the log', () => {
    const disk = fresh();
    disk.truncateFrom(3);
    expect([disk.index, disk.handedIndex]).toEqual([2, 2]);
  });

  it('vouches for no index while a snapshot is being installed', () => {
    const disk = fresh();
    const old = disk.handOver(2, '', 9);
    disk.resetTo(100);
    const term = disk.handOver(3, '', 100);
    disk.complete(old);
    disk.complete(term);
    expect([disk.index, disk.isDurable(3, '')]).toEqual([0, true]);
    disk.snapshotInstalled(100);
    expect(disk.index).toBe(100);
  });
});
