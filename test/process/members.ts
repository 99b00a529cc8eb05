// Owns: daemons for tests of membership: nodes with or without peers, RAFT.* at one of them, and
// waiting for the members to be as they should.

import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ask, Cluster, Daemon, eventually, freePorts, raftInfo } from './daemon.js';

/** `peers`: ids this node is told of, by number from 1; none for a bare node. */
export interface NodePlan {
  readonly peers?: readonly number[];
}

/** Daemons node-1 and on, not started, in a directory that Cluster.stop removes. */
export async function plannedNodes(plans: readonly NodePlan[]): Promise<Cluster> {
  const directory = mkdtempSync(join(tmpdir(), 'helios-test-'));
  const ports = await freePorts(plans.length * 2);
  const raftPort = (number: number): number => ports[number * 2 - 1]!;
  const daemons = plans.map(({ peers = [] }, i) => {
    const id = `node-${i + 1}`;
    const dataDir = join(directory, id);
    const spec = { id, port: ports[i * 2]!, raftPort: raftPort(i + 1), dataDir };
    const named = peers.map((n) => `node-${n}:127.0.0.1:${raftPort(n)}`).join(',');
    return new Daemon(
      spec,
      [
        ...[`-data-dir=${dataDir}`, `-listen=127.0.0.1:${spec.port}`, '-raft=true'],
        ...[`-raft-node-id=${id}`, `-raft-addr=127.0.0.1:${spec.raftPort}`],
        '-raft-bootstrap-grace=500ms',
      ],
      { HELIOS_RAFT_PEERS: named },
    );
  });
  return Cluster.of(directory, daemons);
}

/** The reply of RAFT.*, an error with its minus sign. */
export async function raft(daemon: Daemon, command: string): Promise<string> {
  const whole = (reply: string): boolean => {
    if (!reply.startsWith('$')) return reply.endsWith('\r\n');
    return reply.endsWith('\r\n') && reply.split('\r\n').length > 2;
  };
  const reply = await ask(daemon.spec.port, `RAFT.${command}`, whole, 40_000);
  return reply.startsWith('$') ? reply.split('\r\n')[1]! : reply.trimEnd();
}

export function addPeer(at: Daemon, { spec }: Daemon): Promise<string> {
  return raft(at, `ADDPEER ${spec.id} 127.0.0.1:${spec.raftPort}`);
}

/** Waits until this node sees so many voters, all in one committed membership. */
export async function voters(at: Daemon, count: number): Promise<void> {
  await eventually(
    `${count} voters at ${at.spec.id}`,
    async () => {
      const info = await raftInfo(at.spec.port);
      const settled = info.raft_pending_change === 'none' && info.raft_learners === '0';
      return settled && info.raft_voters === String(count) ? true : null;
    },
    40_000,
  );
}
