// Owns: the arguments random command sequences are made of: few keys, so that commands meet; values
// that sit on the edges of Redis's encodings and number formats; options in every combination,
// wrong ones included.

import fc from 'fast-check';
import type { Command } from './harness.js';

type Part = string | fc.Arbitrary<string> | fc.Arbitrary<readonly string[]>;

export const key = fc.constantFrom('a', 'b', 'c', 'd', '', 'k\xff\x00');

export const integerText = fc.oneof(
  fc.integer({ min: -12, max: 20 }).map(String),
  fc.constantFrom(
    '9223372036854775807',
    '-9223372036854775808',
    '9223372036854775808',
    '9007199254740993',
    '01',
    '+1',
    '-0',
    ' 1',
    '1.0',
    'x',
    '',
  ),
);

export const floatText = fc.oneof(
  fc.integer({ min: -50, max: 50 }).map(String),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
  fc.tuple(fc.integer(), fc.nat(99999)).map(([a, b]) => `${a}.${b}`),
  fc.constantFrom('3.0e3', '1e400', '1e-400', '0x1.8p3', '0xff', '.5', '5.', 'inf', '-inf', 'nan'),
  fc.constantFrom('1e4932', '2e4932', '-0.0', '1e-17', '4e-18', '5e-18', '', ' 1', '1 ', '1e5000'),
);

export const text = fc.oneof(
  integerText,
  fc.string({ unit: fc.constantFrom('a', 'b', 'A', '\x00', '\xff', ' '), maxLength: 12 }),
  fc.constantFrom('x'.repeat(44), 'y'.repeat(45), 'z'.repeat(70)),
  fc.integer({ min: -3, max: 20_000 }).map(String),
);

/** A command from fixed words, arguments, and lists of arguments that are spliced in. */
export function command(...parts: readonly Part[]): fc.Arbitrary<Command> {
  const arbitraries = parts.map((part) =>
    typeof part === 'string' ? fc.constant<readonly string[]>([part]) : flattened(part),
  );
  return fc.tuple(...arbitraries).map((lists) => lists.flat());
}

function flattened(part: Exclude<Part, string>): fc.Arbitrary<readonly string[]> {
  return (part as fc.Arbitrary<string | readonly string[]>).map((value) =>
    typeof value === 'string' ? [value] : value,
  );
}

/** Up to `max` of the given parts, in any order, repeats included. */
export function some(max: number, ...parts: readonly Part[]): fc.Arbitrary<readonly string[]> {
  const choices = parts.map((part) => command(part));
  return fc.array(fc.oneof(...choices), { maxLength: max }).map((lists) => lists.flat());
}

/** Writers of every type to the same keys, so that wrong types and overwrites occur. */
export const anyWriter: readonly fc.Arbitrary<Command>[] = [
  command('set', key, text),
  command('rpush', key, text, text),
  command('sadd', key, text, text),
  command('hset', key, fc.constantFrom('f', 'g', 'h'), text),
  command('zadd', key, fc.constantFrom('1', '2.5', '-inf', '3e10'), text),
];
