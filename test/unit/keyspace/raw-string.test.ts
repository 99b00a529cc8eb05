// Owns: strings edited in place, against plain strings.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RawString } from '../../../src/keyspace/raw-string.js';

const bytes = fc
  .uint8Array({ maxLength: 30 })
  .map((array) => Buffer.from(array).toString('latin1'));

describe('RawString', () => {
  it('behaves as a string that is cut and padded with zeros', () => {
    const edit = fc.tuple(fc.constantFrom('append', 'write', 'setByte', 'grow'), fc.nat(80), bytes);
    fc.assert(
      fc.property(bytes, fc.array(edit, { maxLength: 30 }), (start, edits) => {
        const raw = new RawString(start);
        let model = start;
        for (const [kind, at, text] of edits) {
          model = modelEdit(model, kind, at, text);
          rawEdit(raw, kind, at, text);
          expect(raw.toString()).toBe(model);
          expect(raw.length).toBe(model.length);
          expect(raw.byteAt(at)).toBe(at < model.length ? model.charCodeAt(at) : 0);
          expect(raw.view().latin1Slice()).toBe(model);
          expect(raw.bytes).toBeGreaterThanOrEqual(model.length);
        }
      }),
    );
  });

  it('grows by bounded steps and counts what it holds', () => {
    const raw = new RawString('');
    for (let i = 0; i < 100_000; i++) raw.append('x');
    expect(raw.length).toBe(100_000);
    expect(raw.bytes).toBeLessThan(2 * 100_000 + 200);
  });

  it('takes a buffer over', () => {
    const raw = RawString.ofBytes(Buffer.from('abc', 'latin1'));
    raw.append('d');
    expect(raw.toString()).toBe('abcd');
  });
});

function padded(text: string, length: number): string {
  return text.padEnd(length, '\0');
}

function modelEdit(text: string, kind: string, at: number, part: string): string {
  if (kind === 'append') return text + part;
  if (kind === 'grow') return padded(text, at);
  const piece = kind === 'setByte' ? 'Z' : part;
  if (kind === 'write' && piece === '') return text.length < at ? padded(text, at) : text;
  return padded(text, at).slice(0, at) + piece + text.slice(at + piece.length);
}

function rawEdit(raw: RawString, kind: string, at: number, part: string): void {
  if (kind === 'append') raw.append(part);
  else if (kind === 'grow') raw.growTo(at);
  else if (kind === 'setByte') raw.setByte(at, 90);
  else raw.write(at, part);
}
