// Segments behind a snapshot: what is kept, for how long, and reading records back from them.

import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { Keyspace } from '../../../src/keyspace/keyspace.js';
import { systemClock } from '../../../src/platform/clock.js';
import { systemDisk } from '../../../src/platform/disk.js';
import { Pacer } from '../../../src/platform/pacer.js';
import { HistoryReader } from '../../../src/storage/log-history.js';
import { openLogStore } from '../../../src/storage/log-recovery.js';
import type { LogStore } from '../../../src/storage/log-store.js';
import { SnapshotWriter } from '../../../src/storage/rdb/snapshot-writer.js';
import {
  append,
  item,
  items,
  removeTemporaryDirectories,
  storeOptions,
  temporaryDirectory,
} from './store-fixture.js';

afterAll(removeTemporaryDirectories);

async function open(directory: string, historyBytesMax = 2 ** 20): Promise<LogStore> {
  return (await openLogStore(storeOptions(directory, { historyBytesMax }))).store;
}

async function snapshot(store: LogStore, index: number, term = 1, received = false): Promise<void> {
  const writer = new SnapshotWriter(new Keyspace(), [
    ['helios-index', String(index)],
    ['helios-term', String(term)],
  ]);
  const sink = await store.createSnapshot();
  writer.step(1);
  await sink.write(writer.drain());
  await sink.finish();
  await (received ? store.reset({ index, term }, sink) : store.replaceBase({ index, term }, sink));
}

function reader(store: LogStore): HistoryReader {
  return new HistoryReader(systemDisk, () => store.files, new Pacer(systemClock, 1000));
}

/** Terms of all records from `from` on, as the reader gives them. */
async function terms(store: LogStore, from: number, through = 1000): Promise<number[]> {
  const history = reader(store);
  const found: number[] = [];
  for (;;) {
    const records = await history.read(from + found.length, through, 300);
    if (records.length === 0) break;
    for (const { record } of records) {
      expect(record.index).toBe(from + found.length);
      found.push(record.term);
    }
  }
  await history.close();
  return found;
}

function manifest(directory: string): string[] {
  const path = join(directory, 'appendonlydir/appendonly.aof.manifest');
  return readFileSync(path, 'latin1').trim().split('\n');
}

function segmentFiles(directory: string): string[] {
  return readdirSync(join(directory, 'appendonlydir')).filter((name) => name.endsWith('.incr.aof'));
}

describe('segments behind a snapshot', () => {
  it('stay, are named as history, are read back, and are found again', async () => {
    const directory = temporaryDirectory();
    const first = await open(directory);
    await append(first, ...items(1, 5));
    await first.rotate();
    await append(first, ...items(6, 9));
    await snapshot(first, 9);
    await append(first, ...items(10, 12, 2));
    expect(manifest(directory)).toEqual([
      'file appendonly.aof.1.base.rdb seq 1 type b by helios',
      'file appendonly.aof.1.incr.aof seq 1 type h first 1 last 5 by helios',
      'file appendonly.aof.2.incr.aof seq 2 type h first 6 last 9 by helios',
      'file appendonly.aof.3.incr.aof seq 3 type i by helios',
    ]);
    expect(await terms(first, 1)).toEqual([1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2]);
    expect(await terms(first, 7, 11)).toEqual([1, 1, 1, 2, 2]);
    const before = first.historyBytes;
    expect(before).toBeGreaterThan(0);
    await first.close();
    const again = await openLogStore(storeOptions(directory, { historyBytesMax: 2 ** 20 }));
    expect(again.records.map(({ record }) => record.index)).toEqual([10, 11, 12]);
    expect(again.store.historyBytes).toBe(before);
    expect(await terms(again.store, 3)).toEqual([1, 1, 1, 1, 1, 1, 1, 2, 2, 2]);
    await again.store.close();
  });

  it('go, oldest first, beyond the bound; none stay with a bound of 0', async () => {
    const directory = temporaryDirectory();
    const bound = 3000;
    const store = await open(directory, bound);
    for (let index = 1; index <= 60; index += 3) {
      await append(store, ...items(index, index + 2));
      await snapshot(store, index + 2);
      expect(store.historyBytes).toBeLessThanOrEqual(bound);
      const named = manifest(directory).filter((line) => line.includes('incr')).length;
      expect(segmentFiles(directory)).toHaveLength(named);
    }
    expect(store.historyBytes).toBeGreaterThan(bound / 2);
    await store.close();
    const none = await open(directory, 0);
    expect(none.historyBytes).toBeGreaterThan(0);
    await append(none, ...items(61, 62));
    await snapshot(none, 62);
    expect(none.historyBytes).toBe(0);
    expect(segmentFiles(directory)).toHaveLength(1);
    await none.close();
  });

  it('go at once when their room is wanted; the log opens again although it names them', async () => {
    const directory = temporaryDirectory();
    const store = await open(directory);
    await append(store, ...items(1, 3));
    await snapshot(store, 3);
    await append(store, ...items(4, 6));
    await snapshot(store, 6);
    await append(store, ...items(7, 8));
    const history = store.historyBytes;
    expect(history).toBeGreaterThan(0);
    await store.giveUpHistory();
    expect(store.historyBytes).toBe(0);
    expect(segmentFiles(directory)).toHaveLength(1);
    expect(await terms(store, 1)).toEqual([]);
    expect(await terms(store, 7)).toEqual([1, 1]);
    await store.close();
    const again = await openLogStore(storeOptions(directory, { historyBytesMax: 2 ** 20 }));
    expect(again.records.map(({ record }) => record.index)).toEqual([7, 8]);
    expect(again.store.historyBytes).toBe(0);
    await append(again.store, ...items(9, 10));
    await snapshot(again.store, 10);
    expect(manifest(directory)).toHaveLength(3);
    await again.store.close();
  });

  it('go when another log takes their place', async () => {
    const directory = temporaryDirectory();
    const store = await open(directory);
    await append(store, ...items(1, 3));
    await snapshot(store, 3);
    await append(store, ...items(4, 5));
    await snapshot(store, 20, 2, true);
    expect(store.historyBytes).toBe(0);
    expect(segmentFiles(directory)).toHaveLength(1);
    expect(await terms(store, 1)).toEqual([]);
    await store.close();
  });

  it('that are gone or damaged keep nothing from starting', async () => {
    const directory = temporaryDirectory();
    const store = await open(directory);
    for (const index of [1, 4, 7, 10]) {
      await append(store, ...items(index, index + 2));
      await snapshot(store, index + 2);
    }
    await store.close();
    const path = (seq: number) => join(directory, `appendonlydir/appendonly.aof.${seq}.incr.aof`);
    const bytes = readFileSync(path(4));
    bytes[bytes.length - 5] = bytes[bytes.length - 5]! ^ 1;
    writeFileSync(path(4), bytes);
    rmSync(path(2));
    const again = await open(directory);
    expect(again.files.map(({ minIndex }) => minIndex)).toEqual([7, 10, 0]);
    expect(await terms(again, 1)).toEqual([]);
    expect(await terms(again, 7, 9)).toEqual([1, 1, 1]);
    await expect(terms(again, 10)).rejects.toMatchObject({ code: 'E_LOG_HISTORY' });
    await append(again, ...items(13, 14));
    await snapshot(again, 14);
    expect(existsSync(path(1))).toBe(true);
    await again.close();
    // No manifest names it any more: a leftover.
    await (await open(directory)).close();
    expect(existsSync(path(1))).toBe(false);
  });
});

describe('what was truncated', () => {
  it('is not read back, within a segment and across several', async () => {
    const directory = temporaryDirectory();
    const store = await open(directory);
    await append(store, ...items(1, 6));
    await append(store, ...items(5, 7, 2));
    await store.rotate();
    await append(store, ...items(8, 9, 2));
    await store.rotate();
    await append(store, ...items(7, 10, 3));
    await append(store, ...items(9, 11, 4));
    await snapshot(store, 11, 4);
    expect(await terms(store, 1)).toEqual([1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 4]);
    const history = reader(store);
    expect(await history.termAt(8)).toBe(3);
    expect(await history.termAt(12)).toBeNull();
    await append(store, item(12, 4));
    expect(await history.termAt(12)).toBe(4);
    expect(history.bytesFrom(13)).toBeNull();
    expect(history.bytesFrom(1)).toBe(store.historyBytes + store.logBytes);
    await history.close();
    await store.close();
  });

  it('does not come back when a snapshot drops the segment that truncated it', async () => {
    const directory = temporaryDirectory();
    const store = await open(directory, 0);
    await append(store, ...items(1, 10));
    await store.rotate();
    await append(store, ...items(8, 9, 2));
    await store.rotate();
    await snapshot(store, 9, 2);
    await store.close();
    const again = await openLogStore(storeOptions(directory));
    expect(again.records).toEqual([]);
    expect(again.store.lastIndex).toBe(9);
    await append(again.store, item(10, 2));
    await again.store.close();
    const { records, store: last } = await openLogStore(storeOptions(directory));
    expect(records.map(({ record }) => [record.index, record.term])).toEqual([[10, 2]]);
    await last.close();
  });
});

describe('records larger than a window', () => {
  it('are read back', async () => {
    const directory = temporaryDirectory();
    const store = await open(directory, 2 ** 30);
    await append(
      store,
      item(1, 1, 'x'.repeat(3 * 2 ** 20)),
      item(2),
      item(3, 1, 'y'.repeat(2 ** 20)),
    );
    await snapshot(store, 3);
    expect(await terms(store, 1)).toEqual([1, 1, 1]);
    await store.close();
  });
});
