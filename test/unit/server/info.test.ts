// INFO: its sections, fields, and the names that dashboards read.

import { beforeEach, describe, expect, it } from 'vitest';
import { ErrorReply } from '../../../src/resp/reply.js';
import { infoText } from '../../../src/server/info.js';
import { humanBytes, splitAddress } from '../../../src/server/info-format.js';
import { newCommandStats } from '../../../src/server/latency.js';
import { FakeServer, LEADER, NOW } from './fakes.js';

let server: FakeServer;

beforeEach(() => {
  server = new FakeServer();
});

function field(name: string, ...sections: string[]): string | undefined {
  const line = infoText(server, sections)
    .split('\r\n')
    .find((one) => one.startsWith(`${name}:`));
  return line?.slice(name.length + 1);
}

const titles = (...sections: string[]): string[] =>
  [...infoText(server, sections).matchAll(/^# (.+)\r$/gm)].map((match) => match[1]!);

describe('sections', () => {
  it('come by default with raft and without the long ones', () => {
    expect(titles()).toEqual([
      'Server',
      'Clients',
      'Memory',
      'Persistence',
      'Stats',
      'Replication',
      'Raft',
      'CPU',
      'Modules',
      'Errorstats',
      'Cluster',
      'Keyspace',
    ]);
    expect(titles('all')).toContain('Commandstats');
    expect(titles('everything')).toContain('Latencystats');
  });

  it('come as asked, several at once, in any case; unknown ones are empty', () => {
    expect(titles('KEYSPACE', 'cpu')).toEqual(['CPU', 'Keyspace']);
    expect(titles('default', 'commandstats')).toContain('Commandstats');
    expect(infoText(server, ['nosuch'])).toBe('');
  });

  it('are separated by an empty line and end with one newline', () => {
    expect(infoText(server, ['cluster', 'keyspace'])).toBe(
      '# Cluster\r\ncluster_enabled:0\r\n\r\n# Keyspace\r\n',
    );
  });
});

describe('values', () => {
  it('tell who this is', () => {
    expect(field('redis_version')).toBe('7.2.4');
    expect(field('helios_version')).toBe('0.1.0');
    expect(field('uptime_in_days')).toBe('1');
    expect(field('run_id')).toBe('a'.repeat(40));
    server.settings.load('port', '7001');
    expect(field('tcp_port')).toBe('7001');
  });

  it('count clients by what they do', () => {
    server.connect().blocked = true;
    server.connect().subscriptions.patterns = 1;
    server.connect().inputBytes = 77;
    expect(field('connected_clients')).toBe('3');
    expect(field('blocked_clients')).toBe('1');
    expect(field('pubsub_clients')).toBe('1');
    expect(field('client_recent_max_input_buffer')).toBe('77');
  });

  it('measure memory', () => {
    server.settings.set(['maxmemory', '512mb', 'maxmemory-policy', 'allkeys-lru']);
    expect(field('used_memory')).toBe(String(50 * 2 ** 20));
    expect(field('used_memory_human')).toBe('50.00M');
    expect(field('maxmemory_human')).toBe('512.00M');
    expect(field('maxmemory_policy')).toBe('allkeys-lru');
    expect(field('mem_fragmentation_ratio')).toBe('2.00');
    expect(field('used_memory_dataset')).toBe(String(server.group.keyspace.bytes));
  });

  it('tell the state of the disk', () => {
    expect(field('rdb_last_save_time')).toBe(String((NOW - 60_000) / 1000));
    expect(field('aof_current_size')).toBe('1500');
    expect(field('rdb_last_bgsave_time_sec')).toBe('2');
    server.group.disk = { ...server.group.disk, snapshotRunning: true, lastSnapshotOk: false };
    expect(field('rdb_bgsave_in_progress')).toBe('1');
    expect(field('rdb_last_bgsave_status')).toBe('err');
    expect(field('loading')).toBe('0');
    server.group.refused = new ErrorReply('LOADING Helios is loading the dataset in memory');
    expect(field('loading')).toBe('1');
  });

  it('show the leader as master with its members', () => {
    expect(field('role')).toBe('master');
    expect(field('connected_slaves')).toBe('1');
    expect(field('slave1')).toBe('ip=10.0.0.3,port=7000,state=wait_bgsave,offset=7,lag=1');
    expect(field('master_host')).toBeUndefined();
  });

  it('show any other member as slave of the leader', () => {
    server.group.current = { ...LEADER, role: 'Learner', leaderAddress: '[::1]:6380' };
    expect(field('role')).toBe('slave');
    expect(field('master_host')).toBe('::1');
    expect(field('master_port')).toBe('6380');
    expect(field('master_link_status')).toBe('up');
    server.group.current = { ...LEADER, role: 'Candidate', leaderId: '', leaderAddress: '' };
    expect(field('master_link_status')).toBe('down');
  });

  it('show raft as it is', () => {
    expect(field('raft_enabled')).toBe('true');
    expect(field('raft_state')).toBe('Leader');
    expect(field('raft_leader')).toBe('node-1');
    expect(field('raft_term')).toBe('3');
    expect(field('raft_last_log_index')).toBe('42');
    expect(field('raft_peer0')).toBe(
      'id=node-2,addr=10.0.0.2:7000,state=replicate,match=42,lag=0,connected=true',
    );
    expect(field('raft_fsync_usec_p50')).toBe('120');
    expect(field('raft_replication_usec_max')).toBe('9000');
  });

  it('list databases with keys, and the mean time to live', () => {
    const database = server.group.keyspace.database(2);
    database.set('a', '1');
    database.set('b', '1');
    database.set('c', '1');
    database.setExpireAt('a', NOW + 1000);
    database.setExpireAt('b', NOW + 3000);
    expect(field('db2')).toBe('keys=3,expires=2,avg_ttl=2000');
    expect(field('db0')).toBeUndefined();
  });

  it('list commands that were used, errors, and percentiles', () => {
    const get = newCommandStats();
    Object.assign(get, { calls: 2, micros: 31, rejected: 1, failed: 0 });
    get.latency.record(15);
    server.stats.commands.set('config|get', get);
    server.stats.commands.set('set', newCommandStats());
    expect(field('cmdstat_config|get', 'commandstats')).toBe(
      'calls=2,usec=31,usec_per_call=15.50,rejected_calls=1,failed_calls=0',
    );
    expect(field('cmdstat_set', 'commandstats')).toBeUndefined();
    expect(field('errorstat_ERR')).toBe('count=2');
    expect(field('total_error_replies')).toBe('2');
    expect(field('latency_percentiles_usec_config|get', 'latencystats')).toBe(
      'p50=15.000,p99=15.000,p99.9=15.000',
    );
    server.settings.set(['latency-tracking', 'no']);
    expect(infoText(server, ['latencystats'])).toBe('# Latencystats\r\n');
  });
});

describe('format', () => {
  it('prints bytes for people', () => {
    expect([0, 1023, 1024, 1082928, 23.54 * 2 ** 30].map(humanBytes)).toEqual([
      '0B',
      '1023B',
      '1.00K',
      '1.03M',
      '23.54G',
    ]);
  });

  it('takes addresses apart', () => {
    expect(splitAddress('h:1')).toEqual({ host: 'h', port: 1 });
    expect(splitAddress('[::1]:7000')).toEqual({ host: '::1', port: 7000 });
    expect(splitAddress('')).toEqual({ host: '', port: 0 });
  });
});
