// Owns: proof that SORT answers as a real redis-server does, ties that Redis leaves open aside.

import fc from 'fast-check';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { command, integerText, key, some } from './generators.js';
import { Bench, type Command, hasOracle } from './harness.js';

describe.skipIf(!hasOracle)('SORT against redis-server', () => {
  let bench: Bench;
  beforeAll(async () => {
    bench = await Bench.start();
  });
  afterAll(() => bench.stop());

  const element = fc.constantFrom(
    '1',
    '2',
    '3',
    '10',
    '-5',
    '2.5',
    '1e3',
    'x',
    'y',
    '',
    ' 4',
    '0x10',
  );
  const number = fc.constantFrom('1', '2', '3', '10', '-5', '2.5');
  const pattern = fc.constantFrom(
    'w_*',
    'h_*->f',
    'h_*->',
    '#',
    'nosort',
    '*',
    'w_*->',
    'h_*->g',
    'k',
  );
  /** Every element has its own, or the order stays. */
  const weight = fc.constantFrom('w_*', 'h_*->f', 'nosort', '#');
  const modifiers = [
    'asc',
    'DESC',
    'alpha',
    command('limit', integerText, integerText),
    command('limit', fc.constantFrom('0', '1', '-1'), fc.constantFrom('0', '2', '-1')),
    command('get', pattern),
    command('get', '#'),
  ];
  const weights: Command[] = ['1', '2', '3', '10', '-5', '2.5'].flatMap((name, i) => [
    ['set', `w_${name}`, String((i * 7) % 11)],
    ['hset', `h_${name}`, 'f', String((i * 5) % 11)],
  ]);
  const lists = [
    command('rpush', key, number, number, number),
    command('zadd', key, '1', number, '2', number, '0', number),
    command('del', key),
  ];

  // Redis leaves two orders open: equal texts behind an alphabetic BY, and a set that is not to be
  // sorted.
  it('agree on all types', () =>
    bench.differential({
      setup: weights,
      generators: [
        ...lists,
        command('rpush', key, element, element, element),
        command('sadd', key, number, number, number),
        command('sadd', key, element),
        command('set', key, element),
        command('set', fc.constantFrom('w_1', 'w_2', 'w_x'), element),
        command('lpush', 'w_3', 'x'),
        command('sort', key),
        command('sort', key, 'alpha', 'store', key),
        command('sort', key, some(4, ...modifiers, command('store', key), 'by', 'x')),
        command('sort_ro', key, some(4, ...modifiers, command('store', key))),
        command('sort', key, 'by', fc.constantFrom('w_*', 'h_*->f', '*'), 'store', key),
        command('sort', key, 'by', 'nosort', 'get', pattern, 'store', key),
      ],
      runs: 1000,
      seed: 41,
      ignore: (args) => args.includes('by') && !args.includes('store'),
    }));

  it('agree on weights', () =>
    bench.differential({
      setup: weights,
      generators: [
        ...lists,
        ...lists,
        command('sort', key, some(5, ...modifiers, command('by', weight))),
        command('sort', key, some(4, ...modifiers, command('by', weight)), 'store', 'result'),
        command('sort_ro', key, 'by', weight, some(3, ...modifiers)),
      ],
      runs: 1000,
      seed: 42,
    }));
});
