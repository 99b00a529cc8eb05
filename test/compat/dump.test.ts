// DUMP and RESTORE against a real redis-server: each side restores what the other dumped.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ExecutionContext, execute, findCommand } from '../../src/machine/executor.js';
import { Machine } from '../../src/machine/machine.js';
import type { ErrorReply, Reply } from '../../src/resp/reply.js';
import { Oracle, oracleVersion } from './oracle.js';

const VALUES: readonly string[][] = [
  ['SET', 'k', 'hello'],
  ['SET', 'k', '12345'],
  ['RPUSH', 'k', 'a', 'b', '17'],
  ['SADD', 'k', '3', '1', '2'],
  ['SADD', 'k', 'x', 'y'],
  ['HSET', 'k', 'f', 'v', 'g', '9'],
  ['ZADD', 'k', '1.5', 'a', '-2', 'b'],
];

class Here {
  readonly machine = new Machine({ node: 'n', incarnation: 1 });
  readonly context = new ExecutionContext(this.machine.keyspace);

  run(...args: string[]): Reply {
    this.context.begin(1_000_000, 1_000_000, 1, 0);
    return execute(findCommand(args)!, this.context, args, (_, error) => {
      throw error;
    });
  }
}

describe('DUMP and RESTORE', () => {
  const here = new Here();

  it('refuse what is not a payload, in the words of Redis', () => {
    here.run('SET', 'there', '1');
    const payload = here.run('DUMP', 'there') as string;
    const text = (reply: Reply): string => (reply as ErrorReply).text;
    expect(text(here.run('RESTORE', 'there', '0', payload))).toMatch(/^BUSYKEY/);
    expect(text(here.run('RESTORE', 'x', '-1', payload))).toMatch(/Invalid TTL/);
    expect(text(here.run('RESTORE', 'x', '0', `${payload.slice(0, -1)}!`))).toMatch(
      /checksum are wrong/,
    );
    expect(text(here.run('RESTORE', 'x', '0', ''))).toMatch(/checksum are wrong/);
    expect(here.run('DUMP', 'missing')).toBeNull();
  });

  it('keep a time to live, relative or absolute', () => {
    here.run('SET', 'src', '1');
    const payload = here.run('DUMP', 'src') as string;
    here.run('RESTORE', 'rel', '500', payload);
    here.run('RESTORE', 'abs', '1000700', payload, 'ABSTTL');
    here.run('RESTORE', 'gone', '5', payload, 'ABSTTL');
    expect([here.run('PTTL', 'rel'), here.run('PTTL', 'abs'), here.run('EXISTS', 'gone')]).toEqual([
      500, 700, 0,
    ]);
  });

  describe.skipIf(oracleVersion() === null)('with a real server', () => {
    let oracle: Oracle;
    beforeAll(async () => {
      oracle = await Oracle.start();
    });
    afterAll(() => oracle.stop());

    it.each(VALUES.map((command) => [command.join(' '), command] as const))(
      '%s crosses both ways',
      async (_, command) => {
        here.run('DEL', 'k');
        here.run(...command);
        const [, , theirs] = await oracle.send([['DEL', 'k', 'back'], command, ['DUMP', 'k']]);
        const restored = here.run('RESTORE', 'k', '0', theirs!.text, 'REPLACE');
        expect(restored).toMatchObject({ text: 'OK' });
        const ours = here.run('DUMP', 'k') as string;
        const [answer, again] = await oracle.send([
          ['RESTORE', 'back', '0', ours],
          ['DUMP', 'back'],
        ]);
        expect(answer).toMatchObject({ kind: '+', text: 'OK' });
        here.run('DEL', 'k');
        expect(here.run('RESTORE', 'k', '0', again!.text)).toMatchObject({ text: 'OK' });
      },
    );
  });
});
