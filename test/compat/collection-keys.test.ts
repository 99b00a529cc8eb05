// Owns: proof that the collection commands name their keys as a real redis-server does: how they
// use them (key specifications of COMMAND INFO) and where they stand behind a count (COMMAND
// GETKEYS). The other facts of the rows are compared in command-table.test.ts.

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

function texts(tree: Tree): string[] {
  return tree.items.map((item) => item.text);
}

describe.skipIf(!hasOracle)('keys of collection commands', () => {
  let oracle: Oracle;
  beforeAll(async () => {
    oracle = await Oracle.start();
    await oracle.speak(3);
  });
  afterAll(() => oracle.stop());

  it('belong to every command of the four groups that does not block', async () => {
    const groups = ['hash', 'list', 'set', 'sortedset'];
    const lists = await oracle.send(
      groups.map((group) => ['command', 'list', 'filterby', 'aclcat', group]),
    );
    const known = new Set(rows.map((row) => row.name));
    const others = /^(?:b[lrz].*|geo.*|sort|sort_ro)$/;
    const expected = lists.flatMap(texts).filter((name) => !others.test(name));
    expect(expected.length).toBe(rows.length);
    expect(expected.filter((name) => !known.has(name))).toEqual([]);
  });

  it('are used alike', async () => {
    const [reply] = await oracle.send([['command', 'info', ...rows.map((row) => row.name)]]);
    rows.forEach((row, i) => {
      const [specification] = reply!.items[i]!.items[8]!.items;
      const at = texts(specification!).indexOf('flags');
      expect(texts(specification!.items[at + 1]!), row.name).toContain(row.keys.use);
      expect(row.keys.find !== undefined, row.name).toBe(row.flags.includes('movablekeys'));
    });
  });

  it('are found behind a count', async () => {
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
        const expected = replies[i]!.kind === '-' ? [] : texts(replies[i]!);
        expect(found, args.join(' ')).toEqual(expected);
      });
    }
  });
});
