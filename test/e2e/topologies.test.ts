// Goal: the other ways to a cluster that the documents show: YAML files, and the compose file in
// which the first node is told nothing of the others.

import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { Cluster, Daemon, eventually, freePorts, raftInfo } from '../process/daemon.js';
import { cli, hasPrograms, temporaryDirectory, traceIn } from './programs.js';

const CAN_RUN = hasPrograms('redis-cli');

describe.skipIf(!CAN_RUN)('three nodes', () => {
  let cluster: Cluster;
  afterEach(() => cluster?.stop());

  async function formsOneCluster(): Promise<void> {
    await cluster.leader();
    // Who comes late is a learner for a moment.
    await eventually('one leader and two followers', async () => {
      const infos = await Promise.all(cluster.ports.map((port) => raftInfo(port)));
      const states = infos.map((info) => info.raft_state).sort();
      return states.join() === 'Follower,Follower,Leader' ? true : null;
    });
    for (const [i, port] of cluster.ports.entries()) {
      expect(await cli(port, 'SET', `from:${i}`, String(i))).toBe('OK');
    }
    for (const port of cluster.ports) {
      expect(await cli(port, 'MGET', 'from:0', 'from:1', 'from:2')).toBe('0\n1\n2');
    }
    for (const { output } of cluster.daemons) expect(traceIn(output)).toBeNull();
  }

  it('start from the files in cluster-configs/, with metrics', async () => {
    const directory = temporaryDirectory();
    const ports = await freePorts(12);
    const shown = [6379, 6380, 6381, 7000, 7001, 7002, 8443, 8444, 8445, 9090, 9091, 9092];
    const daemons = [1, 2, 3].map((n) => {
      const file = join(directory, `cluster-node${n}.yaml`);
      let text = readFileSync(`cluster-configs/cluster-node${n}.yaml`, 'utf8');
      for (const [i, port] of shown.entries()) text = text.replaceAll(`:${port}"`, `:${ports[i]}"`);
      text = text.replaceAll('"./data', `"${directory}/data`);
      writeFileSync(file, text);
      const dataDir = join(directory, `data/node${n}`);
      const spec = { id: `node-${n}`, port: ports[n - 1]!, raftPort: ports[n + 2]!, dataDir };
      return new Daemon(spec, [`-config=${file}`], {});
    });
    cluster = Cluster.of(directory, daemons);
    await Promise.all(daemons.map((daemon) => daemon.start()));
    await formsOneCluster();
    for (const port of ports.slice(9)) {
      const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
      for (const name of ['valkey_up 1', 'valkey_db0_keys', 'valkey_used_memory_bytes']) {
        expect(text).toContain(name);
      }
    }
  });

  /** docker-compose.yml: names instead of addresses, and no peers at node 1. */
  async function compose(): Promise<Cluster> {
    const directory = temporaryDirectory();
    const ports = await freePorts(6);
    const at = (n: number): string => `node-${n}:localhost:${ports[n + 2]}`;
    const peers = ['', `${at(1)},${at(3)}`, `${at(1)},${at(2)}`];
    const daemons = [1, 2, 3].map((n) => {
      const dataDir = join(directory, String(n));
      const id = `node-${n}`;
      const spec = { id, port: ports[n - 1]!, raftPort: ports[n + 2]!, dataDir };
      const args = [
        `-data-dir=${dataDir}`,
        `-listen=:${spec.port}`,
        '-raft=true',
        `-raft-node-id=${id}`,
        `-raft-addr=localhost:${spec.raftPort}`,
        `-raft-data-dir=${dataDir}/raft`,
      ];
      return new Daemon(spec, args, n === 1 ? {} : { HELIOS_RAFT_PEERS: peers[n - 1] });
    });
    return Cluster.of(directory, daemons);
  }

  it('form one cluster as in the compose file, and again after all were killed', async () => {
    cluster = await compose();
    await Promise.all(cluster.daemons.map((daemon) => daemon.start()));
    await formsOneCluster();
    await Promise.all(cluster.daemons.map((daemon) => daemon.kill()));
    await Promise.all(cluster.daemons.map((daemon) => daemon.start()));
    await formsOneCluster();
  });

  it('form one cluster when the node without peers comes last', async () => {
    cluster = await compose();
    const [first, ...others] = cluster.daemons;
    await Promise.all(others.map((daemon) => daemon.start()));
    await cluster.leader();
    expect(await cli(others[0]!.spec.port, 'SET', 'early', '1')).toBe('OK');
    await first!.start();
    await formsOneCluster();
    expect(await cli(first!.spec.port, 'GET', 'early')).toBe('1');
  });

  it('have a node without peers serve alone, and join with an empty directory', async () => {
    cluster = await compose();
    const [first] = cluster.daemons;
    await first!.start();
    await eventually('it leads', async () =>
      (await raftInfo(first!.spec.port)).raft_state === 'Leader' ? true : null,
    );
    expect(await cli(first!.spec.port, 'SET', 'alone', '1')).toBe('OK');
    expect((await raftInfo(first!.spec.port)).raft_peers).toBe('0');
    // The others come too late: both sides say that there are two clusters, and what to do.
    await Promise.all(cluster.daemons.slice(1).map((daemon) => daemon.start()));
    await eventually('they say so', async () =>
      cluster.daemons
        .slice(0, 2)
        .every(({ output }) => output.includes('There are two clusters now'))
        ? true
        : null,
    );
    await first!.end('SIGTERM');
    rmSync(first!.spec.dataDir, { recursive: true });
    await first!.start();
    await formsOneCluster();
  });
});
