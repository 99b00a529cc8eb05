// Owns: the rows of MULTI, EXEC, DISCARD, WATCH and UNWATCH. Their order and bookkeeping are
// dispatch.ts's: all but UNWATCH are routed before `run` would be reached.

import { assertNever } from '../../base/assert.js';
import { ALL_KEYS, type CommandFlag, NO_KEYS } from '../../commands/spec.js';
import { OK } from '../../resp/reply.js';
import type { ServerCommand } from '../command.js';

const FLAGS: readonly CommandFlag[] = ['noscript', 'loading', 'stale', 'fast', 'allow_busy'];

const routed = (): never => assertNever(undefined as never, 'call of a routed command');

export const transactionCommands: readonly ServerCommand[] = [
  {
    name: 'multi',
    arity: 1,
    flags: FLAGS,
    keys: NO_KEYS,
    group: 'transactions',
    since: '1.2.0',
    summary: 'Begins to queue commands for EXEC.',
    complexity: 'O(1)',
    run: routed,
  },
  {
    name: 'exec',
    arity: 1,
    flags: ['noscript', 'loading', 'stale', 'skip_slowlog'],
    keys: NO_KEYS,
    group: 'transactions',
    since: '1.2.0',
    summary: 'Runs the queued commands as one.',
    complexity: 'Depends on commands in the transaction',
    run: routed,
  },
  {
    name: 'discard',
    arity: 1,
    flags: FLAGS,
    keys: NO_KEYS,
    group: 'transactions',
    since: '2.0.0',
    summary: 'Forgets the queued commands.',
    complexity: 'O(N), when N is the number of queued commands',
    run: routed,
  },
  {
    name: 'watch',
    arity: -2,
    flags: FLAGS,
    keys: { ...ALL_KEYS, use: 'RO' },
    group: 'transactions',
    since: '2.2.0',
    summary: 'Makes the next EXEC do nothing if one of the keys changes before it.',
    complexity: 'O(1) for every key.',
    run: routed,
  },
  {
    name: 'unwatch',
    arity: 1,
    flags: FLAGS,
    keys: NO_KEYS,
    group: 'transactions',
    since: '2.2.0',
    summary: 'Forgets all watched keys.',
    complexity: 'O(1)',
    run: (client) => {
      client.unwatch();
      return OK;
    },
    immediate: true,
  },
];
