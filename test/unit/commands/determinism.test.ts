// Owns: proof that members agree (architecture D3). One member keeps its history, the other is
// rebuilt from a snapshot (keys in slot order, gaps closed, strings reloaded, collections restored)
// at a random point; both then run the same commands, as scripts see them, and must give the same
// replies and hold the same data.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Rng } from '../../../src/base/rng.js';
import { copyOf } from '../../../src/commands/copy-value.js';
import { keyspaceDigest } from '../../../src/commands/digest.js';
import { dataCommands } from '../../../src/commands/registry.js';
import { Keyspace } from '../../../src/keyspace/keyspace.js';
import { RawString } from '../../../src/keyspace/raw-string.js';
import type { Value } from '../../../src/keyspace/value.js';
import { ErrorReply, type Reply } from '../../../src/resp/reply.js';
import { command, key, some, text } from '../../compat/generators.js';

const few = fc.integer({ min: -3, max: 5 }).map(String);
const ttl = fc.integer({ min: 1, max: 40 }).map(String);
const generators = [
  command('set', key, text),
  command('set', key, text, 'px', ttl),
  command('append', key, text),
  command('setrange', key, fc.nat(9).map(String), text),
  command('incrbyfloat', key, '0.1'),
  command('incr', key),
  command('setbit', key, '3', '1'),
  command('bitop', 'or', key, key, key),
  command('del', key),
  command('rename', key, key),
  command('copy', key, key, 'replace'),
  command('pexpire', key, ttl),
  command('persist', key),
  command('object', 'encoding', key),
  command('randomkey'),
  command('keys', '*'),
  command('scan', '0', 'count', '2'),
  command('dbsize'),
  command('rpush', key, text, text),
  command('lset', key, few, text),
  command('linsert', key, 'before', text, text),
  command('lrem', key, few, text),
  command('sadd', key, text, text, text),
  command('srem', key, text),
  command('spop', key),
  command('spop', key, '2'),
  command('srandmember', key, few),
  command('smembers', key),
  command('sunionstore', key, key, key),
  command('hset', key, text, text, text, text),
  command('hdel', key, text),
  command('hgetall', key),
  command('hrandfield', key, few, 'withvalues'),
  command('zadd', key, few, text, few, text),
  command('zrem', key, text),
  command('zpopmin', key),
  command('zrandmember', key, few),
  command('zrange', key, '0', '-1', 'withscores'),
  command('zunionstore', key, '2', key, key),
  command('sort', key, 'alpha', some(1, 'desc'), 'store', key),
  command('sort', key, 'by', 'nosort'),
  command('ttl', key),
];

/** One member; every command is an entry of its own, a few ms after the one before. */
class Member {
  keyspace = new Keyspace();

  run(args: readonly string[], index: number): Reply {
    const name = args[0] === 'object' ? `object|${args[1]}` : args[0]!;
    const now = 1_700_000_000_000 + 7 * index;
    this.keyspace.beginEntry(index);
    this.keyspace.reclaimDead(now, 1);
    try {
      return dataCommands.get(name)!.run(
        {
          keyspace: this.keyspace,
          db: this.keyspace.database(0),
          now,
          clock: now,
          rng: new Rng(index),
          inScript: true,
        },
        args,
      );
    } catch (error) {
      if (error instanceof ErrorReply) return error;
      throw error;
    }
  }

  reload(): void {
    const next = new Keyspace();
    const old = this.keyspace.database(0);
    for (let slot = 0; slot < old.table.slotCount; slot++) {
      const name = old.table.keyAt(slot);
      if (name === undefined) continue;
      const value = reloaded(old.table.valueAt(slot)!);
      next.database(0).load(name, value, old.table.expireAt(slot));
    }
    this.keyspace = next;
  }
}

/** A snapshot knows bytes, not how a string came about. */
function reloaded(value: Value): Value {
  if (typeof value === 'number') return String(value);
  return value instanceof RawString ? value.toString() : copyOf(value);
}

describe('commands', () => {
  it('do the same on a member with history and on one reloaded from a snapshot', () => {
    const sequence = fc.array(fc.oneof(...generators), { maxLength: 60, size: 'max' });
    fc.assert(
      fc.property(sequence, sequence, (before, after) => {
        const [veteran, recruit] = [new Member(), new Member()];
        let index = 1;
        for (const args of before) {
          veteran.run(args, index);
          recruit.run(args, index++);
        }
        recruit.reload();
        for (const args of after) {
          const expected = veteran.run(args, index);
          expect({ args, reply: recruit.run(args, index++) }).toEqual({ args, reply: expected });
        }
        expect(keyspaceDigest(recruit.keyspace)).toEqual(keyspaceDigest(veteran.keyspace));
      }),
      { numRuns: 250, seed: 7 },
    );
  });
});
