// Owns: the kinds of value a setting can have. Each kind reads one text form (the same in flags,
// variables and YAML scalars), says what it expects, and prints a value so that it reads back the
// same.

import { z } from 'zod';
import { formatDuration, parseDuration } from './duration.js';
import { type Endpoint, formatEndpoint, parseEndpoint, Wrong } from './endpoint.js';
import {
  EXPECTED_NODE_ID,
  EXPECTED_PEER,
  formatPeers,
  orIssue,
  type Peer,
  parseNodeId,
  parsePeers,
} from './peers.js';
import { shown } from './problem.js';
import { formatSize, parseSize } from './size.js';
import { didYouMean } from './suggest.js';

export interface Kind<T> {
  readonly schema: z.ZodType<T, string>;
  /** One word for tables and --help: `duration`, `host:port`, `true|false`. */
  readonly name: string;
  readonly format: (value: T) => string;
}

function kind<T>(
  name: string,
  expected: string,
  parse: (text: string) => T | Wrong,
  format: (value: T) => string = String,
): Kind<T> {
  const schema = z
    .string()
    .transform((text, context): T => orIssue(parse(text), context, expected));
  return { schema, name, format };
}

/** Any text without NUL or line breaks; `minimum` 1 refuses the empty one. */
export function text(name: string, expected: string, minimum = 1): Kind<string> {
  return kind(name, expected, (value) => {
    if (value.length < minimum) return new Wrong('is empty');
    return /[\0\r\n]/.test(value) ? new Wrong(`${shown(value)} has a line break or NUL`) : value;
  });
}

/** One of `values`, or an alias of one. */
export function choice<const T extends string>(
  values: readonly T[],
  aliases: Readonly<Record<string, T>> = {},
): Kind<T> {
  const known = new Map<string, T>([
    ...values.map((value) => [value, value] as const),
    ...Object.entries(aliases),
  ]);
  const also = Object.keys(aliases).length > 0 ? ` (also ${Object.keys(aliases).join(', ')})` : '';
  const expected = `one of ${values.join(', ')}${also}`;
  return kind<T>(values.join('|'), expected, (value) => {
    const found = known.get(value.toLowerCase());
    return found ?? new Wrong(`${shown(value)} is not known${didYouMean(value, known.keys())}`);
  });
}

const BOOLEANS = new Map([
  ...['true', 't', '1', 'yes', 'on'].map((word) => [word, true] as const),
  ...['false', 'f', '0', 'no', 'off'].map((word) => [word, false] as const),
]);

/** The words that Go's flag package, YAML 1.1 and redis.conf take for a boolean. */
export function parseBoolean(word: string): boolean | undefined {
  return BOOLEANS.get(word.toLowerCase());
}

export function boolean(): Kind<boolean> {
  return kind('true|false', 'true or false', (value) => {
    return parseBoolean(value) ?? new Wrong(`${shown(value)} is not a boolean`);
  });
}

export function integer(least: number, most: number): Kind<number> {
  const expected = `a whole number from ${least} to ${most}`;
  return kind('number', expected, (value) => {
    if (!/^-?[0-9]{1,16}$/.test(value)) return new Wrong(`${shown(value)} is not a whole number`);
    const number = Number(value) + 0;
    return number >= least && number <= most ? number : new Wrong(`${value} is out of range`);
  });
}

/** Milliseconds from `least` to `most`; 0 is also accepted when `zero` says what it means. */
export function duration(least: string, most: string, zero = ''): Kind<number> {
  const leastMs = parseDuration(least) ?? 0;
  const mostMs = parseDuration(most) ?? 0;
  const orZero = zero === '' ? '' : ` or 0 (${zero})`;
  const range = `a duration from ${least} to ${most}${orZero}`;
  return kind(
    'duration',
    `${range}, with a unit as in 100ms, 5s, 1h30m or 500us`,
    (value) => {
      const ms = parseDuration(value);
      if (ms === null) {
        const unitless = /^[0-9.]+$/.test(value);
        return new Wrong(`${shown(value)} ${unitless ? 'has no unit' : 'is not a duration'}`);
      }
      if (ms === 0 && zero !== '') return 0;
      return ms >= leastMs && ms <= mostMs ? ms : new Wrong(`${value} is out of range`);
    },
    formatDuration,
  );
}

export function size(least: number, most: number, zero = ''): Kind<number> {
  const orZero = zero === '' ? '' : ` or 0 (${zero})`;
  const range = `${formatSize(least)} to ${formatSize(most)}${orZero}`;
  return kind(
    'size',
    `an amount from ${range}, as in 100000, 64kb, 512mb or 2gb`,
    (value) => {
      const bytes = parseSize(value);
      if (bytes === null) return new Wrong(`${shown(value)} is not an amount of memory`);
      if (bytes === 0 && zero !== '') return 0;
      return bytes >= least && bytes <= most ? bytes : new Wrong(`${value} is out of range`);
    },
    formatSize,
  );
}

/** Where to listen: an empty host means all interfaces. */
export function listenAddress(): Kind<Endpoint> {
  return kind(
    '[host]:port',
    'host:port, or :port for all interfaces',
    (value) => parseEndpoint(value, true),
    formatEndpoint,
  );
}

/** Where to listen, or `off`. */
export function optionalListenAddress(): Kind<Endpoint | null> {
  return kind<Endpoint | null>(
    '[host]:port|off',
    'host:port, :port for all interfaces, or off',
    (value) => (value === 'off' ? null : parseEndpoint(value, true)),
    (value) => (value === null ? 'off' : formatEndpoint(value)),
  );
}

/** An address that others can connect to. */
export function reachableAddress(): Kind<Endpoint> {
  return kind(
    'host:port',
    'host:port that others can connect to, such as 10.0.0.1:6379',
    (value) => parseEndpoint(value, false),
    formatEndpoint,
  );
}

export function nodeId(): Kind<string> {
  return kind('id', EXPECTED_NODE_ID, parseNodeId);
}

export function peers(): Kind<readonly Peer[]> {
  return kind('id:host:port,...', `${EXPECTED_PEER}, separated by commas`, parsePeers, formatPeers);
}
