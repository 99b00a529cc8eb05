// Snapshots in the core: when one is asked for, installed, ignored or refused.

import { describe, expect, it } from 'vitest';
import { ELECTION, entries, Group, Member, voters } from './group.js';

const ABC = voters('a', 'b', 'c');
const meta = (index: number, term: number, membership = ABC) => ({ index, term, membership });

/** A group in which c missed everything and the leader a has compacted it away. */
function behind(): Group {
  const group = Group.of('a', 'b', 'c');
  group.elect('a');
  group.isolate('c');
  for (let i = 0; i < 10; i++) group.propose('a', `${i}`);
  group.get('a').compact();
  group.heal();
  return group;
}

/** The driver's part: streams a's snapshot to c. */
function stream(group: Group): void {
  const { snapshot, core } = group.get('a');
  group.core('c').step({ type: 'snapshot', from: 'a', to: 'c', term: core.term, meta: snapshot });
  core.snapshotSent('c', true);
  group.collect();
}

function install(group: Group): void {
  const member = group.get('c');
  member.snapshot = member.installing!;
  member.log = [];
  member.core.snapshotInstalled(member.installing!);
  group.settle();
}

const stateOf = (group: Group, id: string) =>
  group
    .core('a')
    .status()
    .peers.find((peer) => peer.id === id)!;

describe('a follower that needs what is compacted', () => {
  it('gets the snapshot, then the log after it', () => {
    const group = behind();
    group.tick(3);
    expect(group.get('a').snapshotsWanted).toEqual(['c']);
    expect(stateOf(group, 'c').state).toBe('snapshot');
    stream(group);
    install(group);
    group.propose('a', 'after');
    group.tick(2);
    expect(stateOf(group, 'c').state).toBe('replicate');
    expect(group.bodies('c')).toEqual(['after']);
    expect(group.core('c').commitIndex).toBe(group.core('a').commitIndex);
  });

  it('gets the log as soon as it has the snapshot, whatever is known of the stream', () => {
    const group = behind();
    group.tick(3);
    const { snapshot, core } = group.get('a');
    group.core('c').step({ type: 'snapshot', from: 'a', to: 'c', term: core.term, meta: snapshot });
    group.collect();
    install(group);
    expect(stateOf(group, 'c').state).toBe('replicate');
  });

  it('is asked for again when the stream failed, once it answers a heartbeat', () => {
    const group = behind();
    group.tick(3);
    group.core('a').snapshotSent('c', false);
    expect(stateOf(group, 'c').state).toBe('probe');
    group.tick(3);
    expect(group.get('a').snapshotsWanted).toEqual(['c', 'c']);
  });

  it('gets none while it does not answer at all', () => {
    const group = behind();
    group.isolate('c');
    group.tick(4 * ELECTION);
    expect(group.get('a').snapshotsWanted).toEqual([]);
  });

  it('that had its window in flight when the log was compacted gets one too', () => {
    const group = Group.of('a', 'b', 'c');
    group.elect('a');
    group.propose('a', 'first');
    group.isolate('c');
    for (let i = 0; i < 10; i++) group.propose('a', `${i}`);
    group.get('a').compact();
    group.heal();
    group.tick(3);
    expect(group.get('a').snapshotsWanted).toEqual(['c']);
  });

  it('takes part in nothing but heartbeats while it installs', () => {
    const group = behind();
    group.tick(3);
    stream(group);
    const { core } = group.get('c');
    group.propose('a', 'while installing');
    expect(core.lastIndex).toBe(group.get('a').snapshot.index);
    expect(core.entriesFrom(1, 1000)).toEqual([]);
    group.isolate('c');
    group.tick(5 * ELECTION, 'c');
    expect(core.role).toBe('follower');
    group.heal();
    install(group);
    group.tick(3);
    expect(group.bodies('c')).toEqual(['while installing']);
  });

  it('that crashes while it installs starts from what it had', () => {
    const group = behind();
    group.tick(3);
    stream(group);
    group.get('c').restart();
    expect(group.core('c').lastIndex).toBe(1);
    group.tick(3);
    expect(group.core('a').status().peers).toHaveLength(2);
  });

  it('may be helped from kept entries instead', () => {
    const group = Group.of('a', 'b', 'c');
    group.elect('a');
    group.isolate('c');
    for (let i = 0; i < 10; i++) group.propose('a', `${i}`);
    group.get('a').compact(2);
    group.heal();
    group.tick(3);
    expect(group.get('a').snapshotsWanted).toEqual([]);
    expect(group.bodies('c')).toHaveLength(10);
  });
});

describe('a received snapshot', () => {
  const receive = (member: Member, index: number, term: number, membership = ABC) => {
    const message = {
      type: 'snapshot',
      from: 'b',
      to: 'a',
      term: 5,
      meta: meta(index, term, membership),
    } as const;
    member.core.step(message);
    const ready = member.core.takeReady()!;
    if (ready.token > 0) member.core.appended(ready.token);
    return ready;
  };

  it('of something the log has only moves the commit index, and keeps what follows', () => {
    const member = new Member('a', ABC, {}, entries(1, 1, 2, 2));
    const ready = receive(member, 3, 2);
    expect(ready.snapshot).toBeNull();
    expect([member.core.commitIndex, member.core.lastIndex]).toEqual([3, 4]);
    expect(ready.afterDurable).toMatchObject([{ accepted: true, index: 3 }]);
  });

  it('is not vouched for before it is installed, also when it comes twice', () => {
    const member = new Member('a', ABC, {}, entries(1));
    receive(member, 3, 4);
    const message = { type: 'snapshot', from: 'b', to: 'a', term: 5, meta: meta(3, 4) } as const;
    member.core.step(message);
    expect(member.core.takeReady()).toBeNull();
    member.core.snapshotInstalled(meta(3, 4));
    expect(member.core.takeReady()!.messages).toMatchObject([{ accepted: true, index: 3 }]);
  });

  it('that contradicts the log replaces all of it', () => {
    const member = new Member('a', ABC, {}, entries(1, 1, 2, 2));
    expect(receive(member, 3, 4).snapshot).toEqual(meta(3, 4));
    expect([member.core.commitIndex, member.core.lastIndex]).toEqual([3, 3]);
  });

  it('older than what is committed is not installed', () => {
    const member = new Member('a', ABC, {}, entries(1, 1, 2, 2));
    receive(member, 3, 2);
    const ready = receive(member, 2, 1);
    expect(ready.snapshot).toBeNull();
    expect(ready.messages).toMatchObject([{ accepted: true, index: 3 }]);
  });

  it('at a committed index with another term stops the node', () => {
    const member = new Member('a', ABC, {}, entries(1, 1, 2, 2));
    receive(member, 3, 2);
    expect(receive(member, 2, 3).fault).toContain('snapshot at 2');
  });

  it('of an older leader is refused with the newer term', () => {
    const member = new Member('a', ABC, {}, [], { term: 6, vote: '' });
    expect(receive(member, 3, 2)).toMatchObject({
      snapshot: null,
      messages: [{ accepted: false, term: 6 }],
    });
  });

  it('brings its membership, also where the log had a newer one', () => {
    const config = { ...entries(1, 2)[1]!, kind: 'config', membership: voters('a') } as const;
    const member = new Member('a', ABC, {}, [entries(1)[0]!, config]);
    expect(member.core.membership).toEqual(voters('a'));
    receive(member, 9, 4, voters('a', 'b'));
    expect(member.core.membership).toEqual(voters('a', 'b'));
  });
});

describe('compaction', () => {
  it('keeps term and membership of the last index it forgets, also over a restart', () => {
    const group = behind();
    const member = group.get('a');
    const { index } = member.snapshot;
    expect(member.core.snapshotMeta(index)).toEqual(meta(index, 1));
    member.restart();
    expect([member.core.lastIndex, member.core.commitIndex]).toEqual([index, index]);
    expect(member.core.membership).toEqual(ABC);
  });
});
