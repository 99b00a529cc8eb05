// The request decoder: any chunking, Redis' limits and texts, hostile bytes.

import fc from 'fast-check';
import Parser from 'redis-parser';
import { describe, expect, test } from 'vitest';
import { COMMAND, FAULT, NEED_MORE, RequestDecoder } from '../../../src/resp/decoder.js';
import { DEFAULT_LIMITS } from '../../../src/resp/limits.js';
import { encodeCommand, nextCommand } from '../../../src/resp/request.js';

interface Outcome {
  commands: string[][];
  raw: Buffer[];
  fault: string;
}

function decode(chunks: readonly Buffer[], decoder = new RequestDecoder()): Outcome {
  const outcome: Outcome = { commands: [], raw: [], fault: '' };
  for (const chunk of chunks) {
    decoder.feed(chunk);
    for (let found = decoder.next(); found !== NEED_MORE; found = decoder.next()) {
      if (found === FAULT) {
        outcome.fault = decoder.fault;
        return outcome;
      }
      outcome.commands.push(decoder.arguments());
      outcome.raw.push(decoder.chunk.subarray(decoder.start, decoder.end));
    }
  }
  return outcome;
}

function text(...parts: string[]): Buffer[] {
  return parts.map((part) => Buffer.from(part, 'latin1'));
}

function bytewise(bytes: Buffer): Buffer[] {
  return Array.from(bytes, (byte) => Buffer.from([byte]));
}

/** Cuts at pseudo-random places given by `cuts` (fractions of 2^32). */
function cut(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const at = cuts.map((c) => c % (bytes.length + 1)).sort((a, b) => a - b);
  const chunks: Buffer[] = [];
  let from = 0;
  for (const to of [...at, bytes.length]) {
    if (to > from) chunks.push(Buffer.from(bytes.subarray(from, to)));
    from = Math.max(from, to);
  }
  return chunks;
}

const argument = fc.oneof(
  fc.array(fc.integer({ min: 0, max: 255 }), { maxLength: 30 }),
  fc.integer({ min: 0, max: 5000 }).map((n) => new Array<number>(n).fill(n & 255)),
);
const command = fc
  .array(argument, { minLength: 1, maxLength: 12 })
  .map((args) => args.map((codes) => codes.map((c) => String.fromCharCode(c)).join('')));

describe('arrays of bulk strings', () => {
  test('any chunking gives what redis-parser gives, and the raw bytes', () => {
    const property = fc.property(
      fc.array(command, { maxLength: 8 }),
      fc.array(fc.nat(), { maxLength: 12 }),
      (commands, cuts) => {
        const bytes = Buffer.concat(commands.map((args) => encodeCommand(args)));
        const chunks = cut(bytes, cuts);
        const oracle: unknown[] = [];
        const parser = new Parser({
          returnBuffers: true,
          returnReply: (reply) =>
            oracle.push((reply as unknown as Buffer[]).map((b) => b.latin1Slice())),
          returnError: (error) => oracle.push(error),
        });
        for (const chunk of chunks) parser.execute(Buffer.from(chunk));
        const outcome = decode(chunks);
        expect(outcome.fault).toBe('');
        expect(outcome.commands).toEqual(oracle);
        expect(outcome.commands).toEqual(commands);
        expect(Buffer.concat(outcome.raw).equals(bytes)).toBe(true);
      },
    );
    fc.assert(property, { numRuns: 400 });
  });

  test('byte by byte', () => {
    const commands = [['SET', 'k', 'v'.repeat(300)], ['PING'], ['MSET', ...new Array(50).fill('')]];
    const bytes = Buffer.concat(commands.map((args) => encodeCommand(args)));
    const outcome = decode(bytewise(bytes));
    expect(outcome.commands).toEqual(commands);
    expect(Buffer.concat(outcome.raw).equals(bytes)).toBe(true);
  });

  test('empty and null arrays and empty lines are skipped', () => {
    const stream = '*0\r\n*-1\r\n\r\n\n*1\r\n$4\r\nPING\r\n*0\r\n';
    expect(decode(text(stream)).commands).toEqual([['PING']]);
    expect(decode(bytewise(Buffer.from(stream))).commands).toEqual([['PING']]);
  });

  test('a chunk handed out is left alone by later input', () => {
    const decoder = new RequestDecoder();
    const first = encodeCommand(['SET', 'a', '1'.repeat(100)]);
    const stream = Buffer.concat([first, first]);
    const outcome = decode([stream.subarray(0, 150), stream.subarray(150)], decoder);
    for (const raw of outcome.raw) expect(raw.equals(first)).toBe(true);
  });

  test('holds nothing between commands', () => {
    const decoder = new RequestDecoder();
    decode([encodeCommand(new Array(10_000).fill('x'))], decoder);
    expect(decoder.buffered).toBe(0);
    expect(decoder.reserved).toBe(0);
    expect(decoder.chunk.length).toBe(0);
  });
});

describe('inline commands', () => {
  test.each([
    ['PING\r\n', ['PING']],
    ['  set  a\tb \n', ['set', 'a', 'b']],
    ['set "a b" \'c d\'\r\n', ['set', 'a b', 'c d']],
    ['set "\\x41\\n\\"\\q" \'it\\\'s\'\r\n', ['set', 'A\n"q', "it's"]],
    ['set "" x\r\n', ['set', '', 'x']],
    ['set a"b c"\r\n', ['set', 'ab c']],
    ['set k \xff\xfe\r\n', ['set', 'k', '\xff\xfe']],
    ['set a "\\xg1"\r\n', ['set', 'a', 'xg1']],
  ])('%j', (line, words) => {
    for (const chunks of [text(line), bytewise(Buffer.from(line, 'latin1'))]) {
      const outcome = decode(chunks);
      expect(outcome.commands).toEqual([words]);
      expect(nextCommand(outcome.raw[0]!, 0).args).toEqual(words);
    }
  });

  test('mixes with arrays', () => {
    const stream = 'PING\r\n*1\r\n$4\r\nECHO\r\nset a b\n*2\r\n$1\r\na\r\n$0\r\n\r\n';
    const expected = [['PING'], ['ECHO'], ['set', 'a', 'b'], ['a', '']];
    expect(decode(text(stream)).commands).toEqual(expected);
    expect(decode(bytewise(Buffer.from(stream))).commands).toEqual(expected);
  });
});

const LONG = '1'.repeat(70_000);

describe('faults', () => {
  test.each([
    ['*abc\r\n', 'invalid multibulk length'],
    ['*1048577\r\n', 'invalid multibulk length'],
    ['*99999999999999999999\r\n', 'invalid multibulk length'],
    ['*01\r\n', 'invalid multibulk length'],
    ['*-0\r\n', 'invalid multibulk length'],
    ['*\r\n', 'invalid multibulk length'],
    ['*1\rX$4', 'invalid multibulk length'],
    ['*3\r\n$3\r\nSET\r\n$1\r\nx\r\nfooz\r\n', "expected '$', got 'f'"],
    ['*1\r\n*1\r\n', "expected '$', got '*'"],
    ['*1\r\n\r\n', "expected '$', got ' '"],
    ['*1\r\n$-1\r\n', 'invalid bulk length'],
    ['*1\r\n$999999999\r\n', 'invalid bulk length'],
    ['*1\r\n$ab\r\n', 'invalid bulk length'],
    ['*1\r\n$03\r\n', 'invalid bulk length'],
    ['*1\r\n$\r\n', 'invalid bulk length'],
    ['*1\r\n$4\r\nPINGxx', 'bulk without line end'],
    ['set "a\r\n', 'unbalanced quotes in request'],
    ['set "a"b\r\n', 'unbalanced quotes in request'],
    ["set 'a\r\n", 'unbalanced quotes in request'],
    [`*${LONG}`, 'too big mbulk count string'],
    [`*1\r\n$${LONG}`, 'too big bulk count string'],
    ['a'.repeat(66_000), 'too big inline request'],
    [`${'a'.repeat(66_000)}\r\n`, 'too big inline request'],
  ])('%#: %.20j', (stream, reason) => {
    const bytes = Buffer.from(stream, 'latin1');
    expect(decode([bytes]).fault).toBe(`ERR Protocol error: ${reason}`);
    expect(decode(bytewise(bytes)).fault).toBe(`ERR Protocol error: ${reason}`);
  });

  test('commands before the fault are decoded, nothing after it', () => {
    const decoder = new RequestDecoder();
    const outcome = decode(text('PING\r\n*x\r\n', 'PING\r\n'), decoder);
    expect(outcome.commands).toEqual([['PING']]);
    decoder.feed(Buffer.from('PING\r\n'));
    expect(decoder.next()).toBe(FAULT);
  });

  test('limits before authentication', () => {
    const decoder = new RequestDecoder();
    decoder.authenticated = false;
    expect(decode(text('*10\r\n'), decoder).fault).toBe('');
    const many = new RequestDecoder();
    many.authenticated = false;
    expect(decode(text('*11\r\n'), many).fault).toMatch(/unauthenticated multibulk length$/);
    const big = new RequestDecoder();
    big.authenticated = false;
    expect(decode(text('*1\r\n$16385\r\n'), big).fault).toMatch(/unauthenticated bulk length$/);
  });

  test('a command of many arguments is bounded as a whole', () => {
    const decoder = new RequestDecoder({ ...DEFAULT_LIMITS, commandMax: 10_000 });
    const stream = encodeCommand(new Array(20).fill('x'.repeat(900)));
    expect(decode([stream.subarray(0, 15_000), stream.subarray(15_000)], decoder).fault).toMatch(
      /too big request$/,
    );
  });

  test('hostile bytes never throw and never hold more than arrived', () => {
    const soup = fc.array(
      fc.constantFrom(
        '*',
        '$',
        '\r\n',
        '\r',
        '\n',
        '1',
        '0',
        '3',
        '-',
        '"',
        "'",
        '\\x',
        'A',
        '\0',
        '\xff',
        '*2\r\n$3\r\nGET\r\n',
        '$1048576\r\n',
      ),
      { maxLength: 60 },
    );
    const property = fc.property(fc.array(soup, { maxLength: 6 }), (parts) => {
      const decoder = new RequestDecoder({ ...DEFAULT_LIMITS, bulkMax: 1 << 20 });
      const chunks = parts.map((part) => Buffer.from(part.join(''), 'latin1'));
      decode(chunks, decoder);
      expect(decoder.reserved).toBeLessThan((1 << 20) + 20_000);
    });
    fc.assert(property, { numRuns: 2000 });
  });
});

describe('time is linear', () => {
  test('64 MB value in 64 KiB chunks, filled in place', () => {
    const value = Buffer.alloc(64 << 20, 'v');
    const head = Buffer.from(`*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$${value.length}\r\n`);
    const stream = Buffer.concat([head, value, Buffer.from('\r\n')]);
    const decoder = new RequestDecoder();
    const started = performance.now();
    let found: number = NEED_MORE;
    for (let at = 0; at < stream.length; at += 65536) {
      decoder.feed(stream.subarray(at, at + 65536));
      found = decoder.next();
    }
    expect(performance.now() - started).toBeLessThan(1500);
    expect(found).toBe(COMMAND);
    expect(decoder.chunk.length).toBe(stream.length);
    expect(decoder.argumentEnd(2) - decoder.argumentStart(2)).toBe(value.length);
  });

  test('200,000 arguments byte by byte', () => {
    const stream = encodeCommand(new Array(200_000).fill('ab'));
    const decoder = new RequestDecoder();
    const started = performance.now();
    let found: number = NEED_MORE;
    for (let at = 0; at < stream.length; at++) {
      decoder.feed(stream.subarray(at, at + 1));
      found = decoder.next();
    }
    expect(performance.now() - started).toBeLessThan(5000);
    expect(found).toBe(COMMAND);
    expect(decoder.count).toBe(200_000);
    expect(decoder.argument(199_999)).toBe('ab');
  });
});
