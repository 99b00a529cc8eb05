// Goal: connections between members that stay open and carry nothing any more (TCP repeats a lost
// segment ever more seldom, up to two minutes apart) are replaced by themselves, so that the
// members follow one leader again soon after a cut has ended.

import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { askLine, Cluster, Daemon, eventually, freePorts, raftInfo } from './daemon.js';
import { SwallowingProxy } from './swallowing-proxy.js';

let cluster: Cluster;
const proxies: SwallowingProxy[] = [];

afterEach(async () => {
  await cluster?.stop();
  await Promise.all(proxies.splice(0).map((proxy) => proxy.close()));
});

/** Three members, each of which the others reach by way of a proxy only. */
async function behindProxies(): Promise<Cluster> {
  const directory = mkdtempSync(join(tmpdir(), 'helios-test-'));
  const ports = await freePorts(6);
  for (const at of [1, 3, 5]) proxies.push(await SwallowingProxy.start(ports[at]!));
  const peers = proxies.map(({ port }, i) => `node-${i + 1}:127.0.0.1:${port}`).join(',');
  const daemons = proxies.map((proxy, i) => {
    const id = `node-${i + 1}`;
    const [port, raftPort] = [ports[2 * i]!, ports[2 * i + 1]!];
    const dataDir = join(directory, id);
    return new Daemon(
      { id, port, raftPort, dataDir },
      [
        ...[`-data-dir=${dataDir}`, `-listen=127.0.0.1:${port}`, '-raft=true'],
        ...[`-raft-node-id=${id}`, `-raft-addr=127.0.0.1:${raftPort}`],
        `-raft-advertise-addr=127.0.0.1:${proxy.port}`,
      ],
      { HELIOS_RAFT_PEERS: peers },
    );
  });
  const made = Cluster.of(directory, daemons);
  await Promise.all(daemons.map((daemon) => daemon.start()));
  await made.leader();
  return made;
}

describe('members whose connections', () => {
  it('all swallow what is sent follow one leader again, and writes go on', {
    timeout: 120_000,
  }, async () => {
    cluster = await behindProxies();
    const [{ spec }] = cluster.daemons as [Daemon];
    expect(await askLine(spec.port, 'SET before 1')).toBe('OK');
    const swallowing = proxies.reduce((sum, proxy) => sum + proxy.swallow(), 0);
    expect(swallowing).toBeGreaterThanOrEqual(6);
    await cluster.leader();
    expect(await askLine(spec.port, 'SET after 1')).toBe('OK');
  });

  it('from the leader to one member swallow what is sent reach it again', {
    timeout: 120_000,
  }, async () => {
    cluster = await behindProxies();
    const leader = await cluster.leader();
    const lost = cluster.daemons.find((daemon) => daemon !== leader)!;
    const at = cluster.daemons.indexOf(lost);
    expect(proxies[at]!.swallow()).toBeGreaterThanOrEqual(2);
    expect(await askLine(leader.spec.port, 'SET after 1')).toBe('OK');
    await eventually('the member has what the others have', async () => {
      const infos = await Promise.all(cluster.ports.map((port) => raftInfo(port)));
      const indexes = new Set(infos.map((info) => info.raft_applied_index));
      const leaders = new Set(infos.map((info) => info.raft_leader));
      return indexes.size === 1 && leaders.size === 1 && !leaders.has('') ? true : null;
    });
    expect(await askLine(lost.spec.port, 'GET after')).toBe('1');
  });
});
