// Owns: LATENCY: spikes (../latency.ts), run times of commands, and a report in words.

import { MapReply, type Reply, VerbatimReply } from '../../resp/reply.js';
import type { Client } from '../client.js';
import type { ServerCommand } from '../command.js';
import type { LatencyHistogram, LatencySample } from '../latency.js';
import type { Server } from '../server.js';
import { ADMIN, helpRow, refusal, rowsOf } from './row.js';

const row = rowsOf('server');

function latest(_client: Client, _args: readonly string[], server: Server): Reply {
  const events = server.instruments.latency.events();
  return events.map(({ event, last, max }) => [event, last.time, last.latency, max]);
}

function history(_client: Client, args: readonly string[], server: Server): Reply {
  const samples = server.instruments.latency.history(args[2]!);
  return samples.map(({ time, latency }) => [time, latency]);
}

function histogram(_client: Client, args: readonly string[], server: Server): Reply {
  const { commands } = server.stats;
  const asked = args.slice(2).map((name) => name.toLowerCase());
  const names = asked.length === 0 ? [...commands.keys()] : withSubcommands(asked, commands.keys());
  const items: Reply[] = [];
  for (const name of names) {
    const durations = commands.get(name)?.latency;
    if (durations === undefined || durations.count === 0) continue;
    items.push(name, histogramReply(durations));
  }
  return new MapReply(items);
}

/** A parent stands for those of its subcommands that were called. */
function withSubcommands(asked: readonly string[], known: Iterable<string>): string[] {
  const names = [...known];
  return asked.flatMap((name) => names.filter((one) => one === name || one.startsWith(`${name}|`)));
}

function histogramReply(durations: LatencyHistogram): Reply {
  const buckets = new MapReply(durations.cumulative().flat());
  return new MapReply(['calls', durations.count, 'histogram_usec', buckets]);
}

/** Characters from low to high. */
const LEVELS = ' _.-=o*#';
const GRAPH_COLUMNS = 80;

function graph(_client: Client, args: readonly string[], server: Server): Reply {
  const event = args[2]!;
  const samples = server.instruments.latency.history(event).slice(-GRAPH_COLUMNS);
  if (samples.length === 0) return refusal(`No samples available for event '${event}'`);
  const latencies = samples.map((sample) => sample.latency);
  const high = Math.max(...latencies);
  const low = Math.min(...latencies);
  const span = Math.max(1, high - low);
  const bars = latencies.map((ms) => LEVELS[Math.round(((ms - low) / span) * (LEVELS.length - 1))]);
  const ages = `${samples.length} samples, one a second at most, oldest first`;
  const text = `${event} - high ${high} ms, low ${low} ms (${ages})\n${bars.join('')}\n`;
  return new VerbatimReply('txt', text);
}

function doctor(_client: Client, _args: readonly string[], server: Server): Reply {
  const { latency } = server.instruments;
  const { fsyncMicros, replicationMicros } = server.group.status();
  const lines = [
    `fsync: p50 ${fsyncMicros.p50} us, p99 ${fsyncMicros.p99} us, max ${fsyncMicros.max} us.`,
    `replication: p50 ${replicationMicros.p50} us, p99 ${replicationMicros.p99} us, ` +
      `max ${replicationMicros.max} us.`,
  ];
  if (!latency.enabled) {
    lines.push(
      'Latency monitoring is off: CONFIG SET latency-monitor-threshold <milliseconds> turns it on.',
    );
  }
  for (const { event, max } of latency.events()) {
    lines.push(eventLine(event, latency.history(event), max));
  }
  if (latency.enabled && latency.events().length === 0) lines.push('No spikes were seen.');
  return new VerbatimReply('txt', `${lines.join('\n')}\n`);
}

function eventLine(event: string, samples: readonly LatencySample[], max: number): string {
  const mean = samples.reduce((sum, { latency }) => sum + latency, 0) / samples.length;
  const advice = ADVICE[event] ?? '';
  const numbers = `${samples.length} spikes, mean ${mean.toFixed(1)} ms, worst ${max} ms.`;
  return `${event}: ${numbers}${advice}`;
}

/** What an operator can do about spikes of a kind. */
const ADVICE: Readonly<Record<string, string>> = {
  command: ' SLOWLOG GET shows which commands.',
  'fast-command': ' The process does not get its share of the CPU: look at the machine.',
  fsync: ' The disk is slow to sync: look at what else writes to it.',
  commit: ' A majority answers slowly: compare raft_peer lines of INFO.',
  'event-loop': ' SLOWLOG GET shows whether a command held the loop.',
};

const META = { flags: ADMIN, since: '2.8.13', complexity: 'O(1)' };

export const latencyCommands: readonly ServerCommand[] = [
  row({
    ...META,
    name: 'latency|latest',
    arity: 2,
    summary: 'The last and the worst spike of each event.',
    run: latest,
  }),
  row({
    ...META,
    name: 'latency|history',
    arity: 3,
    summary: 'The spikes of an event, oldest first.',
    run: history,
  }),
  row({
    ...META,
    name: 'latency|reset',
    arity: -2,
    summary: 'Forgets spikes.',
    run: (_client, args, server) => server.instruments.latency.reset(args.slice(2)),
  }),
  row({
    ...META,
    name: 'latency|graph',
    arity: 3,
    summary: 'The spikes of an event as a line of characters.',
    run: graph,
  }),
  row({
    ...META,
    name: 'latency|doctor',
    arity: 2,
    summary: 'A report on latency in words.',
    run: doctor,
  }),
  row({
    ...META,
    name: 'latency|histogram',
    arity: -2,
    since: '7.0.0',
    summary: 'How the run times of commands are distributed.',
    complexity: 'O(N) where N is the number of commands with latency information being retrieved.',
    run: histogram,
  }),
  helpRow('server', 'latency', '2.8.13', [
    'DOCTOR',
    '    A report in words.',
    'GRAPH <event>',
    '    The spikes of an event as a line of characters.',
    'HISTORY <event>',
    '    The spikes of an event.',
    'HISTOGRAM [<command> ...]',
    '    How the run times of commands are distributed.',
    'LATEST',
    '    The last and the worst spike of each event.',
    'RESET [<event> ...]',
    '    Forget the spikes of the events named, or all.',
  ]),
];
