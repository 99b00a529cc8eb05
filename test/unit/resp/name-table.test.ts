// Finding a name in a buffer without making a string.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { NameTable } from '../../../src/resp/name-table.js';

const names = ['get', 'set', 'client', 'restore-asking', 'host:', 'a_b', 'x'];
const table = new NameTable(names.map((name) => [name, name] as const));

function find(text: string): string | null {
  const bytes = Buffer.from(`..${text}..`, 'latin1');
  return table.find(bytes, 2, 2 + text.length);
}

test('finds names in any case, inside a buffer', () => {
  for (const name of names) {
    expect(find(name)).toBe(name);
    expect(find(name.toUpperCase())).toBe(name);
  }
});

test('differs from a lower-cased Map for no text', () => {
  const near = fc.constantFrom(
    ...names,
    'GeT',
    'ge',
    'gets',
    '',
    'restore\x0dasking',
    'a\x7fb',
    'host\x1a',
  );
  const any = fc.array(fc.integer({ min: 0, max: 255 }), { maxLength: 8 });
  const text = fc.oneof(
    near,
    any.map((codes) => String.fromCharCode(...codes)),
  );
  fc.assert(
    fc.property(text, (word) => {
      const lower = word.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
      expect(find(word)).toBe(names.includes(lower) ? lower : null);
    }),
  );
});

test('a name may be there once', () => {
  expect(() => new NameTable([['a', 1] as const, ['a', 2] as const])).toThrow(/once/);
});
