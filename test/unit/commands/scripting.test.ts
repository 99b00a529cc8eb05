// Scripts as the machine runs them: through the log on every member alike, by EVAL_RO on one; the
// script cache; what a script may do; snapshots.

import { describe, expect, it } from 'vitest';
import type { LogRecord } from '../../../src/base/log-entry.js';
import { sha1Hex } from '../../../src/base/sha1.js';
import { findCommand } from '../../../src/machine/executor.js';
import { Machine } from '../../../src/machine/machine.js';
import { membershipOf } from '../../../src/raft/membership.js';
import { auxOf, parseAux } from '../../../src/replica/snapshot-aux.js';
import { ErrorReply, OK, type Reply } from '../../../src/resp/reply.js';
import { encodeCommand } from '../../../src/resp/request.js';
import { interpreter } from '../lua/interpreter.js';

const SELF = { node: 'node-1', incarnation: 1 };

class Member {
  readonly machine = new Machine(SELF, interpreter);
  time = 1_000_000;
  #seq = 0;

  /** One write in an entry of its own. */
  write(...args: string[]): Reply {
    let answer: Reply = null;
    const record: LogRecord = {
      index: this.machine.appliedIndex + 1,
      term: 1,
      kind: 'batch',
      time: this.time,
      seed: 77 + this.machine.appliedIndex,
      runs: [{ ...SELF, firstSeq: ++this.#seq, count: 1, watchIndex: 0 }],
      payload: encodeCommand(args),
    };
    this.machine.apply(record, {
      beforeApply: () => {},
      applied: (_seq, reply) => {
        answer = reply;
      },
    });
    return answer;
  }

  read(...args: string[]): Reply {
    return this.machine.read(findCommand(args)!, args, 0, this.time);
  }

  get digest(): Reply {
    return this.read('debug', 'digest');
  }
}

function errorOf(reply: Reply): string {
  return reply instanceof ErrorReply ? reply.text : `not an error: ${JSON.stringify(reply)}`;
}

const LIMITER = `
local now = redis.call('TIME')
local ms = now[1] * 1000 + math.floor(now[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ms - tonumber(ARGV[1]))
local used = redis.call('ZCARD', KEYS[1])
if used >= tonumber(ARGV[2]) then return {0, used} end
redis.call('ZADD', KEYS[1], ms, ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return {1, used + 1}`;

describe('a sliding-window limiter', () => {
  it('admits exactly the limit in each window of replicated time', () => {
    const member = new Member();
    const sha = member.write('script', 'load', LIMITER) as string;
    const admitted: number[] = [];
    for (let i = 0; i < 60; i++) {
      const [yes] = member.write('evalsha', sha, '1', 'limit', '1000', '5', `id${i}`) as number[];
      if (yes === 1) admitted.push(member.time);
      member.time += 50;
    }
    for (const start of admitted) {
      const inWindow = admitted.filter((at) => at >= start && at < start + 1000);
      expect(inWindow.length).toBeLessThanOrEqual(5);
    }
    expect(admitted.length).toBe(15);
  });

  it('sees the time of the entry, not of a clock', () => {
    const member = new Member();
    member.time = 5_000_123;
    const script = "return redis.call('time')";
    expect(member.write('eval', script, '0')).toEqual(['5000', '123000']);
  });
});

describe('the script cache', () => {
  it('is filled by EVAL and SCRIPT LOAD, emptied by SCRIPT FLUSH, and left alone by EVAL_RO', () => {
    const member = new Member();
    const sha = sha1Hex('return 1');
    expect(errorOf(member.write('evalsha', sha, '0'))).toMatch(/^NOSCRIPT /);
    expect(member.read('eval_ro', 'return 1', '0')).toBe(1);
    expect(member.read('script', 'exists', sha)).toEqual([0]);
    expect(member.write('eval', 'return 1', '0')).toBe(1);
    expect(member.write('evalsha', sha.toUpperCase(), '0')).toBe(1);
    expect(member.read('evalsha_ro', sha, '0')).toBe(1);
    expect(member.write('script', 'load', 'return 2')).toBe(sha1Hex('return 2'));
    expect(member.read('script', 'exists', sha, sha1Hex('return 2'), 'x')).toEqual([1, 1, 0]);
    expect(member.write('script', 'flush', 'async')).toBe(OK);
    expect(member.read('script', 'exists', sha)).toEqual([0]);
    expect(errorOf(member.write('script', 'flush', 'soon'))).toMatch(/^ERR SCRIPT FLUSH/);
    expect(errorOf(member.read('script', 'kill'))).toMatch(/^NOTBUSY/);
  });

  it('does not keep what does not compile', () => {
    const member = new Member();
    const text = errorOf(member.write('script', 'load', 'return +'));
    expect(text).toMatch(/^ERR Error compiling script \(new function\): user_script:1: /);
    expect(member.read('script', 'exists', sha1Hex('return +'))).toEqual([0]);
  });

  it('travels in a snapshot, byte for byte, and works after it', () => {
    const member = new Member();
    const body = 'return ARGV[1] .. "\xff\x00\x80é"';
    const sha = member.write('script', 'load', body) as string;
    const meta = { index: 1, term: 1, membership: membershipOf(['a'], []) };
    const { state } = parseAux(auxOf(meta, member.machine.dumpState()));
    const other = new Member();
    other.machine.loadState(state);
    expect(other.read('evalsha_ro', sha, '0', 'x')).toBe('x\xff\x00\x80é');
    expect(other.machine.dumpState().scripts).toEqual([body]);
  });
});

describe('what a script may do', () => {
  it('selects a database for itself only', () => {
    const member = new Member();
    const script = "redis.call('select', 3) redis.call('set', 'a', '1') return 1";
    expect(member.write('eval', script, '0')).toBe(1);
    expect(member.write('get', 'a')).toBeNull();
    expect(member.machine.keyspace.database(3).size).toBe(1);
    expect(errorOf(member.write('eval', "redis.call('select', 5) error('x')", '0'))).toMatch(/x/);
    member.write('set', 'b', '2');
    expect(member.machine.keyspace.database(0).size).toBe(1);
  });

  it('may not write from a read-only form or with the no-writes flag', () => {
    const member = new Member();
    const set = "return redis.call('set', 'a', '1')";
    const refused = /^ERR Write commands are not allowed from read-only scripts\. script: /;
    expect(errorOf(member.read('eval_ro', set, '0'))).toMatch(refused);
    expect(errorOf(member.write('eval', `#!lua flags=no-writes\n${set}`, '0'))).toMatch(refused);
    expect(errorOf(member.read('eval_ro', `#!lua\n${set}`, '0'))).toMatch(/^ERR Can not execute a/);
    expect(member.read('dbsize')).toBe(0);
  });

  it('may not run another script or a server command', () => {
    const member = new Member();
    for (const call of [
      "'eval', 'return 1', '0'",
      "'multi'",
      "'script', 'flush'",
      "'config', 'get', 'x'",
    ]) {
      const text = errorOf(member.write('eval', `return redis.call(${call})`, '0'));
      expect(text, call).toMatch(/^ERR This Redis command is not allowed from script/);
    }
  });

  it('keeps what it wrote before it failed or was stopped', () => {
    const member = new Member();
    const write = "redis.call('incr', 'n')";
    errorOf(member.write('eval', `${write} error('x')`, '0'));
    errorOf(member.write('eval', `${write} while true do end`, '0'));
    errorOf(member.write('eval', `${write} local t = {} while true do t[#t + 1] = {} end`, '0'));
    expect(member.write('get', 'n')).toBe('3');
  });

  it('checks the count of keys', () => {
    const member = new Member();
    expect(errorOf(member.write('eval', 'return 1', '2', 'a'))).toMatch(/can't be greater/);
    expect(errorOf(member.write('eval', 'return 1', '-1'))).toMatch(/can't be negative/);
    expect(errorOf(member.write('eval', 'return 1', 'x'))).toMatch(/not an integer/);
  });
});

describe('members', () => {
  const SCRIPTS = [
    "for i = 1, 50 do redis.call('sadd', 's', math.random(1000)) end return redis.call('scard', 's')",
    "local t = {} for i = 1, 20 do t[{}] = i end for _, v in pairs(t) do redis.call('rpush', 'l', v) end",
    "redis.call('set', 'address', tostring({}))",
    "redis.call('set', 'memory', collectgarbage('count'))",
    "redis.call('rpush', 'l', redis.call('spop', 's')) return redis.call('randomkey')",
    "for i = 1, 100 do redis.call('incr', 'n') end error('x')",
    "while true do redis.call('incr', 'killed') end",
    "local t = {} while true do redis.call('incr', 'eaten') t[#t + 1] = string.rep('x', 50000) .. #t end",
    "return redis.call('set', 'json', cjson.encode({a = 1, b = {1, 2}, c = 'x', d = 1.5}))",
    'return string.rep("a", 100):find(string.rep("a?", 100) .. "b")',
    "return redis.pcall('incr', 'json').err",
  ];

  it('end with the same data, replies and digest, whatever else they ran', () => {
    const one = new Member();
    const other = new Member();
    other.read('eval_ro', 'local t = {} for i = 1, 1e5 do t[i] = {} end return #t', '0');
    for (const script of SCRIPTS) {
      const reply = one.write('eval', script, '0');
      other.read('eval_ro', 'return tostring({}) .. math.random()', '0');
      expect(other.write('eval', script, '0'), script).toEqual(reply);
    }
    expect(Number(one.write('get', 'killed'))).toBeGreaterThan(1000);
    expect(Number(one.write('get', 'eaten'))).toBeGreaterThan(100);
    expect(other.digest).toEqual(one.digest);
  });

  it('draw other numbers in other entries', () => {
    const member = new Member();
    const draw = (): Reply => member.write('eval', 'return math.random(1000000)', '0');
    expect(draw()).not.toEqual(draw());
  });
});
