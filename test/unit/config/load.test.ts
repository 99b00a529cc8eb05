// What operators type, right and wrong: the exact effect and the exact message.

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { type Config, loadConfig } from '../../../src/config/load.js';
import { ConfigError } from '../../../src/config/problem.js';

const directory = mkdtempSync(join(tmpdir(), 'helios-config-'));
afterAll(() => rmSync(directory, { recursive: true }));

type Env = Record<string, string>;

function load(argv: readonly string[], env: Env = {}): Config {
  const command = loadConfig({ argv, env });
  if (command.do !== 'run' && command.do !== 'check') throw new Error(command.do);
  return command.config;
}

function problems(argv: readonly string[], env: Env = {}): readonly string[] {
  try {
    load(argv, env);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

function yaml(text: string): string {
  const file = join(directory, 'c.yaml');
  writeFileSync(file, text);
  return file;
}

function yamlProblems(text: string): readonly string[] {
  return problems([`-config=${yaml(text)}`]).map((line) => line.replace(`${directory}/`, ''));
}

const PEERS = 'node-2:127.0.0.1:7001,node-3:127.0.0.1:7002';

describe('the quick start of the seed', () => {
  const pairs = [
    ['data-dir', './data/node1'],
    ['listen', ':6379'],
    ['raft', 'true'],
    ['raft-node-id', 'node-1'],
    ['raft-addr', '127.0.0.1:7000'],
    ['raft-data-dir', './data/node1/raft'],
  ] as const;
  const forms: ReadonlyArray<readonly [string, string[]]> = [
    ['one dash and =', pairs.map(([name, value]) => `-${name}=${value}`)],
    ['two dashes and =', pairs.map(([name, value]) => `--${name}=${value}`)],
    ['one dash and space', pairs.flatMap(([name, value]) => [`-${name}`, value])],
    ['two dashes and space', pairs.flatMap(([name, value]) => [`--${name}`, value])],
  ];
  it.each(forms)('reads %s', (_, argv) => {
    const config = load(argv, { HELIOS_RAFT_PEERS: PEERS });
    expect(config).toMatchObject({
      dataDir: './data/node1',
      listen: { host: '', port: 6379 },
      raftEnabled: true,
      raftNodeId: 'node-1',
      raftAddr: { host: '127.0.0.1', port: 7000 },
      raftAdvertiseAddr: { host: '127.0.0.1', port: 7000 },
      raftDataDir: './data/node1/raft',
      gatewayListen: null,
      metricsEnabled: false,
    });
    expect(config.raftMembers.map((peer) => peer.id)).toEqual(['node-1', 'node-2', 'node-3']);
    expect(config.origins.listen).toEqual({ source: 'flag', label: '-listen' });
    expect(config.origins.raftPeers).toEqual({ source: 'env', label: 'HELIOS_RAFT_PEERS' });
    expect(config.origins.aofFsync.source).toBe('default');
  });

  it.each([1, 2, 3])('reads cluster-configs/cluster-node%i.yaml', (n) => {
    const config = load([`-config=cluster-configs/cluster-node${n}.yaml`]);
    expect(config).toMatchObject({
      dataDir: `./data/node${n}`,
      listen: { host: '', port: 6378 + n },
      aofFsync: 'every',
      snapshotIntervalCmds: 10_000,
      snapshotIntervalTime: 300_000,
      raftEnabled: true,
      raftNodeId: `node-${n}`,
      raftAddr: { host: '127.0.0.1', port: 6999 + n },
      raftHeartbeatTimeout: 100,
      raftElectionTimeout: 500,
      raftSnapshotThreshold: 10_000,
      gatewayListen: { host: '', port: 8442 + n },
      metricsEnabled: true,
      metricsPort: { host: '', port: 9089 + n },
      logLevel: 'info',
    });
    expect(config.raftMembers.map(({ address }) => address.port)).toEqual([7000, 7001, 7002]);
    expect(config.raftPeers).toHaveLength(2);
  });

  it('takes the own node out of the peers and its address as the one told to others', () => {
    const env = { HELIOS_RAFT_PEERS: 'node-1:helios-node1:7000,node-2:[::1]:7001' };
    const config = load(['-raft', '-raft-node-id=node-1', '-raft-addr=:7000'], env);
    expect(config.raftPeers).toEqual([{ id: 'node-2', address: { host: '::1', port: 7001 } }]);
    expect(config.raftAdvertiseAddr).toEqual({ host: 'helios-node1', port: 7000 });
    expect(config.advertiseAddr).toEqual({ host: 'helios-node1', port: 6379 });
  });

  it('tells a cluster of one that was named from one that waits to be contacted', () => {
    const argv = ['-raft=true', '-raft-node-id=node-1'];
    expect(load(argv).raftMembers).toEqual([]);
    expect(load([...argv, '-raft-peers=node-1:127.0.0.1:7000']).raftMembers).toHaveLength(1);
  });
});

describe('sources', () => {
  it('prefers flags over variables over the file over defaults', () => {
    const file = yaml('atlas: {listen: ":1", data_dir: f, maxclients: 7}');
    const env = { HELIOS_CONFIG: file, HELIOS_LISTEN: ':2', HELIOS_DATA_DIR: 'e' };
    const config = load(['-listen=:3'], env);
    expect(config.listen.port).toBe(3);
    expect(config.dataDir).toBe('e');
    expect(config.maxclients).toBe(7);
    expect(config.databases).toBe(16);
    expect(config.origins.maxclients.label).toBe(`${file}:1:48: atlas.maxclients`);
  });

  it('leaves HELIOS_ variables of others alone, such as those Kubernetes sets', () => {
    const env = { HELIOS_PORT: 'tcp://10.0.0.1:6379', HELIOS_SERVICE_HOST: '10.0.0.1' };
    expect(problems([], env)).toEqual([]);
  });

  it('takes the last of a repeated flag and booleans in all habits', () => {
    const argv = ['-raft-node-id=a', '-raft-node-id=b'];
    for (const on of [['-raft'], ['-raft=1'], ['--raft', 'T'], ['--raft=yes']]) {
      expect(load([...argv, ...on])).toMatchObject({ raftEnabled: true, raftNodeId: 'b' });
    }
    for (const off of [['-no-raft'], ['-raft=false'], ['--raft', '0']]) {
      expect(load([...argv, ...off]).raftEnabled).toBe(false);
    }
  });

  it('reads metrics_port in each form and turns metrics on with it', () => {
    for (const text of ['9091', '":9091"', '"*:9091"']) {
      const config = load([`-config=${yaml(`observability: {metrics_port: ${text}}`)}`]);
      expect(config).toMatchObject({ metricsEnabled: true, metricsPort: { host: '', port: 9091 } });
    }
  });
});

describe('options of redis-server', () => {
  it('reads the line of the seed', () => {
    const line =
      '--port 6380 --bind 127.0.0.1 --dir /x --appendonly yes --appendfsync everysec ' +
      '--maxmemory 512mb --maxmemory-policy allkeys-lru --requirepass pw --maxclients 99 ' +
      '--loglevel notice --logfile /l --save 900 1 300 10';
    const config = load(line.split(' '));
    expect(config).toMatchObject({
      listen: { host: '127.0.0.1', port: 6380 },
      dataDir: '/x',
      aofFsync: 'interval',
      maxmemory: 512 * 1024 ** 2,
      maxmemoryPolicy: 'allkeys-lru',
      requirepass: 'pw',
      maxclients: 99,
      logLevel: 'info',
      logFile: '/l',
    });
    expect(config.notes).toHaveLength(1);
    expect(config.notes[0]).toMatch(/^--save: snapshots follow -snapshot-interval-cmds/);
  });

  it('takes --save "" and --bind * as nothing special', () => {
    const config = load(['--save', '', '--bind', '*', '-::*', '--protected-mode', 'no']);
    expect(config.listen).toEqual({ host: '', port: 6379 });
    expect(config.notes).toEqual([]);
  });

  it('takes --appendonly no as no fsync and says what that means', () => {
    const config = load(['--appendonly', 'no']);
    expect(config.aofFsync).toBe('none');
    expect(config.notes[0]).toMatch(/^--appendonly: taken as -aof-fsync=none/);
  });

  it.each([
    [['--replicaof', 'h', '1'], '--replicaof: not supported; use -raft=true with -raft-peers'],
    [
      ['--bind', '1.1.1.1', '2.2.2.2'],
      '--bind: one address or * is supported; expected one address, as in --bind 10.0.0.1',
    ],
    [['-listen=:1', '--port', '2'], '--port: says the same as -listen; expected only one of them'],
    [
      ['-aof-fsync=every', '--appendfsync', 'no'],
      '--appendfsync: means something else than -aof-fsync; expected only one of them',
    ],
    [
      ['--port', '70000'],
      '--port: "70000" is not a port; expected host:port, or :port for all interfaces',
    ],
  ])('refuses %j', (argv, message) => {
    expect(problems(argv)).toEqual([message]);
  });
});

const DURATION = 'with a unit as in 100ms, 5s, 1h30m or 500us';

describe('wrong flags and variables', () => {
  it.each([
    ['-lisen=:1', '-lisen: unknown option (did you mean "-listen"?); see --help'],
    ['--dta_dir', '-dta_dir: unknown option (did you mean "-data-dir"?); see --help'],
    ['-wumpus', '-wumpus: unknown option; see --help'],
    ['redis.conf', '"redis.conf": is not an option; expected -name=value or --name value'],
    ['-listen', '-listen: has no value; expected -listen=value'],
    ['-raft=maybe', '-raft: "maybe" is not a boolean; expected true or false'],
    [
      '-listen=6379x',
      '-listen: "6379x" has no port; expected host:port, or :port for all interfaces',
    ],
    [
      '-listen=::1:6379',
      '-listen: "::1:6379" has more than one colon; put IPv6 in brackets; expected host:port, ' +
        'or :port for all interfaces',
    ],
    [
      '-write-timeout=5',
      `-write-timeout: "5" has no unit; expected a duration from 10ms to 1h, ${DURATION}`,
    ],
    [
      '-write-timeout=2h',
      `-write-timeout: 2h is out of range; expected a duration from 10ms to 1h, ${DURATION}`,
    ],
    ['-maxclients=0', '-maxclients: 0 is out of range; expected a whole number from 1 to 1000000'],
    ['-data-dir=', '-data-dir: is empty; expected a directory or file name'],
    ['-config=/nonexistent', '-config: cannot read "/nonexistent" (ENOENT); expected a YAML file'],
    [
      '-aof-fsync=evry',
      '-aof-fsync: "evry" is not known (did you mean "every"?); expected one of every, interval, ' +
        'none (also always, everysec, no)',
    ],
    [
      '-raft-node-id=node 1',
      '-raft-node-id: "node 1" is not a node id; expected up to 64 letters, digits, dots, dashes ' +
        'or underscores, such as node-1',
    ],
  ])('%s', (flag, message) => {
    expect(problems([flag])).toEqual([message]);
  });

  it.each([
    ['127.0.0.1:7001', '"127.0.0.1:7001" is not a peer: it has no node id'],
    ['node-2', '"node-2" is not a peer: it has no node id'],
    ['node-2:h:99999', '"node-2:h:99999" is not a peer: "99999" is not a port'],
    ['node-2=h:7001', '"node-2=h:7001" is not a peer: it has no node id'],
    [
      'node-2:256.0.0.1:1',
      '"node-2:256.0.0.1:1" is not a peer: "256.0.0.1" is not a host name or IP address',
    ],
  ])('peer %s', (text, message) => {
    expect(problems([], { HELIOS_RAFT_PEERS: text })).toEqual([
      `HELIOS_RAFT_PEERS: ${message}; expected id:host:port, such as node-2:127.0.0.1:7001, ` +
        'separated by commas',
    ]);
  });

  it('suspects a variable that is almost one of ours', () => {
    expect(problems([], { HELIOS_RAFT_PEER: 'x' })).toEqual([
      'HELIOS_RAFT_PEER: unknown variable (did you mean "HELIOS_RAFT_PEERS"?); see --help',
    ]);
  });

  it('never shows a secret', () => {
    const lines = problems(['-requirepass=hush\nhush']);
    expect(lines).toEqual(['-requirepass: is not usable; expected one line']);
  });

  it('reports everything at once and creates nothing', () => {
    const before = readdirSync(directory).length;
    const argv = [`-data-dir=${directory}/new`, '-listen=x', '-raft', '-nope', '-maxclients=z'];
    expect(problems(argv, { HELIOS_AOF_FSYNC: 'x' })).toHaveLength(5);
    expect(readdirSync(directory)).toHaveLength(before);
  });
});

describe('settings that contradict each other', () => {
  const raft = ['-raft', '-raft-node-id=node-1'];
  it.each([
    [
      ['-raft'],
      'atlas.raft.node_id: is not set and raft is on; expected -raft-node-id, ' +
        'HELIOS_RAFT_NODE_ID or atlas.raft.node_id in the file',
    ],
    [
      [`-raft-peers=${PEERS}`],
      '-raft-peers: peers are given but raft is off; expected -raft=true as well, or no peers',
    ],
    [
      ['-raft-heartbeat-timeout=500ms'],
      '-raft-heartbeat-timeout: heartbeat 500ms is not below the election timeout 500ms; ' +
        'expected a fifth of it or less',
    ],
    [
      [...raft, '-raft-peers=node-2:h:1,node-2:h:2'],
      '-raft-peers: node id "node-2" is here twice; expected each id once',
    ],
    [
      [...raft, '-raft-peers=node-2:h:1,node-3:h:1'],
      '-raft-peers: node-2 and node-3 have the same address h:1; expected one each',
    ],
    [
      [...raft, '-raft-peers=node-2:127.0.0.1:7000'],
      "-raft-peers: node-2 has this node's own address 127.0.0.1:7000; expected another, or its " +
        "id to be this node's (node-1)",
    ],
    [
      [...raft, '-raft-addr=:7000'],
      '-raft-addr: is all interfaces, which the other members cannot connect to; expected a host ' +
        'name or address, or -raft-advertise-addr as well',
    ],
    [
      [...raft, '-raft-advertise-addr=h:1', '-raft-peers=node-1:h:2'],
      '-raft-advertise-addr: is h:1 but the peers give h:2 for node-1; expected the same',
    ],
    [
      [...raft, '-raft-addr=127.0.0.1:6379'],
      '-raft-addr: 127.0.0.1:6379 is also atlas.listen; expected another port for each',
    ],
    [
      ['-metrics-port=6379'],
      '-metrics-port: :6379 is also atlas.listen; expected another port for each',
    ],
  ])('%j', (argv, message) => {
    expect(problems(argv)).toEqual([message]);
  });
});

describe('wrong files', () => {
  it.each([
    [
      'atlas:\n  listen: ":1"\n  listen: ":2"\n',
      'c.yaml:3:3: this key is here twice; expected each key once',
    ],
    ['atlas:\n  lisen: 1\n', 'c.yaml:2:3: atlas.lisen: unknown key (did you mean "atlas.listen"?)'],
    [
      'atlas:\n  log_level: info\n',
      'c.yaml:2:3: atlas.log_level: unknown key (did you mean "observability.log_level"?)',
    ],
    ['zzz: 1\n', 'c.yaml:1:1: zzz: unknown key; expected atlas, gateway, observability'],
    ['- 1\n', 'c.yaml:1:1: the file is not a map; expected atlas, gateway, observability'],
    ['gateway: x\n', 'c.yaml:1:10: gateway: this is not a map; expected listen'],
    [
      'atlas:\n  maxclients: [1]\n',
      'c.yaml:2:15: atlas.maxclients: is a list or map; expected one value',
    ],
    ['atlas:\n  maxclients:\n', 'c.yaml:2:14: atlas.maxclients: has no value; expected one'],
    [
      'atlas:\n  snapshot_interval_time: 5 minutes\n',
      'c.yaml:2:27: atlas.snapshot_interval_time: "5 minutes" is not a duration; expected a ' +
        `duration from 1s to 2400h or 0 (never because of time), ${DURATION}`,
    ],
    [
      'atlas:\n  raft:\n    peers:\n      - id: n 2\n        address: h:1\n',
      'c.yaml:4:13: atlas.raft.peers[0].id: "n 2" is not a node id; expected up to 64 letters, ' +
        'digits, dots, dashes or underscores, such as node-1',
    ],
    [
      'atlas:\n  raft:\n    peers:\n      - {id: n2, address: h:1, port: 2}\n',
      'c.yaml:4:32: atlas.raft.peers[0].port: unknown key; expected id and address',
    ],
    [
      'atlas:\n  raft:\n    peers:\n      - {id: n2}\n',
      'c.yaml:4:9: atlas.raft.peers[0].address: is missing or not text; expected id and address ' +
        'in each peer',
    ],
    [
      'atlas:\n  raft:\n    peers: [5]\n',
      'c.yaml:3:13: atlas.raft.peers[0]: is not a peer; expected {id, address} or "id:host:port"',
    ],
  ])('%j', (text, message) => {
    expect(yamlProblems(text)).toEqual([message]);
  });

  it('names the place of broken YAML', () => {
    const [first] = yamlProblems('atlas:\n  listen: "x\n');
    expect(first).toMatch(/^c\.yaml:\d+:\d+: .*; expected valid YAML$/);
  });

  it.each(['', '# nothing\n', 'atlas:\n', 'atlas: {}\n'])('accepts %j', (text) => {
    expect(yamlProblems(text)).toEqual([]);
  });

  it('accepts the peers as one text, as texts and through an alias', () => {
    const head = 'atlas: {raft: {enabled: true, node_id: n1, peers: ';
    for (const peers of ['"n2:h:1"', '["n2:h:1"]', '[{id: n2, address: h:1}]']) {
      const config = load([`-config=${yaml(`${head}${peers}}}`)}`]);
      expect(config.raftPeers).toEqual([{ id: 'n2', address: { host: 'h', port: 1 } }]);
    }
  });
});

describe('parameters of CONFIG', () => {
  it('are all taken by the server, with the values of the configuration', async () => {
    const { redisParameters } = await import('../../../src/config/redis-parameters.js');
    const { Settings } = await import('../../../src/server/settings.js');
    const flags = '--port 7 --requirepass pw --maxmemory 2mb --maxmemory-policy allkeys-lru ';
    const more = '--databases 3 --appendfsync no --loglevel warning -write-timeout 20ms';
    const parameters = redisParameters(load([...flags.trim().split(' '), ...more.split(' ')]));
    const settings = new Settings();
    expect(parameters.map(([name, text]) => settings.load(name, text))).toEqual(
      parameters.map(() => null),
    );
    expect(settings.requirepass).toBe('pw');
    expect(settings.maxmemory).toBe(2 * 1024 ** 2);
    expect(settings.text('appendfsync')).toBe('no');
    expect(settings.text('port')).toBe('7');
  });
});

describe('commands', () => {
  it('answers --help and --version even when other flags are wrong', () => {
    expect(loadConfig({ argv: ['-nope', '--help'], env: {} }).do).toBe('help');
    expect(loadConfig({ argv: ['-h'], env: {} }).do).toBe('help');
    expect(loadConfig({ argv: ['-version'], env: {} }).do).toBe('version');
    expect(loadConfig({ argv: ['--check-config'], env: {} }).do).toBe('check');
  });

  it('keeps cluster-configs/README.md in step with the schema', async () => {
    const { settingsTable } = await import('../../../src/config/show.js');
    expect(readFileSync('cluster-configs/README.md', 'utf8')).toContain(settingsTable());
  });
});
