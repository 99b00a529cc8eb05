// Owns: proof that bit commands answer as a real redis-server does.

import fc from 'fast-check';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { anyWriter, command, key, some, text } from './generators.js';
import { Bench, hasOracle } from './harness.js';

describe.skipIf(!hasOracle)('bitmaps against redis-server', () => {
  let bench: Bench;
  beforeAll(async () => {
    bench = await Bench.start();
  });
  afterAll(() => bench.stop());

  const position = fc.oneof(
    fc.integer({ min: -140, max: 140 }).map(String),
    fc.constantFrom('9223372036854775807', '-9223372036854775808', 'x', '1.5'),
  );
  const bytes = fc
    .uint8Array({ maxLength: 40 })
    .map((array) => Buffer.from(array).toString('latin1'));
  const unit = fc.constantFrom('bit', 'BYTE', 'bits');
  const bit = fc.constantFrom('0', '1', '2', '-1', 'x');
  const writers = [
    command('set', key, bytes),
    command('set', key, fc.constantFrom('\xff\xff', '\x00\x00\x00', '\xff\xf0\x00')),
    command('setbit', key, position, bit),
    command('append', key, text),
    ...anyWriter,
  ];

  it('agree on bits and ranges', () =>
    bench.differential({
      generators: [
        ...writers,
        command('getbit', key, position),
        command('setbit', key, fc.constantFrom('4294967296', '-1', '#1'), bit),
        command('bitcount', key),
        command('bitcount', key, position),
        command('bitcount', key, position, position),
        command('bitcount', key, position, position, unit),
        command('bitcount', key, position, position, 'bit', 'x'),
        command('bitpos', key, bit),
        command('bitpos', key, bit, position),
        command('bitpos', key, bit, position, position),
        command('bitpos', key, bit, position, position, unit),
        command('object', 'encoding', 'a'),
      ],
      runs: 1200,
      seed: 21,
      // A list or set of 7.0 has another encoding.
      ignore: (args) => args[0] === 'object' && !bench.oracle.isCurrent,
    }));

  it('agree on BITOP', () =>
    bench.differential({
      generators: [
        ...writers,
        command(
          'bitop',
          fc.constantFrom('and', 'OR', 'xor', 'not', 'nand'),
          key,
          key,
          some(3, key),
        ),
        command('bitop', 'not', key, key),
      ],
      runs: 600,
      seed: 22,
    }));

  const width = fc.oneof(
    fc.tuple(fc.constantFrom('i', 'u'), fc.integer({ min: 1, max: 64 })).map(([s, n]) => s + n),
    fc.constantFrom('u8', 'i8', 'i64', 'u63', 'u64', 'i65', 'i0', 'u', 'x8', 'i08', 'U8'),
  );
  const offset = fc.oneof(
    fc.nat(90).map(String),
    fc.nat(9).map((n) => `#${n}`),
    fc.constantFrom('-1', '#-1', '4294967296', 'x', '##1'),
  );
  const amount = fc.oneof(
    fc.integer({ min: -300, max: 300 }).map(String),
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String),
    fc.constantFrom('9223372036854775807', '-9223372036854775808', '9223372036854775808', 'x'),
  );
  const steps = some(
    5,
    command('get', width, offset),
    command('set', width, offset, amount),
    command('incrby', width, offset, amount),
    command('set', 'u8', fc.nat(40).map(String), fc.integer({ min: -200, max: 300 }).map(String)),
    command('incrby', 'i5', fc.nat(40).map(String), fc.integer({ min: -40, max: 40 }).map(String)),
    command('overflow', fc.constantFrom('wrap', 'SAT', 'fail')),
  );

  it('agree on BITFIELD', () =>
    bench.differential({
      generators: [
        ...writers,
        command('bitfield', key, steps),
        command('bitfield', key, steps),
        command('bitfield', key, 'overflow', 'sat', 'incrby', width, offset, amount),
        command('bitfield', key, 'overflow', 'fail', 'set', width, offset, amount),
        command('bitfield', key, 'overflow', 'none', 'get', 'u8', '0'),
        command('bitfield_ro', key, steps),
        command('bitfield', key, 'get', 'u8'),
      ],
      runs: 1200,
      seed: 23,
    }));
});
