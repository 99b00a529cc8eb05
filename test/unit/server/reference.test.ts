// Compares the shape of answers with a real redis-server: the properties COMMAND tells of every
// command Helios has, the parameters of CONFIG GET, the fields of INFO, and error texts.
// Differences that are meant are listed here.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dataCommands } from '../../../src/commands/registry.js';
import type { ServerCommand } from '../../../src/server/command.js';
import { connectionCommands } from '../../../src/server/commands/connection.js';
import { serverCommands } from '../../../src/server/commands/registry.js';
import { transactionCommands } from '../../../src/server/commands/transactions.js';
import { infoText } from '../../../src/server/info.js';
import { FakeServer } from './fakes.js';
import { hasReference, plain, Reference } from './reference.js';

const title = hasReference ? 'against redis-server' : 'skipped: no redis-server on PATH';

/** All rows a running server has. */
function allCommands(): ReadonlyMap<string, ServerCommand> {
  const rows = [...connectionCommands, ...transactionCommands, ...serverCommands.values()];
  return new Map(rows.map((row) => [row.name, row]));
}

class WholeServer extends FakeServer {
  override readonly commands = allCommands();
}

interface Facts {
  readonly name: string;
  readonly arity: number;
  readonly flags: readonly string[];
  readonly keys: readonly number[];
  readonly categories: readonly string[];
  readonly tips: readonly string[];
  readonly specifications: string;
}

type InfoTuple = readonly [
  string,
  number,
  string[],
  number,
  number,
  number,
  string[],
  string[],
  unknown[],
  unknown[],
];

function factsOf(tuple: InfoTuple): Facts {
  const [name, arity, flags, first, last, step, categories, tips, specifications] = tuple;
  return {
    name,
    arity,
    flags: [...flags].sort(),
    keys: [first, last, step],
    categories: [...categories].sort(),
    tips: [...tips].sort(),
    specifications: JSON.stringify(specifications.map(withoutNotes)),
  };
}

/** Key specifications may carry remarks; what they specify is the rest. */
function withoutNotes(specification: unknown): unknown {
  const items = specification as unknown[];
  return items[0] === 'notes' ? items.slice(2) : items;
}

/** CLIENT CAPA is of Valkey 8; DEBUG of Redis has no rows for its subcommands. */
function isOurs(name: string): boolean {
  return name === 'client|capa' || name.startsWith('debug|');
}

describe.skipIf(!hasReference)(title, () => {
  let reference: Reference;
  let is72 = false;
  const server = new WholeServer();
  const me = server.connect();
  const ours = (...args: string[]): unknown => plain(server.run(me, ...args));

  beforeAll(async () => {
    reference = await Reference.start();
    const info = String(await reference.call('info', 'server'));
    is72 = /redis_version:7\.2\./.test(info);
  });

  afterAll(async () => {
    await reference.stop();
  });

  it('COMMAND INFO tells the same of every server command', async () => {
    expect(await differences([...server.commands.keys()])).toEqual([]);
  });

  it('COMMAND INFO tells the same of every data command', async () => {
    expect(await differences([...dataCommands.keys()])).toEqual([]);
  });

  async function differences(all: readonly string[]): Promise<string[]> {
    const names = all.filter((name) => !isOurs(name));
    const theirs = (await reference.call('command', 'info', ...names)) as (InfoTuple | null)[];
    const mine = ours('command', 'info', ...names) as InfoTuple[];
    const found: string[] = [];
    for (let i = 0; i < names.length; i++) {
      const other = theirs[i];
      if (other === null || other === undefined) {
        if (is72) found.push(`${names[i]}: unknown to Redis 7.2`);
        continue;
      }
      const a = factsOf(mine[i]!);
      const b = factsOf(other);
      for (const key of Object.keys(a) as (keyof Facts)[]) {
        const [x, y] = [JSON.stringify(a[key]), JSON.stringify(b[key])];
        if (x !== y && !isMeant(names[i]!, key)) found.push(`${names[i]} ${key}: ${x}, Redis ${y}`);
      }
    }
    return found;
  }

  function isMeant(name: string, key: keyof Facts): boolean {
    return !is72 && CHANGED_SINCE_70.has(`${name} ${key}`);
  }

  it('COMMAND DOCS and INFO have the shape of Redis', async () => {
    const keysOf = (items: unknown): string[] =>
      (items as unknown[]).filter((_, i) => i % 2 === 0) as string[];
    for (const name of ['time', 'config', 'config|get', 'command']) {
      const theirs = (await reference.call('command', 'docs', name)) as unknown[];
      const mine = ours('command', 'docs', name) as unknown[];
      expect(mine[0]).toBe(theirs[0]);
      // Arguments and history are not described.
      const expected = keysOf(theirs[1]).filter((key) => key !== 'arguments' && key !== 'history');
      expect(keysOf(mine[1])).toEqual(expected);
    }
    expect(ours('command', 'docs', 'nosuch')).toEqual(
      await reference.call('command', 'docs', 'nosuch'),
    );
    expect(ours('command', 'info', 'nosuch')).toEqual(
      await reference.call('command', 'info', 'nosuch'),
    );
  });

  it.each([
    'command getkeys nosuch a',
    'command getkeys ping x',
    'command list filterby foo x',
    'command list filterby module x',
    'command list filterby aclcat nosuch',
    'client list type x',
    'client list id x',
    'client kill id 0',
    'client kill user nobody',
    'client pause x',
    'client pause -1',
    'client pause 1 x',
    'client unblock x',
    'client unblock 1 x',
    'client reply x',
    'client no-evict x',
    'client getredir',
    'client trackinginfo',
    'client caching yes',
    'slowlog get -2',
    'slowlog get x',
    'slowlog len',
    'slowlog reset',
    'latency latest',
    'latency history x',
    'latency reset',
    'latency graph x',
    'wait x 0',
    'wait 0 x',
    'wait 0 -1',
    'bgsave x',
    'shutdown x',
    'shutdown abort',
    'shutdown save nosave',
    'config get nosuch',
    'config get maxmemory',
    'config set nosuch 1',
    'config set maxmemory abc',
    'config set maxmemory-policy foo',
    'config set hz abc',
    'config set maxmemory-samples 0',
    'config set databases 3',
    'config set timeout 1 timeout 2',
    'config set notify-keyspace-events Q',
    'config set client-output-buffer-limit x',
    'config set slowlog-log-slower-than -2',
    'config rewrite',
    'acl whoami',
    'acl users',
    'acl cat zz',
    'acl genpass 5000',
    'acl log x',
    'acl log reset',
    'acl dryrun x get a',
    'acl deluser default',
    'cluster info',
    'cluster keyslot x',
    'debug protocol array',
    'debug protocol map',
    'debug protocol bignum',
    'debug protocol double',
  ])('answers %s alike', async (line) => {
    const args = line.split(' ');
    expect(ours(...args)).toEqual(await reference.call(...args));
  });

  it('CONFIG GET knows the parameters of Redis, with values of the same kind', async () => {
    const theirs = toMap(await reference.call('config', 'get', '*'));
    const mine = toMap(ours('config', 'get', '*'));
    const missing = [...theirs.keys()].filter((name) => !mine.has(name) && !isOmitted(name));
    expect(missing).toEqual([]);
    const odd: string[] = [];
    for (const [name, value] of mine) {
      const other = theirs.get(name);
      if (other !== undefined && kindOf(value) !== kindOf(other) && !OTHER_KIND.has(name)) {
        odd.push(`${name}: ${value}, Redis ${other}`);
      }
    }
    expect(odd).toEqual([]);
  });

  it('INFO has the fields of Redis but for those left out on purpose', async () => {
    const theirs = fieldsOf(String(await reference.call('info', 'default')));
    const mine = fieldsOf(infoText(server, []));
    const missing = [...theirs].filter((name) => !mine.has(name) && !INFO_OMITTED.has(name));
    expect(missing).toEqual([]);
    const needless = [...INFO_OMITTED].filter((name) => mine.has(name));
    expect(needless).toEqual([]);
  });

  it('CLIENT LIST has the fields of Redis 7.2', async () => {
    const names = (text: unknown): string[] =>
      [...String(text).matchAll(/(\S+?)=/g)].map((m) => m[1]!);
    const theirs = names(await reference.call('client', 'info'));
    const mine = names(ours('client', 'info'));
    // 7.2 added the library at the end.
    expect(mine.slice(0, theirs.length)).toEqual(theirs);
  });

  it('MEMORY STATS has the fields of Redis but for those of its tables', async () => {
    const theirs = [...toMap(await reference.call('memory', 'stats')).keys()];
    const mine = toMap(ours('memory', 'stats'));
    expect(theirs.filter((name) => !mine.has(name) && !STATS_OMITTED.has(name))).toEqual([]);
  });
});

/** What Redis 7.0 told otherwise. */
const CHANGED_SINCE_70: ReadonlySet<string> = new Set([
  'command|getkeys arity',
  'command|getkeysandflags arity',
  'zrank arity',
  'zrevrank arity',
  'wait flags',
  'cluster|slots flags',
  'cluster|shards flags',
  ...[
    'config|resetstat',
    'config|rewrite',
    'client|setname',
    'latency|reset',
    'acl|setuser',
    'acl|deluser',
    'acl|save',
    'msetnx',
    'scan',
    'randomkey',
  ].map((name) => `${name} tips`),
]);

/** No per-client and per-script accounting in the runtime. */
const STATS_OMITTED: ReadonlySet<string> = new Set([
  'cluster.links',
  'aof.buffer',
  'lua.caches',
  'functions.caches',
  'rss-overhead.ratio',
  'rss-overhead.bytes',
]);

/** Parameters that name a mechanism of Redis alone; nobody asks for them. */
function isOmitted(name: string): boolean {
  return /^(?:tls-|cluster-|oom-score|active-defrag|.*[_-]cpulist$|rdb-key|.*-announce-)/.test(name)
    ? true
    : CONFIG_OMITTED.has(name);
}

const CONFIG_OMITTED: ReadonlySet<string> = new Set([
  'aof-disable-auto-gc',
  'bind-source-addr',
  'ignore-warnings',
  'locale-collate',
  'proc-title-template',
  'propagation-error-behavior',
  'replica-ignore-disk-write-errors',
  'shutdown-on-sigint',
  'shutdown-on-sigterm',
  'socket-mark-id',
]);

/**
 * Parameters whose default is a path or an address here and empty there, or the other way round.
 */
const OTHER_KIND: ReadonlySet<string> = new Set(['unixsocket', 'save', 'bind', 'pidfile']);

const INFO_OMITTED: ReadonlySet<string> = new Set([
  // Of the compiler, allocator and fork of a C program.
  'atomicvar_api',
  'gcc_version',
  'rss_overhead_ratio',
  'rss_overhead_bytes',
  'mem_not_counted_for_evict',
  'current_cow_peak',
  'current_cow_size',
  'current_cow_size_age',
  'current_fork_perc',
  'current_save_keys_processed',
  'current_save_keys_total',
  'rdb_last_cow_size',
  'aof_last_cow_size',
  'module_fork_in_progress',
  'module_fork_last_cow_size',
  // Of scripts: the Lua state belongs to the machine and does not tell its size.
  'used_memory_lua',
  'used_memory_lua_human',
  'used_memory_vm_eval',
  'used_memory_vm_functions',
  'used_memory_vm_total',
  'used_memory_vm_total_human',
  'used_memory_scripts_eval',
  'used_memory_functions',
  'used_memory_scripts',
  'used_memory_scripts_human',
  'number_of_cached_scripts',
  // Of buffers and counters that are not kept.
  'mem_total_replication_buffers',
  'mem_aof_buffer',
  'rdb_saves',
  'rdb_last_load_keys_expired',
  'rdb_last_load_keys_loaded',
  'aof_rewrites',
  'aof_rewrites_consecutive_failures',
  'total_net_repl_input_bytes',
  'total_net_repl_output_bytes',
  'instantaneous_input_repl_kbps',
  'instantaneous_output_repl_kbps',
  'expired_stale_perc',
  'expired_time_cap_reached_count',
  'expire_cycle_cpu_milliseconds',
  'total_eviction_exceeded_time',
  'current_eviction_exceeded_time',
  'dump_payload_sanitizations',
  'total_reads_processed',
  'total_writes_processed',
  'reply_buffer_shrinks',
  'reply_buffer_expands',
  'eventloop_cycles',
  'eventloop_duration_sum',
  'eventloop_duration_cmd_sum',
  'instantaneous_eventloop_cycles_per_sec',
  'instantaneous_eventloop_duration_usec',
  'acl_access_denied_auth',
  'total_blocking_keys',
  'total_blocking_keys_on_nokey',
  // Of other products and of listeners that are not there.
  'valkey_version',
  'listener1',
  'used_cpu_sys_main_thread',
  'used_cpu_user_main_thread',
]);

function toMap(items: unknown): Map<string, string> {
  const list = items as string[];
  const map = new Map<string, string>();
  for (let i = 0; i < list.length; i += 2) map.set(list[i]!, list[i + 1]!);
  return map;
}

function kindOf(value: string): string {
  if (/^-?\d+$/.test(value)) return 'number';
  return value === 'yes' || value === 'no' ? 'boolean' : 'text';
}

function fieldsOf(text: string): Set<string> {
  return new Set([...text.matchAll(/^([a-z0-9_]+):/gm)].map((match) => match[1]!));
}
