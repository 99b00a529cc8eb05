// Goal: a member further behind than what is in memory is brought forward from the log on disk, not
// by a snapshot; and by a snapshot where the log on disk does not do. Method: whole nodes in this
// process; the link to one is cut until the others have compacted.

import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import type { Connection, Net } from '../../../src/platform/net.js';
import { tcp } from '../../../src/platform/net.js';
import { systemPlatform } from '../../../src/platform/platform.js';
import { eventually } from '../../process/daemon.js';
import { NodeGroup, type TestNode } from './in-process-nodes.js';

let group: NodeGroup | null = null;
afterEach(async () => {
  await group?.stop();
  group = null;
});

const OFTEN = [
  ...['-snapshot-interval-cmds=30', '-snapshot-min-interval=0s', '-raft-snapshot-threshold=5'],
];

/** A network that can be switched off: connections end, and new ones fail. */
function switchedNet() {
  const open = new Set<Connection>();
  const state = { on: true };
  const note = (connection: Connection): Connection => {
    open.add(connection);
    if (!state.on) connection.destroy();
    return connection;
  };
  const net: Net = {
    ...tcp,
    connect: (...args: Parameters<Net['connect']>) => note(tcp.connect(...args)),
    listen: (at, onConnection, ...rest) =>
      tcp.listen(at, (connection) => onConnection(note(connection)), ...rest),
  };
  const set = (on: boolean): void => {
    state.on = on;
    if (!on) for (const connection of open) connection.destroy();
    open.clear();
  };
  return { net, set };
}

function logged(node: TestNode, text: string): number {
  return node.log.lines.filter((line) => line.includes(text)).length;
}

async function fallBehind(args: readonly string[]) {
  const net = switchedNet();
  group = await NodeGroup.start(3, [...OFTEN, ...args], (id) =>
    id === 'node-3' ? { ...systemPlatform, net: net.net } : systemPlatform,
  );
  const { nodes } = group;
  const late = nodes[2]!;
  await nodes[0]!.client.set('first', '1');
  await eventually('all have it', async () =>
    nodes.every(({ parts }) => parts.machine.keyspace.size > 0) ? true : null,
  );
  net.set(false);
  const behind = late.parts.core.lastIndex;
  const others = nodes.slice(0, 2);
  let n = 0;
  await eventually('the others have compacted', async () => {
    for (let i = 0; i < 20; i++) await nodes[0]!.client.set(`k${n++}`, 'x').catch(() => 0);
    return others.every(({ parts }) => parts.core.status().firstIndex > behind + 20) ? true : null;
  });
  return { nodes, late, others, heal: () => net.set(true) };
}

async function equal(nodes: readonly TestNode[]): Promise<void> {
  await eventually('all are level', async () => {
    const applied = new Set(nodes.map(({ parts }) => parts.machine.appliedIndex));
    const [first] = nodes;
    return applied.size === 1 && applied.has(first!.parts.core.lastIndex) ? true : null;
  });
  const digests = nodes.map(({ client, id }) =>
    id === 'node-3' ? null : client.call('debug', 'digest'),
  );
  expect(new Set((await Promise.all(digests)).filter((each) => each !== null)).size).toBe(1);
  const [size] = nodes.map(({ parts }) => parts.machine.keyspace.size);
  for (const { parts } of nodes) expect(parts.machine.keyspace.size).toBe(size);
}

describe('a member that is late', () => {
  it('is brought forward from the log on disk', async () => {
    const { nodes, late, others, heal } = await fallBehind([]);
    heal();
    await equal(nodes);
    expect(logged(late, 'Snapshot installed')).toBe(0);
    const feeds = others.map((node) => logged(node, 'Member caught up from the log on disk'));
    expect(Math.max(...feeds)).toBeGreaterThan(0);
  });

  it('is sent a snapshot when no log is kept', async () => {
    const { nodes, late, heal } = await fallBehind(['-log-history-size=0']);
    heal();
    await equal(nodes);
    expect(logged(late, 'Snapshot installed')).toBeGreaterThan(0);
  });

  it('answers the reads that waited as soon as the snapshot is there', async () => {
    const { others, late, heal } = await fallBehind(['-log-history-size=0']);
    // The snapshot is the end of the log: no entry follows that could wake the reads.
    await eventually('the snapshot is the last', async () => {
      for (const { client } of others) await client.save();
      return others.every(
        ({ parts: { core, store } }) => core.lastIndex === (store.snapshot?.index ?? 0),
      )
        ? true
        : null;
    });
    const waiting = late.client.get('first');
    heal();
    expect(await waiting).toBe('1');
    expect(logged(late, 'Snapshot installed')).toBeGreaterThan(0);
  });

  it('is sent a snapshot when the log on disk cannot be read back', async () => {
    const { nodes, late, others, heal } = await fallBehind([]);
    for (const { parts } of others) {
      for (const { path, maxIndex } of parts.store.files) {
        if (maxIndex > 0 && maxIndex <= parts.store.snapshot!.index) rmSync(path, { force: true });
      }
    }
    heal();
    await equal(nodes);
    expect(logged(late, 'Snapshot installed')).toBeGreaterThan(0);
  });

  it('is sent a new snapshot when the one on disk has rotted', async () => {
    const { nodes, late, others, heal } = await fallBehind(['-log-history-size=0']);
    for (const { client } of others) {
      await eventually('no snapshot is under way', async () => {
        const info = await client.info('persistence');
        return info.includes('rdb_bgsave_in_progress:0') ? true : null;
      });
    }
    for (const { parts } of others) {
      const { path } = parts.store.snapshot!;
      const bytes = readFileSync(path);
      bytes[bytes.length >> 1]! ^= 16;
      writeFileSync(path, bytes);
    }
    heal();
    await equal(nodes);
    expect(logged(late, 'Received snapshot is not usable')).toBeGreaterThan(0);
    expect(logged(late, 'Snapshot installed')).toBeGreaterThan(0);
    const found = others.map((node) => logged(node, 'Snapshot on disk is damaged'));
    expect(Math.max(...found)).toBe(1);
  });
});
