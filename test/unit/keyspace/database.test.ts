// Owns: the rules of one database: what is alive, in which order dead keys go, who is told, and
// that the running byte count never drifts from a recount.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Rng } from '../../../src/base/rng.js';
import { copyOf } from '../../../src/commands/copy-value.js';
import type { Database } from '../../../src/keyspace/database.js';
import { Keyspace } from '../../../src/keyspace/keyspace.js';
import { keyBytes, valueBytes } from '../../../src/keyspace/memory.js';
import { RawString } from '../../../src/keyspace/raw-string.js';
import { SetValue } from '../../../src/keyspace/set.js';

function fresh(): { keyspace: Keyspace; db: Database } {
  const keyspace = new Keyspace();
  return { keyspace, db: keyspace.database(0) };
}

function recount(db: Database): number {
  let bytes = 0;
  for (let slot = 0; slot < db.table.slotCount; slot++) {
    const key = db.table.keyAt(slot);
    if (key !== undefined) bytes += keyBytes(key) + valueBytes(db.table.valueAt(slot)!);
  }
  return bytes;
}

function volatileKeys(db: Database): number {
  let count = 0;
  for (let slot = 0; slot < db.table.slotCount; slot++) if (db.table.expireAt(slot) !== 0) count++;
  return count;
}

describe('Database', () => {
  it('hides a dead key from every lookup and reclaims it on a write', () => {
    const { keyspace, db } = fresh();
    db.set('a', '1');
    db.setExpireAt('a', 100);
    expect(db.lookup('a', 99)).toBe('1');
    expect(db.lookup('a', 100)).toBeUndefined();
    expect(db.has('a', 100)).toBe(false);
    expect([...db.liveKeys(100)]).toEqual([]);
    expect(db.size).toBe(1);
    expect(db.lookupWrite('a', 100)).toBeUndefined();
    expect(db.size).toBe(0);
    expect(keyspace.stats).toMatchObject({ hits: 1, misses: 1, expired: 1 });
  });

  it('drops the expiry on set and keeps it on replace', () => {
    const { db } = fresh();
    db.set('a', '1');
    db.setExpireAt('a', 100);
    db.replace('a', '2');
    expect(db.expireAt('a')).toBe(100);
    db.set('a', '3');
    expect(db.expireAt('a')).toBe(0);
    expect(db.volatileSize).toBe(0);
    expect(db.nextDeadline()).toBe(Number.POSITIVE_INFINITY);
  });

  it('reclaims by moment, then by key, whatever the order of arrival', () => {
    const keys = ['d', 'a', 'c', 'b', 'e'];
    const moments = [30, 10, 20, 10, 20];
    const removals: string[] = [];
    for (const order of [
      [0, 1, 2, 3, 4],
      [4, 2, 0, 3, 1],
    ]) {
      const { keyspace, db } = fresh();
      for (const i of order) {
        db.set(keys[i]!, '');
        db.setExpireAt(keys[i]!, 999);
        db.setExpireAt(keys[i]!, moments[i]!);
      }
      const gone: string[] = [];
      keyspace.onTouch = (_, key) => gone.push(key);
      expect(db.reclaimDead(25, 1)).toBe(1);
      expect(db.reclaimDead(25, 100)).toBe(3);
      expect(db.nextDeadline()).toBe(30);
      removals.push(gone.join(''));
    }
    expect(removals).toEqual(['abce', 'abce']);
  });

  it('does not grow by expiries that are set over and over', () => {
    const { db } = fresh();
    db.set('a', '1');
    for (let i = 1; i <= 100_000; i++) db.setExpireAt('a', i + 1_000_000);
    expect(db.nextDeadline()).toBe(1_100_000);
    expect(db.reclaimDead(2_000_000, 10)).toBe(1);
  });

  it('shows the observer every slot before it changes, and new ones after', () => {
    const { keyspace, db } = fresh();
    db.set('a', '1');
    const seen: string[] = [];
    keyspace.observer = {
      beforeChange: (table, slot) => seen.push(`${table.keyAt(slot)}=${table.valueAt(slot)}`),
      afterInsert: (table, slot) => seen.push(`+${table.keyAt(slot)}`),
    };
    db.set('a', '2');
    db.set('b', '1');
    db.setExpireAt('a', 50);
    db.persist('a');
    db.lookupWrite('a', 0);
    db.delete('a');
    expect(seen).toEqual(['a=1', '+b', 'a=2', 'a=2', 'a=2', 'a=2']);
  });

  it('marks touches for WATCH', () => {
    const { keyspace, db } = fresh();
    keyspace.beginEntry(5);
    db.set('a', '1');
    keyspace.beginEntry(6);
    db.delete('absent');
    expect(keyspace.touches.touchedSince(0, 'a', 4, 6)).toBe(true);
    expect(keyspace.touches.touchedSince(0, 'a', 5, 6)).toBe(false);
    expect(keyspace.touches.touchedSince(0, 'absent', 4, 6)).toBe(false);
  });

  it('swaps contents with their expiries and counts', () => {
    const { keyspace, db } = fresh();
    const other = keyspace.database(1);
    db.set('a', '1');
    db.setExpireAt('a', 100);
    const { bytes } = db;
    keyspace.swap(db, other);
    expect([db.size, db.bytes, db.volatileSize]).toEqual([0, 0, 0]);
    expect([other.size, other.bytes, other.volatileSize]).toEqual([1, bytes, 1]);
    expect(other.nextDeadline()).toBe(100);
  });

  it('finds a live random key among dead ones', () => {
    const { db } = fresh();
    for (let i = 0; i < 2000; i++) {
      db.set(`k${i}`, '');
      if (i !== 1234) db.setExpireAt(`k${i}`, 10);
    }
    expect(db.randomKey(new Rng(1), 10)).toBe('k1234');
    expect(fresh().db.randomKey(new Rng(1), 10)).toBeUndefined();
  });

  it('counts the same bytes as a recount, after any history and after a load', () => {
    const key = fc.constantFrom('a', 'bb', 'c'.repeat(30));
    const kind = fc.constantFrom(
      ...([
        'set',
        'number',
        'raw',
        'grow',
        'collection',
        'add',
        'move',
        'delete',
        'expire',
      ] as const),
    );
    const step = fc.tuple(kind, key, fc.nat(200));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const { db } = fresh();
        steps.forEach(([name, target, size], now) => {
          change(db, name, target, size, now);
          expect(db.bytes).toBe(recount(db));
          expect(db.volatileSize).toBe(volatileKeys(db));
        });
        const copy = fresh().db;
        for (const name of db.liveKeys(0))
          copy.load(name, copyOf(db.peek(name, 0)!), db.expireAt(name));
        expect(copy.bytes).toBe(recount(copy));
        for (const name of [...copy.liveKeys(0)]) copy.delete(name);
        expect(copy.bytes).toBe(0);
      }),
    );
  });
});

function change(db: Database, kind: string, key: string, size: number, now: number): void {
  const value = db.lookupWrite(key, now);
  if (kind === 'set') db.set(key, 'x'.repeat(size));
  else if (kind === 'number') db.replace(key, size);
  else if (kind === 'raw') db.set(key, new RawString('x'.repeat(size)));
  else if (kind === 'collection') db.set(key, new SetValue());
  else if (kind === 'delete') db.delete(key);
  else if (value === undefined) return;
  else if (kind === 'expire') db.setExpireAt(key, now + size);
  else if (kind === 'move') {
    db.delete(key);
    db.set('moved', value);
  } else if (kind === 'grow' && value instanceof RawString) {
    value.append('y'.repeat(size));
    db.touch(key);
  } else if (kind === 'add' && value instanceof SetValue) {
    value.add(String(size));
    db.touch(key);
  }
}
