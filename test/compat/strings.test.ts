// Owns: proof that the string commands answer as a real redis-server does, by random sequences and
// by known cases.

import fc from 'fast-check';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { anyWriter, command, floatText, integerText, key, some, text } from './generators.js';
import { Bench, type Command, hasOracle } from './harness.js';

describe.skipIf(!hasOracle)('strings against redis-server', () => {
  let bench: Bench;
  beforeAll(async () => {
    bench = await Bench.start();
  });
  afterAll(() => bench.stop());

  const far = fc.constantFrom('100000', '0', '-5', '9223372036854775807', '92233720368547758', 'x');
  const moment = fc.constantFrom('1', '4102444800', '4102444800123', '9223372036854775', '0');
  const setOptions = some(
    3,
    'nx',
    'XX',
    'get',
    'keepttl',
    command('exat', moment),
    command('PXAT', moment),
    'persist',
    'ex',
  );
  const simple = [
    command('set', key, text),
    command('set', key, text, setOptions),
    command('get', key),
    command('setnx', key, text),
    command('setex', key, fc.constantFrom('0', '-1', 'x', '9223372036854775807'), text),
    command('psetex', key, fc.constantFrom('0', '-1', '1.5', '9223372036854775807'), text),
    command('getset', key, text),
    command('getdel', key),
    command('getex', key),
    command('getex', key, some(2, 'persist', 'keepttl', command('pxat', moment), 'nx')),
    command('mget', key, key, key),
    command('mset', key, text, key, text),
    command('msetnx', key, text, key, text),
    command('msetnx', key, text, key),
    command('append', key, text),
    command('strlen', key),
    command('getrange', key, integerText, integerText),
    command('substr', key, integerText, integerText),
    command('setrange', key, fc.oneof(fc.nat(30).map(String), fc.constant('-1')), text),
    command('setrange', key, fc.constantFrom('536870912', '4294967296', 'x'), text),
    command('incr', key),
    command('decr', key),
    command('incrby', key, integerText),
    command('decrby', key, integerText),
    command('object', 'encoding', key),
    command('set', key, text, fc.constantFrom('ex', 'PX'), far),
  ];

  // Relative expiries depend on each side's clock (see keyspace.test.ts for them); a small set or
  // list of Redis 7.0 has another encoding.
  const ignore = (args: Command) =>
    args[0] === 'pexpiretime' || (args[0] === 'object' && !bench.oracle.isCurrent);

  it('agree on random sequences', () =>
    bench.differential({ generators: [...simple, ...anyWriter], runs: 1500, seed: 11, ignore }));

  it('agree with RESP2', () =>
    bench.differential({ generators: simple, runs: 300, seed: 12, protocol: 2, ignore }));

  it('agree on INCRBYFLOAT', () =>
    bench.differential({
      generators: [
        command('incrbyfloat', key, floatText),
        command('incrbyfloat', 'a', floatText),
        command('set', key, floatText),
        command('incr', key),
        ...anyWriter,
      ],
      runs: 1500,
      seed: 13,
    }));

  it('agree on LCS', () =>
    bench.differential({
      setup: [
        ['set', 'a', 'ohmytext'],
        ['set', 'b', 'mynewtext'],
      ],
      generators: [
        command('lcs', key, key),
        command(
          'lcs',
          'a',
          'b',
          some(3, 'len', 'idx', command('minmatchlen', integerText), 'WITHMATCHLEN', 'x'),
        ),
        command('lcs', 'a', 'b', 'idx', 'withmatchlen'),
        command('lcs', 'c', 'd', 'idx', 'withmatchlen', 'minmatchlen', integerText),
        command('set', key, fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 20 })),
        command('rpush', key, 'x'),
      ],
      runs: 600,
      seed: 14,
    }));
});
