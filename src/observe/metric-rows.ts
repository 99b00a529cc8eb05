// Owns: the table of metrics: their names, kinds and where each value is read. Data only;
// metrics.ts serves it. Names are those dashboards for Valkey ask for (valkey_...) where they do.

import type { GroupStatus } from '../replica/group.js';
import { memoryReport } from '../server/info-process.js';
import type { Server } from '../server/server.js';

/** One scrape: the status is asked for once, however many metrics need it. */
export interface Sample {
  readonly server: Server;
  readonly status: GroupStatus;
}

export type Labels = Readonly<Record<string, string>>;

/** Receives the values of one metric. */
export type Emit = (value: number, labels?: Labels) => void;

export interface MetricRow {
  readonly name: string;
  readonly help: string;
  readonly kind: 'gauge' | 'counter';
  readonly labels?: readonly string[];
  readonly read: (sample: Sample, emit: Emit) => void;
}

type Value = (sample: Sample) => number;

function gauge(name: string, help: string, value: Value): MetricRow {
  return { name, help, kind: 'gauge', read: (sample, emit) => emit(value(sample)) };
}

function counter(name: string, help: string, value: Value): MetricRow {
  return { name, help, kind: 'counter', read: (sample, emit) => emit(value(sample)) };
}

const MICROS = 1e-6;

/** Quantiles of the last samples, as a summary would have them, and how many there were. */
function latency(name: string, what: string, of: (status: GroupStatus) => Summary): MetricRow[] {
  const quantiles: MetricRow = {
    name,
    help: `${what}, in seconds, over the last samples`,
    kind: 'gauge',
    labels: ['quantile'],
    read({ status }, emit) {
      const { p50, p99, max } = of(status);
      emit(p50 * MICROS, { quantile: '0.5' });
      emit(p99 * MICROS, { quantile: '0.99' });
      emit(max * MICROS, { quantile: '1' });
    },
  };
  return [quantiles, gauge(`${name}_count`, `${what}: samples`, ({ status }) => of(status).count)];
}

type Summary = GroupStatus['fsyncMicros'];

const SERVER_ROWS: readonly MetricRow[] = [
  gauge('valkey_up', '1: the server answers', () => 1),
  gauge('valkey_uptime_in_seconds', 'Seconds since start', ({ server }) =>
    Math.floor((server.clock.now() - server.stats.startedAt) / 1000),
  ),
  gauge('valkey_connected_clients', 'Connections now', ({ server }) => server.clients.size),
  gauge(
    'valkey_used_memory_bytes',
    'Heap and buffers in use',
    ({ server }) => memoryReport(server).used,
  ),
  gauge(
    'valkey_maxmemory_bytes',
    'Bound of the data set; 0: none',
    ({ server }) => server.settings.maxmemory,
  ),
  gauge(
    'helios_dataset_bytes',
    'Keys and values: what maxmemory bounds',
    ({ server }) => server.group.machine.keyspace.bytes,
  ),
  counter(
    'valkey_commands_processed_total',
    'Commands executed',
    ({ server }) => server.stats.commandsProcessed,
  ),
  counter(
    'valkey_connections_received_total',
    'Connections accepted',
    ({ server }) => server.stats.connectionsReceived,
  ),
  counter(
    'valkey_rejected_connections_total',
    'Connections refused',
    ({ server }) => server.stats.connectionsRejected,
  ),
  counter(
    'valkey_net_input_bytes_total',
    'Bytes from clients',
    ({ server }) => server.stats.bytesIn,
  ),
  counter(
    'valkey_net_output_bytes_total',
    'Bytes to clients',
    ({ server }) => server.stats.bytesOut,
  ),
  counter(
    'valkey_keyspace_hits_total',
    'Lookups that found a key',
    ({ server }) => server.group.machine.keyspace.stats.hits,
  ),
  counter(
    'valkey_keyspace_misses_total',
    'Lookups that found none',
    ({ server }) => server.group.machine.keyspace.stats.misses,
  ),
  counter(
    'valkey_expired_keys_total',
    'Keys whose time was over',
    ({ server }) => server.group.machine.keyspace.stats.expired,
  ),
  counter(
    'valkey_evicted_keys_total',
    'Keys given up for memory',
    ({ server }) => server.group.machine.keyspace.stats.evicted,
  ),
  {
    name: 'valkey_commands_total',
    help: 'Calls by command',
    kind: 'counter',
    labels: ['cmd'],
    read({ server }, emit) {
      for (const [cmd, { calls }] of server.stats.commands) emit(calls, { cmd });
    },
  },
  {
    name: 'valkey_errors_total',
    help: 'Error replies by their first word',
    kind: 'counter',
    labels: ['err'],
    read({ server }, emit) {
      for (const [err, count] of server.stats.errors) emit(count, { err });
    },
  },
  gauge(
    'atlas_store_keys',
    'Keys in all databases',
    ({ server }) => server.group.machine.keyspace.size,
  ),
];

const RAFT_ROWS: readonly MetricRow[] = [
  gauge('helios_raft_is_leader', '1: this node leads', ({ status }) =>
    status.role === 'Leader' ? 1 : 0,
  ),
  gauge('helios_raft_term', 'Current term', ({ status }) => status.term),
  gauge('helios_raft_commit_index', 'Last committed entry', ({ status }) => status.commitIndex),
  gauge('helios_raft_applied_index', 'Last applied entry', ({ status }) => status.appliedIndex),
  gauge('helios_raft_last_index', 'Last entry of the log', ({ status }) => status.lastIndex),
  gauge('helios_raft_first_index', 'First entry of the log', ({ status }) => status.firstIndex),
  gauge('helios_raft_voters', 'Voting members', ({ status }) => status.voters),
  counter('helios_raft_elections_total', 'Elections begun here', ({ status }) => status.elections),
  gauge('helios_raft_lease_held', '1: reads here need no round now', ({ status }) =>
    status.lease.state === 'held' ? 1 : 0,
  ),
  gauge('helios_quarantined', "1: the data here differs from the majority's", ({ status }) =>
    status.integrity.quarantine === '' ? 0 : 1,
  ),
  gauge(
    'helios_checkpoint_index',
    'Newest index at which members compare their data',
    ({ status }) => status.integrity.checkpoint,
  ),
  counter(
    'helios_digest_mismatches_total',
    "Checkpoints at which the data here differed from the majority's",
    ({ status }) => status.integrity.mismatches,
  ),
  counter(
    'helios_digest_splits_total',
    'Checkpoints at which no majority had the same data',
    ({ status }) => status.integrity.splits,
  ),
  {
    name: 'helios_peer_refused_total',
    help: 'What was refused of other nodes, by cause',
    kind: 'counter',
    labels: ['reason'],
    read: ({ status }, emit) => {
      for (const [reason, count] of Object.entries(status.peerRefusals)) emit(count, { reason });
    },
  },
  {
    name: 'helios_raft_peer_match_index',
    help: 'Last entry a member is known to hold',
    kind: 'gauge',
    labels: ['peer'],
    read: ({ status }, emit) => {
      for (const { id, match } of status.peers) emit(match, { peer: id });
    },
  },
  {
    name: 'helios_raft_peer_lag',
    help: 'Entries a member is behind the leader',
    kind: 'gauge',
    labels: ['peer'],
    read: ({ status }, emit) => {
      for (const { id, lag } of status.peers) emit(lag, { peer: id });
    },
  },
  {
    name: 'helios_raft_peer_connected',
    help: '1: the link to a member is up',
    kind: 'gauge',
    labels: ['peer'],
    read: ({ status }, emit) => {
      for (const { id, connected } of status.peers) emit(connected ? 1 : 0, { peer: id });
    },
  },
  gauge('helios_disk_full', '1: less room than disk_free_min', ({ status }) =>
    Number(status.disk.full),
  ),
  gauge('helios_disk_refusing_growth', '1: writes that need room are refused here', ({ status }) =>
    Number(status.disk.refusing),
  ),
  gauge('helios_disk_stalled', '1: a flush hangs or waits for room', ({ status }) =>
    Number(status.disk.stalled),
  ),
  counter('helios_disk_stalls_total', 'Times the disk stalled', ({ status }) => status.disk.stalls),
  gauge('helios_disk_free_bytes', 'Room left where the data is', ({ status }) =>
    Number.isFinite(status.disk.freeBytes) ? status.disk.freeBytes : Number.NaN,
  ),
  ...latency('helios_fsync_seconds', 'Time of fdatasync of the log', (s) => s.fsyncMicros),
  ...latency(
    'helios_replication_seconds',
    'Time from append to commit',
    (status) => status.replicationMicros,
  ),
];

const MEMBERSHIP_ROWS: readonly MetricRow[] = [
  gauge('helios_raft_learners', 'Members that do not vote', ({ server }) => {
    return server.group.membership().members.filter(({ role }) => role === 'learner').length;
  }),
  gauge('helios_raft_change_pending', '1: a membership change is not over', ({ server }) =>
    server.group.membership().pending === 'none' ? 0 : 1,
  ),
  gauge('helios_raft_transferring', '1: leadership is being handed over', ({ server }) =>
    server.group.membership().transferee === '' ? 0 : 1,
  ),
  gauge('helios_raft_removed_uuids', 'Data directories that must not come back', ({ server }) => {
    return server.group.membership().removed;
  }),
  {
    name: 'helios_raft_info',
    help: '1, with the identity of this node as labels',
    kind: 'gauge',
    labels: ['cluster_id', 'uuid', 'standing'],
    read: ({ server }, emit) => {
      const { clusterId, uuid, standing } = server.group.membership();
      emit(1, { cluster_id: clusterId, uuid, standing });
    },
  },
];

const DISK_ROWS: readonly MetricRow[] = [
  gauge(
    'helios_log_bytes',
    'Bytes of log on disk',
    ({ server }) => server.group.persistence().logBytes,
  ),
  gauge(
    'helios_log_history_bytes',
    'Bytes of log kept behind the snapshot',
    ({ server }) => server.group.persistence().historyBytes,
  ),
  gauge(
    'helios_snapshot_bytes',
    'Bytes of the last snapshot',
    ({ server }) => server.group.persistence().snapshotBytes,
  ),
  gauge('helios_snapshot_last_ok', '1: the last snapshot succeeded', ({ server }) =>
    server.group.persistence().lastSnapshotOk ? 1 : 0,
  ),
  counter(
    'helios_snapshot_failures_total',
    'Snapshots that could not be written or did not read back as meant',
    ({ server }) => server.group.persistence().snapshotFailures,
  ),
  gauge('helios_snapshot_last_timestamp_seconds', 'When it was finished', ({ server }) =>
    Math.floor(server.group.persistence().lastSnapshotAt / 1000),
  ),
];

/** All metrics of a node. */
export function metricRows(server: Server): MetricRow[] {
  return [...SERVER_ROWS, ...databaseRows(server), ...RAFT_ROWS, ...MEMBERSHIP_ROWS, ...DISK_ROWS];
}

/** `valkey_db0_keys` and on: a metric for each database, since dashboards ask for them by name. */
function databaseRows(server: Server): MetricRow[] {
  return server.group.machine.keyspace.databases.map((database) =>
    gauge(`valkey_db${database.index}_keys`, 'Keys in a database', () => database.size),
  );
}
