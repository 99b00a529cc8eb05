// The log on disk: appending, rotating, replacing the base; and what Redis' own tools say of it.

import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { Keyspace } from '../../../src/keyspace/keyspace.js';
import { systemDisk } from '../../../src/platform/disk.js';
import { openLogStore } from '../../../src/storage/log-recovery.js';
import type { LogStore, SnapshotPosition } from '../../../src/storage/log-store.js';
import { SnapshotWriter } from '../../../src/storage/rdb/snapshot-writer.js';
import type { SnapshotSink } from '../../../src/storage/snapshot-sink.js';
import {
  append,
  item,
  items,
  OWNER,
  removeTemporaryDirectories,
  storeOptions,
  temporaryDirectory,
} from './store-fixture.js';

afterEach(removeTemporaryDirectories);

async function snapshotOf(
  store: LogStore,
  keyspace: Keyspace,
  { index, term }: SnapshotPosition,
): Promise<SnapshotSink> {
  const writer = new SnapshotWriter(keyspace, [
    ['helios-index', String(index)],
    ['helios-term', String(term)],
  ]);
  const sink = await store.createSnapshot();
  for (let done = false; !done; ) {
    done = writer.step(100);
    await sink.write(writer.drain());
  }
  await sink.finish();
  return sink;
}

async function reopened(directory: string, owner = OWNER) {
  const recovered = await openLogStore(storeOptions(directory, { owner }));
  const indexes = recovered.records.map(({ record }) => record.index);
  await recovered.store.close();
  return { ...recovered, indexes };
}

const aofFiles = (directory: string): string[] => readdirSync(`${directory}/appendonlydir`).sort();

describe('log store', () => {
  it('starts empty and gives back what was appended', async () => {
    const directory = temporaryDirectory();
    const { store, records, snapshot, cut } = await openLogStore(storeOptions(directory));
    expect([records, snapshot, cut]).toEqual([[], null, null]);
    await append(store, ...items(1, 3));
    await append(store, item(4, 2));
    await store.close();
    const again = await reopened(directory);
    expect(again.indexes).toEqual([1, 2, 3, 4]);
    expect(again.records[3]!.record.term).toBe(2);
    expect(again.records[1]!.bytes.equals(item(2).bytes)).toBe(true);
    expect(again.cut).toBeNull();
  });

  it('honours truncation by a lower index', async () => {
    const directory = temporaryDirectory();
    const { store } = await openLogStore(storeOptions(directory));
    await append(store, ...items(1, 6));
    await store.rotate();
    await append(store, ...items(4, 5, 2));
    expect(store.lastIndex).toBe(5);
    await store.close();
    const { records } = await reopened(directory);
    const entries = records.map(({ record }) => [record.index, record.term]);
    expect(entries).toEqual([
      [1, 1],
      [2, 1],
      [3, 1],
      [4, 2],
      [5, 2],
    ]);
  });

  it('keeps appends in order across segments that close by size', async () => {
    const directory = temporaryDirectory();
    const options = storeOptions(directory, { segmentBytesMax: 1000 });
    const { store } = await openLogStore(options);
    const order: number[] = [];
    const last = new Promise<void>((resolve) => {
      for (let i = 1; i <= 60; i++) {
        store.append([item(i)], () => {
          order.push(i);
          if (i === 60) resolve();
        });
      }
    });
    await last;
    await store.close();
    expect(order).toEqual(Array.from({ length: 60 }, (_, i) => i + 1));
    expect((await reopened(directory)).indexes).toEqual(order);
    expect(aofFiles(directory).length).toBeGreaterThan(4);
  });

  it('replaces the base, keeps what is behind it, removes what it covers', async () => {
    const directory = temporaryDirectory();
    const { store } = await openLogStore(storeOptions(directory));
    await append(store, ...items(1, 5));
    expect(await store.rotate()).toBe(5);
    await append(store, ...items(6, 8));
    const at = { index: 6, term: 1 };
    await store.replaceBase(at, await snapshotOf(store, new Keyspace(), at));
    expect(aofFiles(directory)).toEqual([
      'appendonly.aof.1.base.rdb',
      'appendonly.aof.2.incr.aof',
      'appendonly.aof.manifest',
    ]);
    await append(store, item(9));
    await store.close();
    const again = await reopened(directory);
    expect(again.snapshot).toMatchObject({ index: 6, term: 1 });
    expect(again.indexes).toEqual([7, 8, 9]);
  });

  it('replaces the base while appends and rotations go on', async () => {
    const directory = temporaryDirectory();
    const { store } = await openLogStore(storeOptions(directory, { segmentBytesMax: 600 }));
    let next = 1;
    const stop = { now: false };
    const writing = (async () => {
      while (!stop.now) await append(store, ...items(next, (next += 3) - 1));
    })();
    for (let round = 0; round < 5; round++) {
      const index = Math.max(1, store.lastIndex - 4);
      const at = { index, term: 1 };
      await store.replaceBase(at, await snapshotOf(store, new Keyspace(), at));
    }
    stop.now = true;
    await writing;
    const base = store.snapshot!.index;
    await store.close();
    const { indexes } = await reopened(directory);
    expect(indexes[0]).toBe(base + 1);
    expect(indexes.at(-1)).toBe(next - 1);
  });

  it('drops the whole log when a received snapshot is installed', async () => {
    const directory = temporaryDirectory();
    const { store } = await openLogStore(storeOptions(directory));
    await append(store, ...items(1, 5));
    const at = { index: 100, term: 7 };
    await store.reset(at, await snapshotOf(store, new Keyspace(), at));
    expect(store.lastIndex).toBe(100);
    await append(store, item(101, 7));
    await store.close();
    const again = await reopened(directory);
    expect(again.snapshot).toMatchObject(at);
    expect(again.indexes).toEqual([101]);
  });

  it('removes what an interrupted step left', async () => {
    const directory = temporaryDirectory();
    await reopened(directory);
    const aof = `${directory}/appendonlydir`;
    writeFileSync(`${aof}/appendonly.aof.9.base.rdb`, 'half');
    writeFileSync(`${aof}/temp-snapshot-1.rdb`, 'half');
    writeFileSync(`${aof}/notes.txt`, 'kept');
    await reopened(directory);
    expect(aofFiles(directory)).toEqual([
      'appendonly.aof.1.incr.aof',
      'appendonly.aof.manifest',
      'notes.txt',
    ]);
  });

  it('refuses another owner, a missing file, a second opener', async () => {
    const directory = temporaryDirectory();
    const { store } = await openLogStore(storeOptions(directory));
    await expect(openLogStore(storeOptions(directory))).rejects.toMatchObject({ code: 'E_LOCKED' });
    await store.close();
    await expect(reopened(directory, 'other')).rejects.toMatchObject({ code: 'E_FOREIGN_DATA' });
    await systemDisk.remove(`${directory}/appendonlydir/appendonly.aof.1.incr.aof`);
    await expect(reopened(directory)).rejects.toMatchObject({ code: 'E_LOG_MISSING' });
  });

  it('writes a directory that redis-check-aof calls valid', async (context) => {
    const directory = temporaryDirectory();
    const { store } = await openLogStore(storeOptions(directory));
    await append(store, ...items(1, 5));
    await store.rotate();
    await append(store, ...items(6, 8));
    const at = { index: 5, term: 1 };
    await store.replaceBase(at, await snapshotOf(store, new Keyspace(), at));
    await store.close();
    let output = '';
    try {
      const manifest = `${directory}/appendonlydir/appendonly.aof.manifest`;
      output = execFileSync('redis-check-aof', [manifest], { encoding: 'latin1' });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
        context.skip('redis-check-aof is not on PATH');
      }
      throw error;
    }
    expect(output).toMatch(/All AOF files and manifest are valid/);
    expect(readFileSync(`${directory}/appendonlydir/appendonly.aof.manifest`, 'latin1')).toMatch(
      /^file appendonly\.aof\.1\.base\.rdb seq 1 type b by helios\nfile .* type i by helios\n$/,
    );
  });
});
