// Owns: OBJECT IDLETIME and FREQ by the access stamps the server keeps, MEMORY USAGE, and the
// accepted DEBUG words.

import { describe, expect, it } from 'vitest';
import { ErrorReply, OK } from '../../../src/resp/reply.js';
import { Subject } from '../../compat/subject.js';

describe('OBJECT', () => {
  it('answers from the stamps in the unit of the policy', () => {
    const subject = new Subject();
    subject.keyspace.markAccess = () => 41;
    subject.execute(['set', 'a', '1']);
    subject.keyspace.readAccess = (stamp) => ({ kind: 'idle', seconds: stamp + 1 });
    expect(subject.execute(['object', 'idletime', 'a'])).toBe(42);
    expect(subject.execute(['object', 'freq', 'a'])).toBeInstanceOf(ErrorReply);
    subject.keyspace.readAccess = (stamp) => ({ kind: 'frequency', count: stamp });
    expect(subject.execute(['object', 'freq', 'a'])).toBe(41);
    expect(subject.execute(['object', 'idletime', 'a'])).toBeInstanceOf(ErrorReply);
    expect(subject.execute(['object', 'idletime', 'none'])).toBeNull();
  });

  it('marks a new key at once, and one that a snapshot brings', () => {
    const subject = new Subject();
    subject.keyspace.markAccess = () => 7;
    const db = subject.keyspace.database(0);
    db.load('a', '1', 0);
    subject.execute(['set', 'b', '1']);
    subject.execute(['incr', 'c']);
    for (const key of ['a', 'b', 'c']) expect(db.table.accessAt(db.table.find(key))).toBe(7);
  });
});

describe('MEMORY USAGE', () => {
  it('grows with the value and checks its options', () => {
    const subject = new Subject();
    subject.execute(['set', 'a', 'x'.repeat(1000)]);
    const used = subject.execute(['memory', 'usage', 'a']);
    expect(used).toBe(subject.keyspace.bytes);
    expect(used).toBeGreaterThan(1000);
    expect(subject.execute(['memory', 'usage', 'a', 'samples', '5'])).toBe(used);
    expect(subject.execute(['memory', 'usage', 'a', 'samples', '-1'])).toBeInstanceOf(ErrorReply);
    expect(subject.execute(['memory', 'usage', 'a', 'samples'])).toBeInstanceOf(ErrorReply);
    expect(subject.execute(['memory', 'usage', 'none'])).toBeNull();
  });
});

describe('DEBUG', () => {
  it('accepts what only tunes Redis', () => {
    const subject = new Subject();
    for (const args of [['set-active-expire', '0'], ['jmap'], ['change-repl-id']]) {
      expect(subject.execute(['debug', ...args])).toBe(OK);
    }
  });

  it('describes a value', () => {
    const subject = new Subject();
    subject.execute(['set', 'a', '12']);
    const reply = subject.execute(['debug', 'object', 'a']) as { text: string };
    expect(reply.text).toMatch(
      /^Value at:0x\S+ refcount:1 encoding:int serializedlength:\d+ lru:\d+ /,
    );
    expect(subject.execute(['debug', 'object', 'b'])).toBeInstanceOf(ErrorReply);
  });
});
