// Goal: damage to any region of any file in a node's directories (enumerated, see file-regions.ts)
// ends in the right data, in a clear refusal, or, for a member of several, in joining anew without
// a vote. Never in other data, never in an error that is not ours. LevelDB's files are damaged in
// test/process/stable-damage.test.ts, since LevelDB may end the process.

import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { OperationalError } from '../../../src/base/errors.js';
import { keyspaceDigest } from '../../../src/commands/digest.js';
import { silentLogger } from '../../../src/observe/logger.js';
import { systemPlatform } from '../../../src/platform/platform.js';
import { openMember } from '../../../src/replica/boot.js';
import { type Damage, damagesAt, damagesOfWhole, regionsOf } from './file-regions.js';
import { NodeGroup } from './in-process-nodes.js';

/** In memory where there is such a place: a thousand opens are as many syncs. */
const root = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'helios-damage-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

type Kind = 'member' | 'alone';

interface Found {
  readonly digest: string;
  readonly snapshot: string;
  readonly term: number;
  readonly vote: string;
  readonly uuid: string;
  readonly admission: string;
  readonly entries: readonly string[];
  readonly cut: boolean;
}

/** A directory as a node that was killed leaves it: a snapshot, two segments, a reserve. */
async function makeImage(kind: Kind): Promise<void> {
  const args = ['-disk-reserve=64kb', '-snapshot-min-interval=1h'];
  const group = await NodeGroup.start(kind === 'alone' ? 1 : 3, args);
  try {
    const [{ client, parts, dataDir }] = group.nodes as [NodeGroup['nodes'][0]];
    await client.mset('a', '1', 'b', 'x'.repeat(300));
    await client.rpush('list', '1', '2', '3');
    await client.bgsave();
    while (parts.store.snapshot === null) await client.set('tick', `${Math.random()}`);
    await client.set('c', '2');
    await parts.store.rotate();
    for (let i = 0; i < 3; i++) await client.set(`d${i}`, 'y'.repeat(40));
    while (!existsSync(join(dataDir, 'helios.reserve'))) await client.ping();
    cpSync(dataDir, join(root, kind), { recursive: true });
  } finally {
    await group.stop();
  }
  for (const lock of ['helios.lock', 'raft/raft.lock']) rmSync(join(root, kind, lock));
}

async function open(directory: string, kind: Kind): Promise<Found> {
  let cut = false;
  const logger = {
    ...silentLogger,
    warn: (event: string) => {
      cut ||= event.includes('Cut');
    },
  };
  const opened = await openMember({
    ...{ nodeId: 'node-1', dataDir: directory, raftDataDir: join(directory, 'raft') },
    ...{
      fsync: 'none',
      segmentBytesMax: 2 ** 20,
      historyBytesMax: 2 ** 20,
      diskReserve: 65_536,
      diskFreeMin: 0,
    },
    ...{ alone: kind === 'alone', lua: null, platform: systemPlatform, logger, fatal: () => {} },
  });
  const { hardState, uuid, admission, machine, snapshot, entries } = opened;
  const found = {
    ...{ ...hardState, uuid, admission, snapshot: JSON.stringify(snapshot), cut },
    digest: Buffer.from(keyspaceDigest(machine.keyspace)).toString('hex'),
    entries: entries.map(({ body }) => body.bytes.toString('latin1')),
  };
  await opened.store.close();
  await opened.stable.close();
  return found;
}

const healthy = new Map<Kind, Found>();
beforeAll(async () => {
  for (const kind of ['member', 'alone'] as const) {
    await makeImage(kind);
    const copy = join(root, 'healthy');
    cpSync(join(root, kind), copy, { recursive: true });
    healthy.set(kind, await open(copy, kind));
    rmSync(copy, { recursive: true });
  }
}, 60_000);

/** Empty when the outcome is a right one. */
function judge(kind: Kind, found: Found, lastSegment: boolean): string {
  const right = healthy.get(kind)!;
  if (found.admission === 'joining') {
    const begunAnew = found.entries.length === 0 && found.snapshot === 'null';
    if (kind === 'alone' || !begunAnew) return `joining with ${found.entries.length} entries`;
    return found.uuid !== right.uuid ? '' : 'joining under the old uuid';
  }
  for (const key of ['digest', 'snapshot', 'term', 'vote', 'uuid', 'admission'] as const) {
    if (found[key] !== right[key]) return `${key} ${found[key]}, not ${right[key]}`;
  }
  if (found.entries.some((bytes, i) => bytes !== right.entries[i])) return 'an entry differs';
  if (found.entries.length === right.entries.length) return '';
  // What a crash leaves cannot be told from a file cut short by hand between or within records.
  return lastSegment ? '' : `${found.entries.length} entries of ${right.entries.length}`;
}

let tries = 0;

async function outcome(kind: Kind, file: string, damage: Damage): Promise<string> {
  const directory = join(root, `try-${tries++}`);
  cpSync(join(root, kind), directory, { recursive: true });
  const path = join(directory, file);
  if (damage.bytes === null) rmSync(path);
  else writeFileSync(path, damage.bytes);
  try {
    return judge(kind, await open(directory, kind), file === lastSegmentOf(kind));
  } catch (error) {
    if (!(error instanceof OperationalError)) return `${(error as Error).stack}`;
    return error.message.includes(directory) ? '' : `says not where: ${error.message}`;
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function filesOf(kind: Kind): string[] {
  return readdirSync(join(root, kind), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(join(root, kind).length + 1))
    .sort();
}

function lastSegmentOf(kind: Kind): string {
  return filesOf(kind).findLast((name) => name.endsWith('.incr.aof'))!;
}

describe.each(['member', 'alone'] as const)('the files of a node that is %s', (kind) => {
  it('are all there to be damaged', () => {
    const kinds = ['.manifest', '.base.rdb', '.incr.aof', 'stable.seal', 'helios.reserve'];
    for (const suffix of kinds) {
      expect(filesOf(kind).filter((name) => name.endsWith(suffix)).length, suffix).toBeGreaterThan(
        suffix === '.incr.aof' ? 1 : 0,
      );
    }
  });

  it.each(['.manifest', '.base.rdb', '.incr.aof', 'stable.seal', 'helios.reserve'])(
    '%s: any damage is met with the right data, a clear word, or joining anew',
    async (suffix) => {
      const wrong: string[] = [];
      let cases = 0;
      for (const file of filesOf(kind).filter((name) => name.endsWith(suffix))) {
        const bytes = readFileSync(join(root, kind, file));
        // What is read is read alike; a node that is alone differs in what follows from damage.
        const older = suffix === '.incr.aof' && file !== lastSegmentOf(kind);
        const share = kind === 'alone' ? 4 : older ? 3 : 1;
        const regions = regionsOf(file, bytes).filter((_, i) => i % share === 0);
        const damages = [...damagesOfWhole(bytes), ...damagesAt(bytes, regions)];
        for (const damage of damages) {
          cases++;
          const fault = await outcome(kind, file, damage);
          if (fault !== '') wrong.push(`${file}: ${damage.what}: ${fault}`);
        }
      }
      expect(wrong).toEqual([]);
      expect(cases).toBeGreaterThanOrEqual(10);
    },
    180_000,
  );

  it('locks with anything in them stop nobody', async () => {
    for (const file of ['helios.lock', 'raft/raft.lock']) {
      for (const text of ['', '?', '999999 1 x', '\0\0\0\0']) {
        const bytes = Buffer.from(text);
        expect(await outcome(kind, file, { what: text, bytes })).toBe('');
      }
    }
  });
});
