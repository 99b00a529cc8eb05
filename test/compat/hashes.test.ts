// Owns: proof that hash commands answer as a real redis-server does, in both encodings.

import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { anyWriter, command, floatText, integerText, key, some, text } from './generators.js';
import { Bench, type Command, hasOracle } from './harness.js';
import { treeOfReply } from './resp-tree.js';

const field = fc.constantFrom('f', 'g', 'h', 'i', '', '7', '\xff');

describe.skipIf(!hasOracle)('hashes against redis-server', () => {
  let bench: Bench;
  beforeAll(async () => {
    bench = await Bench.start();
  });
  afterAll(() => bench.stop());

  /** 7.0 names other encodings of lists and sets, and counts the arguments of HSET otherwise. */
  const hasOtherEncodings = (args: Command) => args[0] === 'object' && !bench.oracle.isCurrent;

  const generators = [
    ...anyWriter,
    command('hset', key, field, text, some(3, command(field, text))),
    command('hmset', key, field, text, some(2, field)),
    command('hsetnx', key, field, text),
    command('hget', key, field),
    command('hmget', key, field, some(4, field)),
    command('hgetall', key),
    command('hdel', key, field, some(3, field)),
    command('hlen', key),
    command('hstrlen', key, field),
    command('hexists', key, field),
    command('hkeys', key),
    command('hvals', key),
    command('hincrby', key, field, integerText),
    command('hincrbyfloat', key, field, floatText),
    command('hrandfield', key, integerText, some(1, fc.constantFrom('withvalues', 'x'))),
    command('hscan', key, fc.constantFrom('0', '', 'x', '1x', ' 1', '99999999999999999999')),
    command(
      'hscan',
      key,
      '0',
      some(3, fc.constantFrom('match', 'count', 'x', '*', '1000', '0', 'f')),
    ),
    command('object', 'encoding', key),
  ];

  for (const protocol of [2, 3] as const) {
    it(`agree while small, RESP${protocol}`, () =>
      bench.differential({
        generators,
        runs: 500,
        seed: 31 + protocol,
        protocol,
        order: (args) => (args[0] === 'hscan' ? 'deep' : undefined),
        ignore: (args) => isRandom(args) || hasOtherEncodings(args),
      }));
  }

  const many: Command[] = Array.from({ length: 520 }, (_, i) => ['hset', 'a', `f${i}`, `${i}`]);

  it('agree across the limit of the small encoding', () =>
    bench.differential({
      generators: [
        command(
          'hset',
          'a',
          fc.nat(530).map((n) => `f${n}`),
          text,
        ),
        command(
          'hdel',
          'a',
          fc.nat(530).map((n) => `f${n}`),
        ),
        command(
          'hget',
          'a',
          fc.nat(530).map((n) => `f${n}`),
        ),
        command(
          'hincrby',
          'a',
          fc.nat(530).map((n) => `f${n}`),
          integerText,
        ),
        command('hlen', 'a'),
        command('hvals', 'a'),
        command('object', 'encoding', 'a'),
      ],
      setup: many.slice(0, 505),
      runs: 60,
      seed: 33,
      ignore: hasOtherEncodings,
    }));

  it('convert by the number and the length of arguments', async () => {
    const flood = (count: number): Command => [
      'hset',
      'k',
      ...Array.from({ length: count }, () => ['f', 'v']).flat(),
    ];
    const encoding = ['object', 'encoding', 'k'];
    if (bench.oracle.isCurrent) await bench.compare([flood(513), encoding]);
    await bench.compare([flood(512), encoding]);
    await bench.compare([...many.slice(0, 512), ['object', 'encoding', 'a']]);
    await bench.compare([...many.slice(0, 513), ['object', 'encoding', 'a']]);
    await bench.compare([['hset', 'k', 'f', 'x'.repeat(64)], encoding]);
    await bench.compare([['hset', 'k', 'f', 'x'.repeat(65)], encoding, ['hdel', 'k', 'f']]);
    await bench.compare([['hset', 'k', 'f'.repeat(65), 'v'], encoding]);
  });

  it('answer random choices of the right shape', async () => {
    await bench.reset();
    const protocolOf = (args: Command) => treeOfReply(bench.subject.execute(args), 3);
    for (const args of [['hset', 'h', 'a', '1', 'b', '2', 'c', '3']]) bench.subject.execute(args);
    expect(protocolOf(['hrandfield', 'h', '-10', 'withvalues']).items).toHaveLength(10);
    const two = protocolOf(['hrandfield', 'h', '2', 'withvalues']);
    expect(two.items).toHaveLength(2);
    for (const pair of two.items)
      expect('abc'.indexOf(pair.items[0]!.text)).toBe(Number(pair.items[1]!.text) - 1);
    expect(two.items[0]!.items[0]!.text).not.toBe(two.items[1]!.items[0]!.text);
    expect(protocolOf(['hrandfield', 'h', '-9000000000000']).kind).toBe('-');
  });
});

/** A choice of some but not all elements cannot be compared, nor can the order of the rest. */
function isRandom(args: Command): boolean {
  if (args[0] !== 'hrandfield') return false;
  const count = Number(args[2]);
  return Number.isInteger(count) && count !== 0 && args[2] !== '';
}
