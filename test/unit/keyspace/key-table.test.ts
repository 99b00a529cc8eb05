// Owns: the slots of a database: stable while a key lives, used again afterwards, and the same for
// the same history.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KeyTable } from '../../../src/keyspace/key-table.js';

describe('KeyTable', () => {
  it('keeps a key in its slot and fills the last freed slot first', () => {
    const table = new KeyTable();
    for (const key of ['a', 'b', 'c', 'd']) table.insert(key, key);
    const slotOfB = table.find('b');
    table.remove(table.find('a'));
    table.remove(table.find('c'));
    expect(table.find('b')).toBe(slotOfB);
    expect(table.find('a')).toBe(-1);
    expect(table.insert('e', 'e')).toBe(2);
    expect(table.insert('f', 'f')).toBe(0);
    expect(table.insert('g', 'g')).toBe(4);
    expect(table.size).toBe(5);
    expect(table.slotCount).toBe(5);
  });

  it('forgets expiry and access stamp with the key', () => {
    const table = new KeyTable();
    const slot = table.insert('a', '1');
    table.setExpireAt(slot, 1234);
    table.setAccess(slot, 99);
    table.remove(slot);
    expect(table.insert('b', '2')).toBe(slot);
    expect(table.expireAt(slot)).toBe(0);
    expect(table.accessAt(slot)).toBe(0);
  });

  it('holds expiries of early slots when late ones need room', () => {
    const table = new KeyTable();
    for (let i = 0; i < 1000; i++) {
      const slot = table.insert(`k${i}`, i);
      if (i % 3 === 0) table.setExpireAt(slot, 1000 + i);
    }
    for (let i = 0; i < 1000; i++) {
      expect(table.expireAt(table.find(`k${i}`))).toBe(i % 3 === 0 ? 1000 + i : 0);
    }
  });

  it('is a map with stable slots under any history, and equal for equal histories', () => {
    const step = fc.tuple(fc.boolean(), fc.integer({ min: 0, max: 20 }).map(String));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const tables = [new KeyTable(), new KeyTable()];
        const model = new Map<string, number>();
        for (const [adds, key] of steps) {
          for (const table of tables) apply(table, adds, key);
          const slot = tables[0]!.find(key);
          if (!adds) model.delete(key);
          else if (!model.has(key)) model.set(key, slot);
        }
        for (const table of tables) {
          expect(table.size).toBe(model.size);
          for (const [key, slot] of model) expect(table.find(key)).toBe(slot);
          for (const [key, slot] of model) expect(table.keyAt(slot)).toBe(key);
        }
      }),
    );
  });
});

function apply(table: KeyTable, adds: boolean, key: string): void {
  const slot = table.find(key);
  if (adds && slot < 0) table.insert(key, key);
  if (!adds && slot >= 0) table.remove(slot);
}
