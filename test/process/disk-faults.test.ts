// Goal: what a failing, hanging or full disk does to real daemons: a failed write or sync ends the
// process with one line, a hanging one costs the leader its leadership and nobody a write, one
// without room is waited for. The daemons are fault-daemon.mjs: the real program over a disk that
// can be told to fail.

import { mkdtempSync } from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Redis } from 'ioredis';
import { afterEach, describe, expect, it } from 'vitest';
import { Cluster, Daemon, eventually, freePorts, raftInfo } from './daemon.js';
import { judge, Load, strictClient } from './load.js';

const LAUNCHER = fileURLToPath(new URL('fault-daemon.mjs', import.meta.url));
const clients: Redis[] = [];
let cluster: Cluster | null = null;

afterEach(async () => {
  for (const client of clients.splice(0)) client.disconnect();
  await cluster?.stop();
  cluster = null;
});

function connect(daemon: Daemon): Redis {
  const client = strictClient(daemon.spec.port);
  clients.push(client);
  return client;
}

async function startFaulty(size: number, args: readonly string[] = []): Promise<Cluster> {
  const directory = mkdtempSync(join(tmpdir(), 'helios-faults-'));
  const ports = await freePorts(2 * size);
  const specs = Array.from({ length: size }, (_, i) => ({
    ...{ id: `node-${i + 1}`, port: ports[2 * i]!, raftPort: ports[2 * i + 1]! },
    dataDir: join(directory, `node-${i + 1}`),
  }));
  const peers = specs.map(({ id, raftPort }) => `${id}:127.0.0.1:${raftPort}`).join(',');
  const daemons = specs.map(
    (spec) =>
      new Daemon(
        spec,
        [
          ...[`-data-dir=${spec.dataDir}`, `-listen=127.0.0.1:${spec.port}`],
          ...[`-raft=${size > 1}`, `-raft-node-id=${spec.id}`, '-disk-reserve=0'],
          ...[`-raft-addr=127.0.0.1:${spec.raftPort}`, ...args],
        ],
        {
          HELIOS_FAULT_CONTROL: `${spec.dataDir}.control`,
          ...(size > 1 ? { HELIOS_RAFT_PEERS: peers } : {}),
        },
        [process.execPath, LAUNCHER],
      ),
  );
  const started = Cluster.of(directory, daemons);
  cluster = started;
  await Promise.all(daemons.map((daemon) => daemon.start()));
  await started.leader();
  return started;
}

/** Tells the disk of a daemon what to do; resolves when it does. */
function tell(daemon: Daemon, command: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(`${daemon.spec.dataDir}.control`);
    socket.on('connect', () => socket.write(`${command}\n`));
    socket.on('error', reject);
    socket.on('data', (chunk) => {
      socket.destroy();
      if (chunk.toString() === 'done\n') resolve();
      else reject(new Error(`${command}: ${chunk.toString()}`));
    });
  });
}

async function outcome(reply: Promise<unknown>): Promise<string> {
  try {
    return String(await reply);
  } catch (error) {
    return (error as Error).message;
  }
}

/** Resolves with the exit code once the process has ended by itself. */
function ended(daemon: Daemon): Promise<true> {
  return eventually(`${daemon.spec.id} ends`, async () => (daemon.running ? null : true));
}

describe('a disk that fails', () => {
  it.each([
    ['fail-sync', 'fdatasync'],
    ['fail-write', 'write'],
  ])(
    'ends the process with one line: %s',
    async (command, operation) => {
      const { daemons } = await startFaulty(1);
      const [daemon] = daemons as [Daemon];
      const client = connect(daemon);
      expect(await client.set('a', '1')).toBe('OK');
      await tell(daemon, command);
      expect(await outcome(client.set('b', '2'))).not.toBe('OK');
      await ended(daemon);
      const lines = daemon.output.trim().split('\n');
      expect(lines.filter((line) => line.startsWith('[FATAL]'))).toEqual([
        expect.stringMatching(
          new RegExp(
            `^\\[FATAL\\] E_DISK: ${operation} of \\S+ failed: EIO\\. The device reports an error`,
          ),
        ),
      ]);
      await daemon.start();
      expect(await connect(daemon).get('a')).toBe('1');
    },
    120_000,
  );

  it('on one of three costs no acknowledged write', async () => {
    const { daemons, ports } = await startFaulty(3);
    const load = new Load(ports, 1, 2);
    await eventually('load', async () => (load.acknowledged > 100 ? true : null));
    const leader = await cluster!.leader();
    await tell(leader, 'fail-sync');
    await ended(leader);
    await cluster!.leader();
    const before = load.acknowledged;
    await eventually('goes on', async () => (load.acknowledged > before + 50 ? true : null));
    await leader.start();
    const tally = await load.stop();
    expect(new Set(await cluster!.digests()).size).toBe(1);
    expect(await judge(daemons[0]!.spec.port, tally)).toEqual({ lost: [], doubled: [] });
  }, 120_000);
});

describe('a disk that hangs', () => {
  it('costs a leader its leadership, and lets it back when it goes on', async () => {
    const { daemons } = await startFaulty(3);
    const leader = await cluster!.leader();
    const [one] = daemons.filter((daemon) => daemon !== leader) as [Daemon];
    const client = connect(one);
    expect(await client.set('before', '1')).toBe('OK');
    await tell(leader, 'stall');
    // It is committed by the others and by whoever leads then.
    expect(await client.set('during', '2')).toBe('OK');
    const next = await eventually('another leads', async () => {
      const info = await raftInfo(one.spec.port);
      return info.raft_leader !== '' && info.raft_leader !== leader.spec.id ? info : null;
    });
    expect(next.raft_leader).not.toBe(leader.spec.id);
    expect(leader.output).toMatch(/Disk is stalled/);
    expect(await connect(leader).info('persistence')).toMatch(/helios_disk_stalled:1\r\n/);
    // It promises nothing: with one of the healthy gone there is no majority and no leader.
    expect(await client.set('more', '3')).toBe('OK');
    await tell(leader, 'flow');
    await eventually('it has everything', async () =>
      (await raftInfo(leader.spec.port)).raft_applied_index ===
      (await raftInfo(one.spec.port)).raft_applied_index
        ? true
        : null,
    );
    expect(await connect(leader).info('persistence')).toMatch(/helios_disk_stalled:0\r\n/);
    expect(new Set(await cluster!.digests()).size).toBe(1);
  }, 120_000);

  it('of a follower is nobody else’s concern', async () => {
    const { daemons } = await startFaulty(3);
    const leader = await cluster!.leader();
    const [slow] = daemons.filter((daemon) => daemon !== leader) as [Daemon];
    const { raft_term: term } = await raftInfo(leader.spec.port);
    await tell(slow, 'stall');
    const client = connect(leader);
    for (let i = 0; i < 50; i++) expect(await client.set(`k${i}`, 'v')).toBe('OK');
    await eventually('it says so', async () => (slow.output.includes('stalled') ? true : null));
    expect(await client.set('z', 'v')).toBe('OK');
    await tell(slow, 'flow');
    expect(new Set(await cluster!.digests()).size).toBe(1);
    expect((await raftInfo(leader.spec.port)).raft_term).toBe(term);
  }, 120_000);
});

describe('a disk without room', () => {
  it('at a leader makes it give way and wait, not die', async () => {
    const { daemons } = await startFaulty(3);
    const leader = await cluster!.leader();
    const [one] = daemons.filter((daemon) => daemon !== leader) as [Daemon];
    const client = connect(one);
    expect(await client.set('before', '1')).toBe('OK');
    await tell(leader, 'full');
    await eventually('another leads and takes writes', async () => {
      const said = await outcome(client.set('during', '2'));
      const info = await raftInfo(one.spec.port);
      return said === 'OK' && info.raft_leader !== leader.spec.id ? true : null;
    });
    expect(leader.running).toBe(true);
    expect(await outcome(connect(leader).set('x', '1'))).toMatch(/^MISCONF.*not executed/);
    await tell(leader, 'room');
    expect(new Set(await cluster!.digests()).size).toBe(1);
    const back = connect(leader);
    await eventually('it takes writes again', async () =>
      (await outcome(back.set('after', '3'))) === 'OK' ? true : null,
    );
    expect(await back.get('during')).toBe('2');
  }, 120_000);

  it('at a majority makes all of them refuse what needs room', async () => {
    const { daemons } = await startFaulty(3);
    const leader = await cluster!.leader();
    const [one, two] = daemons.filter((daemon) => daemon !== leader) as [Daemon, Daemon];
    const client = connect(leader);
    expect(await client.set('before', '1')).toBe('OK');
    await Promise.all([tell(one, 'full'), tell(two, 'full')]);
    // The write that meets the full disks may or may not happen; those after it are refused.
    const meeting = outcome(connect(leader).set('met', '1'));
    await eventually('the leader refuses', async () =>
      (await outcome(client.set('x', '1', 'NX'))).startsWith('MISCONF') ? true : null,
    );
    await Promise.all([tell(one, 'room'), tell(two, 'room')]);
    const met = await meeting;
    expect(met).toMatch(/^(OK|UNKNOWN|CLUSTERDOWN|MISCONF)/);
    await eventually('taken again', async () =>
      (await outcome(client.set('after', '1'))) === 'OK' ? true : null,
    );
    if (!met.startsWith('UNKNOWN')) expect(await client.get('met')).toBe(met === 'OK' ? '1' : null);
    expect(new Set(await cluster!.digests()).size).toBe(1);
    expect(daemons.every((daemon) => daemon.running)).toBe(true);
  }, 120_000);
});
