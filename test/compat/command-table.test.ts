// Owns: proof that the rows of the data command table say what COMMAND INFO of a real redis-server
// says: arity, flags and key positions. Clients and ACLs act on these.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dataCommands } from '../../src/commands/registry.js';
import { Bench, hasOracle } from './harness.js';
import type { Tree } from './resp-tree.js';

/** Names of ours that no redis-server lists on their own: it takes all of DEBUG as one command. */
const isOurs = (name: string) => name.startsWith('debug|');
/** Rows that Redis 7.2 changed. */
const CHANGED = ['zrank', 'zrevrank'];

function facts(tree: Tree) {
  const [, arity, flags, first, last, step] = tree.items;
  return {
    arity: Number(arity!.text),
    flags: flags!.items.map((flag) => flag.text).sort(),
    keys: [first, last, step].map((item) => Number(item!.text)),
  };
}

/** `group since version` from the flat pairs of COMMAND DOCS. */
function origin(tree: Tree): string {
  const value = (name: string) =>
    tree.items[tree.items.findIndex((item) => item.text === name) + 1]!.text;
  return `${value('group')} since ${value('since')}`;
}

describe.skipIf(!hasOracle)('command table against COMMAND INFO', () => {
  let bench: Bench;
  beforeAll(async () => {
    bench = await Bench.start();
  });
  afterAll(() => bench.stop());

  it('has the same arity, flags and key positions', async () => {
    const rows = [...dataCommands.values()].filter(
      (row) => !isOurs(row.name) && (bench.oracle.isCurrent || !CHANGED.includes(row.name)),
    );
    const [reply] = await bench.oracle.send([['command', 'info', ...rows.map((row) => row.name)]]);
    const ours: Record<string, unknown> = {};
    const theirs: Record<string, unknown> = {};
    rows.forEach((row, i) => {
      const tree = reply!.items[i]!;
      const { first, last, step } = row.keys;
      ours[row.name] = {
        arity: row.arity,
        flags: [...row.flags].sort(),
        keys: [first, last, step],
      };
      theirs[row.name] = tree.items.length === 0 ? 'unknown' : facts(tree);
    });
    expect(rows.length).toBeGreaterThan(60);
    expect(ours).toEqual(theirs);
  });

  it('has the same group and first version', async () => {
    const rows = [...dataCommands.values()].filter((row) => !isOurs(row.name));
    const [reply] = await bench.oracle.send([['command', 'docs', ...rows.map((row) => row.name)]]);
    const theirs = new Map<string, string>();
    for (let i = 0; i < reply!.items.length; i += 2) {
      theirs.set(reply!.items[i]!.text, origin(reply!.items[i + 1]!));
    }
    const ours = rows.map((row) => `${row.name}: ${row.group} since ${row.since}`);
    expect(ours).toEqual(rows.map((row) => `${row.name}: ${theirs.get(row.name)}`));
    for (const row of rows) expect(row.summary).toMatch(/^[A-Z].*\.$/);
  });

  it('finds the keys that COMMAND GETKEYS finds', async () => {
    const samples = [
      ['sort', 'a', 'by', 'store', 'get', 'store', 'store', 'dst'],
      ['sort', 'a', 'limit', '0', 'store', 'store', 'b', 'store', 'c'],
      ['sort', 'a', 'alpha'],
      ['sort_ro', 'a', 'by', 'w_*'],
      ['bitop', 'and', 'd', 'a', 'b'],
      ['mset', 'a', '1', 'b', '2'],
      ['lcs', 'a', 'b', 'len'],
      ['copy', 'a', 'b', 'db', '1'],
      ['object', 'encoding', 'a'],
      ['memory', 'usage', 'a', 'samples', '5'],
    ];
    const replies = await bench.oracle.send(samples.map((args) => ['command', 'getkeys', ...args]));
    samples.forEach((args, i) => {
      const row = dataCommands.get(args[0]!) ?? dataCommands.get(`${args[0]}|${args[1]}`)!;
      expect(keysOf(row.keys, args)).toEqual(replies[i]!.items.map((item) => item.text));
    });
  });
});

function keysOf(
  spec: { first: number; last: number; step: number; find?: (args: string[]) => readonly number[] },
  args: string[],
): string[] {
  if (spec.find !== undefined) return spec.find(args).map((at) => args[at]!);
  const last = spec.last < 0 ? args.length + spec.last : spec.last;
  const keys: string[] = [];
  for (let at = spec.first; at <= last; at += spec.step) keys.push(args[at]!);
  return keys;
}
