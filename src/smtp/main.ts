// Owns: the process `helios-smtp`: command line, files, signals, exit codes. Everything else is in
// node.ts. Exit codes: 0 stopped as asked, 1 could not start, 2 wrong command line or configuration
// (nothing was started).

import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { Command } from 'commander';
import { OperationalError } from '../base/errors.js';
import { normaliseArguments, type OptionShape } from '../config/arguments.js';
import { ConfigError, Problems } from '../config/problem.js';
import { createLogger, type LogOutput } from '../observe/logger.js';
import { systemClock } from '../platform/clock.js';
import { systemEntropy } from '../platform/entropy.js';
import { exit, onSignal, systemProcess } from '../platform/process.js';
import { loadMailConfig } from './config.js';
import { SmtpNode } from './node.js';
import { reasonOf } from './reason.js';
import { type MailConfig, SETTINGS, type Setting } from './settings.js';
import type { StoreTls } from './store.js';

export interface MainInput {
  /** Without node and script. */
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
}

interface CommandLine {
  readonly flags: Readonly<Record<string, string>>;
  readonly configFile: string;
  readonly checkOnly: boolean;
}

const CONFIG_ENV = 'HELIOS_SMTP_CONFIG';
const FLAGS: readonly Setting[] = Object.values(SETTINGS).filter((one) => 'flag' in one);

/** The exit code; null when the node runs, which then ends the process itself. */
export async function main(input: MainInput): Promise<number | null> {
  try {
    const commandLine = readCommandLine(input);
    if (commandLine === null) return 0;
    const config = readConfig(commandLine, input.env);
    const files = readKeyFiles(config);
    if (commandLine.checkOnly) {
      input.out('the configuration is good\n');
      return 0;
    }
    const log = createLogger({ level: config.logLevel, format: config.logFormat, file: '' });
    const random = (): number => systemEntropy.seed48() / 2 ** 48;
    const node = new SmtpNode({ config, ...files, clock: systemClock, log, random });
    stopOnSignal(node, log);
    await node.start();
    return null;
  } catch (error) {
    if (!(error instanceof OperationalError)) throw error;
    for (const line of error.message.split('\n')) input.err(`helios-smtp: ${line}\n`);
    return error instanceof ConfigError ? 2 : 1;
  }
}

/** Null: help was asked for and printed. */
function readCommandLine(input: MainInput): CommandLine | null {
  const shapes = new Map<string, OptionShape>();
  const program = new Command('helios-smtp')
    .description('SMTP node whose limits, sessions and queue live in Helios, Valkey or Redis')
    .helpOption(false)
    .option('--config <file>', `YAML file (${CONFIG_ENV})`)
    .option('--check-config', 'say whether the configuration is good, and exit')
    .option('--help', 'show this');
  shapes.set('config', { name: 'config', takes: 'value' });
  shapes.set('check-config', { name: 'check-config', takes: 'boolean' });
  shapes.set('help', { name: 'help', takes: 'boolean' });
  for (const { flag = '', env, help, fallback } of FLAGS) {
    const notes = [env, fallback === null ? undefined : `default ${fallback}`];
    const note = notes.filter((one) => one !== undefined).join(', ');
    program.option(`--${flag} <value>`, `${help}${note === '' ? '' : ` (${note})`}`);
    shapes.set(flag, { name: flag, takes: 'value' });
  }
  const problems = new Problems();
  const words = normaliseArguments(input.argv, shapes, problems);
  problems.throwIfAny();
  // Booleans come out as --name=true, which commander takes only without the value.
  const plain = words
    .filter((word) => !/^--(help|check-config)=false$/.test(word))
    .map((word) => word.replace(/^(--help|--check-config)=true$/, '$1'));
  const options = program.parse(plain, { from: 'user' }).opts<Record<string, string | true>>();
  if (options.help === true) {
    input.out(`${program.helpInformation()}\n${FILE_HELP}`);
    return null;
  }
  const flags: Record<string, string> = {};
  for (const { flag = '' } of FLAGS) {
    const value = options[camelCase(flag)];
    if (typeof value === 'string') flags[flag] = value;
  }
  const configFile = options.config ?? input.env[CONFIG_ENV] ?? '';
  return { flags, configFile: String(configFile), checkOnly: options.checkConfig === true };
}

const FILE_HELP = `Flags win over variables, variables over the YAML file. In the file:
${Object.values<Setting>(SETTINGS)
  .map((one) => `  ${one.path.padEnd(26)} ${one.help}${one.fallback ? ` (${one.fallback})` : ''}`)
  .join('\n')}
`;

function camelCase(flag: string): string {
  return flag.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function readConfig(line: CommandLine, env: MainInput['env']): MailConfig {
  const name = line.configFile;
  const file = name === '' ? null : { name, text: readText(name, 'configuration file') };
  return loadMailConfig({ flags: line.flags, env, file, machineName: systemProcess.hostname });
}

function readKeyFiles(config: MailConfig): {
  tls: { cert: string; key: string } | null;
  storeTls: StoreTls;
} {
  const read = (name: keyof typeof SETTINGS): string | undefined => {
    const path = config[name];
    return typeof path === 'string' ? readText(path, SETTINGS[name].path) : undefined;
  };
  const cert = read('tlsCert');
  const key = read('tlsKey');
  const storeTls = {
    ca: read('storeCa'),
    cert: read('storeCert'),
    key: read('storeKey'),
    verify: config.storeVerify,
  };
  checkPem(cert, key, undefined, 'smtp.tls');
  checkPem(storeTls.cert, storeTls.key, storeTls.ca, 'store.tls');
  return { tls: cert === undefined || key === undefined ? null : { cert, key }, storeTls };
}

/** Said now, not at the first handshake. */
function checkPem(
  cert: string | undefined,
  key: string | undefined,
  ca: string | undefined,
  path: string,
): void {
  try {
    createSecureContext({ cert, key, ca });
  } catch (error) {
    const right = 'expected PEM files, the key being that of the certificate';
    throw new ConfigError([`${path}: ${reasonOf(error)}; ${right}`]);
  }
}

function readText(path: string, what: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new ConfigError([`${what}: cannot read it: ${reasonOf(error)}`]);
  }
}

/** The first signal stops in order, the second at once. */
function stopOnSignal(node: SmtpNode, log: LogOutput): void {
  let asked = false;
  const stop = (): void => {
    if (asked) exit(1);
    asked = true;
    void node.stop().then(() => {
      log.flush();
      exit(0);
    });
  };
  onSignal('SIGTERM', stop);
  onSignal('SIGINT', stop);
}
