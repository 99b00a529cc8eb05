// Owns: the values of CONFIG as the configuration gives them, and what a CONFIG SET of them does to
// the running parts.

import type { Config } from './config/load.js';
import { redisParameters } from './config/redis-parameters.js';
import type { LogLevel, LogOutput } from './observe/logger.js';
import { Settings } from './server/settings.js';
import type { FsyncPolicy } from './storage/log-writer.js';

const FSYNC_POLICIES: Readonly<Record<string, FsyncPolicy>> = {
  always: 'every',
  everysec: 'interval',
  no: 'none',
};
const LOG_LEVELS: Readonly<Record<string, LogLevel>> = {
  debug: 'debug',
  verbose: 'debug',
  notice: 'info',
  warning: 'warn',
  nothing: 'silent',
};
/** Throws when a value that the configuration accepted is refused here: the two tables disagree. */
export function settingsOf(config: Config): Settings {
  const settings = new Settings();
  for (const [name, text] of redisParameters(config)) {
    const problem = settings.load(name, text);
    if (problem !== null) throw new Error(`setting ${name}: ${problem}`);
  }
  return settings;
}

/** The parts that act on a changed parameter. */
export interface SettingTargets {
  readonly setFsync: (policy: FsyncPolicy) => void;
  readonly setWriteTimeout: (ms: number) => void;
  readonly reloadMemoryPolicy: () => void;
  readonly logger: LogOutput;
}

export function wireSettings(settings: Settings, targets: SettingTargets): void {
  settings.onChange('appendfsync', (value) => {
    targets.setFsync(FSYNC_POLICIES[String(value)]!);
    return null;
  });
  settings.onChange('loglevel', (value) => {
    targets.logger.setLevel(LOG_LEVELS[String(value)]!);
    return null;
  });
  settings.onChange('helios-write-timeout-ms', (value) => {
    targets.setWriteTimeout(Number(value));
    return null;
  });
  for (const name of [
    'maxmemory',
    'maxmemory-policy',
    'maxmemory-samples',
    'lfu-log-factor',
    'lfu-decay-time',
  ]) {
    settings.onChange(name, () => {
      targets.reloadMemoryPolicy();
      return null;
    });
  }
}
