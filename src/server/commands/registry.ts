// Owns: the one table of server commands, joined from the families of this folder. Names are unique
// and none is a data command; lookups are lower case, a subcommand is `parent|child`.

import { assert } from '../../base/assert.js';
import { dataCommands } from '../../commands/registry.js';
import type { ServerCommand } from '../command.js';
import { aclCommands } from './acl.js';
import { clientCommands } from './client.js';
import { clusterCommands } from './cluster.js';
import { commandCommands } from './command.js';
import { configCommands } from './config.js';
import { debugCommands } from './debug.js';
import { functionCommands } from './functions.js';
import { infoCommands } from './info.js';
import { latencyCommands } from './latency.js';
import { memoryCommands } from './memory.js';
import { monitorCommands } from './monitor.js';
import { persistenceCommands } from './persistence.js';
import { raftCommands } from './raft.js';
import { replicationCommands } from './replication.js';
import { slowlogCommands } from './slowlog.js';

const FAMILIES: readonly (readonly ServerCommand[])[] = [
  infoCommands,
  configCommands,
  clientCommands,
  commandCommands,
  slowlogCommands,
  latencyCommands,
  memoryCommands,
  persistenceCommands,
  replicationCommands,
  raftCommands,
  clusterCommands,
  aclCommands,
  debugCommands,
  functionCommands,
  monitorCommands,
];

function join(): ReadonlyMap<string, ServerCommand> {
  const table = new Map<string, ServerCommand>();
  for (const command of FAMILIES.flat()) {
    assert(!table.has(command.name), `server command ${command.name} is defined once`);
    assert(!dataCommands.has(command.name), `${command.name} is not a data command too`);
    table.set(command.name, command);
  }
  return table;
}

/** Server commands by lower-case name; a subcommand is found as `parent|child`. */
export const serverCommands: ReadonlyMap<string, ServerCommand> = join();
