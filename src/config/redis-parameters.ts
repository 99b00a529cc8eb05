// Owns: the settings that CONFIG GET and CONFIG SET know by Redis' names, as texts for the server's
// table of parameters. What is not here is either Helios' own or fixed.

import { isWildcard } from './endpoint.js';
import type { Config } from './load.js';

const FSYNC = { every: 'always', interval: 'everysec', none: 'no' } as const;
const LOG_LEVEL = {
  debug: 'debug',
  info: 'notice',
  warn: 'warning',
  error: 'warning',
  silent: 'nothing',
} as const;

/** Name and text of each parameter that follows from `config`, to be loaded at start. */
export function redisParameters(config: Config): ReadonlyArray<readonly [string, string]> {
  const { host, port } = config.listen;
  return [
    ['dir', config.dataDir],
    ['port', String(port)],
    ['bind', isWildcard(host) ? '*' : host],
    ['databases', String(config.databases)],
    ['maxclients', String(config.maxclients)],
    ['timeout', String(config.timeout)],
    ['requirepass', config.requirepass],
    ['maxmemory', String(config.maxmemory)],
    ['maxmemory-policy', config.maxmemoryPolicy],
    ['appendfsync', FSYNC[config.aofFsync]],
    ['slowlog-log-slower-than', String(config.slowlogLogSlowerThan)],
    ['slowlog-max-len', String(config.slowlogMaxLen)],
    ['loglevel', LOG_LEVEL[config.logLevel]],
    ['logfile', config.logFile],
    ['helios-default-read-level', config.readLevel],
    ['helios-write-timeout-ms', String(Math.ceil(config.writeTimeout))],
  ];
}
