// Owns: INFO: which sections there are, which come by default, the counters of stats and the per-
// command sections.
// Adding a section is one row in SECTIONS.

import type { InfoField } from './info-format.js';
import { keyspaceFields, persistenceFields, raftFields, replicationFields } from './info-group.js';
import { clientFields, cpuFields, memoryFields, serverFields } from './info-process.js';
import type { Server } from './server.js';

interface Section {
  /** As asked for, lower case. */
  readonly name: string;
  readonly title: string;
  /**
   * `default`: also without arguments; `all`: with INFO all; `everything`: only with INFO
   * everything.
   */
  readonly in: 'default' | 'all' | 'everything';
  readonly fields: (server: Server) => readonly InfoField[];
}

const SECTIONS: readonly Section[] = [
  { name: 'server', title: 'Server', in: 'default', fields: serverFields },
  { name: 'clients', title: 'Clients', in: 'default', fields: clientFields },
  { name: 'memory', title: 'Memory', in: 'default', fields: memoryFields },
  { name: 'persistence', title: 'Persistence', in: 'default', fields: persistenceFields },
  { name: 'stats', title: 'Stats', in: 'default', fields: statsFields },
  { name: 'replication', title: 'Replication', in: 'default', fields: replicationFields },
  { name: 'raft', title: 'Raft', in: 'default', fields: raftFields },
  { name: 'cpu', title: 'CPU', in: 'default', fields: cpuFields },
  { name: 'modules', title: 'Modules', in: 'default', fields: () => [] },
  { name: 'commandstats', title: 'Commandstats', in: 'all', fields: commandStatsFields },
  { name: 'errorstats', title: 'Errorstats', in: 'default', fields: errorStatsFields },
  { name: 'latencystats', title: 'Latencystats', in: 'all', fields: latencyStatsFields },
  { name: 'cluster', title: 'Cluster', in: 'default', fields: () => [['cluster_enabled', 0]] },
  { name: 'keyspace', title: 'Keyspace', in: 'default', fields: keyspaceFields },
];

/** The text of the sections asked for, in the order of the table; unknown names add nothing. */
export function infoText(server: Server, asked: readonly string[]): string {
  const names = new Set(asked.map((name) => name.toLowerCase()));
  const every = names.has('all') || names.has('everything');
  const usual = names.size === 0 || names.has('default');
  return SECTIONS.filter(
    (section) => every || names.has(section.name) || (usual && section.in === 'default'),
  )
    .map((section) => sectionText(section, server))
    .join('\r\n');
}

function sectionText(section: Section, server: Server): string {
  const lines = section.fields(server).map(([name, value]) => `${name}:${value}\r\n`);
  return `# ${section.title}\r\n${lines.join('')}`;
}

/** Counts of what never happens in Helios: zero is their true value, and dashboards read them. */
const ABSENT = [
  'sync_full',
  'sync_partial_ok',
  'sync_partial_err',
  'evicted_clients',
  'latest_fork_usec',
  'total_forks',
  'migrate_cached_sockets',
  'slave_expires_tracked_keys',
  'active_defrag_hits',
  'active_defrag_misses',
  'active_defrag_key_hits',
  'active_defrag_key_misses',
  'total_active_defrag_time',
  'current_active_defrag_time',
  'tracking_total_keys',
  'tracking_total_items',
  'tracking_total_prefixes',
  'unexpected_error_replies',
  'io_threaded_reads_processed',
  'io_threaded_writes_processed',
  'acl_access_denied_cmd',
  'acl_access_denied_key',
  'acl_access_denied_channel',
] as const;

function statsFields(server: Server): InfoField[] {
  const { stats, instruments, subscriptions } = server;
  const { hits, misses, expired, evicted } = server.group.machine.keyspace.stats;
  let errors = 0;
  for (const count of stats.errors.values()) errors += count;
  return [
    ['total_connections_received', stats.connectionsReceived],
    ['total_commands_processed', stats.commandsProcessed],
    ['instantaneous_ops_per_sec', Math.round(instruments.commandRate.perSecond)],
    ['total_net_input_bytes', stats.bytesIn],
    ['total_net_output_bytes', stats.bytesOut],
    ['instantaneous_input_kbps', (instruments.inputRate.perSecond / 1024).toFixed(2)],
    ['instantaneous_output_kbps', (instruments.outputRate.perSecond / 1024).toFixed(2)],
    ['rejected_connections', stats.connectionsRejected],
    ['expired_keys', expired],
    ['evicted_keys', evicted],
    ['keyspace_hits', hits],
    ['keyspace_misses', misses],
    ['pubsub_channels', subscriptions.channels],
    ['pubsub_patterns', subscriptions.patterns],
    ['pubsubshard_channels', subscriptions.shardChannels],
    ['total_error_replies', errors],
    ...ABSENT.map((name): InfoField => [name, 0]),
  ];
}

/** Commands that were called or refused, in order of first use. */
function commandStatsFields(server: Server): InfoField[] {
  const fields: InfoField[] = [];
  for (const [name, { calls, micros, rejected, failed }] of server.stats.commands) {
    if (calls + rejected + failed === 0) continue;
    const mean = calls === 0 ? 0 : micros / calls;
    const times = `calls=${calls},usec=${Math.round(micros)},usec_per_call=${mean.toFixed(2)}`;
    fields.push([`cmdstat_${name}`, `${times},rejected_calls=${rejected},failed_calls=${failed}`]);
  }
  return fields;
}

function errorStatsFields(server: Server): InfoField[] {
  return [...server.stats.errors].map(([code, count]) => [`errorstat_${code}`, `count=${count}`]);
}

function latencyStatsFields(server: Server): InfoField[] {
  if (!server.settings.latencyTracking) return [];
  const listed = server.settings.text('latency-tracking-info-percentiles').split(' ');
  const percents = listed.filter((word) => word !== '').map(Number);
  const fields: InfoField[] = [];
  for (const [name, { latency }] of server.stats.commands) {
    if (latency === undefined || latency.count === 0) continue;
    const values = percents.map(
      (percent) => `p${percent}=${latency.percentile(percent).toFixed(3)}`,
    );
    fields.push([`latency_percentiles_usec_${name}`, values.join(',')]);
  }
  return fields;
}
