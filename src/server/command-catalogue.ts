// Owns: all commands as one tree, data and server commands alike: what COMMAND and ACL CAT list. A
// parent that is no command by itself (CONFIG, CLIENT) gets a row made from its subcommands.

import { dataCommands } from '../commands/registry.js';
import { type CommandInfo, NO_KEYS } from '../commands/spec.js';
import type { ServerCommand } from './command.js';

export interface CatalogueNode {
  readonly info: CommandInfo;
  /** False for a parent that only holds subcommands. */
  readonly runs: boolean;
  /** Subcommands, named `parent|child`. */
  readonly children: readonly CommandInfo[];
}

export type Catalogue = ReadonlyMap<string, CatalogueNode>;

const cache = new WeakMap<ReadonlyMap<string, ServerCommand>, Catalogue>();

/** The tree by lower-case name of the first word. Made once for each table of server commands. */
export function catalogue(serverCommands: ReadonlyMap<string, ServerCommand>): Catalogue {
  const known = cache.get(serverCommands);
  if (known !== undefined) return known;
  const tree = grow([...dataCommands.values(), ...serverCommands.values()]);
  cache.set(serverCommands, tree);
  return tree;
}

/** The node of a name that may be `parent|child`, in any case. */
export function findNode(tree: Catalogue, name: string): CatalogueNode | undefined {
  const lower = name.toLowerCase();
  const bar = lower.indexOf('|');
  if (bar < 0) return tree.get(lower);
  const info = tree.get(lower.slice(0, bar))?.children.find((child) => child.name === lower);
  return info === undefined ? undefined : { info, runs: true, children: [] };
}

function grow(all: readonly CommandInfo[]): Catalogue {
  const families = new Map<string, CommandInfo[]>();
  const own = new Map<string, CommandInfo>();
  for (const info of all) {
    const bar = info.name.indexOf('|');
    const word = bar < 0 ? info.name : info.name.slice(0, bar);
    const family = families.get(word) ?? [];
    families.set(word, family);
    if (bar < 0) own.set(word, info);
    else family.push(info);
  }
  const tree = new Map<string, CatalogueNode>();
  for (const [word, children] of families) {
    const info = own.get(word);
    tree.set(word, { info: info ?? parentOf(word, children), runs: info !== undefined, children });
  }
  return tree;
}

function parentOf(word: string, children: readonly CommandInfo[]): CommandInfo {
  return {
    name: word,
    arity: -2,
    flags: [],
    keys: NO_KEYS,
    group: children[0]!.group,
    since: children.map((child) => child.since).reduce(earlier),
    summary: `Commands that begin with ${word.toUpperCase()}.`,
    complexity: 'Depends on subcommand.',
  };
}

/** The smaller of two versions like `2.8.13`. */
function earlier(a: string, b: string): string {
  const [x, y] = [a, b].map((version) => version.split('.').map(Number));
  for (let i = 0; i < 3; i++) {
    if (x![i] !== y![i]) return x![i]! < y![i]! ? a : b;
  }
  return a;
}
