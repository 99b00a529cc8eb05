// Owns: parameters that clients, tools and test suites of Redis 7.2 read or set and that do not
// steer Helios.
// Each row says why SET is harmless or what refuses it. A value that would promise something Helios
// does not do is never accepted.

import { fixed, harmless, type SettingRow, start } from './setting-rows.js';
import {
  ANY_SIZE,
  BOOL,
  int,
  MEMORY_OR_PERCENT,
  memory,
  oneOf,
  SAVE_POINTS,
  type SettingType,
  TEXT,
} from './setting-types.js';

const ENCODING = 'in-memory layouts are chosen by Helios; the data and every reply stay the same';
const FREEING = 'memory is reclaimed by the collector, never in the way of a command';
const CYCLES = 'Helios has no periodic cycle to tune';
const TEST_AID = 'slows another implementation down for its tests';
const REPLICATION =
  'replication is the Raft log; there is no backlog, sync or replica link to tune';
const SNAPSHOTS = 'the log is always durable; when snapshots are taken follows from the log';
const LOCAL_TUNING = 'a detail of another memory allocator or operating system interface';

const size: SettingType = int(0, ANY_SIZE);

/** Thresholds with the name they had before listpacks. */
const ENCODING_ROWS: readonly SettingRow[] = [
  harmless('hash-max-listpack-entries', size, '512', ENCODING, {
    alias: 'hash-max-ziplist-entries',
  }),
  harmless('hash-max-listpack-value', memory(), '64', ENCODING, {
    alias: 'hash-max-ziplist-value',
  }),
  harmless('list-max-listpack-size', int(-(2 ** 31)), '-2', ENCODING, {
    alias: 'list-max-ziplist-size',
  }),
  harmless('list-compress-depth', int(0), '0', ENCODING),
  harmless('set-max-intset-entries', size, '512', ENCODING),
  harmless('set-max-listpack-entries', size, '128', ENCODING),
  harmless('set-max-listpack-value', size, '64', ENCODING),
  harmless('zset-max-listpack-entries', size, '128', ENCODING, {
    alias: 'zset-max-ziplist-entries',
  }),
  harmless('zset-max-listpack-value', memory(), '64', ENCODING, {
    alias: 'zset-max-ziplist-value',
  }),
  harmless('hll-sparse-max-bytes', memory(), '3000', ENCODING),
  harmless('stream-node-max-bytes', memory(), '4096', ENCODING),
  harmless('stream-node-max-entries', size, '100', ENCODING),
  harmless('activerehashing', BOOL, 'yes', ENCODING),
  harmless('sanitize-dump-payload', oneOf('no', 'yes', 'clients'), 'no', 'RESTORE always checks'),
];

const MEMORY_ROWS: readonly SettingRow[] = [
  harmless('lazyfree-lazy-eviction', BOOL, 'no', FREEING),
  harmless('lazyfree-lazy-expire', BOOL, 'no', FREEING),
  harmless('lazyfree-lazy-server-del', BOOL, 'no', FREEING),
  harmless('lazyfree-lazy-user-del', BOOL, 'no', FREEING),
  harmless('lazyfree-lazy-user-flush', BOOL, 'no', FREEING),
  harmless('replica-lazy-flush', BOOL, 'no', FREEING, { alias: 'slave-lazy-flush' }),
  harmless('maxmemory-eviction-tenacity', int(0, 100), '10', FREEING),
  fixed('maxmemory-clients', MEMORY_OR_PERCENT, '0', 'connections are bounded one by one'),
  harmless('active-expire-effort', int(1, 10), '1', CYCLES),
  harmless('hz', int(0), '10', CYCLES),
  harmless('dynamic-hz', BOOL, 'yes', CYCLES),
  fixed('activedefrag', BOOL, 'no', 'Active defragmentation cannot be enabled: it needs jemalloc'),
  harmless('active-defrag-cycle-min', int(1, 99), '1', LOCAL_TUNING),
  harmless('active-defrag-cycle-max', int(1, 99), '25', LOCAL_TUNING),
  harmless('active-defrag-threshold-lower', int(0, 1000), '10', LOCAL_TUNING),
  harmless('active-defrag-threshold-upper', int(0, 1000), '100', LOCAL_TUNING),
  harmless('active-defrag-ignore-bytes', memory(1), '104857600', LOCAL_TUNING),
  harmless('active-defrag-max-scan-fields', int(1, ANY_SIZE), '1000', LOCAL_TUNING),
  harmless('jemalloc-bg-thread', BOOL, 'yes', LOCAL_TUNING),
];

const PERSISTENCE_ROWS: readonly SettingRow[] = [
  harmless('save', SAVE_POINTS, '', SNAPSHOTS),
  harmless('auto-aof-rewrite-percentage', int(0), '100', SNAPSHOTS),
  harmless('auto-aof-rewrite-min-size', memory(), '67108864', SNAPSHOTS),
  harmless('no-appendfsync-on-rewrite', BOOL, 'no', 'a snapshot never delays an fsync'),
  harmless('aof-rewrite-incremental-fsync', BOOL, 'yes', SNAPSHOTS),
  harmless('rdb-save-incremental-fsync', BOOL, 'yes', SNAPSHOTS),
  harmless('stop-writes-on-bgsave-error', BOOL, 'yes', SNAPSHOTS),
  harmless('rdbcompression', BOOL, 'yes', SNAPSHOTS),
  harmless('rdb-del-sync-files', BOOL, 'no', SNAPSHOTS),
  harmless('aof-timestamp-enabled', BOOL, 'no', 'every entry of the log carries its time'),
  fixed('aof-load-truncated', BOOL, 'yes', 'a torn end of the log is always cut off'),
  fixed('aof-use-rdb-preamble', BOOL, 'yes', 'the base of the log is always an RDB file'),
  start('rdbchecksum', BOOL, 'yes'),
  harmless('rdb-key-save-delay', int(-(2 ** 31)), '0', TEST_AID, { hidden: true }),
  harmless('key-load-delay', int(-(2 ** 31)), '0', TEST_AID, { hidden: true }),
];

const NO_QUORUM_DIAL = 'a write always needs a majority of the voters, neither more nor less';

const REPLICATION_ROWS: readonly SettingRow[] = [
  fixed('replica-read-only', BOOL, 'no', 'every member takes writes and hands them to the leader', {
    alias: 'slave-read-only',
  }),
  harmless('replica-serve-stale-data', BOOL, 'yes', 'the read level decides (READONLY)', {
    alias: 'slave-serve-stale-data',
  }),
  fixed('min-replicas-to-write', int(0), '0', NO_QUORUM_DIAL, { alias: 'min-slaves-to-write' }),
  harmless('min-replicas-max-lag', int(0), '10', REPLICATION, { alias: 'min-slaves-max-lag' }),
  harmless('masterauth', TEXT, '', 'members prove themselves on the peer port', { secret: true }),
  harmless('masteruser', TEXT, '', 'members prove themselves on the peer port', { secret: true }),
  harmless('replica-priority', int(0), '100', REPLICATION, { alias: 'slave-priority' }),
  harmless('replica-ignore-maxmemory', BOOL, 'yes', REPLICATION, {
    alias: 'slave-ignore-maxmemory',
  }),
  harmless('replica-announced', BOOL, 'yes', REPLICATION),
  harmless('repl-diskless-sync', BOOL, 'yes', REPLICATION),
  harmless('repl-diskless-sync-delay', int(0), '5', REPLICATION),
  harmless('repl-diskless-sync-max-replicas', int(0), '0', REPLICATION),
  harmless(
    'repl-diskless-load',
    oneOf('disabled', 'on-empty-db', 'swapdb'),
    'disabled',
    REPLICATION,
  ),
  harmless('repl-disable-tcp-nodelay', BOOL, 'no', REPLICATION),
  harmless('repl-ping-replica-period', int(1), '10', REPLICATION, {
    alias: 'repl-ping-slave-period',
  }),
  harmless('repl-timeout', int(1), '60', REPLICATION),
  harmless('repl-backlog-size', memory(1), '1048576', REPLICATION),
  harmless('repl-backlog-ttl', size, '3600', REPLICATION),
  start('replicaof', TEXT, '', '', { alias: 'slaveof' }),
];

const PROCESS_ROWS: readonly SettingRow[] = [
  harmless('tcp-keepalive', int(0), '300', 'keepalive is always on; its period is the system one'),
  fixed('protected-mode', BOOL, 'no', 'who may connect is decided by bind and requirepass'),
  start('daemonize', BOOL, 'no'),
  start('supervised', oneOf('upstart', 'systemd', 'auto', 'no'), 'no'),
  start('pidfile', TEXT, ''),
  start('syslog-enabled', BOOL, 'no'),
  start('syslog-ident', TEXT, 'redis'),
  start('syslog-facility', TEXT, 'local0'),
  start('io-threads', int(1, 128), '1'),
  start('io-threads-do-reads', BOOL, 'no'),
  start('unixsocket', TEXT, ''),
  start('unixsocketperm', int(0), '0'),
  start('aclfile', TEXT, ''),
  start('set-proc-title', BOOL, 'yes'),
  start('always-show-logo', BOOL, 'no'),
  start('disable-thp', BOOL, 'yes'),
  start('enable-debug-command', oneOf('no', 'yes', 'local'), 'no'),
  start('enable-protected-configs', oneOf('no', 'yes', 'local'), 'no'),
  start('enable-module-command', oneOf('no', 'yes', 'local'), 'no'),
  harmless('acllog-max-len', size, '128', 'nothing is refused by a rule, so nothing is logged'),
  fixed(
    'acl-pubsub-default',
    oneOf('allchannels', 'resetchannels'),
    'resetchannels',
    'no ACL users',
  ),
  harmless('tracking-table-max-keys', size, '1000000', 'there is no tracking table'),
  harmless('oom-score-adj', oneOf('no', 'yes', 'relative', 'absolute'), 'no', LOCAL_TUNING),
  harmless('crash-log-enabled', BOOL, 'yes', LOCAL_TUNING),
  harmless('crash-memcheck-enabled', BOOL, 'yes', LOCAL_TUNING),
  harmless('shutdown-timeout', int(0), '10', 'a leader hands over at once'),
  start('tls-port', int(0, 65535), '0'),
];

const CLUSTER_ROWS: readonly SettingRow[] = [
  start('cluster-enabled', BOOL, 'no'),
  start('cluster-config-file', TEXT, 'nodes.conf'),
  harmless('cluster-node-timeout', size, '15000', 'hash slots are not distributed'),
  harmless('cluster-require-full-coverage', BOOL, 'yes', 'hash slots are not distributed'),
  harmless('cluster-allow-reads-when-down', BOOL, 'no', 'hash slots are not distributed'),
];

export const COMPAT_ROWS: readonly SettingRow[] = [
  ENCODING_ROWS,
  MEMORY_ROWS,
  PERSISTENCE_ROWS,
  REPLICATION_ROWS,
  PROCESS_ROWS,
  CLUSTER_ROWS,
].flat();
