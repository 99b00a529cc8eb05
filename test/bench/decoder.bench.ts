// Decoder throughput without network: npx vitest bench --run test/bench/decoder.bench.ts
// One iteration is one 64 KiB chunk.

import { bench, describe } from 'vitest';
import { COMMAND, RequestDecoder } from '../../src/resp/decoder.js';
import { NameTable } from '../../src/resp/name-table.js';
import { encodeCommand } from '../../src/resp/request.js';

const one = encodeCommand(['SET', 'key:000000000001', 'x'.repeat(16)]);
const count = Math.floor(65536 / one.length);
const chunk = Buffer.concat(new Array(count).fill(one));
const names = new NameTable<number>([
  ['get', 1],
  ['set', 2],
  ['incr', 3],
]);

describe(`${count} SETs of 16 bytes per chunk`, () => {
  bench('offsets only', () => {
    const decoder = new RequestDecoder();
    decoder.feed(chunk);
    while (decoder.next() === COMMAND);
  });

  bench('offsets and name lookup', () => {
    const decoder = new RequestDecoder();
    decoder.feed(chunk);
    let sum = 0;
    while (decoder.next() === COMMAND) {
      sum += names.find(decoder.chunk, decoder.argumentStart(0), decoder.argumentEnd(0)) ?? 0;
    }
    if (sum !== 2 * count) throw new Error('a name was not found');
  });

  bench('all arguments as strings', () => {
    const decoder = new RequestDecoder();
    decoder.feed(chunk);
    while (decoder.next() === COMMAND) decoder.arguments();
  });
});
