// Owns: the one table of data commands, joined from the families. Names are unique; lookups are
// lower case.

import { assert } from '../base/assert.js';
import { bitmapCommands } from './bitmaps.js';
import { databaseCommands } from './databases.js';
import { debugCommands } from './debug.js';
import { dumpCommands } from './dump.js';
import { expiryCommands } from './expiry.js';
import { hashCommands } from './hashes.js';
import { keyCommands } from './keys.js';
import { listCommands } from './lists.js';
import { objectCommands } from './object.js';
import { scanCommands } from './scan.js';
import { scriptCommands } from './scripting.js';
import { setCommands } from './sets.js';
import { sortCommands } from './sort.js';
import { sortedSetCommands } from './sorted-sets.js';
import type { DataCommand } from './spec.js';
import { stringCommands } from './strings.js';

const FAMILIES: readonly (readonly DataCommand[])[] = [
  stringCommands,
  bitmapCommands,
  keyCommands,
  expiryCommands,
  dumpCommands,
  scanCommands,
  sortCommands,
  hashCommands,
  listCommands,
  setCommands,
  sortedSetCommands,
  databaseCommands,
  objectCommands,
  debugCommands,
  scriptCommands,
];

function join(): ReadonlyMap<string, DataCommand> {
  const table = new Map<string, DataCommand>();
  for (const command of FAMILIES.flat()) {
    assert(!table.has(command.name), `command ${command.name} is defined once`);
    table.set(command.name, command);
  }
  return table;
}

/** Data commands by lower-case name; a subcommand is found as `parent|child`. */
export const dataCommands: ReadonlyMap<string, DataCommand> = join();

/**
 * Parents that have subcommands (`object`, `script`, ...): dispatch joins the first two words for
 * these.
 */
export const parentNames: ReadonlySet<string> = new Set(
  [...dataCommands.keys()]
    .filter((name) => name.includes('|'))
    .map((name) => name.slice(0, name.indexOf('|'))),
);
