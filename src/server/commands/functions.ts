// Owns: FUNCTION while there are no libraries: what asks about them or empties them answers as
// Redis does with none loaded; LOAD and RESTORE say that scripts are the way (EVAL, SCRIPT LOAD).

import type { CommandFlag } from '../../commands/spec.js';
import { ErrorReply, MapReply, OK, type Reply } from '../../resp/reply.js';
import type { Client } from '../client.js';
import type { ServerCommand } from '../command.js';
import { helpRow, refusal, rowsOf } from './row.js';

const row = rowsOf('scripting');

const FLUSH_MODE = refusal('FUNCTION FLUSH only supports SYNC|ASYNC option');
const NO_LIBRARY = refusal('Library not found');
const NOT_BUSY = new ErrorReply('NOTBUSY No scripts in execution right now.');
const UNAVAILABLE = refusal('function libraries are not available: use SCRIPT LOAD and EVALSHA');
const NO_ENGINE = new MapReply([
  ...['running_script', null],
  'engines',
  new MapReply(['LUA', new MapReply(['libraries_count', 0, 'functions_count', 0])]),
]);

function flush(_client: Client, args: readonly string[]): Reply {
  if (args.length > 3) return refusal("unknown subcommand 'flush'. Try FUNCTION HELP.");
  return args.length === 3 && !/^a?sync$/i.test(args[2]!) ? FLUSH_MODE : OK;
}

function list(_client: Client, args: readonly string[]): Reply {
  for (let i = 2; i < args.length; i++) {
    const option = args[i]!.toUpperCase();
    if (option === 'WITHCODE') continue;
    if (option !== 'LIBRARYNAME') return refusal(`Unknown argument ${args[i]}`);
    if (++i === args.length) return refusal('library name argument was not given');
  }
  return [];
}

type Facts = readonly [
  name: string,
  arity: number,
  flags: readonly CommandFlag[],
  summary: string,
  run: ServerCommand['run'],
];

const SUBCOMMANDS: readonly Facts[] = [
  ['flush', -2, ['write', 'noscript'], 'Removes all libraries; there are none.', flush],
  ['list', -2, ['noscript'], 'Lists the libraries; there are none.', list],
  ['delete', 3, ['write', 'noscript'], 'Removes a library; there are none.', () => NO_LIBRARY],
  [
    'stats',
    2,
    ['noscript', 'allow_busy'],
    'The function that runs, if any, and counts.',
    () => NO_ENGINE,
  ],
  [
    'kill',
    2,
    ['noscript', 'allow_busy'],
    'Ends the function that runs; none does.',
    () => NOT_BUSY,
  ],
  ['load', -3, ['write', 'denyoom', 'noscript'], 'Not available.', () => UNAVAILABLE],
  ['restore', -3, ['write', 'denyoom', 'noscript'], 'Not available.', () => UNAVAILABLE],
  ['dump', 2, ['noscript'], 'Not available.', () => UNAVAILABLE],
];

export const functionCommands: readonly ServerCommand[] = [
  ...SUBCOMMANDS.map(([name, arity, flags, summary, run]) =>
    row({
      name: `function|${name}`,
      arity,
      flags,
      since: '7.0.0',
      summary,
      complexity: 'O(1)',
      run,
    }),
  ),
  helpRow('scripting', 'function', '7.0.0', [
    'FLUSH [ASYNC|SYNC]',
    '    Remove all libraries (there are none: see SCRIPT LOAD).',
    'LIST [LIBRARYNAME <pattern>] [WITHCODE]',
    '    The libraries.',
    'STATS',
    '    The function that runs, and counts.',
  ]),
];
