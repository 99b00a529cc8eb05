// The state machine: entries in, state and replies out; origins, WATCH, databases, replicated time.

import { describe, expect, it } from 'vitest';
import type { LogRecord, OriginRun } from '../../../src/base/log-entry.js';
import { Machine } from '../../../src/machine/machine.js';
import { originName } from '../../../src/machine/origins.js';
import { checkPayload } from '../../../src/machine/payload-check.js';
import { NULL_ARRAY, type Reply } from '../../../src/resp/reply.js';
import { encodeCommand } from '../../../src/resp/request.js';

const SELF = { node: 'node-1', incarnation: 3 };

function payload(...commands: string[]): Buffer {
  return Buffer.concat(commands.map((command) => encodeCommand(command.split(' '))));
}

function run(firstSeq: number, count: number, extra: Partial<OriginRun> = {}): OriginRun {
  return { ...SELF, firstSeq, count, watchIndex: 0, ...extra };
}

class Driver {
  readonly machine = new Machine(SELF);
  readonly replies = new Map<number, Reply>();
  readonly before: number[] = [];

  apply(runs: OriginRun[], bytes: Buffer, time = 1000): Map<number, Reply> {
    this.replies.clear();
    const record: LogRecord = {
      index: this.machine.appliedIndex + 1,
      term: 1,
      kind: runs.length > 0 ? 'batch' : 'tick',
      time,
      seed: 42,
      runs,
      payload: bytes,
    };
    expect(runs.length === 0 ? null : checkPayload(bytes, runs)).toBeNull();
    this.machine.apply(record, {
      beforeApply: (seq) => this.before.push(seq),
      applied: (seq, reply) => this.replies.set(seq, reply),
    });
    return this.replies;
  }

  get(key: string, db = 0): Reply {
    return (this.machine.keyspace.database(db).peek(key, this.machine.time) as Reply) ?? null;
  }
}

describe('the machine', () => {
  it('runs the writes of a node that lost its disk and counts its starts anew', () => {
    const d = new Driver();
    const before = { node: originName('node-2', '11111111-aaaa'), incarnation: 7 };
    const after = { node: originName('node-2', '22222222-bbbb'), incarnation: 1 };
    d.apply([run(1, 1, before)], payload('INCR n'));
    d.apply([run(1, 1, after)], payload('INCR n'));
    expect(String(d.get('n'))).toBe('2');
  });

  it('applies writes in order and answers the origin only', () => {
    const d = new Driver();
    const replies = d.apply(
      [run(1, 2), run(1, 1, { node: 'node-2', incarnation: 1 })],
      payload('SET a 1', 'INCR a', 'SET b x'),
    );
    expect([...replies.keys()]).toEqual([1, 2]);
    expect(replies.get(2)).toBe(2);
    expect(d.get('b')).toBe('x');
    expect(d.before).toEqual([1, 2]);
  });

  it('applies a repeated write once and drops one behind a gap', () => {
    const d = new Driver();
    d.apply([run(1, 1)], payload('INCR n'));
    expect(d.apply([run(1, 2)], payload('INCR n', 'INCR n')).size).toBe(1);
    expect(d.get('n')).toBe(2);
    expect(d.apply([run(5, 1)], payload('INCR n')).size).toBe(0);
    expect(d.get('n')).toBe(2);
    expect(d.apply([run(3, 1)], payload('INCR n')).get(3)).toBe(3);
  });

  it('takes a new life of a node from sequence 1 and ignores the old one', () => {
    const d = new Driver();
    const other = { node: 'node-2', incarnation: 1 };
    d.apply([run(1, 1, other)], payload('INCR n'));
    d.apply([run(1, 1, { node: 'node-2', incarnation: 2 })], payload('INCR n'));
    d.apply([run(2, 1, other)], payload('INCR n'));
    expect(d.get('n')).toBe(2);
  });

  it('keeps databases apart through structural SELECTs', () => {
    const d = new Driver();
    d.apply(
      [run(1, 3)],
      payload('SELECT 3', 'SET a x', 'SELECT 0', 'SET a y', 'SELECT 5', 'SET a z', 'SELECT 0'),
    );
    expect([d.get('a', 3), d.get('a', 0), d.get('a', 5)]).toEqual(['x', 'y', 'z']);
  });

  it('runs a transaction as one write, SELECT inside included', () => {
    const d = new Driver();
    const replies = d.apply(
      [run(1, 2)],
      payload('MULTI', 'SET a 1', 'SELECT 2', 'INCR a', 'NOSUCH x', 'EXEC', 'SELECT 0', 'GET a'),
    );
    const list = replies.get(1) as Reply[];
    expect(list).toHaveLength(4);
    expect(list[2]).toBe(1);
    expect(replies.get(2)).toBe('1');
    expect(d.get('a', 2)).toBe(1);
  });

  it("judges WATCH at the transaction's place in the log", () => {
    const d = new Driver();
    d.apply([run(1, 1)], payload('SET a 1'));
    const watched = d.machine.appliedIndex;
    const guarded = payload('WATCH a', 'MULTI', 'SET a 2', 'EXEC');
    expect(d.apply([run(2, 1, { watchIndex: watched })], guarded).get(2)).toHaveLength(1);
    expect(d.apply([run(3, 1, { watchIndex: watched })], guarded).get(3)).toBe(NULL_ARRAY);
    expect(d.get('a')).toBe('2');
  });

  it('lets keys die by replicated time only, at reads, writes and ticks', () => {
    const d = new Driver();
    d.apply([run(1, 1)], payload('SET a 1 PX 100'), 1000);
    expect(d.machine.read(getCommand(), ['GET', 'a'], 0, 99_999)).toBe('1');
    d.apply([], Buffer.alloc(0), 1100);
    expect(d.get('a')).toBeNull();
    expect(d.machine.keyspace.size).toBe(0);
  });

  it('carries origins and WATCH marks over a snapshot', () => {
    const d = new Driver();
    d.apply([run(1, 1)], payload('SET a 1'));
    const state = JSON.parse(JSON.stringify(d.machine.dumpState()));
    const copy = new Driver();
    copy.machine.loadState(state);
    copy.machine.keyspace.database(0).load('a', '1', 0);
    for (const driver of [d, copy]) {
      expect(driver.apply([run(1, 1)], payload('SET a 9')).size).toBe(0);
      expect(driver.apply([run(2, 1, { watchIndex: 0 })], payload('GET a')).get(2)).toBe('1');
    }
    expect(copy.machine.dumpState()).toEqual(d.machine.dumpState());
  });
});

describe('payload check', () => {
  const one = [{ count: 1, watchIndex: 0 }];
  it.each([
    ['too few writes', payload('SET a 1'), [{ count: 2, watchIndex: 0 }]],
    ['too many writes', payload('SET a 1', 'SET b 1'), one],
    ['not ending in database 0', payload('SELECT 3', 'SET a 1'), one],
    ['database out of range', payload('SELECT 16', 'SET a 1', 'SELECT 0'), one],
    ['EXEC without MULTI', payload('EXEC'), one],
    ['open transaction', payload('MULTI', 'SET a 1'), one],
    ['guard without WATCH', payload('SET a 1'), [{ count: 1, watchIndex: 4 }]],
    ['cut short', payload('SET a 1').subarray(0, 20), one],
    ['not RESP', Buffer.from('SET a 1\r\n'), one],
  ])('refuses %s', (_, bytes, runs) => {
    expect(checkPayload(Buffer.from(bytes), runs)).toEqual(expect.any(String));
  });
});

function getCommand() {
  return {
    name: 'get',
    arity: 2,
    flags: [],
    keys: { first: 1, last: 1, step: 1 },
    group: 'string',
    since: '1.0.0',
    summary: '',
    run: (
      context: { db: { lookup(key: string, now: number): unknown }; now: number },
      args: readonly string[],
    ) => context.db.lookup(args[1]!, context.now) ?? null,
  } as never;
}
