// Starting from a directory: torn tails, bit rot, leftovers, other people's files.

import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Disk, type DiskFile, systemDisk } from '../../../src/platform/disk.js';
import { openLogStore, type RecoveredLog } from '../../../src/storage/log-recovery.js';
import { decodeRecord } from '../../../src/storage/record.js';
import { LogAssembler, segmentHeader } from '../../../src/storage/segment.js';
import { LogCorruptError } from '../../../src/storage/storage-errors.js';
import {
  append,
  item,
  items,
  OWNER,
  removeTemporaryDirectories,
  storeOptions,
  temporaryDirectory,
} from './store-fixture.js';

const RECORDS = 5;
const HEADER = segmentHeader(1, OWNER);
const LOG = Buffer.concat([HEADER, ...items(1, RECORDS).map(({ bytes }) => bytes)]);
/** Offsets at which a record ends. */
const ENDS = [HEADER.length];
for (const { bytes } of items(1, RECORDS)) ENDS.push(ENDS.at(-1)! + bytes.length);

function scan(bytes: Buffer, isLast = true): { indexes: number[]; end: number } {
  const assembler = new LogAssembler(0, OWNER);
  const { end } = assembler.scan('file', bytes, 1, isLast);
  return { indexes: assembler.records.map(({ record }) => record.index), end };
}

const firstN = (n: number): number[] => Array.from({ length: n }, (_, i) => i + 1);

describe('a crash in the last segment', () => {
  it('at any byte leaves the records before it', () => {
    for (let length = HEADER.length; length <= LOG.length; length++) {
      const whole = ENDS.filter((end) => end <= length).length - 1;
      const found = scan(LOG.subarray(0, length));
      expect(found).toEqual({ indexes: firstN(whole), end: ENDS[whole] });
    }
  });

  it('at any sector, or behind any record, zeros behind it, leaves the records before it', () => {
    const sectors = [512, 1024].filter((at) => at > HEADER.length && at < LOG.length);
    expect(sectors).toContain(512);
    for (const length of [...sectors, ...ENDS]) {
      const whole = ENDS.filter((end) => end <= length).length - 1;
      for (const zeros of [1, LOG.length - length, 700]) {
        if (zeros === 0) continue;
        const bytes = Buffer.concat([LOG.subarray(0, length), Buffer.alloc(zeros)]);
        expect(scan(bytes)).toEqual({ indexes: firstN(whole), end: ENDS[whole] });
      }
    }
  });

  it('is not what turned the end of a whole record to zeros: it may have been acknowledged', () => {
    const last = ENDS.at(-2)!;
    const sector = LOG.length - 1 - ((LOG.length - 1) % 512);
    for (let length = Math.max(last, sector) + 1; length < LOG.length; length++) {
      const bytes = Buffer.from(LOG).fill(0, length);
      expect(() => scan(bytes), `from ${length}`).toThrow(LogCorruptError);
    }
  });

  it('is damage in any earlier segment', () => {
    for (let length = HEADER.length + 1; length < LOG.length; length++) {
      if (ENDS.includes(length)) continue;
      expect(() => scan(LOG.subarray(0, length), false)).toThrow(LogCorruptError);
    }
  });
});

describe('damage', () => {
  it('of any bit is found, at the record it is in', () => {
    for (let bit = 0; bit < LOG.length * 8; bit++) {
      const bytes = Buffer.from(LOG);
      bytes[bit >> 3]! ^= 1 << (bit & 7);
      let thrown: unknown;
      try {
        scan(bytes);
      } catch (error) {
        thrown = error;
      }
      if (!(thrown instanceof LogCorruptError)) {
        expect(thrown, `bit ${bit}`).toMatchObject({
          code: expect.stringMatching(/^E_(FORMAT_VERSION|FOREIGN_DATA)$/),
        });
        continue;
      }
      const start = ENDS.findLastIndex((end) => end <= bit >> 3);
      expect(thrown.offset).toBe(start < 0 ? 0 : ENDS[start]);
      expect(thrown.expectedIndex).toBe(Math.max(start, 0) + 1);
    }
  });

  it('of any bytes gives a prefix or an error, never other records', () => {
    const edit = fc.record({ at: fc.nat(LOG.length - 1), bytes: fc.uint8Array({ maxLength: 60 }) });
    fc.assert(
      fc.property(fc.array(edit, { minLength: 1, maxLength: 3 }), (edits) => {
        const bytes = Buffer.from(LOG);
        for (const { at, bytes: noise } of edits) bytes.set(noise.subarray(0, LOG.length - at), at);
        try {
          const { indexes } = scan(bytes);
          expect(indexes).toEqual(firstN(indexes.length));
        } catch (error) {
          expect(error).toHaveProperty('code');
        }
      }),
      { numRuns: 500 },
    );
  });

  it('is a missing record, a repeated segment, a term that falls', () => {
    const gap = Buffer.concat([HEADER, item(1).bytes, item(3).bytes]);
    expect(() => scan(gap)).toThrow(/record 2 is expected.*found record 3/);
    const late = Buffer.concat([HEADER, item(2).bytes]);
    expect(() => scan(late)).toThrow(LogCorruptError);
    const fall = Buffer.concat([HEADER, item(1, 3).bytes, item(2, 2).bytes]);
    expect(() => scan(fall)).toThrow(/term 2 is too low/);
    expect(() => new LogAssembler(0, OWNER).scan('file', LOG, 2, true)).toThrow(LogCorruptError);
  });
});

describe('opening a directory', () => {
  let pristine: string;

  beforeAll(async () => {
    pristine = `${temporaryDirectory()}/data`;
    const { store } = await openLogStore(storeOptions(pristine));
    await append(store, ...items(1, RECORDS));
    await store.rotate();
    await append(store, item(RECORDS + 1));
    await store.close();
  });

  afterAll(removeTemporaryDirectories);

  async function open(change: (aof: string) => void): Promise<RecoveredLog> {
    const directory = `${temporaryDirectory()}/data`;
    cpSync(pristine, directory, { recursive: true });
    change(`${directory}/appendonlydir`);
    const recovered = await openLogStore(storeOptions(directory));
    await recovered.store.close();
    return recovered;
  }

  it('cuts a torn tail on disk and says so', async () => {
    const half = item(RECORDS + 2).bytes.subarray(0, 50);
    let path = '';
    const { cut, records } = await open((aof) => {
      path = `${aof}/appendonly.aof.2.incr.aof`;
      writeFileSync(path, Buffer.concat([readFileSync(path), half]));
    });
    expect(records.length).toBe(RECORDS + 1);
    expect(cut).toEqual({ file: path, offset: readFileSync(path).length, bytes: 50 });
    const file = readFileSync(path);
    expect(decodeRecord(file, file.length - item(RECORDS + 1).bytes.length)).toHaveProperty(
      'record',
    );
  });

  it('changes nothing when the log is damaged', async () => {
    let path = '';
    let damaged = Buffer.alloc(0);
    const opening = open((aof) => {
      path = `${aof}/appendonly.aof.1.incr.aof`;
      damaged = readFileSync(path);
      damaged[damaged.length - 4]! ^= 1;
      writeFileSync(path, damaged);
    });
    await expect(opening).rejects.toMatchObject({
      code: 'E_LOG_CORRUPT',
      file: expect.stringMatching(/appendonly.aof.1.incr.aof$/),
      expectedIndex: RECORDS,
    });
    expect(readFileSync(path).equals(damaged)).toBe(true);
  });

  it('refuses every cut-short and most damaged manifests, and never hangs', async () => {
    const manifest = readFileSync(`${pristine}/appendonlydir/appendonly.aof.manifest`);
    const write = (bytes: Buffer) => (aof: string) => {
      writeFileSync(`${aof}/appendonly.aof.manifest`, bytes);
    };
    const lines = manifest.latin1Slice().split('\n');
    for (let length = 0; length < manifest.length; length += 3) {
      if (length === lines[0]!.length + 1) continue;
      const opening = open(write(manifest.subarray(0, length)));
      await expect(opening, `cut at ${length}`).rejects.toHaveProperty('code');
    }
    const bad = [
      'file ../x seq 1 type i\n',
      'file a seq 0 type i\n',
      'file a seq 1 type q\n',
      'file a seq 1\n',
      'file "a seq 1 type i\n',
      `${lines[1]}\n${lines[0]}\n`,
      'file a seq 1 type b\nfile b seq 2 type b\n',
      '\n',
    ];
    for (const text of bad) {
      const opening = open(write(Buffer.from(text)));
      await expect(opening, text).rejects.toMatchObject({ code: 'E_MANIFEST' });
    }
  });

  it('refuses a manifest that lost a line rather than removing the log it no longer names', async () => {
    const directory = temporaryDirectory();
    const { store } = await openLogStore(storeOptions(directory));
    await append(store, ...items(1, 2));
    await store.rotate();
    await append(store, ...items(3, 4));
    await store.close();
    const path = `${directory}/appendonlydir/appendonly.aof.manifest`;
    const [first] = readFileSync(path, 'latin1').split('\n');
    writeFileSync(path, `${first}\n`);
    await expect(openLogStore(storeOptions(directory))).rejects.toMatchObject({
      code: 'E_MANIFEST',
      message: expect.stringContaining('the manifest lost lines'),
    });
  });

  it('takes a segment whose first line was cut short by a crash for a leftover', async () => {
    for (const length of [0, 1, 40, segmentHeader(3, OWNER).length]) {
      const { records } = await open((aof) => {
        const torn = segmentHeader(3, OWNER).subarray(0, length);
        writeFileSync(`${aof}/appendonly.aof.3.incr.aof`, torn);
      });
      expect(records.length).toBe(RECORDS + 1);
    }
  });

  it('does not take a log without its manifest for a new one', async () => {
    const opening = open((aof) => rmSync(`${aof}/appendonly.aof.manifest`));
    await expect(opening).rejects.toMatchObject({ code: 'E_LOG_MISSING' });
  });

  it('accepts comments, history lines and unknown pairs in a manifest', async () => {
    const { records } = await open((aof) => {
      const path = `${aof}/appendonly.aof.manifest`;
      const [first, second] = readFileSync(path, 'latin1').split('\n');
      const history = 'file appendonly.aof.0.incr.aof seq 7 type h';
      writeFileSync(path, `# by hand\n${history}\n${first} note "a b"\n${second}\n`);
    });
    expect(records.length).toBe(RECORDS + 1);
  });

  it('names both versions of a format it does not know', async () => {
    const opening = open((aof) => {
      const path = `${aof}/appendonly.aof.1.incr.aof`;
      const text = readFileSync(path, 'latin1').replace('#HELIOS/1 ', '#HELIOS/2 ');
      writeFileSync(path, text, 'latin1');
    });
    await expect(opening).rejects.toMatchObject({
      code: 'E_FORMAT_VERSION',
      message: expect.stringMatching(/version 2.*version 1/),
    });
  });
});

describe('what a killed process left in the page cache', () => {
  /** Names each sync, and each removal, as it happens. */
  function watchedDisk(seen: string[]): Disk {
    const names = (path: string): string => path.slice(path.lastIndexOf('/') + 1);
    return {
      ...systemDisk,
      open: async (path, options) => {
        const file = await systemDisk.open(path, options);
        const sync: DiskFile['sync'] = (done) => {
          seen.push(`sync ${names(path)}`);
          file.sync(done);
        };
        return new Proxy(file, {
          get(target, name: keyof DiskFile) {
            const value = name === 'sync' ? sync : target[name];
            return typeof value === 'function' ? value.bind(target) : value;
          },
        });
      },
      remove: async (path) => {
        seen.push(`remove ${names(path)}`);
        await systemDisk.remove(path);
      },
      syncDirectory: async (path) => {
        seen.push(`sync ${names(path)}/`);
        await systemDisk.syncDirectory(path);
      },
    };
  }

  it('is synced, records and names, before anything rests on it or goes', async () => {
    const directory = temporaryDirectory();
    const { store } = await openLogStore(storeOptions(directory));
    await append(store, item(1));
    await store.close();
    writeFileSync(`${directory}/appendonlydir/temp-left`, '');
    const seen: string[] = [];
    const again = await openLogStore(storeOptions(directory, { disk: watchedDisk(seen) }));
    await again.store.close();
    const inOrder = ['sync appendonlydir/', 'sync appendonly.aof.1.incr.aof', 'remove temp-left'];
    expect(seen.filter((each) => inOrder.includes(each))).toEqual(inOrder);
  });
});
