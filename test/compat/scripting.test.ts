// Owns: proof that scripts answer as a real redis-server does: conversions, error texts, libraries;
// and that ioredis commands made of scripts work against a real daemon.

import { existsSync } from 'node:fs';
import fc from 'fast-check';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findCommand } from '../../src/machine/executor.js';
import { Machine } from '../../src/machine/machine.js';
import type { Reply } from '../../src/resp/reply.js';
import { Cluster } from '../process/daemon.js';
import { interpreter } from '../unit/lua/interpreter.js';
import { hasOracle } from './harness.js';
import { Oracle } from './oracle.js';
import { type Protocol, render, treeOfReply } from './resp-tree.js';
import { SCRIPTS } from './scripting-corpus.js';

/** Where ours differs on purpose or in a function's name only. */
const DIFFERENT: ReadonlySet<string> = new Set([
  // 'load' and 'loadstring' for '?': Redis does not know the name through pcall.
  'return {pcall(load,1)}',
  'return {pcall(loadstring,nil)}',
  // 'got nil' and 'got no value' for the same missing argument.
  "return struct.pack('i')",
]);

/** What 7.0 answers differently from 7.2. */
const SINCE_7_2: ReadonlySet<string> = new Set([
  'return type(newproxy)',
  'return getfenv(1) == _G',
  'local f=function() return zzz end setfenv(f,{zzz=5}) return f()',
  'redis.set_repl()',
  "return redis.call('set','n',-0) and redis.call('get','n')",
  "return redis.call('set','n',123456789012345678) and redis.call('get','n')",
]);

const OPERANDS = ['1', 'k\x00\xff', 'a1', '2'];

describe.skipIf(!hasOracle)('scripts against redis-server', () => {
  let oracle: Oracle;
  let machine: Machine;
  beforeAll(async () => {
    oracle = await Oracle.start();
  });
  afterAll(() => oracle.stop());

  const ours = (args: readonly string[]): Reply =>
    machine.read(findCommand(args)!, args, 0, Date.now());

  async function compare(protocol: Protocol, scripts: readonly string[], operands = OPERANDS) {
    machine = new Machine({ node: 'self', incarnation: 1 }, interpreter);
    await oracle.send([['flushall']]);
    await oracle.speak(protocol);
    const commands = scripts.map((script) => ['eval', script, ...operands]);
    const theirs = await oracle.send(commands);
    for (const [i, args] of commands.entries()) {
      const tree = treeOfReply(ours(args), protocol);
      expect(render(tree, 'exact'), args[1]).toBe(render(theirs[i]!, 'exact'));
    }
  }

  const corpus = (): string[] =>
    SCRIPTS.filter((script) => !DIFFERENT.has(script)).filter(
      (script) => oracle.isCurrent || !SINCE_7_2.has(script),
    );

  it('answers the corpus alike in RESP2', () => compare(2, corpus()));
  it('answers the corpus alike in RESP3', () => compare(3, corpus()));

  it('encodes the tables of random JSON in the same order', async () => {
    const texts = fc.sample(fc.json({ maxDepth: 4 }), { numRuns: 200, seed: 5 });
    const plain = texts.filter((text) => /^[\x20-\x7e]*$/.test(text));
    const script = 'return cjson.encode(cjson.decode(ARGV[1]))';
    for (const text of plain) await compare(2, [script], ['0', text]);
    expect(plain.length).toBeGreaterThan(50);
  });

  it('packs the tables of random JSON into the same bytes', async () => {
    const texts = fc.sample(fc.json({ maxDepth: 4 }), { numRuns: 200, seed: 6 });
    const script = 'return cmsgpack.pack(cjson.decode(ARGV[1]))';
    for (const text of texts.filter((t) => /^[\x20-\x7e]*$/.test(t))) {
      await compare(2, [script], ['0', text]);
    }
  });
});

interface Limited {
  limit(key: string, ttl: number): Promise<[number, number]>;
}

describe.skipIf(!existsSync('dist/main.js'))('ioredis commands made of scripts', () => {
  it('run on a daemon, by EVALSHA, in pipelines and transactions', async () => {
    const cluster = await Cluster.start(1);
    const client = new Redis({ port: cluster.daemons[0]!.spec.port, host: '127.0.0.1' });
    try {
      client.defineCommand('limit', {
        numberOfKeys: 1,
        lua:
          "local n = redis.call('incr', KEYS[1]) " +
          "if n == 1 then redis.call('pexpire', KEYS[1], ARGV[1]) end " +
          "return {n, redis.call('pttl', KEYS[1]) > 0 and 1 or 0}",
      });
      const limited = client as unknown as Limited;
      expect(await limited.limit('a', 60000)).toEqual([1, 1]);
      const many = await Promise.all(Array.from({ length: 100 }, () => limited.limit('b', 60000)));
      expect(many.map(([n]) => n)).toEqual(Array.from({ length: 100 }, (_, i) => i + 1));
      const bytes = Buffer.from([0, 255, 128, 13, 10]);
      const echoed = await client.callBuffer('eval', 'return ARGV[1]', 0, bytes);
      expect(echoed).toEqual(bytes);
    } finally {
      client.disconnect();
      await cluster.stop();
    }
  });
});
