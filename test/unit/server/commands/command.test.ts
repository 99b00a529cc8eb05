// COMMAND and its subcommands, with real redis-server as the measure where it is installed.

import { describe, expect, it } from 'vitest';
import { parentNames } from '../../../../src/commands/registry.js';
import type { CommandInfo } from '../../../../src/commands/spec.js';
import { categoriesOf } from '../../../../src/server/acl-categories.js';
import { catalogue } from '../../../../src/server/command-catalogue.js';
import { serverCommands } from '../../../../src/server/commands/registry.js';
import { keyFlags, keyPositions, keySpecifications } from '../../../../src/server/key-specs.js';
import { FakeServer } from '../fakes.js';
import { plain } from '../reference.js';

const server = new FakeServer();
const me = server.connect();
const ours = (...args: string[]): unknown => plain(server.run(me, ...args));

const row = (facts: Partial<CommandInfo>): CommandInfo => ({
  name: 'x',
  arity: -2,
  flags: ['readonly'],
  keys: { first: 1, last: 1, step: 1 },
  group: 'generic',
  since: '1.0.0',
  summary: '',
  ...facts,
});

describe('catalogue', () => {
  it('has each first word once, with its subcommands from both tables', () => {
    const tree = catalogue(serverCommands);
    expect(tree.get('config')).toMatchObject({
      runs: false,
      info: { arity: -2, since: '2.0.0', flags: [] },
    });
    expect(tree.get('command')!.runs).toBe(true);
    expect(tree.get('latency')!.info.since).toBe('2.8.13');
    for (const parent of parentNames) expect(tree.get(parent)!.children).not.toEqual([]);
    expect(catalogue(serverCommands)).toBe(tree);
    expect(ours('command', 'count')).toBe(tree.size);
    expect(ours('command')).toHaveLength(tree.size);
  });
});

describe('COMMAND LIST', () => {
  it('filters by pattern and category', () => {
    const names = ours('command', 'list', 'filterby', 'pattern', 'CONFIG*') as string[];
    expect(names.sort()).toEqual([
      'config',
      'config|get',
      'config|help',
      'config|resetstat',
      'config|rewrite',
      'config|set',
    ]);
    const dangerous = ours('command', 'list', 'filterby', 'aclcat', 'dangerous');
    expect(dangerous).toContain('shutdown');
    expect(dangerous).not.toContain('time');
    expect(ours('command', 'list', 'filterby', 'constructor', 'x')).toEqual({
      error: 'ERR syntax error',
    });
  });
});

describe('COMMAND GETKEYS', () => {
  it('says why there are none', () => {
    expect(ours('command', 'getkeys', 'nosuch', 'a')).toEqual({
      error: 'ERR Invalid command specified',
    });
    expect(ours('command', 'getkeys', 'config', 'get')).toEqual({
      error: 'ERR The command has no key arguments',
    });
    expect(ours('command', 'getkeys', 'config|get', 'x')).toEqual({
      error: 'ERR Invalid command specified',
    });
  });
});

describe('key specifications', () => {
  it('follow from the row where no table says more', () => {
    expect(keySpecifications(row({}))).toEqual([
      { flags: ['RO', 'access'], place: { type: 'range', begin: 1, lastKey: 0, step: 1 } },
    ]);
    expect(keySpecifications(row({ keys: { first: 2, last: -1, step: 2, use: 'RM' } }))).toEqual([
      { flags: ['RM', 'delete'], place: { type: 'range', begin: 2, lastKey: -1, step: 2 } },
    ]);
    expect(keySpecifications(row({ keys: { first: 0, last: 0, step: 0 } }))).toEqual([]);
  });

  it('give positions and what is done to each key', () => {
    const bitop = row({ name: 'bitop', keys: { first: 2, last: -1, step: 1 } });
    const args = ['bitop', 'and', 'd', 'a', 'b'];
    expect(keyPositions(bitop, args)).toEqual([2, 3, 4]);
    expect(keyFlags(bitop, args, 2)).toEqual(['OW', 'update']);
    expect(keyFlags(bitop, args, 4)).toEqual(['RO', 'access']);
    const store = row({
      name: 'zunionstore',
      keys: { first: 1, last: 1, step: 1, find: () => [1, 3, 4] },
    });
    const full = ['zunionstore', 'd', '2', 'a', 'b', 'weights', '1', '2'];
    expect(keyPositions(store, full)).toEqual([1, 3, 4]);
    expect(keyFlags(store, full, 4)).toEqual(['RO', 'access']);
  });

  it('end with the arguments, whatever numbers those hold', () => {
    const many = row({ name: 'zunion' });
    const args = ['zunion', '9007199254740991', 'a'];
    expect(keyFlags(many, args, 2)).toEqual(['RO', 'access']);
    expect(keyFlags(many, ['zunion', 'nan', 'a'], 2)).toEqual(['RO', 'access']);
    expect(keyPositions(row({ keys: { first: 1, last: -1, step: 0 } }), ['x', 'a'])).toEqual([1]);
  });
});

describe('categories', () => {
  it('follow from flags and group', () => {
    expect(categoriesOf(row({ flags: ['write', 'fast'], group: 'hash' }))).toEqual([
      'write',
      'hash',
      'fast',
    ]);
    expect(categoriesOf(row({ name: 'keys' }))).toEqual(['keyspace', 'read', 'slow', 'dangerous']);
    expect(categoriesOf(row({ name: 'eval_ro', group: 'scripting' }))).toEqual([
      'slow',
      'scripting',
    ]);
  });
});
