// Owns: the configuration each simulated host is started with, by the same door as a real one's: an
// argument list.

import { type Config, loadConfig } from '../../../src/config/load.js';
import type { Options } from './options.js';

export const RESP_PORT = 6379;
export const RAFT_PORT = 7000;

/** A spare waits for a cluster for as long as a run can last. */
const GRACE = '1h';

export interface NodePlace {
  readonly id: string;
  readonly address: string;
}

/** `peers` empty: a spare, which waits to be added. */
export function configOf(
  { id, address }: NodePlace,
  peers: readonly NodePlace[],
  options: Options,
): Config {
  const list = peers.map((peer) => `${peer.id}:${peer.address}:${RAFT_PORT}`).join(',');
  const argv = [
    '-data-dir=/data',
    `-listen=${address}:${RESP_PORT}`,
    '-raft=true',
    '-disk-reserve=0',
    `-raft-node-id=${id}`,
    `-raft-addr=${address}:${RAFT_PORT}`,
    ...(peers.length === 0 ? [`-raft-bootstrap-grace=${GRACE}`] : [`-raft-peers=${list}`]),
    `-raft-heartbeat-timeout=${options.heartbeatMs}ms`,
    `-raft-election-timeout=${options.electionMs}ms`,
    `-write-timeout=${options.writeTimeoutMs}ms`,
    `-raft-lease-reads=${options.leases}`,
    `-snapshot-interval-cmds=${options.snapshotWrites}`,
    `-snapshot-min-interval=${options.snapshotMinMs}ms`,
    `-raft-snapshot-threshold=${options.entriesKept}`,
    `-log-history-size=${options.historyBytes}`,
  ];
  const command = loadConfig({ argv, env: {} });
  if (command.do !== 'run') throw new Error('a configuration to run');
  return { ...command.config, logSegmentSize: options.segmentBytes };
}

/** n1 to n<count>, at addresses that begin with `network`. */
export function placesOf(network: string, count: number): NodePlace[] {
  return Array.from({ length: count }, (_, i) => ({
    id: `n${i + 1}`,
    address: `${network}.${i + 1}`,
  }));
}
