// Owns: proof that sorted set commands answer as a real redis-server does, in both encodings.

import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { anyWriter, command, floatText, integerText, key, some, text } from './generators.js';
import { Bench, type Command, hasOracle } from './harness.js';
import { oracleVersion } from './oracle.js';

/** 7.0 prints scores with 17 digits, so that only short binary fractions look the same there. */
const isCurrent = (oracleVersion() ?? '') >= '7.2';
const shortScore = fc.constantFrom(
  '0',
  '1',
  '2',
  '-1',
  '2.5',
  '-0.25',
  '1e3',
  'inf',
  '-inf',
  '3e10',
);
const fraction = fc.double({ noNaN: true }).map((n) => String(n).replace('Infinity', 'inf'));
const score = isCurrent
  ? fc.oneof(
      shortScore,
      floatText,
      fc.constantFrom('-0', '0.1', '1e-7', '1.5e300', '4611686018427387904'),
    )
  : fc.oneof(shortScore, fc.constantFrom('nan', '1e400', '', ' 1', 'x'));
const validScore = isCurrent ? fc.oneof(shortScore, fraction) : shortScore;

const member = fc.constantFrom('a', 'b', 'c', 'ab', '', '\xff', '7', 'z'.repeat(65));
const option = fc.constantFrom('nx', 'XX', 'gt', 'lt', 'ch', 'incr');
const bound = fc.oneof(
  score,
  score.map((value) => `(${value}`),
  fc.constantFrom('', '(', ' 1', '1 ', '-inf', '+inf', '(inf', '0x10', '1\x00x'),
);
const lexBound = fc.constantFrom('-', '+', '[a', '(a', '[ab', '(b', '[', '(', 'a', '', '[\xff');
const index = fc.oneof(fc.integer({ min: -6, max: 6 }).map(String), integerText);
const limit = command('limit', index, index);
const read = fc.constantFrom('zrange', 'zrevrange', 'zrangebyscore', 'zrevrangebyscore');
const lexRead = fc.constantFrom('zrangebylex', 'zrevrangebylex');
const rangeOption = command(fc.constantFrom('byscore', 'BYLEX', 'rev', 'withscores', 'x'));
const plain = fc.constantFrom('zunion', 'zinter', 'zdiff');
const storing = fc.constantFrom('zunionstore', 'zinterstore', 'zdiffstore');
const aggregate = command('aggregate', fc.constantFrom('sum', 'MIN', 'max', 'x', 'constructor'));
const weights = command('weights', score, score);

const generators = [
  ...anyWriter,
  command('zadd', key, some(2, option), score, member),
  command('zadd', key, some(1, option), validScore, member, validScore, member),
  command('zadd', key, validScore, member, some(3, command(validScore, member))),
  command('zincrby', key, score, member),
  command('zrem', key, member, some(2, member)),
  command('zcard', key),
  command('zscore', key, member),
  command('zmscore', key, member, some(3, member)),
  command(fc.constantFrom('zrank', 'zrevrank'), key, member),
  command('zcount', key, bound, bound),
  command('zlexcount', key, lexBound, lexBound),
  command(read, key, bound, bound, some(2, 'withscores', limit)),
  command(lexRead, key, lexBound, lexBound, some(1, limit, 'withscores')),
  command('zrange', key, index, index, some(2, rangeOption)),
  command('zrange', key, bound, bound, 'byscore', some(3, rangeOption, limit)),
  command('zrange', key, lexBound, lexBound, 'bylex', some(2, rangeOption, limit)),
  command('zrangestore', key, key, index, index, some(1, rangeOption, limit)),
  command('zrangestore', key, key, bound, bound, 'byscore', some(2, rangeOption, limit)),
  command('zremrangebyrank', key, index, index),
  command('zremrangebyscore', key, bound, bound),
  command('zremrangebylex', key, lexBound, lexBound),
  command(fc.constantFrom('zpopmin', 'zpopmax'), key, some(2, integerText)),
  command('zmpop', integerText, key, key, fc.constantFrom('min', 'MAX', 'x')),
  command('zmpop', '2', key, key, 'min', some(2, 'count', integerText)),
  command('zrandmember', key, integerText, some(1, fc.constantFrom('withscores', 'x'))),
  command(plain, integerText, key, key, some(2, aggregate, weights, 'withscores')),
  command(plain, '2', key, key, some(2, aggregate, weights, 'withscores')),
  command(storing, key, integerText, key, key, some(1, aggregate, weights, 'withscores')),
  command(storing, key, '2', key, key, some(2, aggregate, weights)),
  command('zintercard', '2', key, key, some(2, 'limit', integerText)),
  command('zscan', key, '0', some(2, fc.constantFrom('match', 'count', '*', '1000', '0'))),
  command('object', 'encoding', key),
];

function isRandom(args: Command): boolean {
  return args[0] === 'zrandmember' && /^-?[1-9]/.test(args[2]!);
}

/** 7.0 names other encodings of lists and sets, and counts the arguments of ZADD otherwise. */
function hasOtherEncodings(args: Command): boolean {
  return args[0] === 'object' && !isCurrent;
}

/**
 * Redis leaves ranges by member over different scores undefined, and its answers depend on the
 * shape of its skiplist: they are compared in a test of their own.
 */
function isLexical(args: Command): boolean {
  const name = args[0]!;
  return name.includes('lex') || args.some((arg) => arg.toLowerCase() === 'bylex');
}

describe.skipIf(!hasOracle)('sorted sets against redis-server', () => {
  let bench: Bench;
  beforeAll(async () => {
    bench = await Bench.start();
  });
  afterAll(() => bench.stop());

  const order = (args: Command) => (args[0] === 'zscan' ? 'deep' : undefined);

  for (const protocol of [2, 3] as const) {
    it(`agree while small, RESP${protocol}`, () =>
      bench.differential({
        generators: generators.map((generator) =>
          generator.map((args) => (isLexical(args) ? ['zcard', args[1]!] : args)),
        ),
        runs: 1200,
        seed: 61 + protocol,
        protocol,
        order,
        ignore: (args) => isRandom(args) || hasOtherEncodings(args),
      }));
  }

  it('agree on ranges by member when scores are equal', () =>
    bench.differential({
      generators: [
        command('zadd', key, '1', text, some(4, command('1', text))),
        command('zrem', key, text),
        command(lexRead, key, lexBound, lexBound, some(1, limit, 'withscores')),
        command('zrange', key, lexBound, lexBound, 'bylex', some(2, 'rev', limit, 'withscores')),
        command('zrangestore', key, key, lexBound, lexBound, 'bylex', some(2, 'rev', limit)),
        command('zremrangebylex', key, lexBound, lexBound),
        command('zlexcount', key, lexBound, lexBound),
      ],
      runs: 500,
      seed: 65,
    }));

  const setup: Command[] = [
    ['zadd', 'a', ...pairs(0, 127, (n) => n)],
    ['zadd', 'b', ...pairs(60, 400, (n) => n % 7)],
    ['zadd', 'c', ...pairs(0, 1500, (n) => (n * 7919) % 1500)],
    ['sadd', 'd', ...Array.from({ length: 300 }, (_, i) => `m${i * 2}`)],
  ];
  const sortedSet = fc.constantFrom('a', 'b', 'c', 'e');
  const source = fc.constantFrom('a', 'b', 'c', 'd', 'e');
  const name = fc.nat(1600).map((n) => `m${n}`);
  const rank = fc.integer({ min: -1600, max: 1600 }).map(String);

  it('agree across the limits of the encodings', () =>
    bench.differential({
      generators: [
        command('zadd', sortedSet, validScore, name, some(4, command(validScore, name))),
        command('zincrby', sortedSet, fc.integer({ min: -99, max: 99 }).map(String), name),
        command('zrem', sortedSet, name, some(4, name)),
        command(fc.constantFrom('zrank', 'zrevrank'), sortedSet, name),
        command('zmscore', sortedSet, name, name),
        command('zcount', sortedSet, rank, rank),
        command('zrange', sortedSet, rank, rank, some(2, 'rev', 'withscores')),
        command('zrange', sortedSet, rank, rank, 'byscore', some(2, 'rev', limit)),
        command('zremrangebyrank', sortedSet, rank, fc.integer({ min: 0, max: 99 }).map(String)),
        command('zremrangebyscore', sortedSet, rank, rank),
        command('zpopmin', sortedSet, fc.nat(20).map(String)),
        command('zpopmax', sortedSet, fc.nat(20).map(String)),
        command('zrangestore', 'e', sortedSet, rank, rank),
        command(storing, sortedSet, '2', source, source, some(1, aggregate)),
        command('zintercard', '2', source, source, 'limit', fc.nat(200).map(String)),
        command('object', 'encoding', sortedSet),
      ],
      setup,
      runs: 150,
      seed: 66,
    }));

  it('print scores in ZSCAN as each encoding does', async () => {
    const scores = ['0.1', '-0', '1e100', '3', '1e-5', '1e16', '1e17', '-2.5e-300', 'inf', '1e21'];
    const adds = scores.map((value, i): Command => ['zadd', 'k', value, `m${i}`]);
    const scan = ['zscan', 'k', '0', 'count', '1000'];
    const read = ['zrange', 'k', '0', '-1', 'withscores'];
    const grow = ['zadd', 'k', '1', 'x'.repeat(65)];
    const ignore = (args: Command) => args[0] === 'zrange' && !isCurrent;
    await bench.compare([grow, ...adds, scan], { order, ignore });
    if (isCurrent) await bench.compare([...adds, scan, read, grow, scan, read], { order });
  });

  it('convert by the number of arguments', async () => {
    const encoding = ['object', 'encoding', 'k'];
    const same = (count: number): Command => ['zadd', 'k', ...Array(count).fill(['1', 'm']).flat()];
    await bench.compare([same(128), encoding]);
    if (isCurrent) await bench.compare([same(128), same(129), encoding]);
    await bench.compare([
      ['zadd', 'k', ...pairs(0, 128, (n) => n)],
      encoding,
      ['zadd', 'k', '1', 'n'],
      encoding,
    ]);
    await bench.compare([
      ['zadd', 'k', 'xx', '1', 'a'],
      ['zadd', 'k', '1', 'x'.repeat(65)],
      encoding,
    ]);
  });

  it('give the rank with its score', async () => {
    if (!isCurrent) return;
    for (const protocol of [2, 3] as const) {
      const commands = ['zrank', 'zrevrank'].flatMap((name): Command[] => [
        [name, 'k', 'a', 'withscore'],
        [name, 'k', 'b', 'WITHSCORE'],
        [name, 'k', 'no', 'withscore'],
        [name, 'no', 'a', 'withscore'],
        [name, 'k', 'a', 'x'],
        [name, 'k', 'a', 'withscore', 'x'],
      ]);
      await bench.compare([['zadd', 'k', '1.5', 'a', '2', 'b'], ...commands], { protocol });
    }
  });

  it('answer random choices that are there', async () => {
    await bench.reset();
    bench.subject.execute(['zadd', 'k', '1', 'a', '2', 'b', '3', 'c']);
    const picked = bench.subject.execute(['zrandmember', 'k', '2']) as string[];
    expect(new Set(picked).size).toBe(2);
    expect(bench.subject.execute(['zrandmember', 'k', '-20'])).toHaveLength(20);
  });
});

function pairs(from: number, to: number, scoreOf: (n: number) => number): string[] {
  const result: string[] = [];
  for (let n = from; n < to; n++) result.push(String(scoreOf(n)), `m${n}`);
  return result;
}
