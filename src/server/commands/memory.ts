// Owns: MEMORY without USAGE, which is a data command. Numbers come from the runtime and the
// keyspace's own count.

import { DoubleReply, MapReply, OK, type Reply, VerbatimReply } from '../../resp/reply.js';
import type { Client } from '../client.js';
import type { ServerCommand } from '../command.js';
import { humanBytes } from '../info-format.js';
import { memoryReport } from '../info-process.js';
import type { Server } from '../server.js';
import { helpRow, rowsOf } from './row.js';

const row = rowsOf('server');

function ratio(part: number, whole: number): DoubleReply {
  return new DoubleReply(whole === 0 ? 0 : part / whole);
}

function stats(_client: Client, _args: readonly string[], server: Server): Reply {
  const { used, rss, peak, atStart, dataset, overhead, clients, active } = memoryReport(server);
  const { keyspace } = server.group.machine;
  const keys = keyspace.size;
  const databases: Reply[] = [];
  for (const { index, size, volatileSize } of keyspace.databases) {
    if (size === 0) continue;
    // One table holds keys and expiries; its share of the count is in dataset.bytes.
    databases.push(
      `db.${index}`,
      new MapReply(['keys.count', size, 'expires.count', volatileSize]),
    );
  }
  return new MapReply([
    'peak.allocated',
    peak,
    'total.allocated',
    used,
    'startup.allocated',
    atStart,
    'replication.backlog',
    0,
    'clients.slaves',
    0,
    'clients.normal',
    clients,
    ...databases,
    'overhead.total',
    overhead,
    'keys.count',
    keys,
    'keys.bytes-per-key',
    keys === 0 ? 0 : Math.round(dataset / keys),
    'dataset.bytes',
    dataset,
    'dataset.percentage',
    ratio(100 * dataset, used),
    'peak.percentage',
    ratio(100 * used, peak),
    'allocator.allocated',
    used,
    'allocator.active',
    active,
    'allocator.resident',
    rss,
    'allocator-fragmentation.ratio',
    ratio(active, used),
    'allocator-fragmentation.bytes',
    Math.max(0, active - used),
    'allocator-rss.ratio',
    ratio(rss, active),
    'allocator-rss.bytes',
    rss - active,
    'fragmentation',
    ratio(rss, used),
    'fragmentation.bytes',
    rss - used,
  ]);
}

/** Below this a ratio says nothing. */
const SMALL_BYTES = 64 * 1024 * 1024;
const WASTE_RATIO = 2;

function doctor(_client: Client, _args: readonly string[], server: Server): Reply {
  const { used, rss, peak, dataset, clients } = memoryReport(server);
  const { maxmemory } = server.settings;
  const found: string[] = [];
  if (maxmemory > 0 && dataset > 0.9 * maxmemory) {
    found.push(`Data takes ${humanBytes(dataset)} of maxmemory ${humanBytes(maxmemory)}.`);
  }
  if (rss > SMALL_BYTES && rss > WASTE_RATIO * used) {
    found.push(`The process holds ${humanBytes(rss)} for ${humanBytes(used)} in use.`);
  }
  if (peak > SMALL_BYTES && peak > WASTE_RATIO * used) {
    found.push(`The peak was ${humanBytes(peak)}: some load needs far more than is in use now.`);
  }
  if (clients > SMALL_BYTES) {
    found.push(`Client buffers take ${humanBytes(clients)}: see omem and qbuf of CLIENT LIST.`);
  }
  if (found.length === 0) found.push('No memory problems were found.');
  return new VerbatimReply('txt', `${found.join('\n')}\n`);
}

function mallocStats(_client: Client, _args: readonly string[], server: Server): Reply {
  const { rss, heapUsed, heapTotal, external } = server.instruments.process.memory();
  const rows = { rss, heap_used: heapUsed, heap_total: heapTotal, external };
  const lines = Object.entries(rows).map(([name, bytes]) => `${name}: ${bytes}\n`);
  return new VerbatimReply('txt', lines.join(''));
}

const META = { flags: [], since: '4.0.0' };

export const memoryCommands: readonly ServerCommand[] = [
  row({
    ...META,
    name: 'memory|stats',
    arity: 2,
    summary: 'Bytes by purpose.',
    complexity: 'O(1)',
    run: stats,
  }),
  row({
    ...META,
    name: 'memory|doctor',
    arity: 2,
    summary: 'A report on memory in words.',
    complexity: 'O(1)',
    run: doctor,
  }),
  row({
    ...META,
    name: 'memory|malloc-stats',
    arity: 2,
    summary: "The runtime's own count of memory.",
    complexity: 'Depends on how much memory is allocated, could be slow',
    run: mallocStats,
  }),
  row({
    ...META,
    name: 'memory|purge',
    arity: 2,
    summary: 'Collects garbage now, where the runtime allows it (--expose-gc).',
    complexity: 'Depends on how much memory is allocated, could be slow',
    run: (_client, _args, server) => {
      server.instruments.process.collectGarbage();
      return OK;
    },
  }),
  helpRow('server', 'memory', '4.0.0', [
    'DOCTOR',
    '    A report in words.',
    'MALLOC-STATS',
    "    The runtime's own count.",
    'PURGE',
    '    Collect garbage now, where the runtime allows it.',
    'STATS',
    '    Bytes by purpose.',
    'USAGE <key> [SAMPLES <count>]',
    '    Bytes of a key and its value.',
  ]),
];
