// Owns: what helios-cluster starts: names, ports, directories and command lines. Pure but for the
// ports, which are tried before anything is started.

import { createServer, type Server } from 'node:net';
import { totalmem } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { OperationalError } from '../base/errors.js';
import { type Endpoint, formatEndpoint } from '../config/endpoint.js';
import type { ChildSpec } from './child.js';
import { type ClusterOptions, type PortRange, ROWS } from './cluster-options.js';

export interface AtlasPlan {
  readonly id: string;
  readonly directory: string;
  readonly port: number;
  readonly raftPort: number;
  readonly metricsPort: number;
}

export interface SmtpPlan {
  readonly id: string;
  readonly directory: string;
  readonly port: number;
  readonly metricsPort: number;
}

export interface ClusterPlan {
  readonly host: string;
  readonly dataDir: string;
  readonly atlas: readonly AtlasPlan[];
  readonly smtp: readonly SmtpPlan[];
  readonly nextHop: Endpoint;
  /** Null when the next hop is a real one, or there are no SMTP nodes. */
  readonly mailbox: { readonly port: number; readonly directory: string } | null;
}

/** The programs to start; tests put their own here. */
export interface Programs {
  readonly atlasd: string;
  readonly smtp: string;
}

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export const programs: Programs = {
  atlasd: join(ROOT, 'bin/helios-atlasd'),
  smtp: join(ROOT, 'bin/helios-smtp'),
};

const WATCH = new URL('./parent-watch.js', import.meta.url).href;

interface Wanted {
  readonly who: string;
  readonly option: string;
  readonly port: number;
}

/**
 * Tries every port; rejects with E_PORT_TAKEN naming each taken port, who wants it and the option
 * to change.
 */
export async function planCluster(options: ClusterOptions): Promise<ClusterPlan> {
  const wanted = [
    ...each(options.ports, 'node-', ROWS.ports.name),
    ...each(options.raftPorts, 'node-', ROWS.raftPorts.name),
    ...each(options.metricsPorts, 'node-', ROWS.metricsPorts.name),
    ...each(options.smtpPorts, 'smtp-', ROWS.smtpPorts.name),
    ...each(options.smtpMetricsPorts, 'smtp-', ROWS.smtpMetricsPorts.name),
  ];
  const needsMailbox = options.smtp > 0 && options.nextHop === null;
  if (needsMailbox) {
    wanted.push({ who: 'mailbox', option: ROWS.sinkPort.name, port: options.sinkPort });
  }
  const ports = await reservePorts(options.host, wanted);
  const take = (count: number): number[] => ports.splice(0, count);
  const [resp, raft, metrics] = [take(options.nodes), take(options.nodes), take(options.nodes)];
  const [smtp, smtpMetrics] = [take(options.smtp), take(options.smtp)];
  const sinkPort = needsMailbox ? (ports[0] ?? 0) : 0;
  const directory = (name: string): string => join(options.dataDir, name);
  return {
    host: options.host,
    dataDir: options.dataDir,
    atlas: resp.map((port, at) => ({
      id: `node-${at + 1}`,
      directory: directory(`node${at + 1}`),
      port,
      raftPort: raft[at] ?? 0,
      metricsPort: metrics[at] ?? 0,
    })),
    smtp: smtp.map((port, at) => ({
      id: `smtp-${at + 1}`,
      directory: directory(`smtp${at + 1}`),
      port,
      metricsPort: smtpMetrics[at] ?? 0,
    })),
    nextHop: options.nextHop ?? { host: options.host, port: sinkPort },
    mailbox: needsMailbox ? { port: sinkPort, directory: directory('mailbox') } : null,
  };
}

function each(ports: PortRange, prefix: string, option: string): Wanted[] {
  return ports.map((port, at) => ({ who: `${prefix}${at + 1}`, option, port }));
}

/**
 * The ports in order, free ones in place of 0. All are held until all are known, so that none is
 * given twice.
 */
async function reservePorts(host: string, wanted: readonly Wanted[]): Promise<number[]> {
  const held: Server[] = [];
  const ports: number[] = [];
  const taken: string[] = [];
  try {
    for (const { who, option, port } of wanted) {
      const result = await hold(host, port);
      if (typeof result === 'string') {
        const change = `use --${option} to choose another, or --ports-from=0 for any free ones`;
        taken.push(`${who}: port ${port} cannot be used (${result}); ${change}`);
        continue;
      }
      held.push(result);
      const address = result.address();
      ports.push(typeof address === 'object' && address !== null ? address.port : port);
    }
  } finally {
    await Promise.all(held.map((server) => new Promise((done) => server.close(done))));
  }
  if (taken.length > 0) throw new OperationalError('E_PORT_TAKEN', taken.join('\n'));
  return ports;
}

/** A listening server, or the system's reason why not. */
function hold(host: string, port: number): Promise<Server | string> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => {
      resolve(error.code === 'EADDRINUSE' ? 'it is taken' : (error.code ?? error.message));
    });
    server.listen({ host, port }, () => resolve(server));
  });
}

/** How each atlasd is started. Their share of memory is a limit, not a reservation. */
export function atlasSpec(plan: ClusterPlan, node: AtlasPlan, run: Programs): ChildSpec {
  const at = (port: number): string => formatEndpoint({ host: plan.host, port });
  const peers = plan.atlas.map((each) => `${each.id}:${at(each.raftPort)}`).join(',');
  const heapMb = Math.max(1024, Math.floor((totalmem() / 2 ** 20) * (0.6 / plan.atlas.length)));
  return {
    name: node.id,
    directory: node.directory,
    logFile: join(node.directory, 'atlasd.log'),
    argv: [
      `--max-old-space-size=${heapMb}`,
      `--import=${WATCH}`,
      run.atlasd,
      `-data-dir=${node.directory}`,
      `-listen=${at(node.port)}`,
      '-raft=true',
      `-raft-node-id=${node.id}`,
      `-raft-addr=${at(node.raftPort)}`,
      `-raft-data-dir=${join(node.directory, 'raft')}`,
      `-metrics-port=${at(node.metricsPort)}`,
    ],
    env: { HELIOS_RAFT_PEERS: peers },
  };
}

/** How each SMTP node is started: its own atlasd first, the others behind it. */
export function smtpSpec(plan: ClusterPlan, node: SmtpPlan, run: Programs): ChildSpec {
  const first = plan.smtp.indexOf(node) % plan.atlas.length;
  const turned = [...plan.atlas.slice(first), ...plan.atlas.slice(0, first)];
  const hosts = turned.map((each) => formatEndpoint({ host: plan.host, port: each.port }));
  return {
    name: node.id,
    directory: node.directory,
    logFile: join(node.directory, 'smtp.log'),
    argv: [`--import=${WATCH}`, run.smtp],
    env: {
      NODE_ID: node.id,
      VALKEY_URL: `valkey://${hosts.join(',')}`,
      SMTP_HOST: plan.host,
      SMTP_PORT: String(node.port),
      METRICS_HOST: plan.host,
      METRICS_PORT: String(node.metricsPort),
      NEXT_HOP_HOST: plan.nextHop.host,
      NEXT_HOP_PORT: String(plan.nextHop.port),
    },
  };
}
