// Owns: proof that the rows of the collection commands say what COMMAND INFO, COMMAND DOCS and COMMAND GETKEYS of a
// real redis-server say.

import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hashCommands } from '../../src/commands/hashes.js';
import { listCommands } from '../../src/commands/lists.js';
import { setCommands } from '../../src/commands/sets.js';
import { sortedSetCommands } from '../../src/commands/sorted-sets.js';
import { hasOracle } from './harness.js';
import { Oracle } from './oracle.js';
import type { Tree } from './resp-tree.js';

const rows = [hashCommands, listCommands, setCommands, sortedSetCommands].flat();

/** Gained an optional argument in 7.2. */
const CHANGED_ARITY = new Set(['zrank', 'zrevrank']);

/** A map's value by key. */
function entry(tree: Tree, name: string): Tree | undefined {
  const at = tree.items.findIndex((item, i) => i % 2 === 0 && item.text === name);
  return at < 0 ? undefined : tree.items[at + 1];
}

function texts(tree: Tree | undefined): string[] {
  return (tree?.items ?? []).map((item) => item.text);
}

describe.skipIf(!hasOracle)('rows of collection commands', () => {
  let oracle: Oracle;
  beforeAll(async () => {
    oracle = await Oracle.start();
    await oracle.speak(3);
  });
  afterAll(() => oracle.stop());

  it('has every command of the four groups that does not block', async () => {
    const groups = ['hash', 'list', 'set', 'sortedset'];
    const lists = await oracle.send(
      groups.map((group) => ['command', 'list', 'filterby', 'aclcat', group]),
    );
    const known = new Set(rows.map((row) => row.name));
    const others = /^(?:b[lrz]|geo|sort|sort_ro$)/;
    const expected = lists.flatMap(texts).filter((name) => !others.test(name));
    expect(expected.filter((name) => !known.has(name))).toEqual([]);
  });

  it.each(rows.map((row) => [row.name, row] as const))('%s', async (name, row) => {
    const [info, docs] = await oracle.send([
      ['command', 'info', name],
      ['command', 'docs', name],
    ]);
    const [, arity, flags, first, last, step, , , specs] = info!.items[0]!.items;
    if (oracle.isCurrent || !CHANGED_ARITY.has(name)) expect(row.arity).toBe(Number(arity!.text));
    expect([...row.flags].sort()).toEqual(texts(flags).sort());
    const { keys } = row;
    expect([keys.first, keys.last, keys.step]).toEqual(
      [first, last, step].map((n) => Number(n!.text)),
    );
    expect(texts(entry(specs!.items[0]!, 'flags'))).toContain(keys.use);
    expect(keys.find !== undefined).toBe(row.flags.includes('movablekeys'));
    const facts = entry(docs!, name)!;
    expect(row.since).toBe(entry(facts, 'since')!.text);
    expect(row.group).toBe(entry(facts, 'group')!.text);
    expect(row.summary).toMatch(/^[A-Z].*\.$/);
    expect(row.complexity).toMatch(/^O\(/);
  });

  it('finds the same keys behind a count', async () => {
    const word = fc.constantFrom('a', 'b', 'min', 'left', 'weights', '1');
    const count = fc.constantFrom('0', '1', '2', '3', '9', '-1', 'x');
    for (const row of rows.filter((candidate) => candidate.keys.find !== undefined)) {
      const isStore = row.keys.first === 1;
      const commands = fc.sample(
        fc
          .tuple(count, fc.array(word, { minLength: 2, maxLength: 5 }))
          .map(([n, words]) => [row.name, ...(isStore ? ['dst'] : []), n, ...words]),
        { numRuns: 60, seed: 5 },
      );
      const replies = await oracle.send(commands.map((args) => ['command', 'getkeys', ...args]));
      commands.forEach((args, i) => {
        const found = row.keys.find!(args).map((at) => args[at]);
        const expected = replies[i]!.kind === '-' ? [] : texts(replies[i]);
        expect(found, args.join(' ')).toEqual(expected);
      });
    }
  });
});
