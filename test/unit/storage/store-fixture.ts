// Owns: temporary directories, records and helpers for the storage tests.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LogRecord } from '../../../src/base/log-entry.js';
import { systemClock } from '../../../src/platform/clock.js';
import { systemDisk } from '../../../src/platform/disk.js';
import type { LogStore, LogStoreOptions } from '../../../src/storage/log-store.js';
import { encodeRecord } from '../../../src/storage/record.js';

export const OWNER = '0b6c1c4e-5d7e-4d0e-9c39-0123456789ab';

const directories: string[] = [];

export function temporaryDirectory(): string {
  const path = mkdtempSync(join(tmpdir(), 'helios-storage-'));
  directories.push(path);
  return path;
}

export function removeTemporaryDirectories(): void {
  for (const path of directories.splice(0)) rmSync(path, { recursive: true, force: true });
}

export function storeOptions(
  directory: string,
  over: Partial<LogStoreOptions> = {},
): LogStoreOptions {
  return {
    disk: systemDisk,
    clock: systemClock,
    directory,
    owner: OWNER,
    fsync: 'every',
    onFatal: (error) => {
      throw error;
    },
    ...over,
  };
}

/** One RESP command. */
export function command(...words: string[]): string {
  return `*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join('')}`;
}

export interface Item {
  readonly index: number;
  readonly bytes: Buffer;
}

/** A batch record that sets key `k<index>` to `value`. */
export function item(index: number, term = 1, value = `v${index}`): Item {
  const payload = Buffer.from(command('SET', `k${index}`, value), 'latin1');
  const runs = [{ node: 'node-1', incarnation: 1, firstSeq: index, count: 1, watchIndex: 0 }];
  const record: LogRecord = {
    index,
    term,
    kind: 'batch',
    time: 1.7e12 + index,
    seed: index,
    runs,
    payload,
  };
  return { index, bytes: encodeRecord(record, [payload]) };
}

export function items(from: number, to: number, term = 1): Item[] {
  return Array.from({ length: to - from + 1 }, (_, i) => item(from + i, term));
}

export function append(store: LogStore, ...given: Item[]): Promise<void> {
  return new Promise((resolve) => store.append(given, resolve));
}
