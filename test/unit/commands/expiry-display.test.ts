// Owns: how TTL shows a key between entries, when the node's clock runs ahead of replicated time.

import { describe, expect, it } from 'vitest';
import { Rng } from '../../../src/base/rng.js';
import { dataCommands } from '../../../src/commands/registry.js';
import type { CommandContext } from '../../../src/commands/spec.js';
import { Keyspace } from '../../../src/keyspace/keyspace.js';

const NOW = 1_700_000_000_000;

function context(keyspace: Keyspace, clock: number): CommandContext {
  const db = keyspace.database(0);
  return { keyspace, db, now: NOW, clock, rng: new Rng(1), inScript: false };
}

describe('TTL and PTTL', () => {
  const keyspace = new Keyspace();
  keyspace.database(0).set('a', '1');
  keyspace.database(0).setExpireAt('a', NOW + 2600);
  const ask = (name: string, clock: number) =>
    dataCommands.get(name)!.run(context(keyspace, clock), [name, 'a']);

  it('count down with the clock while replicated time stands still', () => {
    expect(ask('pttl', NOW)).toBe(2600);
    expect(ask('ttl', NOW)).toBe(3);
    expect(ask('pttl', NOW + 1000)).toBe(1600);
    expect(ask('ttl', NOW + 1200)).toBe(1);
  });

  it('never go below zero for a key that still lives', () => {
    expect(ask('pttl', NOW + 10_000)).toBe(0);
    expect(ask('ttl', NOW + 10_000)).toBe(0);
    expect(ask('pexpiretime', NOW + 10_000)).toBe(NOW + 2600);
  });
});
