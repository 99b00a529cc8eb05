// Goal: whatever the step at which the process dies or the disk fails, the directory opens again
// with everything that was acknowledged. Method: a disk that works for its first N operations and
// then never answers (crash) or fails (fault); N is enumerated from 0 until the scenario completes.

import { cpSync, existsSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { Keyspace } from '../../../src/keyspace/keyspace.js';
import type { Disk, DiskFile } from '../../../src/platform/disk.js';
import { systemDisk } from '../../../src/platform/disk.js';
import { DiskFault } from '../../../src/platform/disk-fault.js';
import { openLogStore } from '../../../src/storage/log-recovery.js';
import type { LogStore, SnapshotPosition } from '../../../src/storage/log-store.js';
import { SnapshotWriter } from '../../../src/storage/rdb/snapshot-writer.js';
import {
  append,
  items,
  removeTemporaryDirectories,
  storeOptions,
  temporaryDirectory,
} from './store-fixture.js';

afterAll(removeTemporaryDirectories);

const CHANGING = ['open', 'replaceFile', 'rename', 'remove', 'makeDirectory', 'syncDirectory'];

/**
 * Counts operations that change something; from number `limit` on, `stop` decides what happens
 * instead.
 */
function limitedDisk(limit: number, stop: () => Promise<never>) {
  const state = { operations: 0, stopped: false, running: new Set<Promise<unknown>>() };
  const step = <T>(run: () => Promise<T>): Promise<T> => {
    if (state.operations++ < limit) {
      const running = run();
      state.running.add(running);
      return running;
    }
    state.stopped = true;
    return stop();
  };
  const limitFile = (file: DiskFile): DiskFile => ({
    get size() {
      return file.size;
    },
    append: (buffers, done) => {
      const run = () =>
        new Promise<void>((resolve, reject) => {
          file.append(buffers, (error) => (error === null ? resolve() : reject(error)));
        });
      step(run).then(() => done(null), done);
    },
    sync: (done) => {
      const run = () =>
        new Promise<void>((resolve, reject) => {
          file.sync((error) => (error === null ? resolve() : reject(error)));
        });
      step(run).then(() => done(null), done);
    },
    read: (position, length) => file.read(position, length),
    truncate: (length) => step(() => file.truncate(length)),
    close: () => file.close(),
  });
  const disk: Disk = new Proxy(systemDisk, {
    get(target, name: keyof Disk) {
      const method = target[name] as (...args: unknown[]) => Promise<unknown>;
      if (!CHANGING.includes(name)) return method;
      return async (...args: unknown[]) => {
        const result = await step(() => method(...args));
        return name === 'open' ? limitFile(result as DiskFile) : result;
      };
    },
  });
  return { disk, state };
}

/** What the scenario was told is durable. */
interface Progress {
  acknowledged: number;
  base: number;
}

async function scenario(
  disk: Disk,
  directory: string,
  progress: Progress,
  onFatal: (e: Error) => void,
) {
  // Room for some of the segments behind the snapshots, so that old ones go too.
  const historyBytesMax = 900;
  const { store } = await openLogStore(storeOptions(directory, { disk, onFatal, historyBytesMax }));
  const write = async (from: number, to: number): Promise<void> => {
    await append(store, ...items(from, to));
    progress.acknowledged = to;
  };
  await write(1, 3);
  await store.rotate();
  await write(4, 5);
  await snapshot(store, { index: 3, term: 1 });
  progress.base = 3;
  await Promise.all([write(6, 7), store.rotate()]);
  await snapshot(store, { index: 7, term: 1 });
  progress.base = 7;
  await write(8, 9);
  await snapshot(store, { index: 20, term: 2 }, true);
  progress.base = progress.acknowledged = 20;
  await append(store, ...items(21, 22, 2));
  progress.acknowledged = 22;
  await store.close();
}

async function snapshot(store: LogStore, at: SnapshotPosition, received = false): Promise<void> {
  const writer = new SnapshotWriter(new Keyspace(), [
    ['helios-index', String(at.index)],
    ['helios-term', String(at.term)],
  ]);
  const sink = await store.createSnapshot();
  writer.step(1);
  await sink.write(writer.drain());
  await sink.finish();
  await (received ? store.reset(at, sink) : store.replaceBase(at, sink));
}

/** Opens a copy of what is on disk and checks it against what was acknowledged. */
async function check(directory: string, progress: Progress, what: string): Promise<void> {
  const copy = `${temporaryDirectory()}/copy`;
  cpSync(directory, copy, { recursive: true, filter: (path) => !path.includes('helios.lock') });
  const { store, snapshot: base, records } = await openLogStore(storeOptions(copy));
  for (const { path } of store.files) expect(existsSync(path), what).toBe(true);
  await store.close();
  const from = base?.index ?? 0;
  expect(from, what).toBeGreaterThanOrEqual(progress.base);
  expect(from + records.length, what).toBeGreaterThanOrEqual(progress.acknowledged);
  expect(records.map(({ record }) => record.index)).toEqual(records.map((_, i) => from + i + 1));
}

const never = (): Promise<never> => new Promise(() => undefined);

describe('whatever the step', () => {
  it('a crash there loses nothing acknowledged', async () => {
    let points = 0;
    for (let finished = false; !finished; points++) {
      const directory = temporaryDirectory();
      const progress = { acknowledged: 0, base: 0 };
      let crash: () => void = () => undefined;
      const crashed = new Promise<void>((resolve) => {
        crash = resolve;
      });
      const stop = (): Promise<never> => {
        crash();
        return never();
      };
      const { disk, state } = limitedDisk(points, stop);
      const running = scenario(disk, directory, progress, () => undefined).then(() => {
        finished = true;
      });
      await Promise.race([running, crashed]);
      await Promise.allSettled(state.running);
      await check(directory, progress, `crash at operation ${points}`);
    }
    expect(points).toBeGreaterThan(40);
  });

  it('a fault there is reported once, and nothing is acknowledged after it', async () => {
    const error = new DiskFault('write', 'x', Object.assign(new Error(), { code: 'ENOSPC' }));
    for (let point = 0, finished = false; !finished; point++) {
      const directory = temporaryDirectory();
      const progress = { acknowledged: 0, base: 0 };
      const { disk, state } = limitedDisk(point, () => Promise.reject(error));
      const faults: unknown[] = [];
      let acknowledgedThen = -1;
      await new Promise<void>((resolve) => {
        const stopped = (fault: unknown): void => {
          acknowledgedThen = progress.acknowledged;
          faults.push(fault);
          setImmediate(resolve);
        };
        scenario(disk, directory, progress, stopped).then(
          () => {
            finished = true;
            resolve();
          },
          (fault: unknown) => {
            if (faults.length === 0) stopped(fault);
          },
        );
      });
      await Promise.allSettled(state.running);
      if (finished) break;
      expect(state.stopped).toBe(true);
      expect(faults, `fault at operation ${point}`).toEqual([error]);
      expect(progress.acknowledged).toBe(acknowledgedThen);
      await check(directory, progress, `fault at operation ${point}`);
    }
  });
});
