// Owns: proof that list commands answer as a real redis-server does, in both encodings.

import fc from 'fast-check';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { anyWriter, command, integerText, key, some, text } from './generators.js';
import { Bench, type Command, hasOracle } from './harness.js';

describe.skipIf(!hasOracle)('lists against redis-server', () => {
  let bench: Bench;
  beforeAll(async () => {
    bench = await Bench.start();
  });
  afterAll(() => bench.stop());

  const value = fc.constantFrom('x', 'y', 'z', '1', '2', '', 'x'.repeat(70));
  const push = fc.constantFrom('lpush', 'rpush', 'lpushx', 'rpushx');
  const pop = fc.constantFrom('lpop', 'rpop');
  const end = fc.constantFrom('left', 'RIGHT', 'right', 'up');
  const count = fc.oneof(fc.integer({ min: -3, max: 5 }).map(String), integerText);
  const posOption = command(fc.constantFrom('rank', 'COUNT', 'maxlen', 'x'), count);

  const generators = [
    ...anyWriter,
    command(push, key, value, some(4, value, text)),
    command(pop, key),
    command(pop, key, count),
    command(pop, key, count, count),
    command('llen', key),
    command('lindex', key, integerText),
    command('lset', key, integerText, value),
    command('lrange', key, integerText, integerText),
    command('ltrim', key, integerText, integerText),
    command('lrem', key, count, value),
    command('linsert', key, fc.constantFrom('before', 'AFTER', 'x'), value, value),
    command('lpos', key, value),
    command('lpos', key, value, posOption, some(1, posOption, 'rank')),
    command('lmove', key, key, end, end),
    command('rpoplpush', key, key),
    command('lmpop', count, key, key, end),
    command('lmpop', '2', key, key, end, fc.constantFrom('count', 'x'), count),
    command('lmpop', '1', key, end, some(3, 'count', '1')),
    command('object', 'encoding', key),
  ];
  /** 7.0 has one encoding only. */
  const ignore = (args: Command) => args[0] === 'object' && !bench.oracle.isCurrent;
  /** Redis cuts the index of LSET to 32 bits, and 7.0 takes any RANK for LPOS. */
  const admissible = (args: Command): Command =>
    (args[0] === 'lset' && args[2]!.length > 9) ||
    (args[0] === 'lpos' && args.includes('-9223372036854775808'))
      ? ['lindex', args[1]!, '9223372036854775807']
      : args;

  for (const protocol of [2, 3] as const) {
    it(`agree while small, RESP${protocol}`, () =>
      bench.differential({
        generators: generators.map((generator) => generator.map(admissible)),
        runs: 900,
        seed: 41 + protocol,
        protocol,
        ignore,
      }));
  }

  const long: Command[] = [
    ['rpush', 'a', ...Array.from({ length: 900 }, (_, i) => `value-${i % 40}`)],
    ['rpush', 'b', ...Array.from({ length: 300 }, (_, i) => String(i * 1000))],
  ];
  const anyValue = fc.nat(40).map((n) => `value-${n}`);
  const index = fc.integer({ min: -950, max: 950 }).map(String);
  const list = fc.constantFrom('a', 'b');

  it('agree while large', () =>
    bench.differential({
      generators: [
        command(push, list, anyValue, some(5, anyValue, text)),
        command(pop, list),
        command(pop, list, fc.nat(60).map(String)),
        command('lindex', list, index),
        command('lset', list, index, anyValue),
        command('lrange', list, index, index),
        command('linsert', list, fc.constantFrom('before', 'after'), anyValue, anyValue),
        command('lrem', list, fc.integer({ min: -30, max: 30 }).map(String), anyValue),
        command('lpos', list, anyValue, 'rank', index, 'count', '0'),
        command('lmove', list, list, end, end),
        command(
          'ltrim',
          list,
          fc.nat(40).map(String),
          fc.integer({ min: -40, max: -1 }).map(String),
        ),
      ],
      setup: long,
      runs: 120,
      seed: 44,
      ignore: (args) => args[0] === 'lpos' && args[4] === '0',
    }));

  it('agree on the smallest RANK', async () => {
    if (!bench.oracle.isCurrent) return;
    await bench.compare([['lpos', 'a', 'x', 'rank', '-9223372036854775808']]);
  });

  it('convert at the same sizes', async () => {
    const encoding = ['object', 'encoding', 'k'];
    const push = (count: number, length: number): Command => [
      'rpush',
      'k',
      ...Array.from({ length: count }, () => 'v'.repeat(length)),
    ];
    if (!bench.oracle.isCurrent) return;
    await bench.compare([push(1, 8192), encoding]);
    await bench.compare([push(1, 8185), encoding, ['lpush', 'k', ''], encoding]);
    await bench.compare([push(1, 8186), encoding, ['lpop', 'k']]);
    await bench.compare([push(80, 100), encoding, push(1, 30), encoding, push(1, 1), encoding]);
    await bench.compare([['rpush', 'k', ...Array(4000).fill('1')], encoding, push(1, 1), encoding]);
    await bench.compare([['rpush', 'k', ...Array(9000).fill('1')], encoding]);
    const integers = ['127', '128', '-1', '4095', '-4097', '32768', '8388608', '2147483648'];
    const wide = Array.from({ length: 1200 }, (_, i) => integers[i % integers.length]!);
    await bench.compare([
      ['rpush', 'k', ...wide],
      encoding,
      ...Array(80).fill(push(1, 9)),
      encoding,
    ]);
    await bench.compare([push(100, 100), encoding, ['ltrim', 'k', '0', '39'], encoding]);
    await bench.compare([
      push(100, 100),
      ['ltrim', 'k', '0', '40'],
      encoding,
      ['lpop', 'k'],
      encoding,
    ]);
    await bench.compare([push(1, 9000), ['lset', 'k', '0', 'x'], encoding]);
    await bench.compare([
      push(1, 8000),
      ['linsert', 'k', 'before', 'no', 'v'.repeat(500)],
      encoding,
    ]);
  });
});
