// Replies on the wire in both protocol versions, with redis-parser as the reader.

import fc from 'fast-check';
import Parser from 'redis-parser';
import { expect, test } from 'vitest';
import { encodeReply } from '../../../src/resp/encoder.js';
import {
  AttributedReply,
  BigNumberReply,
  DoubleReply,
  ErrorReply,
  MapReply,
  NULL_ARRAY,
  OK,
  PairsReply,
  PushReply,
  type Reply,
  SetReply,
  VerbatimReply,
} from '../../../src/resp/reply.js';

/** What redis-parser makes of the bytes. */
function parse(text: string): unknown {
  const found: unknown[] = [];
  const parser = new Parser({
    returnBuffers: true,
    returnReply: (reply) => found.push(reply),
    returnError: (error) => found.push({ error: error.message }),
  });
  parser.execute(Buffer.from(text, 'latin1'));
  expect(found).toHaveLength(1);
  return plain(found[0]);
}

function plain(value: unknown): unknown {
  if (Buffer.isBuffer(value)) return value.latin1Slice();
  if (Array.isArray(value)) return value.map(plain);
  if (value instanceof Error) return { error: value.message };
  return value;
}

const latin1Text = fc
  .array(fc.integer({ min: 0, max: 255 }), { maxLength: 40 })
  .map((codes) => String.fromCharCode(...codes));

const replies: fc.Arbitrary<Reply> = fc.letrec<{ reply: Reply }>((tie) => ({
  reply: fc.oneof(
    { depthSize: 'small' },
    latin1Text,
    fc.maxSafeInteger(),
    fc.constant(null),
    fc.array(tie('reply'), { maxLength: 40 }),
  ),
})).reply;

test('RESP2 read back by redis-parser is the reply', () => {
  fc.assert(
    fc.property(replies, (reply) => {
      expect(parse(encodeReply(reply, 2))).toEqual(reply);
    }),
    { numRuns: 300 },
  );
});

const TABLE: readonly (readonly [string, Reply, string, string])[] = [
  ['bulk', 'a\r\n\xff', '$4\r\na\r\n\xff\r\n', '$4\r\na\r\n\xff\r\n'],
  [
    'long bulk',
    'x'.repeat(2000),
    `$2000\r\n${'x'.repeat(2000)}\r\n`,
    `$2000\r\n${'x'.repeat(2000)}\r\n`,
  ],
  ['integer', 12, ':12\r\n', ':12\r\n'],
  ['negative', -5, ':-5\r\n', ':-5\r\n'],
  ['large integer', 5000, ':5000\r\n', ':5000\r\n'],
  ['int64', 9223372036854775807n, ':9223372036854775807\r\n', ':9223372036854775807\r\n'],
  ['null', null, '$-1\r\n', '_\r\n'],
  ['null array', NULL_ARRAY, '*-1\r\n', '_\r\n'],
  ['true', true, ':1\r\n', '#t\r\n'],
  ['false', false, ':0\r\n', '#f\r\n'],
  ['simple', OK, '+OK\r\n', '+OK\r\n'],
  ['error', new ErrorReply('ERR a\r\nb'), '-ERR a  b\r\n', '-ERR a  b\r\n'],
  ['double', new DoubleReply(0.1), '$3\r\n0.1\r\n', ',0.1\r\n'],
  ['infinity', new DoubleReply(-Infinity), '$4\r\n-inf\r\n', ',-inf\r\n'],
  ['empty array', [], '*0\r\n', '*0\r\n'],
  ['map', new MapReply(['k', 1]), '*2\r\n$1\r\nk\r\n:1\r\n', '%1\r\n$1\r\nk\r\n:1\r\n'],
  ['set', new SetReply(['k']), '*1\r\n$1\r\nk\r\n', '~1\r\n$1\r\nk\r\n'],
  [
    'pairs',
    new PairsReply(['k', new DoubleReply(1.5)]),
    '*2\r\n$1\r\nk\r\n$3\r\n1.5\r\n',
    '*1\r\n*2\r\n$1\r\nk\r\n,1.5\r\n',
  ],
  ['verbatim', new VerbatimReply('txt', 'hi'), '$2\r\nhi\r\n', '=6\r\ntxt:hi\r\n'],
  ['push', new PushReply(['a']), '*1\r\n$1\r\na\r\n', '>1\r\n$1\r\na\r\n'],
  ['big number', new BigNumberReply('123'), '$3\r\n123\r\n', '(123\r\n'],
  [
    'attributes',
    new AttributedReply(['k', 1], 'v'),
    '$1\r\nv\r\n',
    '|1\r\n$1\r\nk\r\n:1\r\n$1\r\nv\r\n',
  ],
];

test.each(TABLE)('%s in both protocols', (_name, reply, resp2, resp3) => {
  expect(encodeReply(reply, 2)).toBe(resp2);
  expect(encodeReply(reply, 3)).toBe(resp3);
});

test('nested replies keep their protocol', () => {
  const reply = new MapReply(['m', new MapReply(['x', null]), 's', [new SetReply([true])]]);
  expect(encodeReply(reply, 3)).toBe(
    '%2\r\n$1\r\nm\r\n%1\r\n$1\r\nx\r\n_\r\n$1\r\ns\r\n*1\r\n~1\r\n#t\r\n',
  );
  expect(encodeReply(reply, 2)).toBe(
    '*4\r\n$1\r\nm\r\n*2\r\n$1\r\nx\r\n$-1\r\n$1\r\ns\r\n*1\r\n*1\r\n:1\r\n',
  );
});

test('a million elements take a moment, not a minute', () => {
  const items: string[] = new Array(1_000_000).fill('element');
  const started = performance.now();
  const text = encodeReply(items, 2);
  expect(performance.now() - started).toBeLessThan(3000);
  expect(text.length).toBe('*1000000\r\n'.length + 1_000_000 * '$7\r\nelement\r\n'.length);
  expect(text.endsWith('$7\r\nelement\r\n')).toBe(true);
});
