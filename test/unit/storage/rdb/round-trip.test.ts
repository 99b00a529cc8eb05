// Keyspaces written and read again, changed while they are written.

import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Rng } from '../../../../src/base/rng.js';
import { Digest } from '../../../../src/keyspace/digest.js';
import { Keyspace } from '../../../../src/keyspace/keyspace.js';
import { SetValue } from '../../../../src/keyspace/set.js';
import { systemClock } from '../../../../src/platform/clock.js';
import { systemDisk } from '../../../../src/platform/disk.js';
import { Pacer } from '../../../../src/platform/pacer.js';
import { dumpValue, restoreValue } from '../../../../src/storage/rdb/dump.js';
import { loadRdb, verifyRdb } from '../../../../src/storage/rdb/reader.js';
import { SnapshotWriter } from '../../../../src/storage/rdb/snapshot-writer.js';
import { removeTemporaryDirectories, temporaryDirectory } from '../store-fixture.js';
import { dumpExactly, dumpKeyspace, fillKeyspace, randomValue } from './contents.js';
import { dumpOracle, hasProgram, type Oracle, startOracle } from './oracle.js';

const redis = hasProgram('redis-server') && hasProgram('redis-check-rdb');
if (!redis) console.warn('redis-server is not on PATH: RDB is not compared with it');

let directory = '';
beforeAll(() => {
  directory = temporaryDirectory();
});
afterAll(removeTemporaryDirectories);

const AUX: [string, string][] = [
  ['redis-ver', '7.0.15'],
  ['redis-bits', '64'],
  ['aof-base', '1'],
  ['helios-index', '17'],
  ['helios-membership', '{"voters":["a"]}'],
];

function write(keyspace: Keyspace, between: () => void = () => undefined): Buffer {
  const writer = new SnapshotWriter(keyspace, AUX);
  const chunks: Buffer[] = [];
  for (let done = false; !done; between()) {
    done = writer.step(7);
    // Copied, as a written file is: the writer uses the memory again.
    chunks.push(...writer.drain().map((chunk) => Buffer.from(chunk)));
    writer.reuse();
  }
  expect(keyspace.observer).toBeNull();
  return Buffer.concat(chunks);
}

async function load(
  bytes: Buffer,
): Promise<{ keyspace: Keyspace; aux: ReadonlyMap<string, string> }> {
  const path = `${directory}/load.rdb`;
  writeFileSync(path, bytes);
  const keyspace = new Keyspace();
  const { aux } = await loadRdb(systemDisk, path, keyspace);
  return { keyspace, aux };
}

const dbs = [0, 5];

describe('what we write and read ourselves', () => {
  it('is the same down to order and encoding', async () => {
    const keyspace = new Keyspace();
    fillKeyspace(keyspace, new Rng(1), 400);
    const shrunk = new SetValue();
    for (let i = 0; i < 200; i++) shrunk.add(`m${i}`);
    for (let i = 0; i < 190; i++) shrunk.delete(`m${i}`);
    keyspace.database(0).set('shrunk', shrunk);
    const loaded = await load(write(keyspace));
    const { 'helios-digest': digest, ...aux } = Object.fromEntries(loaded.aux);
    expect(aux).toEqual(Object.fromEntries(AUX));
    expect(digest).toMatch(/^[0-9a-f]{16} 401$/);
    for (const db of dbs)
      expect(dumpExactly(loaded.keyspace, db)).toEqual(dumpExactly(keyspace, db));
    expect(loaded.keyspace.bytes).toBeGreaterThan(0);
  });

  it('is the state at the start, whatever changes between slices', async () => {
    // Its digest too: a load compares what it read with what the walk counted.
    for (let seed = 1; seed <= 12; seed++) {
      const rng = new Rng(seed);
      const keyspace = new Keyspace();
      fillKeyspace(keyspace, rng, 150);
      for (let i = 0; i < 30; i++) keyspace.database(0).delete(`key:${rng.below(150)}`);
      const before = dbs.map((db) => dumpExactly(keyspace, db));
      const bytes = write(keyspace, () => mutate(keyspace, rng));
      const loaded = await load(bytes);
      expect(dbs.map((db) => dumpExactly(loaded.keyspace, db))).toEqual(before);
    }
  });

  it('is verified with the digest of a load, also where values are longer than a window', async () => {
    const keyspace = new Keyspace();
    fillKeyspace(keyspace, new Rng(21), 500);
    const database = keyspace.database(0);
    for (let i = 0; i < 20; i++) database.set(`long${i}`, String.fromCharCode(i).repeat(i * 7919));
    database.set('longest', 'x'.repeat(700_000));
    const bytes = write(keyspace);
    expect(bytes.length).toBeGreaterThan(2_000_000);
    const path = `${directory}/verify.rdb`;
    const verify = () => verifyRdb(systemDisk, path, new Pacer(systemClock, 1));
    writeFileSync(path, bytes);
    const report = await verify();
    const loaded = new Digest();
    for (const db of dbs) {
      const { table } = keyspace.database(db);
      for (let slot = 0; slot < table.slotCount; slot++) {
        const value = table.valueAt(slot);
        if (value !== undefined) loaded.add(db, table.keyAt(slot)!, value, table.expireAt(slot));
      }
    }
    expect(`${report.digest} ${report.keys}`).toBe(`${loaded} ${loaded.keys}`);
    const rng = new Rng(22);
    for (let i = 0; i < 3; i++) {
      const damaged = Buffer.from(bytes);
      damaged[rng.below(damaged.length)]! ^= 1 << rng.below(8);
      writeFileSync(path, damaged);
      await expect(verify()).rejects.toMatchObject({ code: 'E_RDB' });
    }
  });

  it('goes on alike: the same slots, order and random choices after the same later changes', async () => {
    const keyspace = new Keyspace();
    fillKeyspace(keyspace, new Rng(6), 120);
    const rng = new Rng(7);
    for (let i = 0; i < 60; i++) keyspace.database(0).delete(`key:${rng.below(120)}`);
    for (const key of ['a', 'b', 'c']) keyspace.database(9).set(key, key);
    for (const key of ['a', 'c', 'b']) keyspace.database(9).delete(key);
    const { keyspace: loaded } = await load(write(keyspace));
    for (const each of [keyspace, loaded]) {
      const later = new Rng(8);
      for (let i = 0; i < 90; i++) {
        const key = `key:${later.below(150)}`;
        if (later.below(3) === 0) each.database(0).delete(key);
        else each.database(0).set(key, String(i));
        each.database(9).set(key, '');
      }
    }
    const order = (each: Keyspace) => [0, 9].map((db) => [...each.database(db).liveKeys(0)]);
    expect(order(loaded)).toEqual(order(keyspace));
    expect(loaded.database(0).table.slotCount).toBe(keyspace.database(0).table.slotCount);
    const choices = (each: Keyspace) => {
      const random = new Rng(9);
      return Array.from({ length: 50 }, () => each.database(0).randomKey(random, 0));
    };
    expect(choices(loaded)).toEqual(choices(keyspace));
  });

  it('is the same bytes for the same history, whatever changes between slices', () => {
    const make = (): Keyspace => {
      const keyspace = new Keyspace();
      fillKeyspace(keyspace, new Rng(9), 150);
      return keyspace;
    };
    const quiet = write(make());
    const busy = make();
    const rng = new Rng(10);
    expect(write(busy, () => mutate(busy, rng)).equals(quiet)).toBe(true);
  });

  it('is a value that DUMP and RESTORE carry', () => {
    const rng = new Rng(3);
    for (let i = 0; i < 200; i++) {
      const payload = dumpValue(randomValue(rng));
      expect(dumpValue(restoreValue(payload)!)).toBe(payload);
      const at = rng.below(payload.length);
      const flipped = String.fromCharCode(payload.charCodeAt(at) ^ (1 << rng.below(8)));
      expect(restoreValue(payload.slice(0, at) + flipped + payload.slice(at + 1))).toBeNull();
      expect(restoreValue(payload.slice(0, at))).toBeNull();
    }
  });
});

function mutate(keyspace: Keyspace, rng: Rng): void {
  for (let i = 0; i < 6; i++) {
    const database = keyspace.database(rng.below(2) * 5);
    const key = `key:${rng.below(200)}`;
    const kind = rng.below(40);
    if (kind === 0) keyspace.flush(database);
    else if (kind === 1) keyspace.swap(keyspace.database(0), keyspace.database(5));
    else if (kind < 12) database.delete(key);
    else if (kind < 20) database.set(key, randomValue(rng));
    else if (kind < 26 && database.has(key, 0)) database.setExpireAt(key, 5e12);
    else if (kind < 30) database.persist(key);
    else {
      const value = database.lookupWrite(key, 0);
      if (value instanceof SetValue) value.add(`extra${rng.below(1e6)}`);
      if (value !== undefined) database.touch(key);
    }
  }
}

/** Compares key by key, so that a difference prints one key and not a data set of binary. */
function expectSame(found: Map<string, string>, expected: Map<string, string>): void {
  expect([...found.keys()].sort()).toEqual([...expected.keys()].sort());
  for (const [key, text] of expected) {
    if (found.get(key) === text) continue;
    expect(JSON.stringify([key, found.get(key)]).slice(0, 300)).toBe(
      JSON.stringify([key, text]).slice(0, 300),
    );
    throw new Error(`${JSON.stringify(key)} differs after the first 300 characters`);
  }
}

describe.skipIf(!redis)('beside a real Redis', () => {
  it('what we write, redis-check-rdb accepts and redis-server loads', async () => {
    const keyspace = new Keyspace();
    fillKeyspace(keyspace, new Rng(2), 300);
    const path = `${directory}/ours.rdb`;
    writeFileSync(path, write(keyspace));
    expect(execFileSync('redis-check-rdb', [path], { encoding: 'latin1' })).toMatch(/RDB looks OK/);
    const oracle = await startOracle(directory, '--dbfilename', 'ours.rdb');
    try {
      for (const db of dbs) {
        expectSame(await dumpOracle(oracle.client, db), dumpKeyspace(keyspace, db));
      }
    } finally {
      await oracle.stop();
    }
  });

  it.each([
    ['default encodings', []],
    ['no compact encodings, no compression', ['--rdbcompression', 'no', ...compact('0')]],
    ['only compact encodings', compact('100000')],
    ['no checksum', ['--rdbchecksum', 'no']],
  ])('what redis-server writes, we load: %s', async (_, options) => {
    const oracle = await startOracle(directory, '--dbfilename', 'theirs.rdb', ...options);
    try {
      await fillOracle(oracle);
      await oracle.client.save();
      const keyspace = new Keyspace();
      await loadRdb(systemDisk, `${directory}/theirs.rdb`, keyspace);
      for (const db of dbs) {
        expectSame(dumpKeyspace(keyspace, db), await dumpOracle(oracle.client, db));
      }
      const payload = (await oracle.client.dumpBuffer('l:a:700'))!.latin1Slice();
      expect(restoreValue(payload)).not.toBeNull();
      const ours = Buffer.from(dumpValue(restoreValue(payload)!), 'latin1');
      await oracle.client.restore('again', 0, ours);
      expect(await oracle.client.lrange('again', 0, -1)).toEqual(
        await oracle.client.lrange('l:a:700', 0, -1),
      );
    } finally {
      await oracle.stop();
    }
  });

  it('a stream is named in the error', async () => {
    const oracle = await startOracle(directory, '--dbfilename', 'stream.rdb');
    try {
      await oracle.client.xadd('x', '*', 'a', 'b');
      await oracle.client.save();
    } finally {
      await oracle.stop();
    }
    const loading = loadRdb(systemDisk, `${directory}/stream.rdb`, new Keyspace());
    await expect(loading).rejects.toThrow(/stream.*does not support/);
  });

  it('every prefix and many damaged copies of a dump are refused, none crashes', async () => {
    const bytes = readFileSync(`${directory}/theirs.rdb`).subarray(0, 40_000);
    const rng = new Rng(4);
    for (let i = 0; i < 150; i++) {
      const damaged = Buffer.from(bytes.subarray(0, 10 + rng.below(bytes.length - 10)));
      for (let n = rng.below(3); n > 0; n--)
        damaged[9 + rng.below(damaged.length - 9)] = rng.below(256);
      await expect(load(damaged)).rejects.toMatchObject({ code: 'E_RDB' });
    }
  });
});

function compact(limit: string): string[] {
  const names = ['hash-max-listpack', 'zset-max-listpack'];
  const both = names.flatMap((name) => [`--${name}-entries`, limit, `--${name}-value`, limit]);
  return [...both, '--set-max-intset-entries', limit];
}

async function fillOracle({ client }: Oracle): Promise<void> {
  const texts: Record<string, (i: number) => string> = {
    a: (i) => `item ${i}`,
    b: (i) => String(i * i * i * 1009 - 5e8),
    c: (i) => `${'compressible '.repeat(i % 9)}${i}`,
    d: (i) => String(-i),
  };
  for (const db of dbs) {
    await client.select(db);
    const batch = client.pipeline();
    for (const [name, text] of Object.entries(texts)) {
      for (const size of [1, 5, 200, 700]) {
        const items = Array.from({ length: size }, (_, i) => text(i));
        const key = `${name}:${size}`;
        batch.set(`s:${key}`, items.join(' '), 'PXAT', 4e12 + size);
        batch.set(`n:${key}`, text(size));
        batch.rpush(`l:${key}`, ...items);
        batch.sadd(`t:${key}`, ...items);
        batch.hset(`h:${key}`, ...items.flatMap((item) => [item, `${item}!`]));
        batch.zadd(`z:${key}`, ...items.flatMap((item, i) => [String(i * 0.25 - 3), item]));
      }
    }
    batch.zadd('z:inf', '+inf', 'a', '-inf', 'b', '1e300', 'c');
    batch.rpush('l:large', 'x'.repeat(100_000), 'y', 'z'.repeat(9000));
    await batch.exec();
  }
  await client.select(0);
}
