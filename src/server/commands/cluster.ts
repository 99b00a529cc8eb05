// Owns: CLUSTER, as a server without hash slots answers it: each subcommand is known, and all say
// the same.

import type { CommandFlag } from '../../commands/spec.js';
import type { ServerCommand } from '../command.js';
import { ALWAYS, refusal, rowsOf } from './row.js';

const row = rowsOf('cluster');

const DISABLED = refusal('This instance has cluster support disabled');

const ASKS: readonly CommandFlag[] = ['stale'];
const ADMIN_ASKS: readonly CommandFlag[] = ['admin', 'stale'];
const CHANGES: readonly CommandFlag[] = ['admin', 'stale', 'no_async_loading'];

type Facts = readonly [name: string, arity: number, flags: readonly CommandFlag[], since: string];

const SUBCOMMANDS: readonly Facts[] = [
  ['info', 2, ASKS, '3.0.0'],
  ['nodes', 2, ASKS, '3.0.0'],
  ['slots', 2, ALWAYS, '3.0.0'],
  ['shards', 2, ALWAYS, '7.0.0'],
  ['links', 2, ASKS, '7.0.0'],
  ['myid', 2, ASKS, '3.0.0'],
  ['myshardid', 2, ASKS, '7.2.0'],
  ['keyslot', 3, ASKS, '3.0.0'],
  ['countkeysinslot', 3, ASKS, '3.0.0'],
  ['getkeysinslot', 4, ASKS, '3.0.0'],
  ['replicas', 3, ADMIN_ASKS, '5.0.0'],
  ['slaves', 3, ADMIN_ASKS, '3.0.0'],
  ['count-failure-reports', 3, ADMIN_ASKS, '3.0.0'],
  ['reset', -2, ['admin', 'noscript', 'stale'], '3.0.0'],
  ['addslots', -3, CHANGES, '3.0.0'],
  ['addslotsrange', -4, CHANGES, '7.0.0'],
  ['delslots', -3, CHANGES, '3.0.0'],
  ['delslotsrange', -4, CHANGES, '7.0.0'],
  ['flushslots', 2, CHANGES, '3.0.0'],
  ['setslot', -4, CHANGES, '3.0.0'],
  ['meet', -4, CHANGES, '3.0.0'],
  ['forget', 3, CHANGES, '3.0.0'],
  ['replicate', 3, CHANGES, '3.0.0'],
  ['failover', -2, CHANGES, '3.0.0'],
  ['saveconfig', 2, CHANGES, '3.0.0'],
  ['set-config-epoch', 3, CHANGES, '3.0.0'],
  ['bumpepoch', 2, CHANGES, '3.0.0'],
  ['help', 2, ALWAYS, '5.0.0'],
];

export const clusterCommands: readonly ServerCommand[] = SUBCOMMANDS.map(
  ([name, arity, flags, since]) =>
    row({
      name: `cluster|${name}`,
      arity,
      flags,
      since,
      summary: 'Hash slots are not distributed: always refused.',
      complexity: 'O(1)',
      run: () => DISABLED,
    }),
);
