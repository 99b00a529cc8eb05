// Owns: INFO, TIME, LOLWUT: what the server says about itself to whoever asks.

import { VerbatimReply } from '../../resp/reply.js';
import type { ServerCommand } from '../command.js';
import { infoText } from '../info.js';
import { REDIS_VERSION } from '../instruments.js';
import { ALWAYS, rowsOf } from './row.js';

const row = rowsOf('server');

export const infoCommands: readonly ServerCommand[] = [
  row({
    name: 'info',
    arity: -1,
    flags: ALWAYS,
    since: '1.0.0',
    summary: 'Facts and counters of this node, by section.',
    complexity: 'O(1)',
    run: (_client, args, server) => new VerbatimReply('txt', infoText(server, args.slice(1))),
  }),
  row({
    name: 'time',
    arity: 1,
    flags: ['loading', 'stale', 'fast'],
    since: '2.6.0',
    summary: "The node's clock: seconds since 1970, and microseconds in that second.",
    complexity: 'O(1)',
    run: (_client, _args, server) => {
      const micros = Math.floor(server.clock.now() * 1000);
      return [String(Math.floor(micros / 1e6)), String(micros % 1e6)];
    },
  }),
  row({
    name: 'lolwut',
    arity: -1,
    flags: ['readonly', 'fast'],
    since: '5.0.0',
    summary: 'Prints the version.',
    complexity: 'O(1)',
    run: (_client, _args, server) => {
      const { version } = server.instruments.identity;
      return new VerbatimReply('txt', `Redis ver. ${REDIS_VERSION} (Helios ${version})\n`);
    },
  }),
];
