// Owns: the command line of helios-cluster.

import { Command } from 'commander';
import { normaliseArguments, type OptionShape } from '../config/arguments.js';
import { type Endpoint, parseEndpoint, Wrong } from '../config/endpoint.js';
import { Problems } from '../config/problem.js';

/** First port of a row of neighbours, or the ports themselves; 0 is any free port. */
export type PortRange = readonly number[];

export interface ClusterOptions {
  readonly help: boolean;
  readonly nodes: number;
  readonly smtp: number;
  readonly host: string;
  readonly ports: PortRange;
  readonly raftPorts: PortRange;
  readonly metricsPorts: PortRange;
  readonly smtpPorts: PortRange;
  readonly smtpMetricsPorts: PortRange;
  readonly sinkPort: number;
  /** Where accepted mail goes; null for the built-in mailbox. */
  readonly nextHop: Endpoint | null;
  readonly dataDir: string;
  readonly reset: boolean;
}

interface Row extends OptionShape {
  readonly value: string;
  readonly fallback: string;
  readonly help: string;
}

/** Also names the option to change in "port taken" messages. */
export const ROWS = {
  nodes: row('nodes', 'n', '3', 'atlasd nodes, 1 to 9'),
  smtp: row('smtp', 'n', '3', 'SMTP nodes, 0 to 9'),
  noSmtp: row('no-smtp', '', '', 'no SMTP nodes, as --smtp=0', 'boolean'),
  host: row('host', 'address', '127.0.0.1', 'address that everything listens on'),
  ports: row('base-port', 'ports', '6379', 'Redis clients'),
  raftPorts: row('raft-base-port', 'ports', '7000', 'member links'),
  metricsPorts: row('metrics-base-port', 'ports', '9090', 'metrics of atlasd'),
  smtpPorts: row('smtp-base-port', 'ports', '2525', 'SMTP'),
  smtpMetricsPorts: row('smtp-metrics-base-port', 'ports', '8080', 'metrics of SMTP nodes'),
  sinkPort: row('sink-port', 'port', '2500', 'built-in mailbox, the next hop of the SMTP nodes'),
  portsFrom: row('ports-from', '0', '', '0: any free port for everything'),
  nextHop: row('next-hop', 'host:port', '', 'a real mail server instead of the built-in mailbox'),
  dataDir: row('data-dir', 'path', './data', 'data, logs and mailbox'),
  reset: row(
    'reset',
    '',
    '',
    'delete what an earlier helios-cluster left in --data-dir',
    'boolean',
  ),
  help: row('help', '', '', 'print this and exit', 'boolean'),
};

function row(
  name: string,
  value: string,
  fallback: string,
  help: string,
  takes: OptionShape['takes'] = 'value',
): Row {
  return { name, takes, value, fallback, help };
}

/** Throws ConfigError with all mistakes. */
export function parseClusterOptions(argv: readonly string[]): ClusterOptions {
  const problems = new Problems();
  const rows = Object.values(ROWS);
  const shapes = new Map<string, OptionShape>(rows.map((each) => [each.name, each]));
  const words = argv.map((word) => (word === '-h' ? '--help' : word));
  const given = new Map<string, string>();
  for (const word of normaliseArguments(words, shapes, problems)) {
    const [, name = '', text = ''] = /^--([^=]+)=([\s\S]*)$/.exec(word) ?? [];
    given.set(name, text);
  }
  const text = (each: Row): string => given.get(each.name) ?? each.fallback;
  const allFree = given.has(ROWS.portsFrom.name);
  if (allFree && text(ROWS.portsFrom) !== '0') {
    problems.add('--ports-from', 'only 0 (any free port) is supported; expected 0, or --base-port');
  }
  const count = (each: Row, least: number): number => whole(each, text(each), least, 9, problems);
  const nodes = count(ROWS.nodes, 1);
  const smtp = text(ROWS.noSmtp) === 'true' ? 0 : count(ROWS.smtp, 0);
  const ports = (each: Row, many: number): PortRange =>
    portRange(each, allFree && !given.has(each.name) ? '0' : text(each), many, problems);
  const options: ClusterOptions = {
    help: text(ROWS.help) === 'true',
    nodes,
    smtp,
    host: text(ROWS.host),
    ports: ports(ROWS.ports, nodes),
    raftPorts: ports(ROWS.raftPorts, nodes),
    metricsPorts: ports(ROWS.metricsPorts, nodes),
    smtpPorts: ports(ROWS.smtpPorts, smtp),
    smtpMetricsPorts: ports(ROWS.smtpMetricsPorts, smtp),
    sinkPort: ports(ROWS.sinkPort, 1)[0] ?? 0,
    nextHop: nextHop(text(ROWS.nextHop), problems),
    dataDir: text(ROWS.dataDir),
    reset: text(ROWS.reset) === 'true',
  };
  problems.throwIfAny();
  return options;
}

function whole(each: Row, text: string, least: number, most: number, problems: Problems): number {
  const value = /^[0-9]{1,5}$/.test(text) ? Number(text) : -1;
  if (value >= least && value <= most) return value;
  const what = `${JSON.stringify(text)} is not a whole number from ${least} to ${most}`;
  problems.add(`--${each.name}`, `${what}; expected such a number`);
  return least;
}

/** `6379` is 6379, 6380, ...; `0` is that many free ports; `1,2,3` is exactly these. */
function portRange(each: Row, text: string, many: number, problems: Problems): PortRange {
  const parts = text.split(',').map((part) => whole(each, part.trim(), 0, 65_535, problems));
  const first = parts[0] ?? 0;
  if (parts.length > 1) {
    if (parts.length >= many) return parts.slice(0, many);
    problems.add(`--${each.name}`, `has ${parts.length} ports for ${many}; expected one each`);
  }
  return Array.from({ length: many }, (_, at) => (first === 0 ? 0 : first + at));
}

function nextHop(text: string, problems: Problems): Endpoint | null {
  if (text === '') return null;
  const endpoint = parseEndpoint(text, false);
  if (!(endpoint instanceof Wrong)) return endpoint;
  problems.add('--next-hop', `${endpoint.what}; expected host:port`);
  return null;
}

export function clusterHelp(): string {
  const program = new Command('helios-cluster')
    .usage('[--name=value]...')
    .description('Starts a cluster of atlasd and SMTP nodes on this machine.')
    .helpOption(false);
  for (const { name, value, fallback, help } of Object.values(ROWS)) {
    const shown = fallback === '' ? help : `${help} (default ${fallback})`;
    program.option(value === '' ? `--${name}` : `--${name} <${value}>`, shown);
  }
  return (
    program.helpInformation() +
    '\nWhere several ports are needed, one number is the first of a row, and a list (1,2,3) gives each.\n'
  );
}
