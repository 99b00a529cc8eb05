// Owns: proof that commands on keys, expiry, databases and DEBUG DIGEST answer as a real
// redis-server does.

import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { anyWriter, command, key, some, text } from './generators.js';
import { Bench, hasOracle } from './harness.js';

describe.skipIf(!hasOracle)('keys against redis-server', () => {
  let bench: Bench;
  beforeAll(async () => {
    bench = await Bench.start();
  });
  afterAll(() => bench.stop());

  const db = fc.constantFrom('0', '1', '15', '16', '-1', 'x', '9223372036854775807');
  const goodDb = fc.constantFrom('0', '1', '2');
  const keyCommands = [
    ...anyWriter,
    command('del', key, key),
    command('unlink', key),
    command('exists', key, key, key),
    command('touch', key, key),
    command('type', key),
    command('rename', key, key),
    command('renamenx', key, key),
    command('move', key, db),
    command('copy', key, key),
    command('copy', key, key, some(3, 'replace', command('DB', goodDb), command('db', db), 'x')),
    command('append', key, text),
    command('dbsize'),
    command('keys', fc.constantFrom('*', 'a', '[ab]', '?', '')),
    command('select', goodDb),
    command('flushdb'),
    command('swapdb', db, goodDb),
    command('swapdb', goodDb, db),
    command('expire', key, '100000'),
    command('persist', key),
    command('object', fc.constantFrom('FREQ', 'oops'), key),
    command('object', 'idletime', 'none'),
    command('object', 'refcount', key, 'x'),
    command('memory', 'usage', '', fc.constantFrom('samples', 'x')),
    command('scan', '0', 'count', '1000'),
    command('scan', '0', 'count', '1000', 'type', fc.constantFrom('string', 'LIST', 'zset', 'x')),
    command(
      'scan',
      fc.constantFrom('x', '', '-', ' 0', '1 ', '18446744073709551616'),
      some(1, 'x'),
    ),
    command('scan', '0', some(2, 'x', command('count', '0'), command('count', 'x'), 'match')),
    command('debug', 'digest'),
    command('debug', 'digest-value', key, key),
    command('flushall', fc.constantFrom('sync', 'ASYNC', 'x')),
    command('flushdb', fc.constantFrom('sync', 'ASYNC', 'x')),
  ];
  // Relative expiries depend on each side's clock; Redis 7.0 prints scores into its digest in
  // another way.
  const ignore = (args: readonly string[]) =>
    args[0] === 'pexpiretime' || (args[0] === 'debug' && !bench.oracle.isCurrent);

  const settings = { generators: keyCommands, ignore };

  it('agree on random sequences', () => bench.differential({ ...settings, runs: 1500, seed: 31 }));

  it('agree on reference counts of values just set', () =>
    bench.compare(
      ['0', '9999', '10000', '-1', 'x', '', 'y'.repeat(50)].flatMap((value) => [
        ['set', 'a', value],
        ['object', 'refcount', 'a'],
      ]),
    ));

  it('agree with RESP2', () =>
    bench.differential({ ...settings, runs: 300, seed: 32, protocol: 2 }));

  it('agree on the digest of every type', async () => {
    if (!bench.oracle.isCurrent) return;
    const score = fc
      .double({ noNaN: true })
      .map((value) => String(value).replace('Infinity', 'inf'));
    const number = fc.constantFrom(
      '0',
      '-0',
      '1e18',
      '1e21',
      '123456789012345680000',
      '1e-7',
      '5e-324',
    );
    await bench.differential({
      generators: [
        ...anyWriter,
        command('zadd', key, fc.oneof(score, number), text),
        command('zincrby', key, score, text),
        command('rpush', key, text, text, text),
        command('sadd', key, text, text, text),
        command('hset', key, text, text, text, text),
        command('pexpireat', key, '4102444800123'),
        command('select', goodDb),
        command('debug', 'digest'),
        command('debug', 'digest-value', key, key),
      ],
      runs: 700,
      seed: 35,
    });
  });

  const when = fc.oneof(
    fc.integer({ min: -2000, max: 100_000 }).map(String),
    // Moments beyond 2^53 ms are kept as 2^53 - 1 (commands/deadlines.ts): what Redis still accepts
    // is left out.
    fc.constantFrom('9223372036854775807', '-9223372036854775808', '01', '1.5', 'x', ''),
  );
  const moment = fc.constantFrom('1', '0', '-1', '4102444800', '4102444800123', '4102444801', 'x');
  const condition = some(2, 'nx', 'XX', 'gt', 'LT', 'oops');
  const expiryCommands = [
    ...anyWriter,
    command('expire', key, when),
    command('expire', key, when, condition),
    command('pexpire', key, when, condition),
    command('expireat', key, moment, condition),
    command('pexpireat', key, moment),
    command('pexpireat', key, moment, condition),
    command('ttl', key),
    command('pttl', key),
    command('expiretime', key),
    command('pexpiretime', key),
    command('persist', key),
    command('set', key, text, 'ex', when),
    command('set', key, text, 'px', when, some(2, 'get', 'nx', 'xx')),
    command('set', key, text, 'keepttl'),
    command('getex', key, 'px', when),
    command('getex', key, 'exat', moment),
    command('rename', key, key),
    command('copy', key, key, 'replace'),
    command('incr', key),
    command('append', key, text),
    command('getset', key, text),
    command('mset', key, text, key, text),
    command('exists', key),
    command('get', key),
    command('type', key),
    command('keys', '*'),
    command('scan', '0', 'count', '100'),
    command('setbit', key, '3', '1'),
    command('sort', key, 'alpha', 'store', key),
  ];

  it('agree on expiry, with the clock standing still', async () => {
    if (!bench.oracle.isCurrent) {
      console.warn('the clock of a redis-server before 7.2 runs inside a transaction: skipped');
      return;
    }
    await bench.differential({ generators: expiryCommands, runs: 1500, seed: 33, frozen: true });
  });

  it('agree on patterns', async () => {
    const names = [
      'a',
      'ab',
      'abc',
      'b',
      '[',
      ']',
      'a-c',
      '*',
      '\\',
      '^',
      '',
      'A',
      '\xe9',
      'a\nb',
      '-',
    ];
    const unit = fc.constantFrom(...'ab*?[]^-\\c', '\xe9', 'z', '\xff');
    const pattern = fc.string({ unit, maxLength: 9 });
    await bench.differential({
      setup: names.map((name) => ['set', name, '']),
      generators: [
        command('set', fc.string({ unit, maxLength: 6 }), ''),
        command('keys', pattern),
        command('scan', '0', 'count', '10000', 'match', pattern),
      ],
      length: 60,
      runs: 400,
      seed: 34,
    });
  });

  it('finds every key that stays, whatever else SCAN meets', async () => {
    const { subject } = bench;
    subject.reset();
    for (let i = 0; i < 300; i++) subject.execute(['set', `stays:${i}`, '']);
    for (let i = 0; i < 300; i++) subject.execute(['set', `goes:${i}`, '']);
    const seen = new Set<string>();
    let cursor = '0';
    let step = 0;
    do {
      const reply = subject.execute(['scan', cursor, 'count', '7']) as [string, string[]];
      cursor = reply[0];
      for (const name of reply[1]) seen.add(name);
      subject.execute(['del', `goes:${step}`]);
      subject.execute(['set', `new:${step++}`, '']);
    } while (cursor !== '0');
    for (let i = 0; i < 300; i++) expect(seen.has(`stays:${i}`)).toBe(true);
  });
});
