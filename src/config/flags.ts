// Owns: the command line of helios-atlasd: which options exist, --help, and the texts given for
// each.

import { Command, Option } from 'commander';
import { normaliseArguments, type OptionShape } from './arguments.js';
import type { Problems } from './problem.js';
import { redisOptions } from './redis-options.js';
import { flagName, keyOfFlag, settingKeys, settings, variableName } from './schema.js';

export interface Flags {
  readonly help: boolean;
  readonly version: boolean;
  readonly checkConfig: boolean;
  readonly configFile: string | null;
  /**
   * Texts of settings and Redis options by option name without dashes; the last one of a repeated
   * option.
   */
  readonly given: ReadonlyMap<string, string>;
}

const OWN: readonly OptionShape[] = [
  { name: 'config', takes: 'value' },
  { name: 'check-config', takes: 'boolean' },
  { name: 'help', takes: 'boolean' },
  { name: 'version', takes: 'boolean' },
];

const shapes: ReadonlyMap<string, OptionShape> = new Map([
  ...[...redisOptions].map(([name, option]): [string, OptionShape] => [
    name,
    { name, takes: option.words === true ? 'words' : 'value' },
  ]),
  ...settingKeys.map((key): [string, OptionShape] => {
    const takes = settings[key].kind.name === 'true|false' ? 'boolean' : 'value';
    return [flagName(key), { name: flagName(key), takes }];
  }),
  ...OWN.map((shape): [string, OptionShape] => [shape.name, shape]),
]);

/** Reads `argv` (without node and script); mistakes go to `problems`. */
export function parseFlags(argv: readonly string[], problems: Problems): Flags {
  const shorthand = argv.map((word) =>
    word === '-h' ? '--help' : word === '-v' ? '--version' : word,
  );
  const normal = normaliseArguments(shorthand, shapes, problems);
  const program = describeProgram();
  program.parse(normal, { from: 'user' });
  const given = new Map<string, string>();
  for (const option of program.options) {
    const value: unknown = program.getOptionValue(option.attributeName());
    if (typeof value === 'string') given.set(option.name(), value);
  }
  const isOn = (name: string): boolean => given.get(name) === 'true';
  const flags = {
    help: isOn('help'),
    version: isOn('version'),
    checkConfig: isOn('check-config'),
    configFile: given.get('config') ?? null,
    given,
  };
  for (const { name } of OWN) given.delete(name);
  return flags;
}

/** What --help prints. */
export function helpText(): string {
  return describeProgram().helpInformation() + AFTER_HELP;
}

function describeProgram(): Command {
  const program = new Command('helios-atlasd');
  program
    .usage('[-name=value | --name value]...')
    .description('Redis-protocol server whose every write goes through a Raft log.')
    .helpOption(false)
    .exitOverride()
    .option('--config <file>', 'YAML file with settings (HELIOS_CONFIG)')
    .option(
      '--check-config <bool>',
      'print the effective settings and where each came from, and exit',
    )
    .option('--help <bool>', 'print this and exit')
    .option('--version <bool>', 'print the version and exit');
  for (const key of settingKeys) {
    const { kind, help, fallback } = settings[key];
    const shown = fallback === '' ? '' : ` (default ${fallback})`;
    program.option(`--${flagName(key)} <${kind.name}>`, `${help}${shown} [${variableName(key)}]`);
  }
  for (const name of redisOptions.keys()) {
    if (!keyOfFlag.has(name)) program.addOption(new Option(`--${name} <text>`).hideHelp());
  }
  program.configureHelp({
    optionTerm: (option) => `-${option.name()}${termValue(option)}`,
    formatItem: (term, _width, description) => `  ${term}\n      ${description}`,
  });
  return program;
}

function termValue(option: Option): string {
  const value = /<(.*)>$/.exec(option.flags)?.[1] ?? '';
  return value === 'bool' ? '' : ` <${value}>`;
}

const AFTER_HELP = `
Flags win over HELIOS_* variables, variables over the file, the file over defaults.
Options of redis-server and valkey-server are understood where they mean something here:
--port --bind --dir --appendonly --appendfsync --maxmemory --maxmemory-policy --requirepass
--maxclients --loglevel --logfile --save and others; one that would be ignored says so.
`;
