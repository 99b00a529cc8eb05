// A disk without room: what waits, what is cut back, what is given up, and what is final.

import { existsSync, readFileSync, statSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/platform/clock.js';
import { openLevel } from '../../../src/platform/key-value.js';
import { DiskSpace } from '../../../src/storage/disk-space.js';
import { openLogStore } from '../../../src/storage/log-recovery.js';
import { openStableStore } from '../../../src/storage/stable-store.js';
import { FullDisk } from './full-disk.js';
import {
  append,
  item,
  items,
  removeTemporaryDirectories,
  storeOptions,
  temporaryDirectory,
} from './store-fixture.js';

const spaces: DiskSpace[] = [];
afterEach(() => {
  for (const space of spaces.splice(0)) space.stop();
  removeTemporaryDirectories();
});

/** Time of which every wait is over at once. */
const clock = { ...systemClock, after: (_: number, run: () => void) => systemClock.after(0, run) };

function setup(over: { reserveBytes?: number; freeBytesMin?: number } = {}) {
  const full = new FullDisk();
  const directory = temporaryDirectory();
  const notices: string[] = [];
  const space = new DiskSpace({
    ...{ disk: full.disk, clock, directory, others: [], reserveBytes: 0, freeBytesMin: 0 },
    notice: (event) => notices.push(event),
    ...over,
  });
  spaces.push(space);
  return { full, directory, space, notices };
}

async function until(what: () => boolean): Promise<void> {
  while (!what()) await new Promise((resolve) => setImmediate(resolve));
}

describe('the log', () => {
  it('is counted against the room between two looks, and a look counts again', async () => {
    const { full, directory, space, notices } = setup({ freeBytesMin: 10_000 });
    full.freeBytes = 12_000;
    await space.start();
    const { store } = await openLogStore(storeOptions(directory, { disk: full.disk, space }));
    const small = item(1);
    const first = append(store, small);
    expect([space.full, space.freeBytes]).toEqual([false, 12_000 - small.bytes.length]);
    let last = Promise.resolve();
    for (let index = 2; !space.full; index++) {
      expect(index).toBeLessThan(1000);
      last = append(store, item(index)) as Promise<void>;
    }
    expect(space.freeBytes).toBeLessThan(10_000);
    expect(notices).toEqual(['Disk is full: writes that need room are refused']);
    await Promise.all([first, last]);
    await until(() => !space.full);
    expect(space.freeBytes).toBe(12_000);
    await store.close();
  });

  it('is cut back and written again when a write found no room, as often as it takes', async () => {
    const { full, directory, space } = setup();
    await space.start();
    const { store } = await openLogStore(storeOptions(directory, { disk: full.disk, space }));
    await append(store, item(1));
    full.refusals = 5;
    const waiting = append(store, ...items(2, 3));
    await until(() => space.blocked);
    expect(space.full).toBe(true);
    const behind = append(store, item(4));
    await Promise.all([waiting, behind]);
    expect(full.refused).toBe(5);
    expect(space.blocked).toBe(false);
    await store.close();
    const again = await openLogStore(storeOptions(directory));
    expect(again.cut).toBeNull();
    expect(again.records.map(({ record }) => record.index)).toEqual([1, 2, 3, 4]);
    await again.store.close();
  });

  it('goes on with its next segment when there is room for it', async () => {
    const { full, directory, space } = setup();
    await space.start();
    const { store } = await openLogStore(storeOptions(directory, { disk: full.disk, space }));
    await append(store, item(1));
    full.refusals = 3;
    await store.rotate();
    await append(store, item(2));
    expect(full.refused).toBe(3);
    await store.close();
    const again = await openLogStore(storeOptions(directory));
    expect(again.records.length).toBe(2);
    await again.store.close();
  });

  it('never tries a failed sync again, also not one for want of room', async () => {
    for (const code of ['ENOSPC', 'EIO']) {
      const { full, directory, space } = setup();
      await space.start();
      const fatal: Error[] = [];
      const onFatal = (error: Error): void => void fatal.push(error);
      const { store } = await openLogStore(
        storeOptions(directory, { disk: full.disk, space, onFatal }),
      );
      full.syncFault = code;
      let done = false;
      void append(store, item(1)).then(() => {
        done = true;
      });
      await until(() => fatal.length > 0);
      expect(fatal).toMatchObject([{ code: 'E_DISK', operation: 'fdatasync', errno: code }]);
      expect([done, space.full]).toEqual([false, false]);
      await store.abandon();
    }
  });

  it('fails when nobody waits any more: the node stops', async () => {
    const { full, directory, space } = setup();
    await space.start();
    const fatal: Error[] = [];
    const onFatal = (error: Error): void => void fatal.push(error);
    const { store } = await openLogStore(
      storeOptions(directory, { disk: full.disk, space, onFatal }),
    );
    full.refusals = Number.POSITIVE_INFINITY;
    void append(store, item(1));
    await until(() => space.blocked);
    space.stop();
    await until(() => fatal.length > 0);
    expect(fatal).toMatchObject([{ code: 'E_DISK', errno: 'ENOSPC' }]);
    await store.abandon();
  });
});

describe('a snapshot', () => {
  it('without room is thrown away; a failing disk is final', async () => {
    const { full, directory, space } = setup();
    await space.start();
    const fatal: Error[] = [];
    const onFatal = (error: Error): void => void fatal.push(error);
    const { store } = await openLogStore(
      storeOptions(directory, { disk: full.disk, space, onFatal }),
    );
    const sink = await store.createSnapshot();
    await sink.write([Buffer.from('REDIS0011')]);
    full.refusals = 1;
    await expect(sink.write([Buffer.from('more')])).rejects.toMatchObject({ errno: 'ENOSPC' });
    await sink.abort();
    expect(existsSync(sink.path)).toBe(false);
    expect(fatal).toEqual([]);
    const other = await store.createSnapshot();
    await other.write([Buffer.from('REDIS0011')]);
    full.syncFault = 'EIO';
    await expect(other.finish()).rejects.toMatchObject({ errno: 'EIO' });
    expect(fatal).toMatchObject([{ errno: 'EIO' }]);
    await store.abandon();
  });
});

describe('term and vote', () => {
  it('wait for room in either copy', async () => {
    const { full, directory, space } = setup();
    await space.start();
    let levelRefuses = 0;
    const openKeyValue: typeof openLevel = async (path) => {
      const level = await openLevel(path);
      const broken = { yes: false };
      return {
        ...level,
        put: async (key, value) => {
          // LevelDB takes nothing more until it is opened again.
          if (levelRefuses > 0 || broken.yes) {
            levelRefuses = Math.max(0, levelRefuses - 1);
            broken.yes = true;
            throw new Error('IO error: /x/000003.log: No space left on device');
          }
          await level.put(key, value);
        },
      };
    };
    const options = { directory, clock, openKeyValue, space, notice: () => {} };
    const store = await openStableStore({ ...options, disk: full.disk });
    await store.saveHardState(1, 'a');
    full.refusals = 3;
    await store.saveHardState(2, 'b');
    levelRefuses = 2;
    await store.saveHardState(3, 'c');
    await store.close();
    const notices: unknown[] = [];
    const again = await openStableStore({
      ...options,
      ...{ disk: full.disk, openKeyValue: openLevel, notice: (event) => notices.push(event) },
    });
    expect((await again.load()).hardState).toEqual({ term: 3, vote: 'c' });
    expect(notices).toEqual([]);
    await again.close();
    const lines = readFileSync(`${directory}/stable.seal`, 'latin1').trim().split('\n');
    expect(lines.every((line) => /^HELIOS-STABLE\/2 .* crc=[0-9a-f]{8}$/.test(line))).toBe(true);
  });
});

describe('the limit', () => {
  it('makes the disk full before it is, and lets go only with some room to spare', async () => {
    const { full, space, notices } = setup({ freeBytesMin: 1000 });
    full.freeBytes = 1000;
    await space.start();
    expect(space.full).toBe(false);
    const look = async (freeBytes: number): Promise<boolean> => {
      full.freeBytes = freeBytes;
      await until(() => space.freeBytes === freeBytes);
      return space.full;
    };
    expect(await look(999)).toBe(true);
    expect(space.hasRoomFor(499)).toBe(true);
    expect(space.hasRoomFor(500)).toBe(false);
    expect(await look(1050)).toBe(true);
    expect(await look(1100)).toBe(false);
    expect(space.hasRoomFor(10 ** 9)).toBe(true);
    expect(notices).toEqual([
      'Disk is full: writes that need room are refused',
      'Disk has room again: writes are taken',
    ]);
  });
});

describe('the reserve', () => {
  it('is made, is given up once for a write, and comes back with the room', async () => {
    const { full, directory, space, notices } = setup({ reserveBytes: 3_000_000 });
    const path = `${directory}/helios.reserve`;
    await space.start();
    await until(() => existsSync(path) && statSync(path).size === 3_000_000);
    const { store } = await openLogStore(storeOptions(directory, { disk: full.disk, space }));
    full.refusals = 1;
    await append(store, item(1));
    expect(notices).toContain('The reserve of disk space is used');
    expect(existsSync(path)).toBe(false);
    await until(() => existsSync(path) && statSync(path).size === 3_000_000);
    await store.close();
  });

  it('lets a start on a full disk go through, and only what it holds', async () => {
    const { full, directory, space } = setup({ reserveBytes: 1000 });
    await space.start();
    await until(() => existsSync(`${directory}/helios.reserve`));
    space.stop();
    const next = new DiskSpace({
      ...{ disk: full.disk, clock, directory, others: [], reserveBytes: 1000, freeBytesMin: 0 },
      notice: () => {},
    });
    full.refusals = 1;
    const options = { directory: `${directory}/raft`, disk: full.disk, clock, space: next };
    const store = await openStableStore({ ...options, openKeyValue: openLevel, notice: () => {} });
    full.refusals = Number.POSITIVE_INFINITY;
    await expect(store.bumpIncarnation()).rejects.toMatchObject({
      code: 'E_DISK',
      message: expect.stringMatching(/ENOSPC.*free space/),
    });
    await store.close();
  });
});
