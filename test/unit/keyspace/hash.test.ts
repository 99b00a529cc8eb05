// HashValue against a Map: both encodings, order, memory, and restoring from its own iteration.

import { describe, expect, it } from 'vitest';
import { Rng } from '../../../src/base/rng.js';
import { HashValue } from '../../../src/keyspace/hash.js';

/** One random edit or choice; the answer shows everything the hash would tell. */
function step(hash: HashValue, rng: Rng, fields: number): string {
  const field = `f${rng.below(fields)}`;
  const action = rng.below(10);
  if (action < 5) return String(hash.set(field, `v${rng.below(1000)}`));
  if (action < 8) return String(hash.delete(field));
  if (action === 8 && hash.size > 0) return hash.fieldAt(rng.below(hash.size));
  return String(hash.get(field));
}

describe('HashValue', () => {
  it('keeps what a Map keeps, through every size', () => {
    const rng = new Rng(1);
    for (const fields of [5, 100, 511, 600]) {
      const hash = new HashValue();
      const model = new Map<string, string>();
      for (let i = 0; i < 4000; i++) {
        const field = `f${rng.below(fields)}`;
        if (rng.below(3) > 0) {
          const value = `v${i}`;
          expect(hash.set(field, value)).toBe(!model.has(field));
          model.set(field, value);
        } else {
          expect(hash.delete(field)).toBe(model.delete(field));
        }
        expect(hash.size).toBe(model.size);
      }
      expect(new Map(hash)).toEqual(model);
      for (const [field, value] of model) expect(hash.get(field)).toBe(value);
      expect(hash.get('absent')).toBeUndefined();
    }
  });

  it('keeps insertion order while small', () => {
    const hash = new HashValue();
    for (const field of ['a', 'b', 'c', 'd']) hash.set(field, '1');
    hash.delete('b');
    hash.set('a', '2');
    hash.set('b', '3');
    expect([...hash]).toEqual([
      ['a', '2'],
      ['c', '1'],
      ['d', '1'],
      ['b', '3'],
    ]);
  });

  it('becomes a hashtable beyond 512 fields or 64 bytes, for ever', () => {
    const hash = new HashValue();
    for (let i = 0; i < 512; i++) hash.set(`f${i}`, 'v');
    expect(hash.encoding).toBe('listpack');
    hash.set('one more', 'v');
    expect(hash.encoding).toBe('hashtable');
    for (let i = 0; i < 512; i++) hash.delete(`f${i}`);
    expect(hash.encoding).toBe('hashtable');
    const long = new HashValue();
    long.set('f', 'x'.repeat(64));
    expect(long.encoding).toBe('listpack');
    long.set('f', 'x'.repeat(65));
    expect(long.encoding).toBe('hashtable');
  });

  it('restored from its iteration, goes on exactly alike', () => {
    for (const fields of [8, 300, 700]) {
      const history = new Rng(fields);
      const original = new HashValue();
      for (let i = 0; i < 3000; i++) step(original, history, fields);
      const restored = HashValue.restore([...original], original.encoding);
      expect(restored.bytes).toBe(original.bytes);
      const [a, b] = [new Rng(7), new Rng(7)];
      for (let i = 0; i < 3000; i++)
        expect(step(restored, b, fields)).toBe(step(original, a, fields));
      expect([...restored]).toEqual([...original]);
      expect(restored.encoding).toBe(original.encoding);
      expect(restored.bytes).toBe(original.bytes);
    }
  });

  it('gives back the memory of what is removed', () => {
    for (const encoding of ['listpack', 'hashtable'] as const) {
      const hash = HashValue.restore([], encoding);
      const empty = hash.bytes;
      for (let i = 0; i < 100; i++) hash.set(`f${i}`, 'v'.repeat(i % 50));
      expect(hash.bytes).toBeGreaterThan(empty + 100 * 50);
      for (let i = 0; i < 100; i++) hash.set(`f${i}`, 'w'.repeat((i * 7) % 50));
      for (let i = 0; i < 100; i++) hash.delete(`f${i}`);
      expect(hash.bytes).toBe(empty);
    }
  });
});
