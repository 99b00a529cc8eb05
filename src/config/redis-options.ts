// Owns: the options of redis-server and valkey-server that operators will type, and what each means
// here. A few are settings of ours under another name; the rest is accepted and said to have no
// effect, or refused with the way to get the same. Never silently different.

import type { SettingKey } from './schema.js';

export type RedisMeaning =
  /** The same setting under another name. */
  | { readonly sets: SettingKey; readonly text: string; readonly note?: string }
  /** One half of `listen`. */
  | { readonly part: 'host' | 'port'; readonly text: string }
  /** Accepted; `note` says why nothing changes. Empty for exactly what we do anyway. */
  | { readonly note: string }
  | { readonly refused: string };

export interface RedisOption {
  /** Takes all words up to the next option, as `--save 900 1` does. */
  readonly words?: boolean;
  readonly means: (text: string) => RedisMeaning;
}

const SNAPSHOTS =
  'snapshots follow -snapshot-interval-cmds and -snapshot-interval-time; they also shorten the log';
const ONE_LOG = 'the log is always written; its policy is -aof-fsync';

/** By option name, without dashes. */
export const redisOptions: ReadonlyMap<string, RedisOption> = new Map<string, RedisOption>([
  ['port', { means: (text) => ({ part: 'port', text }) }],
  ['bind', { words: true, means: bind }],
  ['dir', { means: (text) => ({ sets: 'dataDir', text }) }],
  ['appendonly', { means: appendOnly }],
  ['appendfsync', { means: (text) => ({ sets: 'aofFsync', text }) }],
  ['loglevel', { means: (text) => ({ sets: 'logLevel', text }) }],
  ['logfile', { means: (text) => ({ sets: 'logFile', text }) }],
  ['save', { words: true, means: (text) => ({ note: text === '' ? '' : SNAPSHOTS }) }],
  ['protected-mode', { means: protectedMode }],
  ['daemonize', { means: mustBe('no', 'run it under systemd, Docker or a shell with &') }],
  ['cluster-enabled', { means: mustBe('no', 'use -raft=true; every member holds all keys') }],
  ['aclfile', { means: refuse('users are replicated: create them with ACL SETUSER') }],
  ['replicaof', { words: true, means: refuse('use -raft=true with -raft-peers') }],
  ['slaveof', { words: true, means: refuse('use -raft=true with -raft-peers') }],
  ['sentinel', { words: true, means: refuse('no Sentinel is needed: members elect a leader') }],
  ['loadmodule', { words: true, means: refuse('modules are not supported') }],
  ['tls-port', { means: mustBe('0', 'put a TLS proxy such as HAProxy or stunnel in front') }],
  ['unixsocket', { means: refuse('only TCP is served; use -listen') }],
  ...['dbfilename', 'appendfilename', 'appenddirname'].map(
    (name) => [name, { means: () => ({ note: 'file names are fixed' }) }] as const,
  ),
  ...['auto-aof-rewrite-percentage', 'auto-aof-rewrite-min-size', 'no-appendfsync-on-rewrite'].map(
    (name) => [name, { means: () => ({ note: ONE_LOG }) }] as const,
  ),
  ...['rdbcompression', 'rdbchecksum', 'stop-writes-on-bgsave-error', 'repl-diskless-sync'].map(
    (name) => [name, { means: () => ({ note: SNAPSHOTS }) }] as const,
  ),
  ...['tcp-keepalive', 'tcp-backlog', 'hz', 'io-threads', 'supervised', 'always-show-logo'].map(
    (name) => [name, { means: () => ({ note: 'has no effect here' }) }] as const,
  ),
]);

function bind(text: string): RedisMeaning {
  const addresses = text.split(/\s+/).map((word) => word.replace(/^-/, ''));
  const all = addresses.every((address) => ['*', '0.0.0.0', '::', '::*'].includes(address));
  if (all) return { part: 'host', text: '' };
  if (addresses.length > 1) {
    return {
      refused: 'one address or * is supported; expected one address, as in --bind 10.0.0.1',
    };
  }
  const host = addresses[0] ?? '';
  return { part: 'host', text: host.includes(':') ? `[${host.replaceAll(/[[\]]/g, '')}]` : host };
}

/** Redis without AOF keeps what the last snapshot had; a log without fsync keeps at least that. */
function appendOnly(text: string): RedisMeaning {
  if (text === 'yes') return { note: '' };
  if (text !== 'no') return { refused: `${JSON.stringify(text)} is not known; expected yes or no` };
  const note =
    'taken as -aof-fsync=none: the log is still written, but not forced to disk, so a crash of ' +
    'this process loses nothing and a power cut may';
  return { sets: 'aofFsync', text: 'none', note };
}

function protectedMode(text: string): RedisMeaning {
  if (text === 'no') return { note: '' };
  return { refused: 'not supported; expected no, with -requirepass or -listen=127.0.0.1:6379' };
}

function mustBe(only: string, instead: string): RedisOption['means'] {
  return (text) =>
    text === only ? { note: '' } : { refused: `not supported; ${instead}; expected ${only}` };
}

function refuse(instead: string): RedisOption['means'] {
  return () => ({ refused: `not supported; ${instead}` });
}
