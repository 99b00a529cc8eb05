// Goal: a member whose data differs from the others' is found at the next checkpoint, serves
// nothing while it is, and is rebuilt in the same process. Method: whole nodes in this process; the
// test reaches into one and changes a value behind the machine's back, as a bad memory cell would.

import { afterEach, describe, expect, it } from 'vitest';
import { eventually } from '../../process/daemon.js';
import { NodeGroup, type TestNode } from './in-process-nodes.js';

let group: NodeGroup | null = null;
afterEach(async () => {
  await group?.stop();
  group = null;
});

const OFTEN = ['-snapshot-interval-cmds=20', '-snapshot-min-interval=0s'];

async function start(size: number): Promise<TestNode[]> {
  group = await NodeGroup.start(size, OFTEN);
  await leaderOf(group.nodes);
  return group.nodes;
}

function leaderOf(nodes: readonly TestNode[]): Promise<TestNode> {
  return eventually('a leader', async () => {
    const leaders = nodes.filter(({ parts }) => parts.core.role === 'leader');
    const [leader] = leaders;
    const known = nodes.every(({ parts }) => parts.core.leader === leader?.id);
    return leaders.length === 1 && known ? leader! : null;
  });
}

/** Writes until `done`, through a node that is right. */
async function writeUntil<T>(
  by: TestNode,
  what: string,
  done: () => Promise<T | null>,
): Promise<T> {
  let n = 0;
  return eventually(what, async () => {
    for (let i = 0; i < 10; i++)
      await by.client.set(`written:${n++ % 50}`, String(n)).catch(() => 0);
    return done();
  });
}

async function info(node: TestNode, field: string): Promise<string> {
  const text = await node.client.info('raft');
  return new RegExp(`^${field}:(.*)\r?$`, 'm').exec(text)?.[1]?.trim() ?? '';
}

/** A value changes that no entry changed. */
function damage(node: TestNode, key = 'victim', value = 'damaged'): void {
  const { table } = node.parts.machine.keyspace.database(0);
  const slot = table.find(key);
  expect(slot).toBeGreaterThanOrEqual(0);
  table.setValue(slot, value);
}

async function everywhere(nodes: readonly TestNode[]): Promise<void> {
  const index = Math.max(...nodes.map(({ parts }) => parts.core.commitIndex));
  await eventually('all have applied it', async () =>
    nodes.every(({ parts }) => parts.machine.appliedIndex >= index) ? true : null,
  );
}

function logged(node: TestNode, text: string): number {
  return node.log.lines.filter((line) => line.includes(text)).length;
}

describe('members with equal data', () => {
  it('take their snapshots at the same index and agree', async () => {
    const nodes = await start(3);
    const [a] = nodes as [TestNode];
    await writeUntil(a, 'two checkpoints agreed on by all', async () => {
      const seen = await Promise.all(
        nodes.map(async (node) => [
          await info(node, 'raft_checkpoint_verdict'),
          node.log.lines.filter((line) => line.startsWith('Snapshot written')).length,
        ]),
      );
      return seen.every(([verdict, count]) => verdict === 'agreed' && Number(count) >= 2)
        ? true
        : null;
    });
    await everywhere(nodes);
    for (const node of nodes) expect(await info(node, 'raft_digest_mismatches')).toBe('0');
    const indexes = nodes.map(({ log }) =>
      log.lines
        .filter((line) => line.startsWith('Snapshot written'))
        .map((line) => /"index":(\d+)/.exec(line)![1]),
    );
    expect(indexes[0]!.slice(0, 2)).toEqual(indexes[1]!.slice(0, 2));
    expect(indexes[0]!.slice(0, 2)).toEqual(indexes[2]!.slice(0, 2));
  });
});

describe('a member that differs', () => {
  it.each(['follower', 'leader'])(
    'as %s is found, serves nothing, and is rebuilt',
    async (role) => {
      const nodes = await start(3);
      const leader = await leaderOf(nodes);
      const follower = nodes.find((node) => node !== leader)!;
      const bad = role === 'leader' ? leader : follower;
      const good = nodes.filter((node) => node !== bad);
      await leader.client.set('victim', 'right');
      await everywhere(nodes);
      const errors = new Set<string>();
      damage(bad);
      const ask = async (): Promise<void> => {
        await bad.client.set('other', 'x').catch((error: Error) => errors.add(error.message));
        await bad.client.get('victim').catch((error: Error) => errors.add(error.message));
      };
      await writeUntil(good[0]!, 'detection', async () => {
        await ask();
        return logged(bad, 'QUARANTINE') > 0 ? true : null;
      });
      await writeUntil(good[0]!, 'repair', async () => {
        await ask();
        return logged(bad, 'Quarantine over') > 0 ? true : null;
      });
      await eventually('it is read again', async () =>
        (await bad.client.get('victim').catch(() => null)) === 'right' ? true : null,
      );
      await everywhere(nodes);
      for (const node of good) expect(logged(node, 'QUARANTINE')).toBe(0);
      expect([...errors].filter((text) => !/^(LOADING|CLUSTERDOWN|UNKNOWN)/.test(text))).toEqual(
        [],
      );
      expect(await info(bad, 'raft_quarantined')).toBe('0');
      expect(Number(await info(bad, 'raft_digest_mismatches'))).toBe(1);
      // It takes part again: it is needed for a majority.
      const digests = await Promise.all(nodes.map(({ client }) => client.call('debug', 'digest')));
      expect(new Set(digests).size).toBe(1);
      await leaderOf(nodes);
      expect(await bad.client.set('after', 'x')).toBe('OK');
    },
  );

  it('is not rebuilt from a minority: of two that differ nobody is, and it is told', async () => {
    const nodes = await start(2);
    const leader = await leaderOf(nodes);
    const follower = nodes.find((node) => node !== leader)!;
    await leader.client.set('victim', 'right');
    await everywhere(nodes);
    damage(follower);
    await writeUntil(leader, 'the alarm', async () =>
      nodes.every((node) => logged(node, 'no majority agrees') > 0) ? true : null,
    );
    for (const node of nodes) {
      expect(logged(node, 'QUARANTINE')).toBe(0);
      expect(Number(await info(node, 'raft_digest_splits'))).toBeGreaterThan(0);
    }
    expect(await leader.client.get('victim')).toBe('right');
  });
});
