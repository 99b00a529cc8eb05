// cjson, cmsgpack, struct, bit and number formats against independent models: JSON.parse and the
// interpreter's own printf.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sha1Hex } from '../../../src/base/sha1.js';
import { RandomSequence } from '../../../src/lua/math-random.js';
import { formatGeneral } from '../../../src/lua/number-format.js';
import { ScriptEngine } from '../../../src/lua/script-engine.js';
import { interpreter } from './interpreter.js';

const engine = new ScriptEngine(interpreter, []);

/** The string a script returns; its error otherwise. */
function run(script: string, ...args: string[]): string {
  const image = engine.compile(sha1Hex(script), script);
  if (typeof image === 'string') throw new Error(image);
  return engine.run(image, [], args, {
    value: (state) => engine.vm.toText(state, -1) ?? '(no text)',
    failure: (state) => {
      engine.vm.rawGetField(state, -1, 'err');
      return engine.vm.toText(state, -1) ?? '(no text)';
    },
    stopped: (reason) => reason,
  });
}

const bytes = fc
  .string({ unit: 'binary', maxLength: 40 })
  .map((text) =>
    Array.from(text, (char) => String.fromCharCode(char.codePointAt(0)! & 0xff)).join(''),
  );

describe('cjson', () => {
  it('decodes and encodes what JSON.parse understands the same way', () => {
    const leaf = fc.oneof(
      fc.integer({ min: -(2 ** 40), max: 2 ** 40 }),
      fc.boolean(),
      fc.constant(null),
      fc.string({ unit: 'grapheme-ascii', maxLength: 12 }),
    );
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        leaf,
        fc.array(tie('value'), { minLength: 1, maxLength: 4 }),
        fc.dictionary(fc.string({ unit: 'grapheme-ascii', maxLength: 6 }), tie('value'), {
          maxKeys: 4,
          noNullPrototype: true,
        }),
      ),
    }));
    fc.assert(
      fc.property(value, (original) => {
        const text = run('return cjson.encode(cjson.decode(ARGV[1]))', JSON.stringify(original));
        expect(JSON.parse(text)).toEqual(original);
      }),
      { numRuns: 300, seed: 11 },
    );
  });

  it('keeps every byte of a string', () => {
    fc.assert(
      fc.property(bytes, (text) => {
        expect(run('return cjson.decode(cjson.encode({ARGV[1]}))[1]', text)).toBe(text);
      }),
      { numRuns: 300, seed: 12 },
    );
  });

  it('never does worse than an error on any text', () => {
    const soup = fc
      .array(fc.constantFrom(...'[]{}:,"\\/tfn0123456789.-+eEu \n\0\xff'.split(''), 'null', 'true'))
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(soup, (text) => {
        const answer = run(
          'local ok, e = pcall(cjson.decode, ARGV[1]) return ok and "ok" or e',
          text,
        );
        expect(answer).toMatch(/^(ok|.*(Expected|character|UTF-16).*)$/s);
      }),
      { numRuns: 500, seed: 13 },
    );
  });

  it('forgets its settings with the run', () => {
    expect(run('cjson.encode_number_precision(3) return cjson.encode(1/3)')).toBe('0.333');
    expect(run('return cjson.encode(1/3)')).toBe('0.33333333333333');
  });
});

describe('cmsgpack', () => {
  it('gives back what it packed', () => {
    const value = fc.oneof(fc.double({ noNaN: true }), fc.integer(), fc.boolean());
    fc.assert(
      fc.property(fc.array(value, { maxLength: 20 }), bytes, (values, text) => {
        const list = values.map((v) => (typeof v === 'number' ? number(v) : String(v))).join(',');
        const script =
          `local t = {${list}} local a, b = cmsgpack.unpack(cmsgpack.pack(t, ARGV[1])) ` +
          'if b ~= ARGV[1] or #a ~= #t then return "lost" end ' +
          'for i = 1, #t do if a[i] ~= t[i] then return "differs at " .. i end end return "same"';
        expect(run(script, text)).toBe('same');
      }),
      { numRuns: 150, seed: 14 },
    );
  });

  it('never does worse than an error on any bytes', () => {
    fc.assert(
      fc.property(bytes, (text) => {
        const script = 'local ok, e = pcall(cmsgpack.unpack, ARGV[1]) return ok and "ok" or e';
        expect(run(script, text)).toMatch(/ok|Bad data|Missing bytes|index is|too many/);
      }),
      { numRuns: 500, seed: 15 },
    );
  });
});

/** A double as a Lua literal that reads back the same. */
function number(value: number): string {
  if (!Number.isFinite(value)) return value > 0 ? '1/0' : '-1/0';
  return Object.is(value, -0) ? '-0' : String(value);
}

describe('struct', () => {
  it('gives back integers of every size in both orders', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 6 }), fc.boolean(), fc.double(), (size, big, part) => {
        const value = Math.floor(Math.abs(part % 1 || 0) * 256 ** size);
        const format = `${big ? '>' : '<'}I${size}`;
        const script = `return string.format("%.0f", (struct.unpack(ARGV[1], struct.pack(ARGV[1], ${value}))))`;
        expect(run(script, format)).toBe(String(value));
      }),
      { numRuns: 100, seed: 16 },
    );
  });
});

describe('numbers', () => {
  it('prints %.14g as the C library does', () => {
    const any = fc.oneof(
      fc.double({ noNaN: true }),
      fc.integer().map((n) => n / 1024),
    );
    fc.assert(
      fc.property(any, (value) => {
        expect(formatGeneral(value, 14)).toBe(run(`return tostring(${number(value)})`));
      }),
      { numRuns: 500, seed: 17 },
    );
    expect(formatGeneral(100000000000.125, 14)).toBe('100000000000.12');
    expect(formatGeneral(100000000000.375, 14)).toBe('100000000000.38');
  });

  it('draws the sequence of lrand48', () => {
    const sequence = new RandomSequence();
    sequence.seed(0);
    const first = [sequence.next(), sequence.next(), sequence.next()];
    expect(first.map((draw) => Math.floor(draw * 1000))).toEqual([170, 749, 96]);
  });
});
