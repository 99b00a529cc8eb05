// Hashes, lists, sets and sorted sets: what differential runs cannot show, such as limits and keys
// left.

import { beforeEach, describe, expect, it } from 'vitest';
import { Rng } from '../../../src/base/rng.js';
import { hashCommands } from '../../../src/commands/hashes.js';
import { listCommands } from '../../../src/commands/lists.js';
import { setCommands } from '../../../src/commands/sets.js';
import { sortedSetCommands } from '../../../src/commands/sorted-sets.js';
import type { CommandContext } from '../../../src/commands/spec.js';
import { Keyspace } from '../../../src/keyspace/keyspace.js';
import { SetValue } from '../../../src/keyspace/set.js';
import { ErrorReply, type Reply, SetReply } from '../../../src/resp/reply.js';

const commands = new Map(
  [hashCommands, listCommands, setCommands, sortedSetCommands]
    .flat()
    .map((command) => [command.name, command]),
);

let context: CommandContext;
let touched: string[];

function makeContext(seed = 1): CommandContext {
  const keyspace = new Keyspace();
  const db = keyspace.database(0);
  return { keyspace, db, now: 1000, clock: 1000, rng: new Rng(seed), inScript: false };
}

beforeEach(() => {
  context = makeContext();
  touched = [];
  context.keyspace.onTouch = (_db, key) => touched.push(key);
});

function run(...args: string[]): Reply {
  try {
    return commands.get(args[0]!)!.run(context, args);
  } catch (error) {
    if (error instanceof ErrorReply) return error;
    throw error;
  }
}

function numbered(count: number, text: string): string[] {
  return Array.from({ length: count }, (_, i) => `${text}${i}`);
}

interface Family {
  readonly name: string;
  readonly fill: (members: readonly string[]) => string[];
  readonly add: (member: string) => string[];
  readonly remove: string;
  readonly scan: string;
  /** Texts per element in a scan. */
  readonly width: number;
}

const FAMILIES: readonly Family[] = [
  {
    name: 'hash',
    fill: (members) => ['hset', 'k', ...members.flatMap((member) => [member, 'v'])],
    add: (member) => ['hset', 'k', member, 'v'],
    remove: 'hdel',
    scan: 'hscan',
    width: 2,
  },
  {
    name: 'set',
    fill: (members) => ['sadd', 'k', ...members],
    add: (member) => ['sadd', 'k', member],
    remove: 'srem',
    scan: 'sscan',
    width: 1,
  },
  {
    name: 'sorted set',
    fill: (members) => ['zadd', 'k', ...members.flatMap((member) => ['1', member])],
    add: (member) => ['zadd', 'k', String(member.length), member],
    remove: 'zrem',
    scan: 'zscan',
    width: 2,
  },
];

describe.each(FAMILIES)('a $name', ({ fill, add, remove, scan, width }) => {
  it('is scanned whole while others come and go', () => {
    const stay = numbered(1500, 'stay');
    const go = numbered(1500, 'go');
    const members = stay.flatMap((member, i) => [member, go[i]!]);
    run(...fill(members));
    const rng = new Rng(9);
    const seen = new Set<string>();
    let cursor = '0';
    let calls = 0;
    do {
      const [next, items] = run(scan, 'k', cursor, 'count', '7') as [string, string[]];
      for (let i = 0; i < items.length; i += width) seen.add(items[i]!);
      cursor = next;
      calls++;
      run(remove, 'k', ...numbered(6, '').map(() => go[rng.below(1500)]!));
      run(...add(`new${rng.below(500)}`));
    } while (cursor !== '0');
    expect(stay.filter((member) => !seen.has(member))).toEqual([]);
    expect(calls).toBeGreaterThan(50);
    expect(calls).toBeLessThan(3500 / 7 + 50);
  });

  it('answers a small scan at once, filtered', () => {
    run(...fill(['apple', 'pear', 'avocado']));
    const [cursor, items] = run(scan, 'k', '0', 'match', 'a*', 'count', '1') as [string, string[]];
    expect(cursor).toBe('0');
    expect(items.filter((_, i) => i % width === 0).sort()).toEqual(['apple', 'avocado']);
    expect(run(scan, 'missing', '0', 'nonsense')).toEqual(['0', []]);
    expect(run(scan, 'k', '0', 'nonsense', 'x')).toMatchObject({ text: 'ERR syntax error' });
    expect(run(scan, 'k', 'x')).toMatchObject({ text: 'ERR invalid cursor' });
  });

  it('leaves with its last element, and its memory too', () => {
    for (const count of [3, 700]) {
      const members = numbered(count, 'member');
      run(...fill(members));
      expect(context.db.size).toBe(1);
      expect(context.db.bytes).toBeGreaterThan(count * 20);
      run(remove, 'k', ...members);
      expect(context.db.size).toBe(0);
      expect(context.db.bytes).toBe(0);
    }
  });

  it('is touched by a change and by nothing else', () => {
    run(...fill(['a']));
    expect(touched).toEqual(['k']);
    touched.length = 0;
    run(remove, 'k', 'absent');
    run(scan, 'k', '0');
    run(remove, 'missing', 'a');
    expect(touched).toEqual([]);
    run(remove, 'k', 'a');
    expect(touched).toEqual(['k']);
  });
});

describe('ZSCAN inside a script', () => {
  it('answers all members in their order, however often the node has scanned', () => {
    run(...FAMILIES[2]!.fill(numbered(300, 'm')));
    const inScript = { ...context, inScript: true };
    const scan = () => commands.get('zscan')!.run(inScript, ['zscan', 'k', '0', 'count', '5']);
    const before = scan();
    run('zscan', 'k', '0');
    run('zadd', 'k', '0', 'first');
    run('zrem', 'k', 'first');
    expect(scan()).toEqual(before);
    const [cursor, items] = before as [string, string[]];
    expect(cursor).toBe('0');
    expect(items.filter((_, i) => i % 2 === 0)).toEqual(numbered(300, 'm').sort());
  });
});

describe('keys that are moved or stored', () => {
  it('vanish when a move takes the last element', () => {
    run('rpush', 'l', 'x');
    expect(run('lmove', 'l', 'm', 'left', 'right')).toBe('x');
    run('sadd', 's', 'x');
    expect(run('smove', 's', 't', 'x')).toBe(1);
    expect([...context.db.liveKeys(1000)].sort()).toEqual(['m', 't']);
    expect(run('rpoplpush', 'm', 'm')).toBe('x');
    expect(context.db.has('m', 1000)).toBe(true);
  });

  it('are replaced by a result, without their expiry, and deleted by an empty one', () => {
    run('sadd', 'a', '1', '2');
    run('sadd', 'b', '3');
    run('rpush', 'dst', 'old');
    context.db.setExpireAt('dst', 5000);
    expect(run('sunionstore', 'dst', 'a', 'b')).toBe(3);
    expect(context.db.expireAt('dst')).toBe(0);
    expect(run('sinterstore', 'dst', 'a', 'b')).toBe(0);
    expect(context.db.has('dst', 1000)).toBe(false);
  });

  it('keep their expiry when SPOP replaces the value', () => {
    run('sadd', 's', ...numbered(300, 'm'));
    context.db.setExpireAt('s', 5000);
    run('spop', 's', '295');
    expect(run('scard', 's')).toBe(5);
    expect(context.db.expireAt('s')).toBe(5000);
  });
});

describe('random choices', () => {
  it('are the same on a member that was restored from a snapshot', () => {
    run('sadd', 's', ...numbered(900, 'm'));
    run('srem', 's', ...numbered(900, 'm').filter((_, i) => i % 7 === 0));
    const other = makeContext(context.rng.below(1000));
    const original = context.db.peek('s', 1000) as SetValue;
    other.db.load('s', SetValue.restore([...original], original.encoding), 0);
    const seed = 77;
    const first = { ...context, rng: new Rng(seed) };
    const second = { ...other, rng: new Rng(seed) };
    for (const args of [
      ['spop', 's'],
      ['spop', 's', '100'],
      ['srandmember', 's', '-5'],
      ['srandmember', 's', '20'],
      ['spop', 's', '650'],
      ['spop', 's'],
    ]) {
      const command = commands.get(args[0]!)!;
      expect(command.run(second, args)).toEqual(command.run(first, args));
    }
  });

  it('are fair: every member is about equally likely', () => {
    run('sadd', 's', ...numbered(10, 'm'));
    const counts = new Map<string, number>();
    for (const count of ['-10000', '1', '3', '7']) {
      counts.clear();
      const rounds = count === '-10000' ? 1 : 4000;
      for (let i = 0; i < rounds; i++) {
        for (const member of run('srandmember', 's', count) as string[]) {
          counts.set(member, (counts.get(member) ?? 0) + 1);
        }
      }
      const total = [...counts.values()].reduce((sum, n) => sum + n, 0);
      for (const n of counts.values()) expect(Math.abs(n / total - 0.1)).toBeLessThan(0.015);
    }
  });

  it('are refused when they would fill the memory', () => {
    run('sadd', 's', 'm');
    run('hset', 'h', 'f', 'v');
    run('zadd', 'z', '1', 'm');
    for (const [name, key, element] of [
      ['srandmember', 's', 'm'],
      ['hrandfield', 'h', 'f'],
      ['zrandmember', 'z', 'm'],
    ] as const) {
      expect(run(name, key, '-9223372036854775807')).toMatchObject({
        text: 'ERR value is out of range',
      });
      expect(run(name, key, '9223372036854775807')).toEqual([element]);
    }
  });
});

describe('an error', () => {
  it.each([
    ['hset', 'k', 'f', 'v', 'g'],
    ['hincrby', 'h', 'f', '1'],
    ['hincrby', 'h', 'n', '9223372036854775807'],
    ['hincrbyfloat', 'h', 'f', '1'],
    ['hincrbyfloat', 'new', 'f', 'inf'],
    ['zadd', 'k', '1', 'a', 'x', 'b'],
    ['zadd', 'k', 'nx', 'gt', '1', 'a'],
    ['zincrby', 'z', '-inf', 'i'],
    ['lset', 'l', '5', 'x'],
    ['lmove', 'l', 'h', 'left', 'right'],
    ['smove', 's', 'h', 'm'],
    ['sunionstore', 'l', 's', 'h'],
    ['zunionstore', 'l', '2', 's', 'h'],
    ['zrangestore', 'l', 'z', '0', '1', 'limit', '0', '1'],
    ['lmpop', '2', 'none', 'h', 'left'],
    ['zmpop', '2', 'none', 'h', 'min'],
    ['spop', 's', '-1'],
    ['lpop', 'l', 'x'],
  ])('leaves everything as it was: %s %s', (...args) => {
    run('hset', 'h', 'f', 'text', 'n', '1');
    run('zadd', 'z', 'inf', 'i');
    run('rpush', 'l', 'x');
    run('sadd', 's', 'm');
    const before = context.db.bytes;
    touched.length = 0;
    expect(run(...args)).toBeInstanceOf(ErrorReply);
    expect(touched).toEqual([]);
    expect(context.db.size).toBe(4);
    expect(context.db.bytes).toBe(before);
  });

  it('of the wrong type is answered by every command on another type', () => {
    context.db.set('string', 'text');
    for (const command of commands.values()) {
      const count = Math.max(command.arity < 0 ? -command.arity : command.arity, 2);
      const args = [command.name, ...Array(count - 1).fill('string')];
      if (command.keys.find !== undefined) continue;
      const reply = run(...args);
      if (reply instanceof SetReply) expect.fail(`${command.name} took a string for a set`);
      expect(reply, command.name).toBeInstanceOf(ErrorReply);
    }
  });
});
