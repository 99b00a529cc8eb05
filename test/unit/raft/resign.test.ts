// A leader whose disk hangs gives way at once.

import { describe, expect, it } from 'vitest';
import { ELECTION, Group } from './group.js';

function ledByA(...ids: string[]): Group {
  const group = Group.of(...ids);
  group.elect('a');
  group.propose('a', 'x');
  return group;
}

describe('resigning', () => {
  it('names the voter that is furthest, although nobody has the whole log', () => {
    const group = ledByA('a', 'b', 'c');
    group.isolate('b');
    group.propose('a', 'y');
    group.isolate('b', 'c');
    group.propose('a', 'z');
    group.heal();
    group.core('a').stalled = true;
    expect(group.core('a').resign()).toBe(true);
    expect([group.core('a').role, group.core('a').leader]).toEqual(['follower', '']);
    group.settle();
    expect(group.core('c').role).toBe('leader');
    expect(group.core('a').leader).toBe('c');
    expect(group.bodies('c').slice(0, 2)).toEqual(['x', 'y']);
  });

  it('is not for a follower, nor for the only voter', () => {
    const group = ledByA('a', 'b', 'c');
    expect(group.core('b').resign()).toBe(false);
    const alone = ledByA('a');
    expect(alone.core('a').resign()).toBe(false);
    expect(alone.core('a').role).toBe('leader');
  });
});

describe('a stalled member', () => {
  it('does not stand for election, not when asked to either, until its disk goes on', () => {
    const group = ledByA('a', 'b');
    group.core('b').stalled = true;
    group.core('a').transferLeadership('b');
    group.settle();
    expect([group.core('a').role, group.core('b').role]).toEqual(['leader', 'follower']);
    group.isolate('a');
    const { term } = group.core('b');
    group.tick(ELECTION * 5);
    expect([group.core('b').role, group.core('b').term]).toEqual(['follower', term]);
    group.core('b').stalled = false;
    group.heal();
    group.elect('a');
    group.core('a').stalled = true;
    group.core('a').resign();
    group.settle();
    expect(group.core('b').role).toBe('leader');
  });
});
