// Goal: a start that cannot work says in one line what is wrong and which setting mends it, and
// changes nothing.

import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { askLine, Cluster, Daemon, eventually, freePorts, raftInfo } from '../process/daemon.js';
import { raft, voters } from '../process/members.js';
import { atlasd, temporaryDirectory, traceIn } from './programs.js';

let directory = '';
let daemon: Daemon | null = null;

beforeEach(() => {
  directory = temporaryDirectory();
});
afterEach(async () => {
  await daemon?.kill();
  daemon = null;
  rmSync(directory, { recursive: true, force: true });
});

async function single(...args: string[]): Promise<Daemon> {
  const [port, raftPort] = await freePorts(2);
  const spec = { id: 'node-1', port: port!, raftPort: raftPort!, dataDir: join(directory, 'data') };
  daemon = new Daemon(
    spec,
    [`-data-dir=${spec.dataDir}`, `-listen=127.0.0.1:${port}`, ...args],
    {},
  );
  await daemon.start();
  return daemon;
}

async function taken(): Promise<{ port: number; server: Server }> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return { port: (server.address() as { port: number }).port, server };
}

describe('wrong settings', () => {
  it.each([
    [['-listen=nonsense'], /-listen/],
    [['-raft=true'], /-raft-node-id/],
    [['-aof-fsync=sometimes'], /-aof-fsync.*every.*interval.*none/],
    [['-no-such-flag=1'], /-no-such-flag/],
    [['-raft=true', '-raft-node-id=a', '-raft-peers=b:nowhere'], /-raft-peers/],
    [['-config=/no/such/file.yaml'], /no\/such\/file.*ENOENT/],
    [['--daemonize', 'yes'], /daemonize/],
    [['-maxmemory=lots', '-databases=0'], /-maxmemory[\s\S]*-databases/],
  ])('%j ends with status 2 and leaves nothing on disk', async (args, told) => {
    const { code, stderr, output } = await atlasd([`-data-dir=${directory}/data`, ...args]);
    expect(code).toBe(2);
    expect(stderr).toMatch(told);
    expect(traceIn(output)).toBeNull();
    expect(readdirSync(directory)).toEqual([]);
  });

  it('of the options of redis-server, accepts those of the seed (E13)', async () => {
    const { spec } = await single(
      ...['--appendonly', 'yes', '--appendfsync', 'everysec', '--maxmemory', '512mb'],
      ...['--maxmemory-policy', 'allkeys-lru', '--requirepass', 'pw'],
    );
    expect(await askLine(spec.port, 'GET a')).toMatch(/^NOAUTH/);
    expect(await askLine(spec.port, 'AUTH pw')).toBe('OK');
  });
});

describe('a port that is taken', () => {
  it.each([
    ['-listen', []],
    ['-raft-addr', ['-raft=true', '-raft-node-id=node-1', '-raft-peers=node-2:127.0.0.1:1']],
    ['-metrics-port', []],
  ])('is named with its setting %s', async (flag, more) => {
    const { port, server } = await taken();
    try {
      const [free] = await freePorts(1);
      const args = [`-data-dir=${directory}/data`, `-listen=127.0.0.1:${free}`, ...more];
      const { code, stderr } = await atlasd([...args, `${flag}=127.0.0.1:${port}`]);
      expect(code).toBe(1);
      expect(stderr).toMatch(new RegExp(`E_LISTEN: .*:${port} is in use.*${flag}`));
      expect(traceIn(stderr)).toBeNull();
    } finally {
      server.close();
    }
  });
});

describe('a data directory', () => {
  it('that another daemon uses is refused, and the other one is not disturbed', async () => {
    const { spec } = await single();
    const [free] = await freePorts(1);
    const second = [`-data-dir=${spec.dataDir}`, `-listen=127.0.0.1:${free}`];
    for (const more of [[], [`-raft-data-dir=${directory}/elsewhere`]]) {
      const { code, stderr } = await atlasd([...second, ...more]);
      expect(code).toBe(1);
      expect(stderr).toMatch(/E_LOCKED: .*(another daemon|another process)/);
      expect(traceIn(stderr)).toBeNull();
    }
    expect(await askLine(spec.port, 'SET still here')).toBe('OK');
  });

  it('of another node is refused', async () => {
    const { spec } = await single();
    await daemon!.end('SIGTERM');
    const [free] = await freePorts(1);
    const args = [`-data-dir=${spec.dataDir}`, `-listen=127.0.0.1:${free}`];
    const { code, stderr } = await atlasd([...args, '-raft-node-id=node-7']);
    expect(code).toBe(1);
    expect(stderr).toMatch(/E_FOREIGN_DATA.*node-1.*node-7/);
    expect(traceIn(stderr)).toBeNull();
  });

  it.each([
    ['a file', (path: string) => writeFileSync(path, 'x')],
    ['inside a file', (path: string) => writeFileSync(join(path, '..', '..', 'f'), 'x')],
  ])('that cannot be one (%s) is named', async (kind, make) => {
    mkdirSync(join(directory, 'deep'));
    const path = kind === 'a file' ? join(directory, 'data') : join(directory, 'f', 'data');
    make(kind === 'a file' ? path : join(directory, 'deep', 'x'));
    const [free] = await freePorts(1);
    const { code, stderr } = await atlasd([`-data-dir=${path}`, `-listen=127.0.0.1:${free}`]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/E_[A-Z]+: .*data/);
    expect(traceIn(stderr)).toBeNull();
  });

  it('of a node that served alone does not become a second cluster', async () => {
    const { spec } = await single();
    expect(await askLine(spec.port, 'SET mine 1')).toBe('OK');
    await daemon!.end('SIGTERM');
    const args = [`-data-dir=${spec.dataDir}`, `-listen=127.0.0.1:${spec.port}`, '-raft=true'];
    const { code, stderr } = await atlasd([
      ...[...args, '-raft-node-id=node-1', `-raft-addr=127.0.0.1:${spec.raftPort}`],
      '-raft-peers=node-2:127.0.0.1:2,node-3:127.0.0.1:3',
    ]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/E_MEMBERS: .*node-1.*node-2/);
    expect(traceIn(stderr)).toBeNull();
  });

  it('of the last of several keeps its roster when only those are named that left', async () => {
    const cluster = await Cluster.start(3);
    const [first, ...others] = cluster.daemons as [Daemon, Daemon, Daemon];
    try {
      await voters(first, 3);
      expect(await askLine(first.spec.port, 'SET kept 1')).toBe('OK');
      for (const { spec } of others) {
        await eventually(`${spec.id} is removed`, async () =>
          /^\+OK|is not a member/.test(await raft(first, `REMOVEPEER ${spec.id}`)) ? true : null,
        );
      }
      await voters(first, 1);
      await Promise.all(others.map((other) => other.kill()));
      await first.end('SIGTERM');
      await first.start();
      expect(first.output).toMatch(/the log counts.*node-2,node-3/);
      await voters(first, 1);
      expect(await askLine(first.spec.port, 'GET kept')).toBe('1');
      expect(await askLine(first.spec.port, 'SET after 1')).toBe('OK');
    } finally {
      await cluster.stop();
    }
  }, 120_000);

  it('of a member keeps its members when it is started without naming them', async () => {
    const cluster = await Cluster.start(3);
    try {
      const member = cluster.daemons[0]!;
      await member.end('SIGTERM');
      const { id, port, raftPort, dataDir } = member.spec;
      daemon = new Daemon(
        member.spec,
        [
          ...[`-data-dir=${dataDir}`, `-listen=127.0.0.1:${port}`, '-raft=true'],
          ...[`-raft-node-id=${id}`, `-raft-addr=127.0.0.1:${raftPort}`],
        ],
        {},
      );
      await daemon.start();
      expect(await askLine(port, 'SET a 1')).toBe('OK');
      expect((await raftInfo(port)).raft_peers).toBe('2');
      expect(existsSync(dataDir)).toBe(true);
    } finally {
      await cluster.stop();
    }
  });
});
