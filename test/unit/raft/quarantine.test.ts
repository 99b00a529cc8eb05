// A member whose machine cannot be trusted: it says nothing, and comes back with another's
// snapshot.

import { describe, expect, it } from 'vitest';
import { ELECTION, Group } from './group.js';

/** a leads; c is in quarantine, and everyone has its log. */
function group(): Group {
  const made = Group.of('a', 'b', 'c');
  made.elect('a');
  for (let i = 0; i < 4; i++) made.propose('a', `${i}`);
  made.core('c').quarantine();
  return made;
}

describe('a member in quarantine', () => {
  it('does not acknowledge: with it alone nothing is committed', () => {
    const made = group();
    made.isolate('b');
    const before = made.core('a').commitIndex;
    made.propose('a', 'x');
    made.tick(2);
    expect(made.core('a').commitIndex).toBe(before);
    expect(made.core('c').lastIndex).toBe(before);
    expect(made.core('c').leader).toBe('a');
  });

  it('does not vote and does not stand', () => {
    const made = group();
    made.isolate('a');
    made.tick(4 * ELECTION);
    expect(made.core('b').role).not.toBe('leader');
    expect(made.core('c').role).toBe('follower');
    expect(made.core('c').leader).toBe('');
  });

  it('gives up leading, and the others go on', () => {
    const made = Group.of('a', 'b', 'c');
    made.elect('a');
    made.core('a').quarantine();
    expect(made.core('a').role).toBe('follower');
    made.tick(4 * ELECTION);
    expect(['b', 'c'].filter((id) => made.core(id).role === 'leader')).toHaveLength(1);
    expect(made.core('a').leader).not.toBe('a');
  });

  it('refuses reads', () => {
    const made = group();
    made.core('c').readIndex(5);
    made.settle();
    expect(made.get('c').reads).toEqual([{ id: 5, index: -1 }]);
  });

  it('is rebuilt inside its log: the log stays, the machine goes back, then it takes part', () => {
    const made = group();
    const c = made.core('c');
    const { commitIndex, lastIndex, term } = c;
    const meta = made.core('a').snapshotMeta(commitIndex - 2);
    expect(c.rebuildFrom(meta)).toBe('kept');
    expect(c.quarantined).toBe(true);
    c.rebuilt(meta);
    expect(c.quarantined).toBe(false);
    expect([c.appliedIndex, c.commitIndex, c.lastIndex, c.term]).toEqual([
      meta.index,
      commitIndex,
      lastIndex,
      term,
    ]);
    expect(c.entriesFrom(meta.index + 1, 1e6).map(({ index }) => index)).toEqual([
      meta.index + 1,
      meta.index + 2,
    ]);
    made.isolate('b');
    made.propose('a', 'x');
    made.tick(3);
    expect(made.core('a').commitIndex).toBe(commitIndex + 1);
  });

  it('takes a snapshot beyond its log as any follower would', () => {
    const made = group();
    for (let i = 0; i < 3; i++) made.propose('a', `later ${i}`);
    const meta = made.core('a').snapshotMeta(made.core('a').commitIndex);
    const c = made.get('c');
    expect(c.core.rebuildFrom(meta)).toBe('reset');
    made.settle();
    expect(c.installing).toEqual(meta);
    c.core.snapshotInstalled(meta);
    expect(c.core.quarantined).toBe(false);
    expect(c.core.appliedIndex).toBe(meta.index);
  });

  it('does not take one from before its own: what follows it in the log may be gone', () => {
    const made = group();
    const old = made.core('a').snapshotMeta(2);
    made.get('c').compact();
    expect(made.core('c').rebuildFrom(old)).toBe('tooOld');
    expect(made.core('c').quarantined).toBe(true);
  });
});
