// Owns: DEBUG, as far as clients and test suites need it, and MONITOR's refusal. Nothing here blocks the process:
// DEBUG SLEEP holds back this connection only, everyone else is served meanwhile.

import { parseDouble } from '../../base/numbers.js';
import { wrongArity } from '../../commands/errors.js';
import {
  BigNumberReply,
  DoubleReply,
  ErrorReply,
  MapReply,
  NULL_ARRAY,
  OK,
  PushReply,
  type Reply,
  SetReply,
  SimpleString,
  VerbatimReply,
} from '../../resp/reply.js';
import type { Client } from '../client.js';
import { LATER, type ServerCommand, type ServerResult } from '../command.js';
import type { Server } from '../server.js';
import { ADMIN, refusal, rowsOf } from './row.js';

const row = rowsOf('server');

/** A day; longer is a mistake. */
const SLEEP_MAX_SECONDS = 86_400;

function sleep(client: Client, args: readonly string[], server: Server): ServerResult {
  const seconds = parseDouble(args[2]!);
  if (seconds === null || seconds < 0 || seconds > SLEEP_MAX_SECONDS) {
    return refusal(`DEBUG SLEEP takes seconds from 0 to ${SLEEP_MAX_SECONDS}`);
  }
  if (client.inMulti) return refusal('DEBUG SLEEP is not possible inside a transaction');
  server.clock.after(seconds * 1000, () => {
    if (server.clients.has(client.id)) client.resolve(OK);
  });
  return LATER;
}

/** One reply of each type, to test decoders (DEBUG PROTOCOL). */
const SAMPLES: Readonly<Record<string, Reply>> = {
  string: 'Hello World',
  integer: 12345,
  double: new DoubleReply(3141 / 1000),
  null: null,
  array: [0, 1, 2],
  nullarray: NULL_ARRAY,
  set: new SetReply([0, 1, 2]),
  map: new MapReply([0, false, 1, true, 2, false]),
  push: new PushReply(['server-cpu-usage', 42]),
  verbatim: new VerbatimReply('txt', 'This is a verbatim\nstring'),
  bignum: new BigNumberReply('1234567999999999999999999999999999999'),
  true: true,
  false: false,
};

function protocol(_client: Client, args: readonly string[]): Reply {
  const name = args[2]!.toLowerCase();
  if (Object.hasOwn(SAMPLES, name)) return SAMPLES[name]!;
  return refusal(`Wrong protocol type name. Please use one of: ${Object.keys(SAMPLES).join('|')}`);
}

interface Action {
  /** Arguments with the words DEBUG and the action. */
  readonly count: number;
  readonly usage: string;
  readonly run: (client: Client, args: readonly string[], server: Server) => ServerResult;
}

const NOTHING_TO_DO = (): Reply => OK;

/** Those that answer OK and do nothing turn details of another implementation. */
const ACTIONS: Readonly<Record<string, Action>> = {
  sleep: { count: 3, usage: 'SLEEP <seconds>', run: sleep },
  protocol: { count: 3, usage: 'PROTOCOL <type>', run: protocol },
  error: {
    count: 3,
    usage: 'ERROR <text>',
    run: (_client, args) => new ErrorReply(args[2]!.replace(/[\r\n]+/g, ' ')),
  },
  jmap: { count: 2, usage: 'JMAP', run: NOTHING_TO_DO },
  'set-disable-deny-scripts': {
    count: 3,
    usage: 'SET-DISABLE-DENY-SCRIPTS <0|1>',
    run: NOTHING_TO_DO,
  },
  'quicklist-packed-threshold': {
    count: 3,
    usage: 'QUICKLIST-PACKED-THRESHOLD <size>',
    run: NOTHING_TO_DO,
  },
  'change-repl-id': { count: 2, usage: 'CHANGE-REPL-ID', run: NOTHING_TO_DO },
  replybuffer: { count: 4, usage: 'REPLYBUFFER <subcommand> <value>', run: NOTHING_TO_DO },
  help: { count: 2, usage: 'HELP', run: () => HELP },
};

const HELP: Reply = [
  'DEBUG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:',
  ...Object.values(ACTIONS).map((action) => action.usage),
].map((line) => new SimpleString(line));

function debug(client: Client, args: readonly string[], server: Server): ServerResult {
  const name = args[1]!.toLowerCase();
  const action = Object.hasOwn(ACTIONS, name) ? ACTIONS[name]! : undefined;
  if (action === undefined) return refusal(`unknown subcommand '${args[1]}'. Try DEBUG HELP.`);
  if (args.length !== action.count) return wrongArity('debug');
  return action.run(client, args, server);
}

export const debugCommands: readonly ServerCommand[] = [
  row({
    name: 'debug',
    arity: -2,
    flags: ADMIN,
    since: '1.0.0',
    summary: 'Aids for tests: SLEEP (this connection only), PROTOCOL, ERROR.',
    complexity: 'Depends on subcommand.',
    run: debug,
  }),
  row({
    name: 'monitor',
    arity: 1,
    flags: ADMIN,
    since: '1.0.0',
    summary: 'Not available: see SLOWLOG, INFO commandstats and the log on disk.',
    run: () => refusal('MONITOR is not available: use SLOWLOG GET or INFO commandstats'),
  }),
];
