// Goal: data directories go both ways between Helios and a real Redis.

import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { Keyspace } from '../../../src/keyspace/keyspace.js';
import { systemDisk } from '../../../src/platform/disk.js';
import { AofReader } from '../../../src/storage/aof-reader.js';
import {
  Adoption,
  findForeignData,
  finishAdoption,
  importForeignData,
} from '../../../src/storage/foreign-data.js';
import { openLogStore } from '../../../src/storage/log-recovery.js';
import { loadRdb } from '../../../src/storage/rdb/reader.js';
import { SnapshotWriter } from '../../../src/storage/rdb/snapshot-writer.js';
import { dumpKeyspace } from './rdb/contents.js';
import { dumpOracle, hasProgram, startOracle } from './rdb/oracle.js';
import {
  append,
  command,
  items,
  removeTemporaryDirectories,
  storeOptions,
  temporaryDirectory,
} from './store-fixture.js';

afterAll(removeTemporaryDirectories);
const redis = hasProgram('redis-server');
if (!redis) console.warn('redis-server is not on PATH: directories are not exchanged with it');

/** The few commands the imports here need; the driver passes real ones to the machine. */
function apply(keyspace: Keyspace) {
  return (args: readonly string[], db: number): void => {
    const [name, key = '', value = ''] = args;
    if (/^set$/i.test(name!)) keyspace.database(db).set(key, value);
    else if (/^del$/i.test(name!)) keyspace.database(db).delete(key);
    else throw new Error(`unexpected ${name}`);
  };
}

async function imported(directory: string) {
  const data = await findForeignData(systemDisk, directory, false);
  const keyspace = new Keyspace();
  const report = await importForeignData(systemDisk, data!, keyspace, apply(keyspace));
  return { data: data!, keyspace, report };
}

describe('our own directory', () => {
  it('is damaged, not a plain one, when nothing in its log can be read', async () => {
    const directory = temporaryDirectory();
    const { store } = await openLogStore(storeOptions(directory));
    await append(store, ...items(1, 9));
    await store.close();
    const segment = `${directory}/appendonlydir/appendonly.aof.1.incr.aof`;
    const bytes = readFileSync(segment);
    for (const noise of ['x'.repeat(64), '#'.padEnd(64, '.'), '*1\r\n$4\r\nPING\r\n'.repeat(4)]) {
      bytes.write(noise, 0, 'latin1');
      writeFileSync(segment, bytes);
      expect(await findForeignData(systemDisk, directory, false)).toBeNull();
      await expect(openLogStore(storeOptions(directory))).rejects.toMatchObject({
        code: 'E_LOG_CORRUPT',
      });
    }
  });

  it('is not replaced by a dump.rdb beside it when it is gone', async () => {
    const directory = temporaryDirectory();
    writeFileSync(`${directory}/dump.rdb`, 'REDIS0009');
    expect(await findForeignData(systemDisk, directory, true)).toBeNull();
    expect((await findForeignData(systemDisk, directory, false))?.description).toBe('dump.rdb');
  });
});

describe.skipIf(!redis)('a real Redis', () => {
  it('loads our directory after a clean stop', async () => {
    const directory = temporaryDirectory();
    const { store } = await openLogStore(storeOptions(directory));
    await append(store, ...items(1, 9));
    const keyspace = new Keyspace();
    for (let i = 1; i <= 9; i++) keyspace.database(0).set(`k${i}`, `v${i}`);
    const aux: [string, string][] = [
      ['helios-index', '9'],
      ['helios-term', '1'],
      ['aof-base', '1'],
    ];
    const writer = new SnapshotWriter(keyspace, aux);
    const sink = await store.createSnapshot();
    writer.step(100);
    await sink.write(writer.drain());
    await sink.finish();
    await store.replaceBase({ index: 9, term: 1 }, sink);
    await store.close();
    const oracle = await startOracle(directory, '--appendonly', 'yes');
    try {
      expect(await dumpOracle(oracle.client, 0)).toEqual(dumpKeyspace(keyspace, 0));
    } finally {
      await oracle.stop();
    }
  });

  it('replays our log itself when there is no snapshot', async () => {
    const directory = temporaryDirectory();
    const { store } = await openLogStore(storeOptions(directory));
    await append(store, ...items(1, 9));
    await store.close();
    const oracle = await startOracle(directory, '--appendonly', 'yes');
    try {
      expect(await oracle.client.get('k9')).toBe('v9');
      expect(await oracle.client.dbsize()).toBe(9);
    } finally {
      await oracle.stop();
    }
  });

  it.each([
    ['multi-part append-only directory', ['--appendonly', 'yes'], true],
    [
      'directory without RDB preamble',
      ['--appendonly', 'yes', '--aof-use-rdb-preamble', 'no'],
      true,
    ],
    ['dump.rdb alone', [], false],
  ])('has its data taken over: %s', async (_, options, rewrite) => {
    const directory = temporaryDirectory();
    const oracle = await startOracle(directory, '--aof-timestamp-enabled', 'yes', ...options);
    let expected = new Map<string, string>();
    try {
      await oracle.client.mset('a', '1', 'b', '2');
      await oracle.client.del('a', 'b');
      for (let i = 0; i < 50; i++) await oracle.client.set(`k${i}`, `v${i}`);
      if (rewrite) {
        await oracle.client.call('BGREWRITEAOF');
        while (/aof_rewrite_in_progress:1/.test(await oracle.client.info('persistence'))) {
          await new Promise(setImmediate);
        }
        await oracle.client.multi().set('m', '1').set('n', '2').del('k3').exec();
        await oracle.client.select(2);
        await oracle.client.set('other', 'db');
      } else {
        await oracle.client.save();
      }
      expected = await dumpOracle(oracle.client, 0);
    } finally {
      await oracle.stop();
    }
    const options2 = storeOptions(directory);
    await expect(openLogStore(options2)).rejects.toMatchObject({ code: 'E_FOREIGN_DATA' });
    const { keyspace, report } = await imported(directory);
    expect(dumpKeyspace(keyspace, 0)).toEqual(expected);
    expect(report.cutBytes).toBe(0);
    if (rewrite) expect(keyspace.database(2).peek('other', 0)).toBe('db');
    const adoption = await Adoption.begin(options2);
    const writer = new SnapshotWriter(keyspace, [
      ['helios-index', '1'],
      ['helios-term', '1'],
    ]);
    for (let done = false; !done; ) {
      done = writer.step(20);
      await adoption.sink.write(writer.drain());
    }
    await adoption.sink.finish();
    await adoption.commit({ index: 1, term: 1 });
    const { store, snapshot } = await openLogStore(options2);
    await store.close();
    expect(snapshot).toMatchObject({ index: 1, term: 1 });
    const again = new Keyspace();
    await loadRdb(systemDisk, snapshot!.path, again);
    expect(dumpKeyspace(again, 0)).toEqual(expected);
    expect(existsSync(`${directory}/appendonlydir.imported`)).toBe(rewrite);
  });
});

describe('plain files', () => {
  it('an old appendonly.aof is replayed, a cut tail left out', async () => {
    const directory = temporaryDirectory();
    const whole = command('SELECT', '3') + command('set', 'a', '1');
    const transaction = command('MULTI') + command('SET', 'b', '2');
    writeFileSync(`${directory}/appendonly.aof`, `#TS:1\r\n${whole}${transaction}*3\r\n$3\r\nSE`);
    const { keyspace, report } = await imported(directory);
    expect([...dumpKeyspace(keyspace, 3).keys()]).toEqual(['a']);
    expect(report).toEqual({ keys: 1, commands: 1, cutBytes: transaction.length + 10 });
  });

  it('a half-made adoption is finished on start, an unfinished one ignored', async () => {
    const directory = temporaryDirectory();
    mkdirSync(`${directory}/appendonlydir.new`);
    writeFileSync(`${directory}/appendonlydir.new/x`, '');
    writeFileSync(`${directory}/appendonly.aof`, command('SET', 'a', '1'));
    await finishAdoption(systemDisk, directory);
    expect((await findForeignData(systemDisk, directory, false))?.description).toBe(
      'appendonly.aof',
    );
    writeFileSync(
      `${directory}/appendonlydir.new/appendonly.aof.manifest`,
      'file x seq 1 type i\n',
    );
    await finishAdoption(systemDisk, directory);
    expect(readdirSync(directory).sort()).toEqual(['appendonly.aof', 'appendonlydir']);
    expect(readFileSync(`${directory}/appendonlydir/x`, 'latin1')).toBe('');
  });

  it('any chunking gives the same commands; any bytes give commands or E_AOF', () => {
    const text = `#TS:1\r\n${command('SET', 'a', 'x'.repeat(50))}${command('DEL', '')}`.repeat(3);
    const read = (bytes: Buffer, cuts: number[]): string[] => {
      const out: string[] = [];
      const reader = new AofReader('file', 0, (args) => out.push(args.join(' ')));
      let from = 0;
      for (const cut of [...cuts.sort((a, b) => a - b), bytes.length]) {
        reader.push(bytes.subarray(from, cut));
        from = cut;
      }
      reader.finish();
      return out;
    };
    const whole = read(Buffer.from(text), []);
    expect(whole.length).toBe(6);
    const edit = fc.tuple(fc.nat(text.length - 1), fc.nat(255));
    fc.assert(
      fc.property(
        fc.array(fc.nat(text.length), { maxLength: 9 }),
        fc.array(edit),
        (cuts, edits) => {
          expect(read(Buffer.from(text), cuts)).toEqual(whole);
          const damaged = Buffer.from(text);
          for (const [at, byte] of edits) damaged[at] = byte;
          try {
            read(damaged, cuts);
          } catch (error) {
            expect(error).toMatchObject({ code: 'E_AOF' });
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});
