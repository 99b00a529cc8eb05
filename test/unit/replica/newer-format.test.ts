// Goal: a data directory of a newer program is refused at start, with the file and both versions,
// whichever of its files says so first. A newer version is sound: its checksums hold. LevelDB alone
// is in test/unit/storage/stable-store.test.ts.

import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { silentLogger } from '../../../src/observe/logger.js';
import { crc32 } from '../../../src/platform/checksum.js';
import { systemPlatform } from '../../../src/platform/platform.js';
import { openMember } from '../../../src/replica/boot.js';
import { Crc64 } from '../../../src/storage/rdb/crc64.js';
import { NodeGroup } from './in-process-nodes.js';

const root = mkdtempSync(join(tmpdir(), 'helios-newer-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const image = join(root, 'image');

beforeAll(async () => {
  const group = await NodeGroup.start(1, ['-snapshot-min-interval=1h']);
  try {
    const { client, parts, dataDir } = group.nodes[0]!;
    await client.set('a', '1');
    await client.bgsave();
    while (parts.store.snapshot === null) await client.set('tick', `${Math.random()}`);
    await client.set('b', '2');
    cpSync(dataDir, image, { recursive: true });
  } finally {
    await group.stop();
  }
  for (const lock of ['helios.lock', 'raft/raft.lock']) rmSync(join(image, lock));
});

function edit(path: string, change: (bytes: Buffer) => Buffer): void {
  writeFileSync(path, change(readFileSync(path)));
}

function nameEnding(directory: string, end: string): string {
  const found = readdirSync(directory).filter((name) => name.endsWith(end));
  return join(directory, found.sort().at(-1)!);
}

function replaced(bytes: Buffer, from: RegExp, to: (...groups: string[]) => string): Buffer {
  const text = bytes.latin1Slice();
  expect(text).toMatch(from);
  return Buffer.from(text.replace(from, to), 'latin1');
}

const KINDS: readonly [string, (directory: string) => void, RegExp][] = [
  [
    'a log segment',
    (dir) =>
      edit(nameEnding(join(dir, 'appendonlydir'), '.incr.aof'), (bytes) =>
        replaced(bytes, /^#HELIOS-SEGMENT\/1 /, () => '#HELIOS-SEGMENT/2 '),
      ),
    /incr\.aof has format version 2; this program reads version 1/,
  ],
  [
    'a record of the log',
    (dir) =>
      edit(nameEnding(join(dir, 'appendonlydir'), '.incr.aof'), (bytes) =>
        replaced(bytes, /#HELIOS\/1 /, () => '#HELIOS/2 '),
      ),
    /incr\.aof at offset \d+ has format version 2; this program reads version 1/,
  ],
  [
    'the base snapshot',
    (dir) =>
      edit(nameEnding(join(dir, 'appendonlydir'), '.base.rdb'), (bytes) => {
        const at = bytes.indexOf('helios-format') + 'helios-format'.length;
        const [length, digit] = [bytes[at], String.fromCharCode(bytes[at + 1]!)];
        expect([length, digit]).toEqual([1, '1']);
        bytes[at + 1] = '2'.charCodeAt(0);
        const sum = new Crc64();
        sum.update(bytes, 0, bytes.length - 8);
        sum.digest().copy(bytes, bytes.length - 8);
        return bytes;
      }),
    /base\.rdb has format version 2; this program reads version 1/,
  ],
  [
    'the sealed file of term and vote',
    (dir) =>
      edit(join(dir, 'raft', 'stable.seal'), (bytes) => {
        const line = bytes.latin1Slice().split('\n').at(-2)!;
        const covered = line
          .replace(/^HELIOS-STABLE\/2 /, 'HELIOS-STABLE/3 ')
          .replace(/[0-9a-f]{8}$/, '');
        const sum = crc32(Buffer.from(covered)).toString(16).padStart(8, '0');
        return Buffer.from(`${covered}${sum}\n`);
      }),
    /stable\.seal has format version 3; this program reads version 2/,
  ],
];

describe('a data directory of a newer program', () => {
  it.each(KINDS)('is refused: %s', async (_, change, message) => {
    const directory = mkdtempSync(join(root, 'copy-'));
    cpSync(image, directory, { recursive: true });
    change(directory);
    for (const alone of [true, false]) {
      const opening = openMember({
        ...{ nodeId: 'node-1', dataDir: directory, raftDataDir: join(directory, 'raft') },
        ...{ fsync: 'none', segmentBytesMax: 2 ** 20, historyBytesMax: 0 },
        ...{ diskReserve: 65_536, diskFreeMin: 0, alone, lua: null },
        ...{ platform: systemPlatform, logger: silentLogger, fatal: () => {} },
      });
      await expect(opening).rejects.toMatchObject({
        code: 'E_FORMAT_VERSION',
        message: expect.stringMatching(message),
      });
    }
  });
});
