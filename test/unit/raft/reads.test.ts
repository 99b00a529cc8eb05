// Linearizable reads through the core, at a leader and at a follower.

import { describe, expect, it } from 'vitest';
import { membershipOf } from '../../../src/raft/membership.js';
import { ELECTION, entries, Group, Member, voters } from './group.js';

const ABC = voters('a', 'b', 'c');

describe('a linearizable read', () => {
  it.each(['a', 'b'])('asked at %s gets the commit index', (at) => {
    const group = Group.of('a', 'b', 'c');
    group.elect('a');
    group.propose('a', 'x');
    group.core(at).readIndex(7);
    group.settle();
    expect(group.get(at).reads).toEqual([{ id: 7, index: 2 }]);
  });

  it('shares one round with all reads of its turn, own and forwarded', () => {
    const group = Group.of('a', 'b', 'c');
    group.elect('a');
    group.forget();
    for (const id of [1, 2, 3]) group.core('b').readIndex(id);
    group.collect();
    for (const id of [4, 5]) group.core('a').readIndex(id);
    for (const message of group.queue.splice(0)) group.core(message.to).step(message);
    group.settle();
    expect(group.sentOf('readIndex')).toHaveLength(1);
    // One answer makes a majority of three; the other member is left alone.
    expect(group.sentOf('heartbeat')).toHaveLength(1);
    expect(group.get('b').reads.map(({ id }) => id)).toEqual([1, 2, 3]);
    expect(group.get('a').reads.map(({ id }) => id)).toEqual([4, 5]);
  });

  it('is confirmed by the other member when the one that was asked first is silent', () => {
    const group = Group.of('a', 'b', 'c');
    group.elect('a');
    group.settle();
    for (const silent of ['b', 'c']) {
      group.isolate(silent);
      group.core('a').readIndex(1);
      group.tick(2);
      expect(group.get('a').reads.splice(0)).toMatchObject([{ id: 1 }]);
      group.heal();
    }
  });

  it('waits for the first commit of the leader in its term', () => {
    const group = new Group(...['a', 'b', 'c'].map((id) => new Member(id, ABC, {}, entries(1, 1))));
    group.lose('append');
    group.elect('a');
    group.core('a').readIndex(1);
    group.core('b').readIndex(2);
    group.settle();
    group.core('a').step({ type: 'readIndex', from: 'c', to: 'a', term: 2, id: 3 });
    group.tick(2);
    expect(group.get('a').reads).toEqual([]);
    group.heal();
    group.tick(3);
    expect(group.get('a').reads).toEqual([{ id: 1, index: 3 }]);
  });

  it('is not answered by a leader that is cut off, and refused when it steps down', () => {
    const group = Group.of('a', 'b', 'c');
    group.elect('a');
    group.isolate('a');
    group.core('a').readIndex(1);
    group.settle();
    expect(group.get('a').reads).toEqual([]);
    group.tick(3 * ELECTION, 'a');
    expect(group.get('a').reads).toEqual([{ id: 1, index: -1 }]);
  });

  it('is not confirmed by the answer to an earlier heartbeat', () => {
    const group = Group.of('a', 'b', 'c');
    group.elect('a');
    group.core('a').readIndex(1);
    group.collect();
    const delayed = group.queue.splice(0).filter(({ to }) => to === 'b');
    // b answers the round of read 1 late; by then a may be deposed. It confirms read 1, not read 2.
    group.isolate('b', 'c');
    group.core('a').readIndex(2);
    group.settle();
    group.heal();
    for (const message of delayed) group.core('b').step(message);
    group.collect();
    const answers = group.queue.splice(0).filter(({ type }) => type === 'heartbeatResponse');
    expect(answers).toHaveLength(1);
    // Duplicated on the way, as by a reconnect.
    for (const message of [...answers, ...answers]) group.core('a').step(message);
    group.collect();
    expect(group.get('a').reads.map(({ id }) => id)).toEqual([1]);
  });

  it('is not confirmed by a heartbeat answer of an older term', () => {
    const group = Group.of('a', 'b', 'c');
    group.elect('a');
    group.core('a').transferLeadership('b');
    group.settle();
    group.core('b').transferLeadership('a');
    group.settle();
    group.isolate('b', 'c');
    group.core('a').readIndex(1);
    group.collect();
    for (const from of ['b', 'c']) {
      const answer = { type: 'heartbeatResponse', from, to: 'a', term: 1, readRound: 2 } as const;
      const stale = { ...answer, promised: true, admitted: true };
      group.core('a').step(stale);
    }
    group.collect();
    expect([group.core('a').term, group.get('a').reads]).toEqual([3, []]);
  });

  it('at a node without a leader is refused at once', () => {
    const group = Group.of('a', 'b', 'c');
    group.core('b').readIndex(1);
    group.settle();
    expect(group.get('b').reads).toEqual([{ id: 1, index: -1 }]);
  });

  it('forwarded to a leader that is replaced is refused', () => {
    const group = Group.of('a', 'b', 'c');
    group.elect('a');
    group.isolate('a');
    group.core('b').readIndex(1);
    group.settle();
    group.core('b').linkDown('a');
    group.settle();
    expect(group.get('b').reads).toEqual([{ id: 1, index: -1 }]);
  });

  it('whose request was lost is refused after an election timeout', () => {
    const group = Group.of('a', 'b', 'c');
    group.elect('a');
    group.lose('readIndex');
    group.core('b').readIndex(1);
    group.tick(ELECTION + 1);
    expect(group.get('b').reads).toEqual([{ id: 1, index: -1 }]);
  });

  it('gets no answer that was meant for a request of an earlier life', () => {
    const group = Group.of('a', 'b', 'c');
    group.elect('a');
    group.core('b').readIndex(1);
    group.collect();
    const id = group.sentOf('readIndex')[0]!.id;
    const stale = {
      type: 'readIndexResponse',
      from: 'a',
      to: 'b',
      term: 1,
      id: id + 1,
      index: 1,
    } as const;
    group.core('b').step(stale);
    group.collect();
    expect(group.get('b').reads).toEqual([]);
  });

  it('is answered to a learner too', () => {
    const membership = membershipOf(['a', 'b'], ['c']);
    const group = new Group(...['a', 'b', 'c'].map((id) => new Member(id, membership)));
    group.elect('a');
    group.core('c').readIndex(1);
    group.settle();
    expect(group.get('c').reads).toEqual([{ id: 1, index: 1 }]);
  });
});

describe('a group of one', () => {
  it('reads at once when it has applied all that it may have acknowledged', () => {
    const group = new Group(new Member('a', voters('a'), {}, entries(1, 1)));
    const { core } = group.get('a');
    expect(core.canReadNow).toBe(false);
    core.campaign();
    group.get('a').holdDisk = true;
    group.collect();
    group.flush('a');
    group.get('a').holdDisk = true;
    group.collect();
    expect([core.role, core.canReadNow]).toEqual(['leader', false]);
    group.flush('a');
    group.settle();
    expect([core.appliedIndex, core.canReadNow]).toEqual([3, true]);
    core.readIndex(1);
    group.settle();
    expect(group.get('a').reads).toEqual([{ id: 1, index: 3 }]);
  });

  it('does not read at once when somebody else may have applied more', () => {
    const group = Group.of('a', 'b');
    group.elect('a');
    expect(group.core('a').canReadNow).toBe(false);
  });
});
