// Old compact forms, written by hand from their descriptions: no server that writes them is at
// hand.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { HashValue } from '../../../../src/keyspace/hash.js';
import type { ListValue } from '../../../../src/keyspace/list.js';
import type { SortedSetValue } from '../../../../src/keyspace/sorted-set.js';
import { TYPE } from '../../../../src/storage/rdb/format.js';
import { RdbInput } from '../../../../src/storage/rdb/input.js';
import { ListpackBuilder, readListpack } from '../../../../src/storage/rdb/listpack.js';
import {
  expandLzf,
  makeIntset,
  PackedError,
  readIntset,
  readZiplist,
  readZipmap,
} from '../../../../src/storage/rdb/packed.js';
import { readValue } from '../../../../src/storage/rdb/value-reader.js';

/** A ziplist of strings up to 63 bytes and small integers. */
function ziplist(entries: (string | Buffer)[]): Buffer {
  const parts: Buffer[] = [];
  let previous = 0;
  for (const entry of entries) {
    const body =
      typeof entry === 'string'
        ? Buffer.concat([Buffer.from([entry.length]), Buffer.from(entry, 'latin1')])
        : entry;
    const head =
      previous < 254
        ? Buffer.from([previous])
        : Buffer.from([254, previous & 255, previous >> 8, 0, 0]);
    parts.push(head, body);
    previous = head.length + body.length;
  }
  const bytes = Buffer.concat([Buffer.alloc(10), ...parts, Buffer.from([255])]);
  bytes.writeUInt32LE(bytes.length, 0);
  bytes.writeUInt32LE(bytes.length - 1 - previous, 4);
  bytes.writeUInt16LE(entries.length, 8);
  return bytes;
}

function value(type: number, ...blobs: Buffer[]): unknown {
  const parts = blobs.map((blob) => {
    const length = Buffer.from([0x80, 0, 0, blob.length >> 8, blob.length & 255]);
    return Buffer.concat([length, blob]);
  });
  const bytes = Buffer.concat(parts);
  return readValue(new RdbInput(bytes.length, bytes), type, '');
}

const INTEGERS: [Buffer, string][] = [
  [Buffer.from([0xf1]), '0'],
  [Buffer.from([0xfd]), '12'],
  [Buffer.from([0xfe, 0x80]), '-128'],
  [Buffer.from([0xc0, 0x00, 0x80]), '-32768'],
  [Buffer.from([0xf0, 0xff, 0xff, 0x7f]), '8388607'],
  [Buffer.from([0xd0, 0, 0, 0, 0x80]), '-2147483648'],
  [Buffer.from([0xe0, 255, 255, 255, 255, 255, 255, 255, 0x7f]), '9223372036854775807'],
];

describe('ziplist', () => {
  it('holds strings of every length form and integers of every width', () => {
    const middle = Buffer.concat([Buffer.from([0x41, 0x2c]), Buffer.alloc(300, 'm')]);
    const long = Buffer.concat([Buffer.from([0x80, 0, 0, 0x4e, 0x20]), Buffer.alloc(20000, 'l')]);
    const integers = INTEGERS.map(([bytes]) => bytes);
    expect(readZiplist(ziplist(['', 'ab', middle, long, 'z', ...integers]))).toEqual([
      '',
      'ab',
      'm'.repeat(300),
      'l'.repeat(20000),
      'z',
      ...INTEGERS.map(([, text]) => text),
    ]);
  });

  it('makes lists, hashes and sorted sets', () => {
    const entries = ziplist(['b', '1', 'a', '2.5']);
    const list = value(TYPE.listZiplist, entries) as ListValue;
    expect([[...list], list.encoding]).toEqual([['b', '1', 'a', '2.5'], 'listpack']);
    const hash = value(TYPE.hashZiplist, entries) as HashValue;
    expect([...hash]).toEqual([
      ['b', '1'],
      ['a', '2.5'],
    ]);
    const zset = value(TYPE.zsetZiplist, entries) as SortedSetValue;
    expect([...zset]).toEqual([
      ['b', 1],
      ['a', 2.5],
    ]);
    expect(() => value(TYPE.hashZiplist, ziplist(['odd']))).toThrow(/no partner/);
    expect(() => value(TYPE.zsetZiplist, ziplist(['a', 'x']))).toThrow(/not a number/);
  });
});

describe('zipmap', () => {
  it('makes a hash, skipping free bytes behind a value', () => {
    const parts = [2, 1, 97, 2, 1, 49, 50, 0, 1, 98, 253, 1, 0, 0, 0, 0, 51, 255];
    const map = Buffer.from(parts);
    expect(readZipmap(map)).toEqual(['a', '12', 'b', '3']);
    expect([...(value(TYPE.hashZipmap, map) as HashValue)]).toEqual([
      ['a', '12'],
      ['b', '3'],
    ]);
  });
});

describe('listpack', () => {
  it('gives back any strings and integers', () => {
    const edges = [0, 127, 128, 4095, 4096, 32767, 32768, 2 ** 23, 2 ** 31, 2 ** 53].flatMap(
      (n) => {
        return [n - 1, n, -n, -n - 1].map(String);
      },
    );
    const strings = [62, 63, 64, 126, 127, 128, 4095, 4096, 16382, 16390, 2097160].map((n) => {
      return 'x'.repeat(n);
    });
    const builder = new ListpackBuilder();
    const all = [...edges, '9223372036854775807', '-9223372036854775808', '007', '-0', ...strings];
    for (const text of all) builder.push(text);
    expect(readListpack(builder.take())).toEqual(all);
    expect(readListpack(builder.take())).toEqual([]);
  });
});

describe('intset', () => {
  it('uses the narrowest width and gives back its members', () => {
    for (const [members, width] of [
      [[-32768, 5, 32767], 2],
      [[-32769, 0], 4],
      [[-1, 2 ** 31], 8],
      [[-(2n ** 63n), 2 ** 40, 2n ** 63n - 1n], 8],
    ] as const) {
      const bytes = makeIntset(members);
      expect(bytes.readUInt32LE(0)).toBe(width);
      expect(readIntset(bytes)).toEqual(members.map(String));
    }
  });
});

describe('LZF', () => {
  it('expands literals, short and long references that overlap', () => {
    const long = Buffer.from([1, 97, 98, 0xe0, 5, 1]);
    expect(expandLzf(long, 16).latin1Slice()).toBe('ab'.repeat(8));
    expect(expandLzf(Buffer.from([0, 97, 0x20, 0]), 4).latin1Slice()).toBe('aaaa');
  });
});

describe('damage', () => {
  it.each([
    ['ziplist', readZiplist, ziplist(['abc', 'd', '12', ...INTEGERS.map(([bytes]) => bytes)])],
    ['zipmap', readZipmap, Buffer.from([2, 1, 97, 2, 0, 49, 50, 1, 98, 1, 0, 51, 255])],
    ['intset', readIntset, makeIntset([1, 2, 300])],
    ['LZF', (bytes: Buffer) => [expandLzf(bytes, 16)], Buffer.from([1, 97, 98, 0xe0, 5, 1])],
    [
      'listpack',
      readListpack,
      (() => {
        const builder = new ListpackBuilder();
        for (const text of ['abc', '5', '-4000', '70000', 'x'.repeat(70)]) builder.push(text);
        return Buffer.from(builder.take());
      })(),
    ],
  ])('of a %s gives entries or PackedError', (_, read, sound) => {
    const edit = fc.tuple(fc.nat(sound.length - 1), fc.nat(255));
    fc.assert(
      fc.property(fc.array(edit, { maxLength: 4 }), fc.nat(sound.length), (edits, length) => {
        const bytes = Buffer.from(sound);
        for (const [at, byte] of edits) bytes[at] = byte;
        for (const damaged of [bytes, bytes.subarray(0, length)]) {
          try {
            read(damaged);
          } catch (error) {
            expect(error).toBeInstanceOf(PackedError);
          }
        }
      }),
      { numRuns: 2000 },
    );
  });
});
