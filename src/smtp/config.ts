// Owns: making a MailConfig of flags, variables and the YAML file, or a ConfigError with every
// problem found, each with its place (`helios-smtp.yaml:3:11: smtp.port: ...`). Reads nothing
// itself but the texts it is given.

import { isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml';
import { Problems } from '../config/problem.js';
import { didYouMean } from '../config/suggest.js';
import {
  type MailConfig,
  type RawMailConfig,
  SETTINGS,
  type Setting,
  type SettingName,
} from './settings.js';

export interface ConfigSources {
  /** By flag name, without dashes. */
  readonly flags: Readonly<Record<string, string>>;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Null: no file. */
  readonly file: { readonly name: string; readonly text: string } | null;
  /** Of this machine; stands in for node_id and smtp.hostname. */
  readonly machineName: string;
}

interface Given {
  readonly text: string;
  /** What a problem with it starts with. */
  readonly label: string;
}

const NAMES = Object.keys(SETTINGS) as SettingName[];
const NAME_OF_PATH = new Map<string, SettingName>(NAMES.map((n) => [SETTINGS[n].path, n]));
const SECTIONS = new Set(
  [...NAME_OF_PATH.keys()].flatMap((path) => {
    const parts = path.split('.');
    return parts.slice(1).map((_, at) => parts.slice(0, at + 1).join('.'));
  }),
);

/** Throws ConfigError. Nothing is opened or created. */
export function loadMailConfig(sources: ConfigSources): MailConfig {
  const problems = new Problems();
  const given = new Map<SettingName, Given>();
  if (sources.file !== null) readFile(sources.file, problems, given);
  for (const name of NAMES) {
    const { env, flag }: Setting = SETTINGS[name];
    const fromEnv = env === undefined ? undefined : sources.env[env];
    if (env !== undefined && fromEnv !== undefined && fromEnv !== '') {
      given.set(name, { text: fromEnv, label: env });
    }
    const fromFlag = flag === undefined ? undefined : sources.flags[flag];
    if (fromFlag !== undefined) given.set(name, { text: fromFlag, label: `--${flag}` });
  }
  const values: Record<string, unknown> = {};
  for (const name of NAMES) values[name] = readValue(name, given.get(name), problems);
  problems.throwIfAny();
  // Each value came out of the schema of its own name, which is what RawMailConfig says.
  const config = values as RawMailConfig;
  checkTogether(config, given, problems);
  problems.throwIfAny();
  const nodeId = config.nodeId ?? sources.machineName;
  return { ...config, nodeId, hostname: config.hostname ?? sources.machineName };
}

function readValue(name: SettingName, given: Given | undefined, problems: Problems): unknown {
  const { kind, fallback, path } = SETTINGS[name];
  const text = given?.text ?? fallback;
  if (text === null) return null;
  const parsed = kind.schema.safeParse(text);
  if (parsed.success) return parsed.data;
  for (const issue of parsed.error.issues) problems.add(given?.label ?? path, issue.message);
  return null;
}

/** Pairs that make sense only together. */
function checkTogether(
  config: RawMailConfig,
  given: ReadonlyMap<SettingName, Given>,
  problems: Problems,
): void {
  const label = (name: SettingName): string => given.get(name)?.label ?? SETTINGS[name].path;
  const pair = (one: SettingName, other: SettingName): void => {
    if (config[one] === null || config[other] !== null) return;
    problems.add(label(one), `is set without ${SETTINGS[other].path}; expected both or none`);
  };
  pair('tlsCert', 'tlsKey');
  pair('tlsKey', 'tlsCert');
  pair('storeCert', 'storeKey');
  pair('storeKey', 'storeCert');
  pair('nextHopUser', 'nextHopPassword');
  pair('nextHopPassword', 'nextHopUser');
  if (config.authRequired && config.authUsers.length === 0) {
    problems.add(label('authRequired'), 'nobody could log in; expected smtp.auth.users as well');
  }
  if (config.authUsers.length > 0 && config.tlsCert === null && !config.authInsecure) {
    const right = 'smtp.tls.cert and smtp.tls.key, or smtp.auth.allow_without_tls: true';
    problems.add(label('authUsers'), `logins need TLS; expected ${right}`);
  }
  if (config.storeCluster && config.storeUrl.db !== 0) {
    problems.add(label('storeUrl'), 'a Redis Cluster has only database 0; expected no /db');
  }
  if (config.storeCa !== null && !config.storeUrl.tls) {
    problems.add(label('storeCa'), 'the store is used without TLS; expected valkeys:// in its URL');
  }
}

interface Reading {
  readonly file: string;
  readonly lines: LineCounter;
  readonly problems: Problems;
  readonly given: Map<SettingName, Given>;
}

function readFile(
  file: { name: string; text: string },
  problems: Problems,
  given: Map<SettingName, Given>,
): void {
  const lines = new LineCounter();
  const document = parseDocument(file.text, { lineCounter: lines, prettyErrors: false });
  for (const error of document.errors) {
    const { line, col } = lines.linePos(error.pos[0]);
    problems.add(`${file.name}:${line}:${col}`, `${error.message}; expected valid YAML`);
  }
  if (document.errors.length > 0 || document.contents === null) return;
  readSection({ file: file.name, lines, problems, given }, '', document.contents);
}

function readSection(reading: Reading, path: string, node: unknown): void {
  if (!isMap(node)) {
    const inside = childrenOf(path).join(', ');
    if (isScalar(node) && node.value === null) return;
    reading.problems.add(place(reading, path, node), `is not a map; expected ${inside}`);
    return;
  }
  for (const pair of node.items) {
    const key = isScalar(pair.key) ? String(pair.key.value) : '?';
    const below = path === '' ? key : `${path}.${key}`;
    const name = NAME_OF_PATH.get(below);
    const value = pair.value ?? pair.key;
    if (SECTIONS.has(below)) readSection(reading, below, value);
    else if (name !== undefined) readScalars(reading, name, below, value);
    else {
      const known = childrenOf(path);
      const hint = didYouMean(key, known);
      const what = `unknown key${hint}; expected ${known.join(', ')}`;
      reading.problems.add(place(reading, below, pair.key), what);
    }
  }
}

/** A list is handed on as lines: the list kinds split there. */
function readScalars(reading: Reading, name: SettingName, path: string, node: unknown): void {
  const label = place(reading, path, node);
  const items = isSeq(node) ? node.items : [node];
  const texts: string[] = [];
  for (const item of items) {
    if (!isScalar(item) || item.value === null) {
      reading.problems.add(label, 'has no plain value; expected one value or a list of values');
      return;
    }
    texts.push(typeof item.value === 'string' ? item.value : (item.source ?? String(item.value)));
  }
  reading.given.set(name, { text: texts.join('\n'), label });
}

function childrenOf(section: string): string[] {
  const prefix = section === '' ? '' : `${section}.`;
  const below = [...NAME_OF_PATH.keys()].filter((path) => path.startsWith(prefix));
  return [...new Set(below.map((path) => path.slice(prefix.length).split('.')[0] ?? ''))];
}

function place(reading: Reading, path: string, node: unknown): string {
  const range = (node as Node | null | undefined)?.range;
  const { line, col } = reading.lines.linePos(range?.[0] ?? 0);
  const at = `${reading.file}:${Math.max(1, line)}:${Math.max(1, col)}`;
  return path === '' ? at : `${at}: ${path}`;
}
