// Goal: a disk without room costs the writes that need it and nothing else: they are refused with a
// definite error, the rest goes on, and all of it comes back with the room. Real daemons on real
// small file systems; where none can be mounted it says so and checks nothing (disk-faults.test.ts
// needs no mount).

import type { Redis } from 'ioredis';
import { afterEach, describe, expect, it } from 'vitest';
import { askLine, Daemon, eventually, freePorts } from './daemon.js';
import { strictClient } from './load.js';
import { SmallDisk } from './small-disk.js';

const BIG = 'v'.repeat(100_000);
const clients: Redis[] = [];
const disks: SmallDisk[] = [];
const daemons: Daemon[] = [];

afterEach(async () => {
  for (const client of clients.splice(0)) client.disconnect();
  for (const daemon of daemons.splice(0)) await daemon.kill();
  for (const disk of disks.splice(0)) disk.release();
});

function connect(port: number): Redis {
  const client = strictClient(port);
  clients.push(client);
  return client;
}

function smallDisk(megabytes: number): SmallDisk | null {
  const disk = SmallDisk.mount(megabytes);
  if (disk !== null) disks.push(disk);
  return disk;
}

async function outcome(reply: Promise<unknown>): Promise<string> {
  try {
    return String(await reply);
  } catch (error) {
    return (error as Error).message;
  }
}

/** Writes big values until one is refused; returns the refusal and how many were taken. */
async function writeUntilRefused(client: Redis): Promise<{ taken: number; refusal: string }> {
  for (let taken = 0; taken < 1000; taken++) {
    const said = await outcome(client.set(`big:${taken}`, BIG));
    if (said !== 'OK') return { taken, refusal: said };
  }
  throw new Error('nothing was refused');
}

/** Asks until the write is taken. */
function written(client: Redis, key: string): Promise<string> {
  return eventually(`SET ${key} is taken`, async () => {
    const said = await outcome(client.set(key, 'x'));
    return said === 'OK' ? said : null;
  });
}

describe('a node alone whose disk is full', () => {
  it('refuses growth, keeps reads, deletes and expiry, and recovers by itself', async ({
    skip,
  }) => {
    const disk = smallDisk(60);
    if (disk === null) return skip('no small file system can be mounted');
    disk.fill(40_000_000);
    const [port] = await freePorts(1);
    const spec = { id: 'node-1', port: port!, raftPort: 0, dataDir: `${disk.directory}/data` };
    const args = [
      ...[`-data-dir=${spec.dataDir}`, `-listen=127.0.0.1:${port}`, '-disk-free-min=16mb'],
      ...['-disk-reserve=2mb', '-log-segment-size=2mb', '-snapshot-interval-cmds=0'],
    ];
    const daemon = new Daemon(spec, args, {});
    daemons.push(daemon);
    await daemon.start();
    const client = connect(port!);
    await client.set('history', 'to be');
    await client.save();
    expect(await client.info('persistence')).toMatch(/log_history_size:[1-9]/);
    await client.set('short', 'lived', 'PX', 1500);
    const { taken, refusal } = await writeUntilRefused(client);
    expect(refusal).toMatch(/^MISCONF The disk is full.*not executed/);
    expect(taken).toBeGreaterThan(50);
    expect(await client.get('big:0')).toBe(BIG);
    expect(await outcome(client.multi().set('a', '1').exec())).toMatch(/EXECABORT/);
    expect(await outcome(client.eval("return redis.call('set','a','1')", 0))).toMatch(/^MISCONF/);
    expect(await client.multi().del('big:0').get('big:1').exec()).toEqual([
      [null, 1],
      [null, BIG],
    ]);
    await eventually('a key expires', async () =>
      (await client.exists('short')) === 0 ? true : null,
    );
    const info = await client.info('persistence');
    expect(info).toMatch(/helios_disk_full:1\r\n/);
    expect(info).toMatch(/aof_last_write_status:err\r\n/);
    await eventually('the room of the history is given back', async () =>
      (await client.info('persistence')).includes('log_history_size:0\r\n') ? true : null,
    );

    // Something else takes all that is left: what is set aside still carries the deletes.
    disk.fill(0);
    for (let i = 1; i < 20; i++) expect(await client.del(`big:${i}`)).toBe(1);
    // What a page that is begun still takes needs no room: how much depends on the size of the log.
    await eventually('the reserve is used', async () => {
      await client.del('big:1');
      return daemon.output.includes('The reserve of disk space is used') ? true : null;
    });
    disk.fill(0);
    // Until nothing goes at all: then every write is refused, and reads go on.
    const last = await eventually('a write finds no room', async () => {
      const said = await outcome(client.set('x', '1'));
      const deleted = await Promise.race([
        outcome(client.del('big:20')),
        eventually('blocked', async () => (daemon.output.includes('stalled') ? 'blocked' : null)),
      ]);
      return deleted === '1' || deleted === '0' ? null : said;
    });
    expect(last).toMatch(/^MISCONF/);
    const other = connect(port!);
    expect(await outcome(other.del('big:21'))).toMatch(/^MISCONF.*no room left at all/);
    expect(await other.get('big:30')).toBe(BIG);

    // A start finds no room either, and says so; with some it is as it was.
    await daemon.kill();
    await expect(daemon.start()).rejects.toThrow();
    expect(daemon.output).toMatch(/^\[FATAL\] E_DISK: .*ENOSPC.*The disk is full: free space/m);
    disk.empty();
    await daemon.start();
    await written(other, 'after');
    await eventually('the reserve is back', async () =>
      (await other.info('persistence')).includes('helios_disk_full:0') ? true : null,
    );
    const digest = await askLine(port!, 'DEBUG DIGEST');
    expect(await daemon.end('SIGKILL')).toBeNull();
    await daemon.start();
    expect(await askLine(port!, 'DEBUG DIGEST')).toBe(digest);
    expect(await daemon.end('SIGTERM')).toBe(0);
  }, 120_000);

  it('throws away a snapshot that finds no room, and takes it later', async ({ skip }) => {
    const disk = smallDisk(24);
    if (disk === null) return skip('no small file system can be mounted');
    const [port] = await freePorts(1);
    const spec = { id: 'node-1', port: port!, raftPort: 0, dataDir: `${disk.directory}/data` };
    const args = [`-data-dir=${spec.dataDir}`, `-listen=127.0.0.1:${port}`];
    args.push('-disk-free-min=0', '-disk-reserve=0', '-snapshot-interval-cmds=0');
    const daemon = new Daemon(spec, args, {});
    daemons.push(daemon);
    await daemon.start();
    const client = connect(port!);
    for (let i = 0; i < 60; i++) await client.set(`big:${i}`, `${i}${BIG}`);
    disk.fill(2_000_000);
    await client.bgsave();
    await eventually('the snapshot failed', async () =>
      (await client.info('persistence')).includes('rdb_last_bgsave_status:err') ? true : null,
    );
    expect(disk.freeBytes).toBeGreaterThan(1_500_000);
    expect(await client.set('still', 'here')).toBe('OK');
    disk.empty();
    await client.bgsave();
    await eventually('the snapshot is written', async () =>
      (await client.info('persistence')).includes('rdb_last_bgsave_status:ok') ? true : null,
    );
    expect(await daemon.end('SIGTERM')).toBe(0);
  }, 120_000);
});
