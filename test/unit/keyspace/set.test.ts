// SetValue against a Set: three encodings, random access, memory, restoring.

import { describe, expect, it } from 'vitest';
import { Rng } from '../../../src/base/rng.js';
import { SetValue } from '../../../src/keyspace/set.js';

type MakeMember = (n: number) => string;

const integers: MakeMember = (n) => String(n - 50);
const names: MakeMember = (n) => `member-${n}`;
const mixed: MakeMember = (n) => (n % 3 === 0 ? `x${n}` : String(n * 1_000_003));

/** One random edit, question or pop; the answer shows everything the set would tell. */
function step(set: SetValue, rng: Rng, make: MakeMember, range: number): string {
  const member = make(rng.below(range));
  const action = rng.below(10);
  if (action < 6) return String(set.add(member));
  if (action < 8) return String(set.delete(member));
  if (set.size === 0) return String(set.has(member));
  const popped = set.at(rng.below(set.size));
  set.delete(popped);
  return popped;
}

describe('SetValue', () => {
  it('keeps what a Set keeps, through every size and encoding', () => {
    const rng = new Rng(1);
    for (const make of [integers, names, mixed]) {
      for (const range of [5, 127, 130, 512, 520, 900]) {
        const set = new SetValue();
        const model = new Set<string>();
        for (let i = 0; i < 3000; i++) {
          const member = make(rng.below(range));
          if (rng.below(3) > 0) {
            expect(set.add(member)).toBe(!model.has(member));
            model.add(member);
          } else {
            expect(set.delete(member)).toBe(model.delete(member));
          }
          expect(set.size).toBe(model.size);
        }
        expect(new Set(set)).toEqual(model);
        for (let n = 0; n < range; n++) expect(set.has(make(n))).toBe(model.has(make(n)));
      }
    }
  });

  it('iterates integers in numeric order, also beyond 2^53', () => {
    const set = new SetValue();
    const members = ['9223372036854775807', '5', '-9223372036854775808', '9007199254740993', '-7'];
    for (const member of members) set.add(member);
    expect(set.encoding).toBe('intset');
    expect([...set]).toEqual([
      '-9223372036854775808',
      '-7',
      '5',
      '9007199254740993',
      '9223372036854775807',
    ]);
    expect(set.has('9007199254740993')).toBe(true);
    expect(set.has('9007199254740992')).toBe(false);
    expect(set.has('05')).toBe(false);
    expect(set.delete('9223372036854775807')).toBe(true);
    expect(set.size).toBe(4);
  });

  it.each([
    ['512 integers', Array.from({ length: 512 }, (_, i) => String(i)), 'intset'],
    ['513 integers', Array.from({ length: 513 }, (_, i) => String(i)), 'hashtable'],
    ['127 integers and a name', [...Array(127).keys()].map(String).concat('x'), 'listpack'],
    ['128 integers and a name', [...Array(128).keys()].map(String).concat('x'), 'hashtable'],
    ['128 names', Array.from({ length: 128 }, (_, i) => `m${i}`), 'listpack'],
    ['129 names', Array.from({ length: 129 }, (_, i) => `m${i}`), 'hashtable'],
    ['a name of 64 bytes', ['x'.repeat(64)], 'listpack'],
    ['a name of 65 bytes', ['x'.repeat(65)], 'hashtable'],
    ['an integer and a long name', ['1', 'x'.repeat(65)], 'hashtable'],
  ])('has the encoding of Redis 7.2 for %s', (_, members, encoding) => {
    const set = new SetValue();
    for (const member of members) set.add(member);
    expect(set.encoding).toBe(encoding);
    for (const member of members.slice(1)) set.delete(member);
    expect(set.encoding).toBe(encoding);
  });

  it('restored from its iteration, goes on exactly alike', () => {
    for (const make of [integers, names, mixed]) {
      for (const range of [10, 128, 400, 900]) {
        const history = new Rng(range);
        const original = new SetValue();
        for (let i = 0; i < 2000; i++) step(original, history, make, range);
        const restored = SetValue.restore([...original], original.encoding);
        expect(restored.encoding).toBe(original.encoding);
        expect(restored.bytes).toBe(original.bytes);
        const [a, b] = [new Rng(7), new Rng(7)];
        for (let i = 0; i < 2000; i++) {
          expect(step(restored, b, make, range)).toBe(step(original, a, make, range));
        }
        expect([...restored]).toEqual([...original]);
        expect(restored.bytes).toBe(original.bytes);
      }
    }
  });

  it('gives back the memory of what is removed', () => {
    for (const encoding of ['intset', 'listpack', 'hashtable'] as const) {
      const set = SetValue.restore([], encoding);
      const empty = set.bytes;
      for (let i = 0; i < 100; i++) set.add(String(i));
      expect(set.bytes).toBeGreaterThan(empty + 100 * 7);
      for (let i = 0; i < 100; i++) set.delete(String(i));
      expect(set.bytes).toBe(empty);
    }
  });
});
