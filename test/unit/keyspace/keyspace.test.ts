// Owns: what the databases share: marks of changes to a whole database, deadlines across databases.

import { describe, expect, it } from 'vitest';
import { Keyspace } from '../../../src/keyspace/keyspace.js';

function touched(keyspace: Keyspace, db: number, key: string): boolean {
  return keyspace.touches.touchedSince(db, key, 1, 2);
}

describe('Keyspace', () => {
  it('flushes a small database by touching what it held and nothing else', () => {
    const keyspace = new Keyspace();
    keyspace.beginEntry(1);
    keyspace.database(3).set('a', '1');
    keyspace.beginEntry(2);
    expect(keyspace.flush(keyspace.database(3))).toBe(1);
    expect(keyspace.flush(keyspace.database(4))).toBe(0);
    expect(touched(keyspace, 3, 'a')).toBe(true);
    expect(touched(keyspace, 3, 'b')).toBe(false);
    expect(touched(keyspace, 4, 'a')).toBe(false);
  });

  it('counts a large flush as a touch of everything', () => {
    const keyspace = new Keyspace();
    keyspace.beginEntry(1);
    for (let i = 0; i < 2000; i++) keyspace.database(0).set(`k${i}`, '');
    keyspace.beginEntry(2);
    const before = keyspace.dirty;
    expect(keyspace.flush(keyspace.database(0))).toBe(2000);
    expect(keyspace.dirty).toBe(before + 2000);
    expect(keyspace.bytes).toBe(0);
    expect(touched(keyspace, 0, 'never there')).toBe(true);
  });

  it('touches the keys of both databases in both when they are swapped', () => {
    const keyspace = new Keyspace();
    keyspace.beginEntry(1);
    keyspace.database(0).set('a', '1');
    keyspace.database(1).set('b', '1');
    keyspace.beginEntry(2);
    keyspace.swap(keyspace.database(0), keyspace.database(1));
    for (const db of [0, 1]) {
      expect(touched(keyspace, db, 'a')).toBe(true);
      expect(touched(keyspace, db, 'b')).toBe(true);
      expect(touched(keyspace, db, 'c')).toBe(false);
    }
    expect(touched(keyspace, 2, 'a')).toBe(false);
  });

  it('finds the next deadline and reclaims across databases within the budget', () => {
    const keyspace = new Keyspace();
    for (const [db, at] of [
      [5, 30],
      [2, 10],
      [9, 20],
    ] as const) {
      keyspace.database(db).set('a', '1');
      keyspace.database(db).setExpireAt('a', at);
    }
    expect(keyspace.nextDeadline()).toBe(10);
    expect(keyspace.reclaimDead(25, 1)).toBe(1);
    expect(keyspace.nextDeadline()).toBe(20);
    expect(keyspace.reclaimDead(25, 5)).toBe(1);
    expect(keyspace.size).toBe(1);
  });
});
