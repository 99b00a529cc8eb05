// Goal: two daemons never share a directory, whichever of the two they share, and the second is
// told who holds it.

import { afterEach, expect, it } from 'vitest';
import { atlasd } from '../e2e/programs.js';
import { askLine, Cluster, type Daemon, freePorts } from './daemon.js';

let cluster: Cluster | null = null;
afterEach(async () => {
  await cluster?.stop();
  cluster = null;
});

it('a directory in use is refused, naming the process that holds it', async () => {
  cluster = await Cluster.start(1, ['-disk-reserve=0']);
  const [first] = cluster.daemons as [Daemon];
  const mine = first.spec.dataDir;
  const other = `${cluster.directory}/other`;
  const [port] = await freePorts(1);
  for (const [dataDir, raftDir, held] of [
    [mine, `${mine}/raft`, `${mine}/raft/raft.lock`],
    [mine, other, `${mine}/helios.lock`],
    [other, `${mine}/raft`, `${mine}/raft/raft.lock`],
  ] as const) {
    const { code, stderr } = await atlasd([
      ...[`-data-dir=${dataDir}`, `-raft-data-dir=${raftDir}`, `-listen=127.0.0.1:${port}`],
      '-disk-reserve=0',
    ]);
    expect(stderr).toContain(`[FATAL] E_LOCKED: ${held} is held by process ${first.pid}:`);
    expect(code).toBe(1);
    expect(await askLine(first.spec.port, 'SET a 1')).toBe('OK');
  }
  const { pid } = first;
  await first.kill();
  // What a killed daemon leaves behind stops nobody.
  await first.start();
  expect(first.pid).not.toBe(pid);
  expect(await askLine(first.spec.port, 'GET a')).toBe('1');
}, 120_000);
