// Owns: every setting of helios-atlasd: its place in the YAML file, kind, default and meaning.
// Flags, HELIOS_* variables, --help, --check-config, cluster-configs/README.md and the Config type
// all follow from this table. One rule names them: the path without `atlas.` or `observability.`
// and without a final `.enabled`, with dashes, is the flag; in capitals with underscores behind
// HELIOS_ it is the variable. `flag` overrides the rule once.

import {
  boolean,
  choice,
  duration,
  integer,
  type Kind,
  listenAddress,
  nodeId,
  optionalListenAddress,
  peers,
  reachableAddress,
  size,
  text,
} from './kinds.js';

export interface Setting<T = unknown> {
  /** Dotted path in the YAML file. */
  readonly path: string;
  readonly kind: Kind<T>;
  /** Text form of the default, or what it follows from (see derive.ts) in angle brackets. */
  readonly fallback: string;
  readonly help: string;
  /** Flag name where the rule's would not be the one people know. */
  readonly flag?: string;
  /** Never shown, only `(redacted)`. */
  readonly secret?: boolean;
}

function setting<T>(row: Setting<T>): Setting<T> {
  return row;
}

const EVICTION = [
  'noeviction',
  'allkeys-lru',
  'allkeys-lfu',
  'allkeys-random',
  'volatile-lru',
  'volatile-lfu',
  'volatile-random',
  'volatile-ttl',
] as const;

const path = text('path', 'a directory or file name');
const counter = integer(0, 2_147_483_647);

export const settings = {
  dataDir: setting({
    path: 'atlas.data_dir',
    kind: path,
    fallback: './data',
    help: 'directory of snapshots and log (appendonlydir/ inside it)',
  }),
  listen: setting({
    path: 'atlas.listen',
    kind: listenAddress(),
    fallback: ':6379',
    help: 'where Redis clients connect',
  }),
  advertiseAddr: setting({
    path: 'atlas.advertise_addr',
    kind: reachableAddress(),
    fallback: '<host of listen, else of raft-advertise-addr; port of listen>',
    help: 'RESP address told to clients (CLUSTER SLOTS, SENTINEL, INFO)',
  }),
  aofFsync: setting({
    path: 'atlas.aof_fsync',
    kind: choice(['every', 'interval', 'none'], {
      always: 'every',
      everysec: 'interval',
      no: 'none',
    }),
    fallback: 'every',
    help: 'when the log is forced to disk: before each acknowledgement, each second, or never',
  }),
  logSegmentSize: setting({
    path: 'atlas.log_segment_size',
    kind: size(1024 ** 2, 4 * 1024 ** 3),
    fallback: '64mb',
    help: 'a log segment is closed and the next one begun at this size',
  }),
  diskFreeMin: setting({
    path: 'atlas.disk_free_min',
    kind: size(0, 1024 ** 4),
    fallback: '64mb',
    help: 'with less free on disk, writes that need room are refused; 0 to refuse only without any',
  }),
  diskReserve: setting({
    path: 'atlas.disk_reserve',
    kind: size(0, 1024 ** 4),
    fallback: '8mb',
    help: 'bytes set aside in data_dir, given up for deletes when the disk is full; 0 for none',
  }),
  logHistorySize: setting({
    path: 'atlas.log_history_size',
    kind: size(0, 1024 ** 4),
    fallback: '256mb',
    help: 'log kept on disk behind a snapshot, for members that are late; 0 for none',
  }),
  snapshotIntervalCmds: setting({
    path: 'atlas.snapshot_interval_cmds',
    kind: counter,
    fallback: '10000',
    help: 'snapshot after so many write commands; 0 for never because of commands',
  }),
  snapshotIntervalTime: setting({
    path: 'atlas.snapshot_interval_time',
    kind: duration('1s', '2400h', 'never because of time'),
    fallback: '5m',
    help: 'snapshot when the last is this old and something was written; 0 for never',
  }),
  snapshotMinInterval: setting({
    path: 'atlas.snapshot_min_interval',
    kind: duration('1ms', '24h', 'no minimum'),
    fallback: '10s',
    help: 'never two snapshots closer together than this',
  }),
  readLevel: setting({
    path: 'atlas.read_level',
    kind: choice(['linearizable', 'local'], { 'read-your-writes': 'local' }),
    fallback: 'linearizable',
    help: 'what a read sees: every acknowledged write, or what this node has (own writes always)',
  }),
  writeTimeout: setting({
    path: 'atlas.write_timeout',
    kind: duration('10ms', '1h'),
    fallback: '10s',
    help: 'a write not applied by then is answered -UNKNOWN (it may still happen)',
  }),
  maxclients: setting({
    path: 'atlas.maxclients',
    kind: integer(1, 1_000_000),
    fallback: '10000',
    help: 'client connections at the same time',
  }),
  maxmemory: setting({
    path: 'atlas.maxmemory',
    kind: size(1024 ** 2, 2 ** 50, 'no limit'),
    fallback: '0',
    help: 'memory for keys and values; 0 for no limit',
  }),
  maxmemoryPolicy: setting({
    path: 'atlas.maxmemory_policy',
    kind: choice(EVICTION),
    fallback: 'noeviction',
    help: 'what to do with writes over maxmemory',
  }),
  requirepass: setting({
    path: 'atlas.requirepass',
    kind: text('password', 'a password', 0),
    fallback: '',
    help: 'password of the default user; empty for none',
    secret: true,
  }),
  databases: setting({
    path: 'atlas.databases',
    kind: integer(1, 16_384),
    fallback: '16',
    help: 'numbered databases (SELECT); the same on all members',
  }),
  timeout: setting({
    path: 'atlas.timeout',
    kind: counter,
    fallback: '0',
    help: 'seconds after which an idle client is closed; 0 for never',
  }),
  slowlogLogSlowerThan: setting({
    path: 'atlas.slowlog_log_slower_than',
    kind: integer(-1, 2_147_483_647),
    fallback: '10000',
    help: 'microseconds above which SLOWLOG keeps a command; -1 for none, 0 for all',
  }),
  slowlogMaxLen: setting({
    path: 'atlas.slowlog_max_len',
    kind: integer(0, 1_000_000),
    fallback: '128',
    help: 'commands kept by SLOWLOG',
  }),
  raftEnabled: setting({
    path: 'atlas.raft.enabled',
    kind: boolean(),
    fallback: 'false',
    help: 'be a member of a cluster; false: one member and no peer listener',
  }),
  raftNodeId: setting({
    path: 'atlas.raft.node_id',
    kind: nodeId(),
    fallback: '<node-1; required when raft is on>',
    help: "this member's name, the same for its whole life",
  }),
  raftAddr: setting({
    path: 'atlas.raft.bind_addr',
    flag: 'raft-addr',
    kind: listenAddress(),
    fallback: '127.0.0.1:7000',
    help: 'where the other members connect',
  }),
  raftAdvertiseAddr: setting({
    path: 'atlas.raft.advertise_addr',
    kind: reachableAddress(),
    fallback: '<own address in peers, else bind_addr>',
    help: 'address told to the other members',
  }),
  raftDataDir: setting({
    path: 'atlas.raft.data_dir',
    kind: path,
    fallback: '<data_dir/raft>',
    help: 'term, vote and identity of this member',
  }),
  raftHeartbeatTimeout: setting({
    path: 'atlas.raft.heartbeat_timeout',
    kind: duration('1ms', '1m'),
    fallback: '100ms',
    help: 'the leader is heard from at least this often',
  }),
  raftElectionTimeout: setting({
    path: 'atlas.raft.election_timeout',
    kind: duration('10ms', '10m'),
    fallback: '500ms',
    help: 'a member that hears nothing for one to two of these stands for election',
  }),
  raftLeaseReads: setting({
    path: 'atlas.raft.lease_reads',
    kind: boolean(),
    fallback: 'false',
    help: 'the leader reads without asking a majority while its lease holds; see below',
  }),
  raftSnapshotThreshold: setting({
    path: 'atlas.raft.snapshot_threshold',
    kind: counter,
    fallback: '10000',
    help: 'log entries kept behind a snapshot for members that are late',
  }),
  raftPeers: setting({
    path: 'atlas.raft.peers',
    kind: peers(),
    fallback: '',
    help: 'the members the cluster starts with, this one included or not',
  }),
  raftBootstrapGrace: setting({
    path: 'atlas.raft.bootstrap_grace',
    kind: duration('1ms', '1h', 'at once'),
    fallback: '3s',
    help: 'without peers: wait this long to be contacted before becoming a cluster of one',
  }),
  gatewayListen: setting({
    path: 'gateway.listen',
    kind: optionalListenAddress(),
    fallback: 'off',
    help: 'where the HTTP API and dashboard answer',
  }),
  logLevel: setting({
    path: 'observability.log_level',
    kind: choice(['debug', 'info', 'warn', 'error', 'silent'], {
      verbose: 'debug',
      notice: 'info',
      warning: 'warn',
      nothing: 'silent',
    }),
    fallback: 'info',
    help: 'the least important line that is logged',
  }),
  logFormat: setting({
    path: 'observability.log_format',
    kind: choice(['text', 'json']),
    fallback: 'text',
    help: 'lines for people or for machines',
  }),
  logFile: setting({
    path: 'observability.log_file',
    kind: text('path', 'a file name, or empty for standard output', 0),
    fallback: '',
    help: 'log file, opened again on SIGHUP; empty for standard output',
  }),
  metricsEnabled: setting({
    path: 'observability.metrics_enabled',
    kind: boolean(),
    fallback: '<true when metrics_port is set>',
    flag: 'metrics-enabled',
    help: 'serve Prometheus metrics',
  }),
  metricsPort: setting({
    path: 'observability.metrics_port',
    kind: listenAddress(),
    fallback: ':9090',
    help: 'where /metrics answers: 9090, :9090 or host:port',
  }),
};

export type Settings = typeof settings;
export type SettingKey = keyof Settings;

/** The typed value of every setting. Durations are ms, sizes bytes. */
export type Values = {
  readonly [K in SettingKey]: Settings[K] extends Setting<infer T> ? T : never;
};

export const settingKeys = Object.keys(settings) as SettingKey[];

/** `-data-dir` without the dash. */
export function flagName(key: SettingKey): string {
  const row: Setting<never> = settings[key] as unknown as Setting<never>;
  if (row.flag !== undefined) return row.flag;
  return row.path
    .replace(/^(?:atlas|observability)\./, '')
    .replace(/\.enabled$/, '')
    .replaceAll(/[._]/g, '-');
}

/** `HELIOS_DATA_DIR`. */
export function variableName(key: SettingKey): string {
  return `HELIOS_${flagName(key).replaceAll('-', '_').toUpperCase()}`;
}

/** Setting by dotted YAML path. */
export const keyOfPath: ReadonlyMap<string, SettingKey> = new Map(
  settingKeys.map((key) => [settings[key].path, key]),
);

/** Setting by flag name. */
export const keyOfFlag: ReadonlyMap<string, SettingKey> = new Map(
  settingKeys.map((key) => [flagName(key), key]),
);
