// Whatever a client sends, a server command answers with a reply or an error: it never throws, and
// never waits for good.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ErrorReply } from '../../../../src/resp/reply.js';
import { LATER, NOTHING, type ServerCommand } from '../../../../src/server/command.js';
import { serverCommands } from '../../../../src/server/commands/registry.js';
import { FakeServer } from '../fakes.js';
import { plain } from '../reference.js';

const WORDS = [
  'id',
  'type',
  'addr',
  'normal',
  'skipme',
  'on',
  'off',
  'get',
  'default',
  'filterby',
  'pattern',
  'aclcat',
  'maxmemory',
  'save',
  'constructor',
  '__proto__',
  'toString',
  '',
  '*',
  '[',
  '\\',
  '-1',
  '0',
  '1',
  '9223372036854775807',
  '9223372036854775808',
  '1e400',
  'nan',
  'a\r\nb',
  '\xff\x00',
];

const word = fc.oneof(fc.constantFrom(...WORDS), fc.string({ unit: 'binary-ascii', maxLength: 8 }));

/** Arguments that dispatch would let through. */
function callsOf(command: ServerCommand): fc.Arbitrary<string[]> {
  const names = command.name.split('|');
  const least = Math.abs(command.arity) - names.length;
  const most = command.arity > 0 ? least : least + 4;
  return fc
    .array(word, { minLength: Math.max(0, least), maxLength: Math.max(0, most) })
    .map((rest) => [...names, ...rest]);
}

describe('any arguments', () => {
  it.each([...serverCommands.values()])('$name answers', (command) => {
    fc.assert(
      fc.property(callsOf(command), (args) => {
        const server = new FakeServer();
        const client = server.connect();
        const result = server.run(client, ...args);
        if (result === LATER || result === NOTHING) return;
        expect(plain(result)).not.toBeUndefined();
        if (result instanceof ErrorReply && command.name !== 'debug|error') {
          expect(result.text).toMatch(/^[A-Z]+ /);
        }
      }),
      { numRuns: 30 },
    );
  });
});
