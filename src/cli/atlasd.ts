// Owns: what happens between `helios-atlasd ...` and main(config): reading the settings, --help,
// --version,
// --check-config, and telling the operator everything that is wrong at once.

import { readFileSync } from 'node:fs';
import { helpText } from '../config/flags.js';
import { type Config, type Invocation, loadConfig } from '../config/load.js';
import { ConfigError } from '../config/problem.js';
import { effectiveConfig } from '../config/show.js';

export interface Output {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
}

/**
 * A usable Config, or the status to exit with: 0 after --help and the like, 2 after bad settings.
 */
export type Configured =
  | { readonly config: Config; readonly exitCode: null }
  | { readonly config: null; readonly exitCode: 0 | 2 };

export function configure(invocation: Invocation, output: Output): Configured {
  try {
    const command = loadConfig(invocation);
    if (command.do === 'run') return { config: command.config, exitCode: null };
    if (command.do === 'help') output.out(helpText());
    else if (command.do === 'version') output.out(`helios-atlasd ${packageVersion()}\n`);
    else {
      output.out(effectiveConfig(command.config));
      for (const note of command.config.notes) output.err(`helios-atlasd: ${note}\n`);
    }
    return { config: null, exitCode: 0 };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    for (const problem of error.problems) output.err(`helios-atlasd: ${problem}\n`);
    return { config: null, exitCode: 2 };
  }
}

/** Version of this package, from package.json two levels above dist/cli. */
export function packageVersion(): string {
  const manifest = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  const { version } = JSON.parse(manifest) as { version: string };
  return version;
}
