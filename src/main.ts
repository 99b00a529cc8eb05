// The composition root of helios-atlasd: configuration in, a running node out, signals and failures
// to their ends. node.ts joins the parts; what each part does is in its own folder (src/README.md
// is the tour).

import { packageVersion } from './cli/atlasd.js';
import type { Config } from './config/load.js';
import { Node } from './node.js';
import { createLogger } from './observe/logger.js';
import { type Platform, systemPlatform } from './platform/platform.js';
import { exit, exitFatal, onSignal, onUncaught } from './platform/process.js';

/** `platform`: another one is for tests with real processes and, say, a clock that steps. */
export async function main(config: Config, platform: Platform = systemPlatform): Promise<void> {
  const logger = createLogger({
    level: config.logLevel,
    format: config.logFormat,
    file: config.logFile,
  });
  const fatal = (error: unknown): never => {
    logger.flush();
    return exitFatal(error);
  };
  onUncaught(fatal);
  for (const note of config.notes) logger.warn(note);
  try {
    const node = new Node(config, packageVersion(), logger, fatal, platform);
    const stop = (save: boolean): void => {
      node.stop(save).then(() => {
        logger.flush();
        exit(0);
      }, fatal);
    };
    node.onShutdown = stop;
    for (const signal of ['SIGTERM', 'SIGINT'] as const) onSignal(signal, () => stop(true));
    onSignal('SIGHUP', () => logger.reopen());
    await node.start();
  } catch (error) {
    fatal(error);
  }
}
