// Owns: the queue of dying slots, against sorting.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DeadlineQueue } from '../../../src/keyspace/deadline-queue.js';
import { KeyTable } from '../../../src/keyspace/key-table.js';

describe('DeadlineQueue', () => {
  it('yields what sorting by moment and key yields, whatever was added, moved and removed', () => {
    const step = fc.tuple(fc.nat(40).map(String), fc.nat(12));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const table = new KeyTable();
        const queue = new DeadlineQueue(table);
        const model = new Map<string, number>();
        for (const [key, at] of steps) {
          change(table, queue, key, at);
          if (at === 0) model.delete(key);
          else model.set(key, at);
          expect(queue.size).toBe(model.size);
        }
        const expected = [...model].sort(([a, x], [b, y]) => x - y || (a < b ? -1 : 1));
        expect(drained(table, queue)).toEqual(expected.map(([key]) => key));
      }),
    );
  });
});

/** Sets a key's moment; 0 removes the key. */
function change(table: KeyTable, queue: DeadlineQueue, key: string, at: number): void {
  let slot = table.find(key);
  if (at === 0) {
    if (slot < 0) return;
    queue.remove(slot);
    table.remove(slot);
    return;
  }
  if (slot < 0) slot = table.insert(key, '');
  table.setExpireAt(slot, at);
  queue.settle(slot);
}

function drained(table: KeyTable, queue: DeadlineQueue): string[] {
  const keys: string[] = [];
  for (let slot = queue.first(); slot >= 0; slot = queue.first()) {
    keys.push(table.keyAt(slot)!);
    queue.remove(slot);
    table.remove(slot);
  }
  return keys;
}
