// SAVE, BGSAVE, SHUTDOWN, WAIT and their like against a group that the test drives.

import { beforeEach, describe, expect, it } from 'vitest';
import { OK } from '../../../../src/resp/reply.js';
import { LATER, NOTHING } from '../../../../src/server/command.js';
import { newCommandStats } from '../../../../src/server/latency.js';
import { errorOf, type FakeClient, FakeServer, LEADER, NOW } from '../fakes.js';
import { plain } from '../reference.js';

let server: FakeServer;
let me: FakeClient;

beforeEach(() => {
  server = new FakeServer();
  me = server.connect();
});

const run = (...args: string[]): ReturnType<FakeServer['run']> => server.run(me, ...args);
const follow = (): void => {
  server.group.current = {
    ...LEADER,
    role: 'Follower',
    leaderId: 'node-2',
    leaderAddress: '10.0.0.2:6379',
  };
};

describe('SAVE, BGSAVE, BGREWRITEAOF, LASTSAVE', () => {
  it('SAVE answers when the snapshot is done, or failed', async () => {
    expect(run('save')).toBe(LATER);
    server.group.finishSnapshot();
    await Promise.resolve();
    expect(me.resolved).toEqual([OK]);
    run('save');
    server.group.finishSnapshot(new Error('disk\nfull'));
    await new Promise(setImmediate);
    expect(plain(me.resolved[1]!)).toEqual({ error: 'ERR Snapshot failed: disk full' });
  });

  it('BGSAVE and BGREWRITEAOF start one, and a failure hurts nobody', async () => {
    expect(plain(run('bgsave'))).toBe('Background saving started');
    server.group.finishSnapshot(new Error('disk full'));
    await new Promise(setImmediate);
    expect(plain(run('bgsave', 'SCHEDULE'))).toBe('Background saving started');
    expect(plain(run('bgrewriteaof'))).toBe('Background append only file rewriting started');
    expect(server.group.snapshots).toBe(3);
    expect(errorOf(run('bgsave', 'x'))).toBe('ERR syntax error');
  });

  it('refuses while one runs', () => {
    server.group.disk = { ...server.group.disk, snapshotRunning: true };
    expect(errorOf(run('save'))).toBe('ERR Background save already in progress');
    expect(errorOf(run('bgsave'))).toBe('ERR Background save already in progress');
    expect(errorOf(run('bgrewriteaof'))).toBe(
      'ERR Background append only file rewriting already in progress',
    );
    expect(server.group.snapshots).toBe(0);
  });

  it('tells the time of the last', () => {
    expect(run('lastsave')).toBe((NOW - 60_000) / 1000);
  });
});

describe('SHUTDOWN', () => {
  it('starts the end and answers nothing', () => {
    expect(run('shutdown', 'NOSAVE', 'now', 'force')).toBe(NOTHING);
    expect(run('shutdown', 'save')).toBe(NOTHING);
    expect(run('shutdown')).toBe(NOTHING);
    expect(server.shutdowns).toEqual([{ save: false }, { save: true }, { save: false }]);
  });

  it.each([
    [['x'], 'ERR syntax error'],
    [['save', 'nosave'], 'ERR syntax error'],
    [['abort', 'now'], 'ERR syntax error'],
    [['abort'], 'ERR No shutdown in progress.'],
  ])('refuses %j and goes on', (args, error) => {
    expect(errorOf(run('shutdown', ...args))).toBe(error);
    expect(server.shutdowns).toEqual([]);
  });
});

describe('ROLE', () => {
  it('is master on the leader and slave elsewhere', () => {
    expect(run('role')).toEqual(['master', 42, [['10.0.0.2', '7000', '42']]]);
    follow();
    expect(run('role')).toEqual(['slave', '10.0.0.2', 6379, 'connected', 40]);
    server.group.current = { ...LEADER, role: 'Candidate', leaderId: '', leaderAddress: '' };
    expect(run('role')).toEqual(['slave', '', 0, 'connect', 40]);
  });

  it('cannot be changed by REPLICAOF', () => {
    expect(errorOf(run('replicaof', 'no', 'one'))).toMatch(/^ERR REPLICAOF is not available/);
    expect(errorOf(run('slaveof', 'h', '1'))).toMatch(/^ERR REPLICAOF is not available/);
  });
});

describe('WAIT', () => {
  it('answers at once when enough members hold the write', () => {
    me.lastWriteIndex = 42;
    expect(run('wait', '1', '0')).toBe(1);
    expect(run('wait', '0', '0')).toBe(1);
    me.lastWriteIndex = 7;
    expect(run('wait', '2', '0')).toBe(2);
    expect(server.clock.timers.size).toBe(0);
  });

  it('waits for members, and gives up at the timeout with the count', () => {
    me.lastWriteIndex = 42;
    expect(run('wait', '2', '100')).toBe(LATER);
    server.clock.advance(50);
    expect(me.resolved).toEqual([]);
    const [two, three] = LEADER.peers;
    server.group.current = { ...LEADER, peers: [two!, { ...three!, match: 42 }] };
    server.clock.advance(10);
    expect(me.resolved).toEqual([2]);
    server.group.current = LEADER;
    expect(run('wait', '2', '100')).toBe(LATER);
    server.clock.advance(200);
    expect(me.resolved).toEqual([2, 1]);
    expect(server.clock.timers.size).toBe(0);
  });

  it('ends with the connection, by CLIENT UNBLOCK, and never waits inside MULTI', () => {
    me.lastWriteIndex = 42;
    run('wait', '2', '0');
    expect(server.run(server.connect(), 'client', 'unblock', '1')).toBe(1);
    expect(me.resolved).toEqual([1]);
    run('wait', '2', '0');
    server.run(server.connect(), 'client', 'unblock', '1', 'error');
    expect(plain(me.resolved[1]!)).toEqual({
      error: 'UNBLOCKED client unblocked via CLIENT UNBLOCK',
    });
    run('wait', '2', '0');
    server.clients.delete(me.id);
    server.clock.advance(50);
    expect(me.resolved).toHaveLength(2);
    expect(server.clock.timers.size).toBe(0);
    me.inMulti = true;
    expect(run('wait', '2', '0')).toBe(1);
  });

  it('knows on any member that a majority holds an applied write', () => {
    follow();
    me.lastWriteIndex = 40;
    expect(run('wait', '1', '0')).toBe(1);
    expect(run('waitaof', '1', '1', '0')).toEqual([1, 1]);
  });

  it.each([
    [['wait', 'x', '0'], 'ERR value is not an integer or out of range'],
    [['wait', '1', 'x'], 'ERR timeout is not an integer or out of range'],
    [['wait', '1', '-1'], 'ERR timeout is negative'],
    [['waitaof', '2', '0', '0'], 'ERR value is out of range, value must between 0 and 1'],
    [['waitaof', '0', '-1', '0'], 'ERR value is out of range, must be positive'],
    [['waitaof', '0', '0', 'x'], 'ERR timeout is not an integer or out of range'],
  ])('refuses %j', (args, error) => {
    expect(errorOf(run(...args))).toBe(error);
  });
});

describe('CONFIG', () => {
  it('reads several patterns and names each parameter once', () => {
    expect(plain(run('config', 'get', 'maxmemory-p*', 'MAXMEMORY-policy', 'time?ut'))).toEqual([
      'maxmemory-policy',
      'noeviction',
      'timeout',
      '0',
    ]);
  });

  it('sets pairs, or answers why not', () => {
    expect(run('config', 'set', 'timeout', '7', 'maxmemory', '1gb')).toBe(OK);
    expect(server.settings.maxmemory).toBe(2 ** 30);
    expect(errorOf(run('config', 'set', 'timeout', '7', 'maxmemory'))).toBe('ERR syntax error');
    expect(errorOf(run('config', 'set', 'nosuch', '7'))).toBe(
      "ERR Unknown option or number of arguments for CONFIG SET - 'nosuch'",
    );
  });

  it('shortens the slowlog at once', () => {
    const client = { remote: '', name: '' };
    for (const key of ['a', 'b']) server.instruments.slowlog.note(['get', key], 1e9, client, NOW);
    run('config', 'set', 'slowlog-max-len', '1');
    expect(run('slowlog', 'len')).toBe(1);
  });

  it('resets counters', () => {
    server.group.keyspace.stats.hits = 5;
    expect(run('config', 'resetstat')).toBe(OK);
    expect(server.group.keyspace.stats.hits).toBe(0);
    expect(server.stats).toMatchObject({
      commandsProcessed: 0,
      connectionsReceived: 0,
      bytesIn: 0,
    });
    expect(server.stats.errors.size).toBe(0);
  });

  it('cannot rewrite what is not there', () => {
    expect(errorOf(run('config', 'rewrite'))).toBe(
      'ERR The server is running without a config file',
    );
  });
});

describe('SLOWLOG and LATENCY', () => {
  it('SLOWLOG GET answers entries of six', () => {
    server.instruments.slowlog.note(['get', 'a'], 12_345, { remote: 'h:1', name: 'n' }, NOW);
    expect(run('slowlog', 'get')).toEqual([[0, NOW / 1000, 12_345, ['get', 'a'], 'h:1', 'n']]);
    expect(run('slowlog', 'get', '0')).toEqual([]);
    for (const bad of ['-2', 'x']) {
      expect(errorOf(run('slowlog', 'get', bad))).toBe(
        'ERR count should be greater than or equal to -1',
      );
    }
    expect(run('slowlog', 'reset')).toBe(OK);
    expect(run('slowlog', 'len')).toBe(0);
  });

  it('LATENCY answers spikes, histograms and words', () => {
    expect(plain(run('latency', 'doctor'))).toContain('latency-monitor-threshold');
    run('config', 'set', 'latency-monitor-threshold', '10');
    server.instruments.latency.note('fsync', 55, NOW);
    server.instruments.latency.note('fsync', 20, NOW + 1000);
    expect(run('latency', 'latest')).toEqual([['fsync', NOW / 1000 + 1, 20, 55]]);
    expect(run('latency', 'history', 'fsync')).toEqual([
      [NOW / 1000, 55],
      [NOW / 1000 + 1, 20],
    ]);
    expect(run('latency', 'history', 'x')).toEqual([]);
    expect(plain(run('latency', 'graph', 'fsync'))).toContain('high 55 ms, low 20 ms');
    expect(errorOf(run('latency', 'graph', 'x'))).toBe("ERR No samples available for event 'x'");
    expect(plain(run('latency', 'doctor'))).toMatch(/fsync: 2 spikes, mean 37.5 ms, worst 55 ms/);
    expect(run('latency', 'reset', 'fsync')).toBe(1);
    expect(run('latency', 'latest')).toEqual([]);
  });

  it('LATENCY HISTOGRAM takes a parent for its subcommands', () => {
    for (const name of ['get', 'config|get', 'config|set']) {
      const stats = newCommandStats();
      stats.latency.record(15);
      server.stats.commands.set(name, stats);
    }
    const one = ['calls', 1, 'histogram_usec', [16, 1]];
    expect(plain(run('latency', 'histogram', 'GET', 'nosuch'))).toEqual(['get', one]);
    expect(plain(run('latency', 'histogram', 'config'))).toEqual([
      'config|get',
      one,
      'config|set',
      one,
    ]);
    expect(plain(run('latency', 'histogram'))).toHaveLength(6);
  });
});

describe('DEBUG, CLUSTER, ACL', () => {
  it('DEBUG SLEEP holds back this connection only, and no timer outlives it badly', () => {
    expect(run('debug', 'sleep', '0.5')).toBe(LATER);
    server.clock.advance(499);
    expect(me.resolved).toEqual([]);
    server.clock.advance(1);
    expect(me.resolved).toEqual([OK]);
    run('debug', 'sleep', '0.5');
    server.clients.delete(me.id);
    server.clock.advance(1000);
    expect(me.resolved).toEqual([OK]);
    for (const bad of ['x', '-1', '1e9', 'inf']) {
      expect(errorOf(run('debug', 'sleep', bad))).toMatch(/^ERR DEBUG SLEEP takes seconds/);
    }
    me.inMulti = true;
    expect(errorOf(run('debug', 'sleep', '1'))).toMatch(/inside a transaction/);
  });

  it('DEBUG knows a few more words and refuses the rest', () => {
    expect(plain(run('debug', 'protocol', 'array'))).toEqual([0, 1, 2]);
    expect(errorOf(run('debug', 'protocol', 'constructor'))).toMatch(/^ERR Wrong protocol type/);
    expect(errorOf(run('debug', 'error', 'MY\r\nerror'))).toBe('MY error');
    expect(run('debug', 'replybuffer', 'peak-reset-time', '1')).toBe(OK);
    expect(errorOf(run('debug', 'segfault'))).toBe(
      "ERR unknown subcommand 'segfault'. Try DEBUG HELP.",
    );
  });

  it('CLUSTER is refused', () => {
    for (const sub of ['info', 'nodes', 'slots', 'shards', 'myid', 'keyslot', 'help']) {
      expect(errorOf(run('cluster', sub))).toBe('ERR This instance has cluster support disabled');
    }
  });

  it('ACL tells the truth about the one user', () => {
    expect(run('acl', 'whoami')).toBe('default');
    expect(run('acl', 'users')).toEqual(['default']);
    expect(run('acl', 'list')).toEqual(['user default on nopass sanitize-payload ~* &* +@all']);
    run('config', 'set', 'requirepass', 'pw');
    const hash = '30c952fab122c3f9759f02a6d95c3758b246b4fee239957b2d4fee46e26170c4';
    expect(run('acl', 'list')).toEqual([`user default on sanitize-payload #${hash} ~* &* +@all`]);
    expect(plain(run('acl', 'getuser', 'bob'))).toBeNull();
    expect(run('acl', 'cat', 'dangerous')).toContain('config|set');
    expect(run('acl', 'cat', 'dangerous')).not.toContain('config');
    expect(errorOf(run('acl', 'cat', 'zz'))).toBe("ERR Unknown category 'zz'");
    expect(run('acl', 'genpass', '5')).toMatch(/^[0-9a-f]{2}$/);
    expect(run('acl', 'genpass')).toMatch(/^[0-9a-f]{64}$/);
    expect(errorOf(run('acl', 'genpass', '5000'))).toMatch(/up to 4096$/);
    expect(errorOf(run('acl', 'setuser', 'bob'))).toMatch(/not available/);
    expect(errorOf(run('acl', 'deluser', 'default'))).toMatch(/cannot be removed/);
    expect(run('acl', 'dryrun', 'default', 'config', 'get', 'x')).toBe(OK);
  });
});

describe('MEMORY, TIME, LOLWUT', () => {
  it('MEMORY STATS counts what is there', () => {
    server.group.keyspace.database(3).set('a', 'b');
    const stats = plain(run('memory', 'stats')) as unknown[];
    const value = (name: string): unknown => stats[stats.indexOf(name) + 1];
    expect(value('total.allocated')).toBe(50 * 2 ** 20);
    expect(value('keys.count')).toBe(1);
    expect(value('dataset.bytes')).toBe(server.group.keyspace.bytes);
    expect(value('db.3')).toEqual(['keys.count', 1, 'expires.count', 0]);
    expect(value('fragmentation')).toBe('2');
  });

  it('MEMORY DOCTOR finds what is wrong', () => {
    expect(plain(run('memory', 'doctor'))).toBe('No memory problems were found.\n');
    server.group.keyspace.database(0).set('a', 'x'.repeat(1000));
    run('config', 'set', 'maxmemory', '1kb');
    expect(plain(run('memory', 'doctor'))).toMatch(/^Data takes 1\.\d\dK of maxmemory 1\.00K/);
    expect(run('memory', 'purge')).toBe(OK);
    expect(plain(run('memory', 'malloc-stats'))).toContain('heap_used: ');
  });

  it('TIME splits the clock', () => {
    expect(run('time')).toEqual([String(NOW / 1000), '0']);
    expect(plain(run('lolwut'))).toBe('Redis ver. 7.2.4 (Helios 0.1.0)\n');
  });
});
