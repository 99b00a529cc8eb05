// What Prometheus reads: names, values that follow the counters, health answers.

import { afterEach, describe, expect, it } from 'vitest';
import { silentLogger } from '../../../src/observe/logger.js';
import { listenMetrics, Metrics } from '../../../src/observe/metrics.js';
import type { HttpListener } from '../../../src/platform/http.js';
import { ErrorReply } from '../../../src/resp/reply.js';
import { newCommandStats } from '../../../src/server/latency.js';
import { FakeServer, LEADER } from '../server/fakes.js';

const server = new FakeServer();
const metrics = new Metrics(server);
let listener: HttpListener | undefined;

afterEach(async () => {
  await listener?.close();
  listener = undefined;
});

async function metric(line: string): Promise<number> {
  const found = (await metrics.text()).split('\n').find((one) => one.startsWith(`${line} `));
  if (found === undefined) throw new Error(`no metric ${line}`);
  return Number(found.slice(line.length + 1));
}

describe('metrics', () => {
  it('has what the dashboards ask for', async () => {
    server.group.keyspace.database(0).set('a', '1');
    server.group.keyspace.database(0).set('b', '2');
    server.group.keyspace.database(5).set('c', '3');
    server.settings.set(['maxmemory', '100mb']);
    const get = newCommandStats();
    get.calls = 12;
    server.stats.commands.set('get', get);
    expect(await metric('valkey_up')).toBe(1);
    expect(await metric('valkey_db0_keys')).toBe(2);
    expect(await metric('valkey_db5_keys')).toBe(1);
    expect(await metric('valkey_db15_keys')).toBe(0);
    expect(await metric('atlas_store_keys')).toBe(3);
    expect(await metric('valkey_used_memory_bytes')).toBe(50 * 2 ** 20);
    expect(await metric('valkey_maxmemory_bytes')).toBe(100 * 2 ** 20);
    expect(await metric('valkey_commands_processed_total')).toBe(1000);
    expect(await metric('valkey_commands_total{cmd="get"}')).toBe(12);
    expect(await metric('valkey_connected_clients')).toBe(0);
  });

  it('reads counters anew at each scrape instead of adding them up', async () => {
    expect(await metric('valkey_commands_processed_total')).toBe(1000);
    server.stats.commandsProcessed = 1001;
    expect(await metric('valkey_commands_processed_total')).toBe(1001);
  });

  it('tells the state of the group, and forgets peers that left', async () => {
    expect(await metric('helios_raft_is_leader')).toBe(1);
    expect(await metric('helios_raft_term')).toBe(3);
    expect(await metric('helios_raft_commit_index')).toBe(41);
    expect(await metric('helios_raft_applied_index')).toBe(40);
    expect(await metric('helios_raft_last_index')).toBe(42);
    expect(await metric('helios_raft_elections_total')).toBe(2);
    expect(await metric('helios_raft_peer_match_index{peer="node-2"}')).toBe(42);
    expect(await metric('helios_raft_peer_lag{peer="node-3"}')).toBe(35);
    expect(await metric('helios_fsync_seconds{quantile="0.99"}')).toBeCloseTo(0.0009);
    expect(await metric('helios_replication_seconds{quantile="1"}')).toBeCloseTo(0.009);
    server.group.current = { ...LEADER, role: 'Follower', peers: [] };
    expect(await metric('helios_raft_is_leader')).toBe(0);
    expect(await metrics.text()).not.toContain('peer="node-3"');
  });

  it('includes the runtime on request', async () => {
    const text = await new Metrics(server).withProcessMetrics().text();
    expect(text).toContain('process_resident_memory_bytes');
    expect(text).toContain('nodejs_eventloop_lag_seconds');
  });
});

describe('listener', () => {
  async function ask(path: string, init?: RequestInit): Promise<{ status: number; text: string }> {
    listener ??= await listenMetrics({
      host: '127.0.0.1',
      port: 0,
      server,
      metrics,
      logger: silentLogger,
    });
    const response = await fetch(`http://127.0.0.1:${listener.port}${path}`, init);
    return { status: response.status, text: await response.text() };
  }

  it('serves the metrics', async () => {
    const { status, text } = await ask('/metrics?x=1');
    expect(status).toBe(200);
    expect(text).toContain('# TYPE valkey_commands_processed_total counter');
    expect(text).toContain('# TYPE valkey_db0_keys gauge');
  });

  it('is healthy while writes are taken, and says why when they are not', async () => {
    expect(await ask('/healthz')).toEqual({ status: 200, text: 'ok\n' });
    server.group.refused = new ErrorReply('CLUSTERDOWN no leader');
    expect(await ask('/healthz')).toEqual({ status: 503, text: 'CLUSTERDOWN no leader\n' });
    expect((await ask('/readyz')).status).toBe(503);
    expect((await ask('/livez')).status).toBe(200);
    server.group.refused = null;
  });

  it('answers other paths, methods and bodies with a clear status', async () => {
    expect((await ask('/nothing')).status).toBe(404);
    expect((await ask('/metrics', { method: 'DELETE' })).status).toBe(405);
    expect((await ask('/metrics', { method: 'POST', body: 'x' })).status).toBe(413);
  });
});
