// Goal: no log is given up for a snapshot that does not read back as what was meant. Method: a
// whole node over a disk that damages what is read back of its snapshot.

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { Disk, DiskFile } from '../../../src/platform/disk.js';
import { systemDisk } from '../../../src/platform/disk.js';
import { systemPlatform } from '../../../src/platform/platform.js';
import { eventually } from '../../process/daemon.js';
import { NodeGroup } from './in-process-nodes.js';

let group: NodeGroup | null = null;
afterEach(async () => {
  await group?.stop();
  group = null;
});

/** Flips a bit of the byte at `damageAt` of every snapshot being written; -1 for none. */
function damagingDisk() {
  const state = { damageAt: -1 };
  const damaged = (file: DiskFile): DiskFile =>
    new Proxy(file, {
      get(target, name: keyof DiskFile) {
        if (name !== 'read') {
          const value = target[name];
          return typeof value === 'function' ? value.bind(target) : value;
        }
        return async (position: number, length: number, room?: Buffer) => {
          const bytes = await target.read(position, length, room);
          const at = state.damageAt - position;
          if (at >= 0 && at < bytes.length) bytes[at] = bytes[at]! ^ 4;
          return bytes;
        };
      },
    });
  const disk: Disk = {
    ...systemDisk,
    open: async (path, options) => {
      const file = await systemDisk.open(path, options);
      return path.includes('temp-snapshot') ? damaged(file) : file;
    },
  };
  return { disk, state };
}

function files(dataDir: string): string[] {
  return readdirSync(join(dataDir, 'appendonlydir')).sort();
}

describe('a snapshot that reads back damaged', () => {
  it('is thrown away at every byte, the log stays, and the next one succeeds', async () => {
    const { disk, state } = damagingDisk();
    group = await NodeGroup.start(1, [], () => ({ ...systemPlatform, disk }));
    const [{ client, dataDir, log, parts }] = group.nodes as [(typeof group.nodes)[0]];
    await client.mset('a', '1', 'b', 'text', 'c', '3');
    await client.rpush('list', 'x', 'y');
    await client.save();
    const bytes = parts.store.snapshot!.bytes;
    const before = parts.store.snapshot!.index;
    await client.set('d', '4');
    for (let at = 0; at < bytes; at += 7) {
      state.damageAt = at;
      await expect(client.save(), `byte ${at}`).rejects.toThrow(/Snapshot failed/);
      expect(parts.store.snapshot!.index).toBe(before);
      expect(files(dataDir).filter((name) => name.startsWith('temp-'))).toEqual([]);
    }
    expect(await client.info('persistence')).toMatch(/rdb_last_bgsave_status:err/);
    const tries = Math.ceil(bytes / 7);
    expect(await client.info('persistence')).toMatch(new RegExp(`snapshot_failures:${tries}\r`));
    expect(log.lines.filter((line) => line.includes('the log is kept'))).toHaveLength(tries);
    state.damageAt = -1;
    expect(await client.save()).toBe('OK');
    expect(parts.store.snapshot!.index).toBeGreaterThan(before);
    expect(await client.info('persistence')).toMatch(/rdb_last_bgsave_status:ok/);
    expect(await client.get('d')).toBe('4');
  });
});

describe('a snapshot whose node is at its end', () => {
  it('is over before the node is: the files are the next life’s', async () => {
    group = await NodeGroup.start(1);
    const [{ client, node, dataDir, log }] = group.nodes as [(typeof group.nodes)[0]];
    await client.mset(Array.from({ length: 300_000 }, (_, i) => `key:${i >> 1}:${i & 1}`));
    await client.bgsave();
    await eventually('it is being written', async () =>
      files(dataDir).some((name) => name.startsWith('temp-snapshot')) ? true : null,
    );
    await node.stop(false);
    expect(files(dataDir).filter((name) => name.startsWith('temp-snapshot'))).toEqual([]);
    expect(log.lines.filter((line) => /Snapshot (written|failed)/.test(line))).toEqual([]);
  });
});
