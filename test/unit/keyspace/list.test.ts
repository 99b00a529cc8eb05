// ListValue against an array: ends, middle, both encodings, memory, restoring.

import { describe, expect, it } from 'vitest';
import { Rng } from '../../../src/base/rng.js';
import { ListValue } from '../../../src/keyspace/list.js';

/** One random edit on the list and on an array that models it. */
function edit(list: ListValue, model: string[], rng: Rng, limit: number): void {
  const value = `v${rng.below(30)}`;
  const at = model.length === 0 ? 0 : rng.below(model.length);
  const grows = model.length < limit;
  const action = rng.below(10);
  if (action === 0 && grows) {
    list.pushHead(value);
    model.unshift(value);
  } else if (action <= 2 && grows) {
    list.pushTail(value);
    model.push(value);
  } else if (action <= 4 && grows) {
    list.insertAt(at, value);
    model.splice(at, 0, value);
  } else if (action === 5) {
    expect(list.popHead()).toBe(model.shift());
  } else if (action === 6) {
    expect(list.popTail()).toBe(model.pop());
  } else if (model.length > 0) {
    if (action === 7) expect(list.removeAt(at)).toBe(model.splice(at, 1)[0]);
    else if (action === 8) {
      list.set(at, value);
      model[at] = value;
    } else expect(list.get(at)).toBe(model[at]);
  }
}

function removeEqual(model: string[], value: string, limit: number, fromTail: boolean): string[] {
  const result = fromTail ? model.toReversed() : [...model];
  for (let left = limit; left > 0; left--) {
    const at = result.indexOf(value);
    if (at < 0) break;
    result.splice(at, 1);
  }
  return fromTail ? result.reverse() : result;
}

describe('ListValue', () => {
  it('keeps what an array keeps, within one chunk and over many', () => {
    const rng = new Rng(1);
    for (const limit of [3, 200, 257, 3000]) {
      const list = new ListValue();
      const model = Array.from({ length: limit }, (_, i) => `${i}`);
      list.pushAll(model, 0, 'tail');
      for (let i = 0; i < 6000; i++) edit(list, model, rng, limit);
      expect(list.length).toBe(model.length);
      expect([...list]).toEqual(model);
      expect([...list.reversed()]).toEqual(model.toReversed());
      for (let i = 0; i < model.length; i++) expect(list.get(i)).toBe(model[i]);
      expect(list.get(model.length)).toBeUndefined();
      expect(list.get(-1)).toBeUndefined();
      for (let i = 0; i < 50; i++) {
        const start = rng.below(model.length + 1);
        const end = rng.below(model.length + 5);
        expect(list.slice(start, end)).toEqual(model.slice(start, end));
      }
    }
  });

  it('serves as a queue and as a stack over many chunks', () => {
    const list = new ListValue();
    for (let i = 0; i < 5000; i++) list.pushTail(String(i));
    for (let i = 0; i < 2500; i++) expect(list.popHead()).toBe(String(i));
    for (let i = 4999; i >= 2500; i--) expect(list.popTail()).toBe(String(i));
    expect(list.length).toBe(0);
    expect(list.popHead()).toBeUndefined();
    for (let i = 0; i < 1000; i++) list.pushHead(String(i));
    for (let i = 0; i < 1000; i++) expect(list.popTail()).toBe(String(i));
  });

  it('removes equal elements from either end, up to a limit', () => {
    const rng = new Rng(2);
    for (let run = 0; run < 60; run++) {
      const model = Array.from({ length: rng.below(1500) }, () => `v${rng.below(4)}`);
      const list = ListValue.restore(model, 'quicklist');
      const limit = rng.below(2) === 0 ? 1 + rng.below(700) : Number.POSITIVE_INFINITY;
      const fromTail = rng.below(2) === 0;
      const bounded = Math.min(limit, model.length);
      const expected = removeEqual(model, 'v1', bounded, fromTail);
      expect(list.removeEqual('v1', limit, fromTail)).toBe(model.length - expected.length);
      expect([...list]).toEqual(expected);
      expect(list.bytes).toBe(ListValue.restore(expected, 'quicklist').bytes);
    }
  });

  it('becomes a quicklist beyond 8192 bytes and a listpack again at 4096', () => {
    const list = new ListValue();
    list.pushTail('x'.repeat(8185));
    expect(list.encoding).toBe('listpack');
    list.pushTail('x');
    expect(list.encoding).toBe('quicklist');
    list.popHead();
    expect(list.encoding).toBe('listpack');
    const many = new ListValue();
    many.pushAll(Array(100).fill('v'.repeat(100)), 0, 'head');
    expect(many.encoding).toBe('quicklist');
    while (many.length > 40) many.popTail();
    // 40 elements of 100 + 2 + 1 bytes and 7 for header and end are 4127 bytes.
    expect(many.encoding).toBe('quicklist');
    many.popTail();
    expect(many.encoding).toBe('listpack');
  });

  it('restored from its iteration, goes on exactly alike', () => {
    for (const limit of [10, 2000]) {
      const rng = new Rng(limit);
      const original = new ListValue();
      const model: string[] = Array(limit).fill('start');
      original.pushAll(model, 0, 'tail');
      for (let i = 0; i < 3000; i++) edit(original, model, rng, limit);
      const restored = ListValue.restore([...original], original.encoding);
      const copy = [...model];
      const [a, b] = [new Rng(7), new Rng(7)];
      for (let i = 0; i < 3000; i++) {
        edit(original, model, a, limit);
        edit(restored, copy, b, limit);
        expect(restored.encoding).toBe(original.encoding);
      }
      expect([...restored]).toEqual([...original]);
      expect(restored.bytes).toBe(original.bytes);
    }
  });
});
