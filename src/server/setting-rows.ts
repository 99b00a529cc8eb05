// Owns: the parameters of CONFIG that change what Helios does, and the shape of a row. What other
// servers have and Helios only knows by name is in setting-compat.ts. Data only; settings.ts gives
// it life.

import {
  ANY_SIZE,
  BOOL,
  EVENT_FLAGS,
  int,
  memory,
  oneOf,
  PERCENTILES,
  type SettingType,
  TEXT,
} from './setting-types.js';

/**
 * What CONFIG SET does to a parameter.
 *   live      the server acts on the new value at once
 *   harmless  accepted and printed back: it tunes a mechanism Helios does not have or need, so
 *             that no client is worse off for it (`why` says which)
 *   start     chosen when the process starts; refused as Redis refuses an immutable parameter
 *   kept      chosen when the process starts; SET takes only the value it has, as where Redis could
 *             change it and Helios cannot (`why` answers the rest)
 *   guarded   refused as Redis refuses a protected parameter (it names files)
 *   fixed     only the value it has is accepted; any other is refused with `why`
 */
export type SettingEffect = 'live' | 'harmless' | 'start' | 'kept' | 'guarded' | 'fixed';

export interface SettingRow {
  readonly name: string;
  readonly type: SettingType;
  readonly initial: string;
  readonly effect: SettingEffect;
  readonly why: string;
  /** The older name of the same parameter. */
  readonly alias?: string;
  /** A secret: kept out of slowlog and logs. */
  readonly secret?: boolean;
  /** Found by its name only, not by a pattern. */
  readonly hidden?: boolean;
}

type Extra = Pick<SettingRow, 'alias' | 'secret' | 'hidden'>;

function row(effect: SettingEffect) {
  return (
    name: string,
    type: SettingType,
    initial: string,
    why = '',
    extra: Extra = {},
  ): SettingRow => ({ name, type, initial, effect, why, ...extra });
}

export const live = row('live');
export const harmless = row('harmless');
export const start = row('start');
export const kept = row('kept');
export const guarded = row('guarded');
export const fixed = row('fixed');

export const EVICTION_POLICIES = [
  'volatile-lru',
  'volatile-lfu',
  'volatile-random',
  'volatile-ttl',
  'allkeys-lru',
  'allkeys-lfu',
  'allkeys-random',
  'noeviction',
] as const;

const MIB = 1024 * 1024;

export const MEMORY_ROWS: readonly SettingRow[] = [
  live('maxmemory', memory(), '0', 'bytes of keys and values; 0 for no bound'),
  live('maxmemory-policy', oneOf(...EVICTION_POLICIES), 'noeviction'),
  live('maxmemory-samples', int(1), '5'),
  live('lfu-log-factor', int(0), '10'),
  live('lfu-decay-time', int(0), '1'),
];

export const CONNECTION_ROWS: readonly SettingRow[] = [
  kept('port', int(0, 65535), '6379', 'Unable to listen on this port: it is chosen at start'),
  kept('bind', TEXT, '*', 'Unable to bind another address: it is chosen at start'),
  start('tcp-backlog', int(0), '511'),
  start('databases', int(1), '16'),
  live('maxclients', int(1, 2 ** 32 - 1), '10000'),
  live('timeout', int(0), '0', 'seconds of idleness before a connection is closed; 0 for never'),
  live('requirepass', TEXT, '', 'password of the default user; empty for none', { secret: true }),
  live('proto-max-bulk-len', memory(MIB), String(512 * MIB)),
  live('client-query-buffer-limit', memory(MIB), String(1024 * MIB)),
  live('busy-reply-threshold', int(0, ANY_SIZE), '5000', 'ms', { alias: 'lua-time-limit' }),
];

export const DURABILITY_ROWS: readonly SettingRow[] = [
  live('appendfsync', oneOf('everysec', 'always', 'no'), 'always'),
  fixed(
    'appendonly',
    BOOL,
    'yes',
    'the log is how members replicate: it cannot be turned off (appendfsync no makes it cheap)',
  ),
  guarded('dir', TEXT, '.'),
  guarded('dbfilename', TEXT, 'dump.rdb'),
  start('appenddirname', TEXT, 'appendonlydir'),
  start('appendfilename', TEXT, 'appendonly.aof'),
];

export const OBSERVABILITY_ROWS: readonly SettingRow[] = [
  live('slowlog-log-slower-than', int(-1, ANY_SIZE), '10000', 'microseconds; -1 for off'),
  live('slowlog-max-len', int(0, ANY_SIZE), '128'),
  live('latency-monitor-threshold', int(0, ANY_SIZE), '0', 'ms; 0 for off'),
  live('latency-tracking', BOOL, 'yes'),
  live('latency-tracking-info-percentiles', PERCENTILES, '50 99 99.9'),
  live('loglevel', oneOf('debug', 'verbose', 'notice', 'warning', 'nothing'), 'notice'),
  start('logfile', TEXT, ''),
  fixed(
    'notify-keyspace-events',
    EVENT_FLAGS,
    '',
    'keyspace notifications are not available: subscribe to channels instead',
  ),
];

export const HELIOS_ROWS: readonly SettingRow[] = [
  live('helios-default-read-level', oneOf('linearizable', 'local'), 'linearizable'),
  live('helios-write-timeout-ms', int(1, 3_600_000), '5000'),
];
