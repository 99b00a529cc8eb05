// Log records as bytes: round trips, every bit flipped, every length cut.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LogRecord } from '../../../src/base/log-entry.js';
import { decodeRecord, encodeRecord } from '../../../src/storage/record.js';

const RESP = Buffer.from('*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n');

function batch(over: Partial<LogRecord> = {}): LogRecord {
  const runs = [{ node: 'node-1', incarnation: 3, firstSeq: 8, count: 1, watchIndex: 0 }];
  return { index: 5, term: 2, kind: 'batch', time: 1.7e12, seed: 77, runs, payload: RESP, ...over };
}

const encode = (record: LogRecord): Buffer => encodeRecord(record, [record.payload]);

function decoded(bytes: Buffer, offset = 0): { record: LogRecord; end: number } {
  const found = decodeRecord(bytes, offset);
  if (found === 'incomplete' || !('record' in found)) throw new Error(JSON.stringify(found));
  return found;
}

const count = fc.nat({ max: Number.MAX_SAFE_INTEGER });
const latin1 = (minLength: number, maxLength: number) =>
  fc.uint8Array({ minLength, maxLength }).map((bytes) => Buffer.from(bytes).latin1Slice());
const run = fc.record({
  node: latin1(1, 60),
  incarnation: count,
  firstSeq: count,
  count,
  watchIndex: count,
});
const record = fc
  .record({
    index: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
    term: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
    kind: fc.constantFrom('batch' as const, 'noop' as const, 'config' as const, 'tick' as const),
    time: count,
    seed: fc.nat({ max: 2 ** 48 - 1 }),
    runs: fc.array(run, { maxLength: 60 }),
    payload: fc.uint8Array({ maxLength: 300 }),
    name: fc.string({ maxLength: 5000 }),
  })
  .map(({ name, ...rest }): LogRecord => {
    if (rest.kind === 'config') {
      return { ...rest, payload: Buffer.from(JSON.stringify({ voters: [name] })) };
    }
    return rest.kind === 'batch' ? rest : { ...rest, payload: new Uint8Array() };
  });

describe('record codec', () => {
  it('gives back what it was given, at any offset, from any chunks', () => {
    fc.assert(
      fc.property(record, fc.nat({ max: 40 }), fc.nat(300), (given, shift, cutAt) => {
        const cut = Math.min(cutAt, given.payload.length);
        const bytes = encodeRecord(given, [
          given.payload.subarray(0, cut),
          given.payload.subarray(cut),
        ]);
        const placed = Buffer.concat([Buffer.alloc(shift, 35), bytes, Buffer.from('#next')]);
        const found = decoded(placed, shift);
        expect(found.end).toBe(shift + bytes.length);
        const payload = Buffer.from(given.payload);
        expect({ ...found.record, payload: Buffer.from(found.record.payload) }).toEqual({
          ...given,
          payload,
        });
      }),
      { numRuns: 300 },
    );
  });

  it('writes only lines that Redis skips: # first, CRLF last, under 1024 bytes', () => {
    fc.assert(
      fc.property(record, (given) => {
        const bytes = encode(given);
        const header = bytes.length - (given.kind === 'config' ? 0 : given.payload.length);
        const text = bytes.latin1Slice(0, header);
        expect(text.endsWith('\r\n')).toBe(true);
        for (const line of text.slice(0, -2).split('\r\n')) {
          expect(line.startsWith('#')).toBe(true);
          expect(line.length + 2).toBeLessThan(1024);
          expect(line).not.toMatch(/[\r\n]/);
        }
      }),
    );
  });

  it('calls every prefix of a record incomplete', () => {
    const config = batch({ kind: 'config', payload: Buffer.from(`{"a":"${'x'.repeat(2500)}"}`) });
    for (const bytes of [encode(batch()), encode(config)]) {
      for (let end = 0; end < bytes.length; end++) {
        expect(decodeRecord(bytes.subarray(0, end), 0)).toBe('incomplete');
      }
    }
  });

  it('calls every flipped bit corrupt, never incomplete and never a record', () => {
    const noop = batch({ kind: 'noop', payload: Buffer.alloc(0), runs: [] });
    const config = batch({ kind: 'config', payload: Buffer.from(`{"a":"${'x'.repeat(1200)}"}`) });
    for (const bytes of [encode(batch()), encode(noop), encode(config)]) {
      for (let bit = 0; bit < bytes.length * 8; bit++) {
        const damaged = Buffer.from(bytes);
        damaged[bit >> 3]! ^= 1 << (bit & 7);
        expect(decodeRecord(damaged, 0), `bit ${bit}`).toHaveProperty('corrupt');
      }
    }
  });

  it('names the version of a record it does not know', () => {
    const bytes = Buffer.from(
      encode(batch()).latin1Slice().replace('HELIOS/1', 'HELIOS/7'),
      'latin1',
    );
    expect(decodeRecord(bytes, 0)).toMatchObject({ version: 7 });
  });

  it('survives any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), fc.boolean(), (noise, prefixed) => {
        const bytes = Buffer.concat([
          prefixed ? encode(batch()).subarray(0, 40) : Buffer.alloc(0),
          noise,
        ]);
        const found = decodeRecord(bytes, 0);
        expect(found === 'incomplete' || 'corrupt' in found).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });
});
