// Owns: DEBUG, as far as clients and test suites need it. Nothing here blocks the process:
// DEBUG SLEEP holds back this connection only, everyone else is served meanwhile.

import { parseDouble } from '../../base/numbers.js';
import {
  AttributedReply,
  BigNumberReply,
  DoubleReply,
  ErrorReply,
  MapReply,
  NULL_ARRAY,
  OK,
  PushReply,
  type Reply,
  SetReply,
  VerbatimReply,
} from '../../resp/reply.js';
import type { Client } from '../client.js';
import { LATER, type ServerCommand, type ServerResult } from '../command.js';
import type { Server } from '../server.js';
import { ADMIN, helpRow, refusal, rowsOf } from './row.js';

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
    if (server.clients.has(client.id)) client.resolve(OK, seconds * 1e6);
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
  attrib: new AttributedReply(
    ['key-popularity', ['key:123', 90]],
    'Some real reply following the attribute',
  ),
  bignum: new BigNumberReply('1234567999999999999999999999999999999'),
  true: true,
  false: false,
};

function protocol(_client: Client, args: readonly string[]): Reply {
  const name = args[2]!.toLowerCase();
  if (Object.hasOwn(SAMPLES, name)) return SAMPLES[name]!;
  return refusal(`Wrong protocol type name. Please use one of: ${Object.keys(SAMPLES).join('|')}`);
}

/** Turns a detail of another implementation: accepted so that test suites go on. */
const NOTHING_TO_DO = (): Reply => OK;

type Facts = readonly [name: string, arity: number, summary: string, run: ServerCommand['run']];

/** DEBUG OBJECT, DIGEST and others that look at keys are data commands. */
const SUBCOMMANDS: readonly Facts[] = [
  ['sleep', 3, 'Holds back this connection for some seconds; others are served.', sleep],
  ['protocol', 3, 'Answers one reply of a type, to test decoders.', protocol],
  [
    'error',
    3,
    'Answers an error with the text given.',
    (_client, args) => new ErrorReply(args[2]!.replace(/[\r\n]+/g, ' ')),
  ],
  ['set-disable-deny-scripts', 3, 'Accepted without effect.', NOTHING_TO_DO],
  ['replybuffer', -3, 'Accepted without effect.', NOTHING_TO_DO],
];

export const debugCommands: readonly ServerCommand[] = [
  row({
    name: 'debug',
    arity: -2,
    flags: ADMIN,
    since: '1.0.0',
    summary: 'Aids for tests: SLEEP (this connection only), PROTOCOL, ERROR.',
    complexity: 'Depends on subcommand.',
    run: (_client, args) => refusal(`unknown subcommand '${args[1]}'. Try DEBUG HELP.`),
  }),
  ...SUBCOMMANDS.map(([name, arity, summary, run]) =>
    row({
      name: `debug|${name}`,
      arity,
      flags: ADMIN,
      since: '1.0.0',
      summary,
      complexity: 'O(1)',
      run,
    }),
  ),
  helpRow('server', 'debug', '1.0.0', [
    'SLEEP <seconds>',
    '    Hold back this connection; others are served.',
    'PROTOCOL <type>',
    `    One reply of a type: ${Object.keys(SAMPLES).join(', ')}.`,
    'ERROR <text>',
    '    An error with that text.',
  ]),
];
