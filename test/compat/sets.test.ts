// Owns: proof that set commands answer as a real redis-server does, in all three encodings.

import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { anyWriter, command, integerText, key, some, text } from './generators.js';
import { Bench, type Command, hasOracle } from './harness.js';

describe.skipIf(!hasOracle)('sets against redis-server', () => {
  let bench: Bench;
  beforeAll(async () => {
    bench = await Bench.start();
  });
  afterAll(() => bench.stop());

  const member = fc.oneof(
    fc.constantFrom('1', '2', '3', '-4', 'x', 'y', '', '9007199254740993'),
    text,
  );
  const combine = fc.constantFrom('sinter', 'sunion', 'sdiff');
  const storing = fc.constantFrom('sinterstore', 'sunionstore', 'sdiffstore');
  const generators = [
    ...anyWriter,
    command('sadd', key, member, some(4, member)),
    command('srem', key, member, some(3, member)),
    command('sismember', key, member),
    command('smismember', key, member, some(3, member)),
    command('scard', key),
    command('smembers', key),
    command('spop', key, integerText, some(1, integerText)),
    command('srandmember', key, integerText, some(1, integerText)),
    command('smove', key, key, member),
    command(combine, key, some(3, key)),
    command(storing, key, key, some(3, key)),
    command('sintercard', integerText, key, key, some(2, 'limit', integerText)),
    command('sintercard', '2', key, key, 'limit', fc.constantFrom('0', '1', '2', '-1')),
    command('sscan', key, '0', some(2, fc.constantFrom('match', 'count', '*', '1000', '0'))),
    command('object', 'encoding', key),
  ];
  /** 7.0 has no listpack sets. */
  const ignore = (args: Command) =>
    (args[0] === 'object' && !bench.oracle.isCurrent) || isRandom(args);

  for (const protocol of [2, 3] as const) {
    it(`agree while small, RESP${protocol}`, () =>
      bench.differential({
        generators: generators.map((generator) => generator.map(popAll)),
        runs: 700,
        seed: 51 + protocol,
        protocol,
        order: orderOf,
        ignore,
      }));
  }

  const integers = (from: number, to: number) =>
    Array.from({ length: to - from }, (_, i) => String(from + i));
  const names = (from: number, to: number) => integers(from, to).map((n) => `member-${n}`);
  const setup: Command[] = [
    ['sadd', 'a', ...integers(0, 510)],
    ['sadd', 'b', ...names(0, 126)],
    ['sadd', 'c', ...names(100, 400)],
    ['sadd', 'd', ...integers(300, 700)],
  ];
  const set = fc.constantFrom('a', 'b', 'c', 'd', 'e');
  const any = fc.oneof(
    fc.nat(700).map(String),
    fc.nat(400).map((n) => `member-${n}`),
  );

  it('agree across the limits of the encodings', () =>
    bench.differential({
      generators: [
        command('sadd', set, any, some(6, any)),
        command('srem', set, any, some(6, any)),
        command('smismember', set, any, any),
        command('scard', set),
        command('smove', set, set, any),
        command(combine, set, some(3, set)),
        command(storing, set, set, some(3, set)),
        command('sintercard', '2', set, set, 'limit', fc.nat(200).map(String)),
        command('object', 'encoding', set),
      ],
      setup,
      runs: 150,
      seed: 54,
      ignore,
    }));

  it('begin with the encoding that the arguments ask for', async () => {
    if (!bench.oracle.isCurrent) return;
    const encoding = ['object', 'encoding', 'k'];
    const floods = [
      integers(0, 512),
      integers(0, 513),
      names(0, 128),
      names(0, 129),
      ['1', ...names(0, 127)],
      ['1', ...names(0, 128)],
      ['x', ...integers(0, 127)],
      ['x', ...integers(0, 128)],
      Array(200).fill('same'),
      Array(600).fill('7'),
      ['x'.repeat(64)],
      ['x'.repeat(65)],
      ['1', 'x'.repeat(65)],
    ];
    for (const flood of floods) {
      await bench.compare([['sadd', 'k', ...flood], encoding]);
      await bench.compare([['sadd', 'k', '5'], ['sadd', 'k', ...flood], encoding]);
      await bench.compare([['sadd', 'k', 'y'], ['sadd', 'k', ...flood], encoding]);
    }
    const steps = integers(0, 128).map((n): Command => ['sadd', 'k', n]);
    await bench.compare([...steps, ['sadd', 'k', 'x'], encoding]);
    await bench.compare([...steps.slice(1), ['sadd', 'k', 'x'], encoding, steps[0]!, encoding]);
  });

  it('pop so many that a smaller encoding follows', async () => {
    await bench.reset();
    const run = (args: Command) => bench.subject.execute(args);
    run(['sadd', 'k', ...names(0, 400)]);
    expect(run(['spop', 'k', '100'])).toMatchObject({ items: { length: 100 } });
    expect(run(['object', 'encoding', 'k'])).toBe('hashtable');
    expect(run(['spop', 'k', '290'])).toMatchObject({ items: { length: 290 } });
    expect(run(['scard', 'k'])).toBe(10);
    expect(run(['object', 'encoding', 'k'])).toBe('listpack');
    if (!bench.oracle.isCurrent) return;
    const trees = await bench.oracle.send([
      ['sadd', 'k', ...names(0, 400)],
      ['spop', 'k', '390'],
      ['object', 'encoding', 'k'],
    ]);
    expect(trees[2]!.text).toBe('listpack');
  });
});

/** SPOP of some would leave different sets: pop none, all or with an error. */
function popAll(args: Command): Command {
  if (args[0] !== 'spop' || args.length > 3) return args;
  return /^[1-9][0-9]?$/.test(args[2]!) ? [args[0], args[1]!, '1000'] : args;
}

function orderOf(args: Command) {
  return args[0] === 'spop' ? 'items' : undefined;
}

function isRandom(args: Command): boolean {
  return args[0] === 'srandmember' && args.length === 3 && /^-?[1-9]/.test(args[2]!);
}
