// Goal: whatever happened to the files of a stopped node, its next start has the right data or ends
// with one clear error: never other data, never a stack trace. Damage to the raft directory is
// tried with real daemons only: LevelDB is native code and may end the process by itself.

import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { OperationalError } from '../../src/base/errors.js';
import { keyspaceDigest } from '../../src/commands/digest.js';
import { LuaInterpreter } from '../../src/lua/lua-vm.js';
import type { Logger } from '../../src/observe/logger.js';
import { silentLogger } from '../../src/observe/logger.js';
import { readLuaBinary } from '../../src/platform/lua-binary.js';
import { systemPlatform } from '../../src/platform/platform.js';
import { openMember } from '../../src/replica/boot.js';
import { atlasd, traceIn } from '../e2e/programs.js';
import { askLine, Cluster, Daemon, freePorts } from './daemon.js';
import { strictClient } from './load.js';
import { RandomSource } from './random-source.js';

const MS_MAX = 14_000;
const STARTS = 30;
/**
 * One line of ours; or the library's own when damage trips an assertion in LevelDB, which ends the
 * process there.
 */
const ENDED_WELL = /\[FATAL\] E_[A-Z_]+: |leveldb.*Assertion/;
/** Nothing anybody reads: LevelDB's own notes, and room set aside. */
const UNDAMAGED = /\/(LOG|LOG\.old|LOCK)$|^helios\.reserve$/;
const root = mkdtempSync(join(tmpdir(), 'helios-fuzz-disk-'));
/**
 * Directories as nodes left them: two members of one cluster, after SIGTERM and after SIGKILL, and
 * one of another.
 */
const images = { stopped: join(root, 'a'), killed: join(root, 'b'), other: join(root, 'c') };
const NODE_OF = { stopped: 'node-1', killed: 'node-2', other: 'node-1' };
type Image = keyof typeof images;

/** What a start found, to be compared. */
interface Found {
  readonly digest: string;
  readonly position: string;
  readonly hardState: string;
  readonly entries: readonly string[];
  readonly uuid: string;
  readonly members: string;
  readonly cut: boolean;
  /** Its own data was set aside: it waits to be taken in again. */
  readonly joining: boolean;
}

async function fill(port: number): Promise<void> {
  const client = strictClient(port);
  for (let i = 0; i < 60; i++) {
    await client.set(`k:${i}`, `value ${i}`, 'PX', 3_600_000);
    await client.rpush('list', `${i}`);
    if (i === 30) await client.bgsave();
  }
  client.disconnect();
}

beforeAll(async () => {
  const cluster = await Cluster.start(3, ['-snapshot-min-interval=1h']);
  const alone = await Cluster.start(1);
  await Promise.all([fill(cluster.ports[1]!), fill(alone.ports[0]!)]);
  await cluster.digests();
  await cluster.daemons[1]!.kill();
  await cluster.daemons[0]!.end('SIGTERM');
  await alone.daemons[0]!.kill();
  cpSync(cluster.daemons[0]!.spec.dataDir, images.stopped, { recursive: true });
  cpSync(cluster.daemons[1]!.spec.dataDir, images.killed, { recursive: true });
  cpSync(alone.daemons[0]!.spec.dataDir, images.other, { recursive: true });
  for (const image of Object.values(images)) rmSync(join(image, 'helios.lock'), { force: true });
  await Promise.all([cluster.stop(), alone.stop()]);
}, 60_000);
afterAll(() => rmSync(root, { recursive: true, force: true }));

function filesOf(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1))
    .sort();
}

const lua = new LuaInterpreter(readLuaBinary());

async function open(directory: string, image: Image): Promise<Found> {
  const nodeId = NODE_OF[image];
  const alone = image === 'other';
  let cut = false;
  const logger: Logger = {
    ...silentLogger,
    child: () => logger,
    warn: (event) => {
      cut ||= event.includes('Cut');
    },
  };
  const opened = await openMember({
    ...{ nodeId, dataDir: directory, raftDataDir: join(directory, 'raft'), alone },
    ...{
      fsync: 'none',
      segmentBytesMax: 2 ** 20,
      historyBytesMax: 0,
      diskReserve: 0,
      diskFreeMin: 0,
      platform: systemPlatform,
    },
    ...{ logger, fatal: () => {}, lua },
  });
  const { machine, snapshot, hardState, entries, uuid, members, admission } = opened;
  const found = {
    digest: Buffer.from(keyspaceDigest(machine.keyspace)).toString('hex'),
    position: JSON.stringify(snapshot),
    hardState: JSON.stringify(hardState),
    entries: entries.map(({ body }) => body.bytes.toString('latin1')),
    uuid,
    members: JSON.stringify(members),
    cut,
    joining: admission === 'joining',
  };
  await opened.store.close();
  await opened.stable.close();
  return found;
}

interface Damage {
  readonly image: Image;
  readonly file: string;
  readonly what: string;
}

/**
 * Copies an image to `directory` and damages one file of it, or puts that of another node in its
 * place.
 */
function spoil(random: RandomSource, directory: string, inRaftDir: boolean): Damage {
  const image = random.pick(Object.keys(images) as Image[]);
  cpSync(images[image], directory, { recursive: true });
  const files = filesOf(directory).filter(
    (name) => !UNDAMAGED.test(name) && name.startsWith('raft/') === inRaftDir,
  );
  const file = random.pick(files);
  const path = join(directory, file);
  const others = Object.values(images).filter((each) => each !== images[image]);
  const twin = join(random.pick(others), file);
  const bytes = readFileSync(path);
  const choice = random.below(8);
  if (choice === 0) {
    rmSync(path);
    return { image, file, what: 'deleted' };
  }
  if (choice === 1 && filesOf(join(twin, '..')).length > 0) {
    const whole = random.below(3) === 0;
    const from = join(twin, '..');
    if (whole) {
      rmSync(join(path, '..'), { recursive: true });
      cpSync(from, join(path, '..'), { recursive: true });
      return { image, file, what: `its directory exchanged with ${from}` };
    }
    // A base file names no owner: that of another node is a snapshot like any other.
    const strangers = filesOf(from).filter((name) => !/base\.rdb$/.test(name));
    const stranger = random.pick(strangers);
    mkdirSync(join(path, '..'), { recursive: true });
    cpSync(join(from, stranger), path);
    return { image, file, what: `exchanged with ${join(from, stranger)}` };
  }
  const damaged = random.damage(bytes);
  writeFileSync(path, damaged.bytes);
  return { image, file, what: damaged.what };
}

describe('files of a stopped node', () => {
  let healthy: Map<Image, Found>;
  beforeAll(async () => {
    healthy = new Map();
    for (const image of Object.keys(images) as Image[]) {
      const copy = join(root, `healthy-${image}`);
      cpSync(images[image], copy, { recursive: true });
      healthy.set(image, await open(copy, image));
    }
  });

  /** Null when `found` is a right outcome for the image. */
  function fault({ image }: Damage, found: Found): string | null {
    const right = healthy.get(image)!;
    if (found.joining && image !== 'other') {
      return found.entries.length === 0 && found.uuid !== right.uuid ? null : 'joining with data';
    }
    const { entries, cut, ...rest } = found;
    const { entries: all, cut: _, ...expected } = right;
    for (const key of Object.keys(expected) as (keyof typeof expected)[]) {
      if (rest[key] !== expected[key]) return `${key}: ${rest[key]}, not ${expected[key]}`;
    }
    if (entries.length > all.length) return `${entries.length} entries, there were ${all.length}`;
    if (entries.some((bytes, i) => bytes !== all[i])) return 'an entry differs';
    if (entries.length < all.length && !cut)
      return `${entries.length} entries and no word of a cut`;
    return null;
  }

  it('open right or not at all, whatever is damaged', async () => {
    const random = new RandomSource('fuzz-disk');
    const until = Date.now() + MS_MAX;
    const wrong: string[] = [];
    let rounds = 0;
    let opened = 0;
    for (; Date.now() < until; rounds++) {
      const directory = join(root, `round-${rounds}`);
      const damage = spoil(random, directory, false);
      const label = `${damage.image} ${damage.file} ${damage.what}`;
      try {
        const found = await open(directory, damage.image);
        opened++;
        const why = fault(damage, found);
        if (why !== null) wrong.push(`${label}: ${why}`);
      } catch (error) {
        if (!(error instanceof OperationalError)) wrong.push(`${label}: ${(error as Error).stack}`);
      }
      rmSync(directory, { recursive: true, force: true });
    }
    process.stderr.write(`fuzz-disk: ${rounds} rounds, ${opened} opened\n`);
    expect(wrong).toEqual([]);
    expect(rounds).toBeGreaterThan(20);
  }, 30_000);

  it('let a real daemon start, or end with one line that says why', async () => {
    const random = new RandomSource('fuzz-disk daemons');
    const wrong: string[] = [];
    const start = async (round: number): Promise<void> => {
      const directory = join(root, `start-${round}`);
      const { image, file, what } = spoil(random, directory, round % 3 > 0);
      const [port, raftPort] = await freePorts(2);
      const id = NODE_OF[image];
      const args = [
        ...[`-data-dir=${directory}`, `-listen=127.0.0.1:${port}`, `-raft-node-id=${id}`],
        ...(image === 'other' ? [] : ['-raft=true', `-raft-addr=127.0.0.1:${raftPort}`]),
      ];
      const spec = { id, port: port!, raftPort: raftPort!, dataDir: directory };
      const daemon = new Daemon(spec, args, {});
      try {
        await daemon.start();
        if ((await askLine(port!, 'PING')) !== 'PONG') wrong.push(`${file} ${what}: no PONG`);
      } catch {
        if (!ENDED_WELL.test(daemon.output)) wrong.push(`${file} ${what}: ${daemon.output}`);
      }
      const trace = traceIn(daemon.output);
      if (trace !== null) wrong.push(`${image} ${file} ${what}: ${daemon.output}`);
      await daemon.kill();
    };
    for (let round = 0; round < STARTS; round += 3) {
      await Promise.all([start(round), start(round + 1), start(round + 2)]);
    }
    expect(wrong).toEqual([]);
  }, 60_000);

  it('of which the manifest is empty are refused by the daemon with status 1', async () => {
    const directory = join(root, 'manifest');
    cpSync(images.other, directory, { recursive: true });
    writeFileSync(join(directory, 'appendonlydir/appendonly.aof.manifest'), '');
    const [port] = await freePorts(1);
    const args = [`-data-dir=${directory}`, `-listen=127.0.0.1:${port}`];
    const { code, stderr } = await atlasd(args);
    expect(stderr).toMatch(/^\[FATAL\] E_MANIFEST: .*manifest is damaged/);
    expect(code).toBe(1);
  });
});
