// Owns: the sections of INFO about this process: server, clients, memory, cpu. Every value is
// measured; what Helios has no equivalent of is left out rather than made up (the test lists those
// names).

import { humanBytes, type InfoField, percentOf, ratioOf } from './info-format.js';
import { REDIS_VERSION } from './instruments.js';
import type { Server } from './server.js';

const DAY_SECONDS = 86_400;

export function serverFields(server: Server): InfoField[] {
  const { identity, process } = server.instruments;
  const now = server.clock.now();
  const uptime = Math.max(0, Math.floor((now - server.stats.startedAt) / 1000));
  const port = server.settings.text('port');
  return [
    ['redis_version', REDIS_VERSION],
    ['server_name', 'helios'],
    ['helios_version', identity.version],
    ['redis_git_sha1', '00000000'],
    ['redis_git_dirty', 0],
    ['redis_build_id', identity.version],
    ['redis_mode', 'standalone'],
    ['os', process.os],
    ['arch_bits', process.archBits],
    ['monotonic_clock', 'POSIX clock_gettime'],
    ['multiplexing_api', 'libuv'],
    ['runtime', process.runtime],
    ['process_id', process.pid],
    ['process_supervised', 'no'],
    ['run_id', identity.runId],
    ['tcp_port', port],
    ['server_time_usec', now * 1000],
    ['uptime_in_seconds', uptime],
    ['uptime_in_days', Math.floor(uptime / DAY_SECONDS)],
    ['hz', server.settings.number('hz')],
    ['configured_hz', server.settings.number('hz')],
    ['lru_clock', Math.floor(now / 1000) % 2 ** 24],
    ['executable', process.executable],
    ['config_file', identity.configFile],
    ['io_threads_active', 0],
    [
      'listener0',
      `name=tcp,bind=${server.settings.text('bind').replace(/ /g, ',bind=')},port=${port}`,
    ],
  ];
}

export function clientFields(server: Server): InfoField[] {
  let input = 0;
  let output = 0;
  let blocked = 0;
  let subscribed = 0;
  let watching = 0;
  for (const client of server.clients.values()) {
    input = Math.max(input, client.inputBytes);
    output = Math.max(output, client.outputBytes);
    if (client.blocked) blocked++;
    if (client.watchedKeys > 0) watching++;
    const { channels, patterns, shardChannels } = client.subscriptions;
    if (channels + patterns + shardChannels > 0) subscribed++;
  }
  return [
    ['connected_clients', server.clients.size],
    ['cluster_connections', 0],
    ['maxclients', server.settings.maxclients],
    ['client_recent_max_input_buffer', input],
    ['client_recent_max_output_buffer', output],
    ['blocked_clients', blocked],
    ['tracking_clients', 0],
    ['pubsub_clients', subscribed],
    ['watching_clients', watching],
    ['clients_in_timeout_table', blocked],
  ];
}

/** Bytes by purpose, for INFO memory and MEMORY STATS. */
export interface MemoryReport {
  /** Heap and buffers in use, as the runtime counts them. */
  readonly used: number;
  readonly rss: number;
  readonly peak: number;
  readonly atStart: number;
  /** Keys and values by Helios' own count: what maxmemory bounds. */
  readonly dataset: number;
  readonly overhead: number;
  readonly clients: number;
  /** Reserved by the heap, and outside of it. */
  readonly active: number;
}

export function memoryReport(server: Server): MemoryReport {
  const { process, memoryAtStart, memoryPeak } = server.instruments;
  const { rss, used, heapTotal, external } = process.memory();
  const dataset = server.group.machine.keyspace.bytes;
  let clients = 0;
  for (const client of server.clients.values()) clients += client.inputBytes + client.outputBytes;
  return {
    used,
    rss,
    peak: Math.max(memoryPeak, used),
    atStart: memoryAtStart,
    dataset,
    overhead: Math.max(0, used - dataset),
    clients,
    active: heapTotal + external,
  };
}

export function memoryFields(server: Server): InfoField[] {
  const report = memoryReport(server);
  const { used, rss, peak, dataset, active } = report;
  const { settings, instruments } = server;
  const total = instruments.process.totalMemory;
  return [
    ['used_memory', used],
    ['used_memory_human', humanBytes(used)],
    ['used_memory_rss', rss],
    ['used_memory_rss_human', humanBytes(rss)],
    ['used_memory_peak', peak],
    ['used_memory_peak_human', humanBytes(peak)],
    ['used_memory_peak_perc', percentOf(used, peak)],
    ['used_memory_overhead', report.overhead],
    ['used_memory_startup', report.atStart],
    ['used_memory_dataset', dataset],
    ['used_memory_dataset_perc', percentOf(dataset, Math.max(dataset, used - report.atStart))],
    ['allocator_allocated', used],
    ['allocator_active', active],
    ['allocator_resident', rss],
    ['total_system_memory', total],
    ['total_system_memory_human', humanBytes(total)],
    ['maxmemory', settings.maxmemory],
    ['maxmemory_human', humanBytes(settings.maxmemory)],
    ['maxmemory_policy', settings.text('maxmemory-policy')],
    ['allocator_frag_ratio', ratioOf(active, used)],
    ['allocator_frag_bytes', Math.max(0, active - used)],
    ['allocator_rss_ratio', ratioOf(rss, active)],
    ['allocator_rss_bytes', rss - active],
    ['mem_fragmentation_ratio', ratioOf(rss, used)],
    ['mem_fragmentation_bytes', rss - used],
    ['mem_clients_normal', report.clients],
    ['mem_clients_slaves', 0],
    ['mem_replication_backlog', 0],
    ['mem_cluster_links', 0],
    ['mem_allocator', 'v8'],
    ['active_defrag_running', 0],
    ['lazyfree_pending_objects', 0],
    ['lazyfreed_objects', 0],
    ['number_of_functions', 0],
    ['number_of_libraries', 0],
  ];
}

export function cpuFields(server: Server): InfoField[] {
  const { user, system } = server.instruments.process.cpu();
  return [
    ['used_cpu_sys', system.toFixed(6)],
    ['used_cpu_user', user.toFixed(6)],
    ['used_cpu_sys_children', '0.000000'],
    ['used_cpu_user_children', '0.000000'],
  ];
}
