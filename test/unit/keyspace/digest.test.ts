// The digest of a data set: equal for equal contents however they came to be, different for any
// difference a command could see.

import { describe, expect, it } from 'vitest';
import { Rng } from '../../../src/base/rng.js';
import { Digest, isDigest } from '../../../src/keyspace/digest.js';
import { HashValue } from '../../../src/keyspace/hash.js';
import { ListValue } from '../../../src/keyspace/list.js';
import { RawString } from '../../../src/keyspace/raw-string.js';
import { SetValue } from '../../../src/keyspace/set.js';
import { SortedSetValue } from '../../../src/keyspace/sorted-set.js';
import type { Value } from '../../../src/keyspace/value.js';

function of(value: Value, key = 'k', db = 0, expireAt = 0): string {
  const digest = new Digest();
  digest.add(db, key, value, expireAt);
  return digest.toString();
}

function list(...items: string[]): ListValue {
  return ListValue.restore(items, 'listpack');
}

function set(...members: string[]): SetValue {
  const made = new SetValue();
  for (const member of members) made.add(member);
  return made;
}

function hash(...pairs: [string, string][]): HashValue {
  return HashValue.restore(pairs, 'listpack');
}

function zset(...pairs: [string, number][]): SortedSetValue {
  return SortedSetValue.restore(pairs, 'listpack');
}

const LENGTHS = [
  0, 1, 3, 4, 7, 8, 9, 23, 24, 25, 31, 32, 33, 1000, 65_535, 65_536, 65_537, 200_001,
];

describe('equal contents', () => {
  it('have one digest in any order of keys', () => {
    const forth = new Digest();
    const back = new Digest();
    for (let i = 0; i < 100; i++) {
      forth.add(i % 3, `key${i}`, `value${i}`, i);
      back.add((99 - i) % 3, `key${99 - i}`, `value${99 - i}`, 99 - i);
    }
    expect(back.toString()).toBe(forth.toString());
    expect(isDigest(forth.toString())).toBe(true);
    expect(forth.keys).toBe(100);
  });

  it('have one digest in any encoding and after any history', () => {
    for (const length of LENGTHS) {
      const text = Array.from({ length }, (_, i) => String.fromCharCode((i * 7) & 255)).join('');
      expect(of(new RawString(text))).toBe(of(text));
    }
    expect(of(12345)).toBe(of('12345'));
    expect(of(new RawString('-7'))).toBe(of(-7));
    expect(of(set('3', '1', '2'))).toBe(of(SetValue.restore(['2', '1', '3'], 'hashtable')));
    const grown = set('1', 'x', '2');
    grown.delete('x');
    expect(of(grown)).toBe(of(set('2', '1')));
    expect(of(hash(['a', '1'], ['b', '2']))).toBe(
      of(
        HashValue.restore(
          [
            ['b', '2'],
            ['a', '1'],
          ] as const,
          'hashtable',
        ),
      ),
    );
    expect(of(zset(['a', 1], ['b', 2]))).toBe(
      of(
        SortedSetValue.restore(
          [
            ['b', 2],
            ['a', 1],
          ] as const,
          'skiplist',
        ),
      ),
    );
    expect(of(zset(['a', 0]))).toBe(of(SortedSetValue.restore([['a', -0]] as const, 'skiplist')));
    expect(of(list('a', 'b'))).toBe(of(ListValue.restore(['a', 'b'], 'quicklist')));
  });

  it('have one digest as text and as bytes that lie anywhere', () => {
    const span = (text: string, start: number) => {
      const bytes = Buffer.from('#'.repeat(start) + text + '#'.repeat(9), 'latin1');
      return { bytes, start, end: start + text.length };
    };
    for (const [i, length] of LENGTHS.entries()) {
      const text = Array.from({ length }, (_, at) => String.fromCharCode((at * 11) & 255)).join('');
      const digest = new Digest();
      digest.addString(2, span(`key${text.slice(0, 40)}`, i), span(text, 19 - i), length);
      expect(digest.toString()).toBe(of(text, `key${text.slice(0, 40)}`, 2, length));
      expect(digest.keys).toBe(1);
    }
  });

  it('have the digest they always had: it is in files and on the wire', () => {
    const digest = new Digest();
    digest.add(0, 'key', 'value', 0);
    digest.add(3, 'a longer key, beyond what is read by characters', 42, 1_700_000_000_123);
    digest.add(0, 'l', list('a', 'b'), 0);
    digest.add(0, 'z', zset(['m', 1.5]), 0);
    digest.addText('helios-time', '17');
    expect(digest.toString()).toBe('f58958da5b8fb68a');
  });
});

describe('different contents', () => {
  it('have different digests', () => {
    const variants = [
      of('a'),
      of('a', 'l'),
      of('a', 'k', 1),
      of('a', 'k', 0, 1),
      of('a', 'k', 0, 2 ** 32),
      of('a', 'k', 0, 2 ** 32 + 1),
      of('b'),
      of(''),
      of('\0'),
      of('\0\0'),
      of(list('a')),
      of(list('a', 'b')),
      of(list('b', 'a')),
      of(list('ab')),
      of(list('', 'ab')),
      of(set('a')),
      of(set('a', 'b')),
      of(hash(['a', ''])),
      of(hash(['a', 'b'])),
      of(hash(['b', 'a'])),
      of(hash(['a', '1'], ['b', '2'])),
      of(hash(['a', '2'], ['b', '1'])),
      of(zset(['a', 1])),
      of(zset(['a', 2])),
      of(zset(['a', 1 + 2 ** -52])),
      of(zset(['a', 1], ['b', 2])),
      of(zset(['a', 2], ['b', 1])),
      of('b', 'ka'),
      of('ab', 'k'),
    ];
    expect(new Set(variants).size).toBe(variants.length);
  });

  it('show in every bit of a text of any length', () => {
    for (const length of LENGTHS.filter((each) => each > 0 && each < 100)) {
      const bytes = Buffer.alloc(length, 'q');
      const seen = new Set([of(bytes.latin1Slice())]);
      for (let bit = 0; bit < 8 * length; bit++) {
        const flipped = Buffer.from(bytes);
        flipped[bit >> 3] = flipped[bit >> 3]! ^ (1 << (bit & 7));
        seen.add(of(flipped.latin1Slice()));
      }
      expect(seen.size).toBe(8 * length + 1);
    }
  });

  it('collide in neither half, over many similar keys', () => {
    const rng = new Rng(1);
    const low = new Set<string>();
    const high = new Set<string>();
    const count = 20_000;
    for (let i = 0; i < count; i++) {
      const text = of(String(rng.below(2 ** 40)), `user:${i}`);
      high.add(text.slice(0, 8));
      low.add(text.slice(8));
    }
    // Random 32-bit values would collide 0.05 times.
    expect(low.size).toBeGreaterThan(count - 3);
    expect(high.size).toBeGreaterThan(count - 3);
  });
});
