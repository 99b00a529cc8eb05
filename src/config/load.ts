// Owns: the one Config of a process, from flags over HELIOS_* variables over the YAML file over
// defaults. Everything is checked and every problem is reported at once, before anything is
// created, opened or listened on. Reading the named file is the only effect.

import { readFileSync } from 'node:fs';
import { checkTogether } from './check.js';
import { derive, initialMembers } from './derive.js';
import { formatEndpoint, parseEndpoint, Wrong } from './endpoint.js';
import { type Flags, parseFlags } from './flags.js';
import type { Peer } from './peers.js';
import { type Origin, Problems, shown } from './problem.js';
import { redisOptions } from './redis-options.js';
import {
  flagName,
  keyOfFlag,
  type Setting,
  type SettingKey,
  settingKeys,
  settings,
  type Values,
  variableName,
} from './schema.js';
import { nearest } from './suggest.js';
import { readYaml } from './yaml-file.js';

/** Durations are milliseconds (with fractions), sizes bytes, an empty host means all interfaces. */
export interface Config extends Values {
  /** The other members named by the operator. */
  readonly raftPeers: readonly Peer[];
  /**
   * All initial members with this one, sorted by id, when peers were named (it may be only this
   * one); empty when not: then the node waits `raftBootstrapGrace` to be contacted (architecture
   * D11).
   */
  readonly raftMembers: readonly Peer[];
  /** Empty when there is none. */
  readonly configFile: string;
  /** Where each value came from. */
  readonly origins: { readonly [K in SettingKey]: Origin };
  /**
   * What the operator should know about options that were accepted but mean something else; for the
   * log.
   */
  readonly notes: readonly string[];
}

export interface Invocation {
  /** Without node and script. */
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
}

export type Command =
  | { readonly do: 'help' }
  | { readonly do: 'version' }
  | { readonly do: 'check' | 'run'; readonly config: Config };

interface Given {
  readonly text: string;
  readonly origin: Origin;
}

/** Throws ConfigError with all problems. */
export function loadConfig(invocation: Invocation): Command {
  const problems = new Problems();
  const flags = parseFlags(invocation.argv, problems);
  if (flags.help) return { do: 'help' };
  if (flags.version) return { do: 'version' };
  const loader = new Loader(problems);
  const configFile = flags.configFile ?? invocation.env.HELIOS_CONFIG ?? '';
  if (configFile !== '') {
    loader.readFile(configFile, flags.configFile === null ? 'HELIOS_CONFIG' : '-config');
  }
  loader.readVariables(invocation.env);
  loader.readFlags(flags);
  const config = loader.finish(configFile);
  return { do: flags.checkConfig ? 'check' : 'run', config };
}

class Loader {
  readonly #problems: Problems;
  readonly #given = new Map<SettingKey, Given>();
  readonly #bad = new Set<SettingKey>();
  readonly #notes: string[] = [];

  constructor(problems: Problems) {
    this.#problems = problems;
  }

  readFile(file: string, label: string): void {
    let source: string;
    try {
      source = readFileSync(file, 'utf8');
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
      this.#problems.add(label, `cannot read ${shown(file)} (${code}); expected a YAML file`);
      return;
    }
    readYaml(file, source, this.#problems, (key, text, place) => {
      this.#give(key, { text, origin: { source: 'file', label: place } });
    });
  }

  readVariables(env: Invocation['env']): void {
    const known = new Map(settingKeys.map((key) => [variableName(key), key]));
    for (const [name, text] of Object.entries(env)) {
      if (!name.startsWith('HELIOS_') || name === 'HELIOS_CONFIG' || text === undefined) continue;
      const key = known.get(name);
      if (key !== undefined) this.#give(key, { text, origin: { source: 'env', label: name } });
      else this.#suspect(name, known.keys());
    }
  }

  /**
   * Others may use HELIOS_ too (Kubernetes sets HELIOS_PORT), so only what looks like a slip is
   * refused.
   */
  #suspect(name: string, known: Iterable<string>): void {
    const bare = [...known].map((each) => each.slice('HELIOS_'.length));
    const meant = nearest(name.slice('HELIOS_'.length), bare);
    if (meant === null || name === 'HELIOS_PORT') return;
    this.#problems.add(name, `unknown variable (did you mean "HELIOS_${meant}"?); see --help`);
  }

  readFlags(flags: Flags): void {
    const listen = new Map<string, string>();
    for (const [name, text] of flags.given) {
      const key = keyOfFlag.get(name);
      if (key !== undefined) {
        this.#give(key, { text, origin: { source: 'flag', label: `-${name}` } });
      }
    }
    for (const [name, text] of flags.given) {
      const meaning = keyOfFlag.has(name) ? undefined : redisOptions.get(name)?.means(text);
      if (meaning === undefined) continue;
      if ('refused' in meaning) this.#problems.add(`--${name}`, meaning.refused);
      else if ('part' in meaning) listen.set(meaning.part, meaning.text);
      else {
        if (meaning.note) this.#notes.push(`--${name}: ${meaning.note}`);
        if ('sets' in meaning) this.#giveAlias(meaning.sets, name, meaning.text);
      }
    }
    if (listen.size > 0) this.#listenParts(listen);
  }

  #giveAlias(key: SettingKey, name: string, text: string): void {
    const before = this.#given.get(key);
    if (before?.origin.source === 'flag' && !this.#same(key, before.text, text)) {
      this.#problems.add(
        `--${name}`,
        `means something else than ${before.origin.label}; expected only one of them`,
      );
      return;
    }
    this.#give(key, { text, origin: { source: 'flag', label: `--${name}` } });
  }

  #same(key: SettingKey, a: string, b: string): boolean {
    const { schema } = settings[key].kind as Setting['kind'];
    const [left, right] = [schema.safeParse(a), schema.safeParse(b)];
    return left.success && right.success && left.data === right.data;
  }

  #listenParts(parts: ReadonlyMap<string, string>): void {
    const names = parts.has('port') ? '--port' : '--bind';
    const before = this.#given.get('listen');
    if (before?.origin.source === 'flag') {
      this.#problems.add(names, 'says the same as -listen; expected only one of them');
      return;
    }
    const base = parseEndpoint(before?.text ?? settings.listen.fallback, true);
    const { host, port } = base instanceof Wrong ? { host: '', port: 6379 } : base;
    const portText = parts.get('port') ?? String(port);
    const hostText = parts.get('host') ?? formatEndpoint({ host, port }).replace(/:[0-9]+$/, '');
    const text = `${hostText}:${portText}`;
    this.#give('listen', { text, origin: { source: 'flag', label: names } });
  }

  /** Every value is checked, also one that a stronger source overrides. */
  #give(key: SettingKey, given: Given): void {
    const { schema } = settings[key].kind as Setting['kind'];
    const { secret } = settings[key];
    const parsed = schema.safeParse(given.text);
    if (!parsed.success) {
      this.#bad.add(key);
      for (const issue of parsed.error.issues) {
        const message = secret === true ? 'is not usable; expected one line' : issue.message;
        this.#problems.add(given.origin.label, message);
      }
    }
    this.#given.set(key, given);
  }

  finish(configFile: string): Config {
    const values: Record<string, unknown> = {};
    const origins: Record<string, Origin> = {};
    for (const key of settingKeys) {
      const row = settings[key] as Setting;
      const given = this.#bad.has(key) ? undefined : this.#given.get(key);
      values[key] = row.kind.schema.parse(given?.text ?? defaultText(row));
      origins[key] = this.#given.get(key)?.origin ?? { source: 'default', label: row.path };
    }
    const typed = values as Values;
    const typedOrigins = origins as Config['origins'];
    checkTogether({
      values: typed,
      origins: typedOrigins,
      bad: this.#bad,
      problems: this.#problems,
    });
    this.#problems.throwIfAny();
    const peersGiven = typed.raftPeers.length > 0;
    derive(typed, typedOrigins);
    const raftMembers = initialMembers(typed, peersGiven);
    return { ...typed, raftMembers, configFile, origins: typedOrigins, notes: this.#notes };
  }
}

/** Stands in until derive() replaces it. */
function defaultText(row: Setting): string {
  return row.fallback.startsWith('<') ? (PLACEHOLDER.get(row.path) ?? '') : row.fallback;
}

const PLACEHOLDER = new Map([
  [settings.advertiseAddr.path, '127.0.0.1:6379'],
  [settings.raftNodeId.path, 'node-1'],
  [settings.raftAdvertiseAddr.path, '127.0.0.1:7000'],
  [settings.raftDataDir.path, './data/raft'],
  [settings.metricsEnabled.path, 'false'],
]);

/** The flag of a setting with its dash, for messages elsewhere ("use -listen to change it"). */
export function flagOf(key: SettingKey): string {
  return `-${flagName(key)}`;
}
