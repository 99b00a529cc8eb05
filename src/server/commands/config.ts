// Owns: CONFIG. The parameters themselves are settings.ts.

import { SYNTAX } from '../../commands/errors.js';
import { ErrorReply, MapReply, OK, type Reply } from '../../resp/reply.js';
import type { Client } from '../client.js';
import type { ServerCommand } from '../command.js';
import { resetStats } from '../instruments.js';
import type { Server } from '../server.js';
import { ADMIN, helpRow, refusal, rowsOf } from './row.js';

const row = rowsOf('server');

function configGet(_client: Client, args: readonly string[], server: Server): Reply {
  const found = new Map<string, string>();
  for (let i = 2; i < args.length; i++) {
    for (const [name, text] of server.settings.matching(args[i]!)) found.set(name, text);
  }
  return new MapReply([...found].flat());
}

function configSet(_client: Client, args: readonly string[], server: Server): Reply {
  if (args.length % 2 !== 0) return SYNTAX;
  const problem = server.settings.set(args.slice(2));
  if (problem !== null) return new ErrorReply(problem);
  server.instruments.slowlog.trim();
  return OK;
}

function configResetStat(_client: Client, _args: readonly string[], server: Server): Reply {
  resetStats(server.stats);
  const { stats } = server.group.machine.keyspace;
  stats.hits = 0;
  stats.misses = 0;
  stats.expired = 0;
  stats.evicted = 0;
  server.instruments.memoryPeak = server.instruments.process.memory().used;
  return OK;
}

function configRewrite(_client: Client, _args: readonly string[], server: Server): Reply {
  const { identity, rewriteConfig } = server.instruments;
  if (identity.configFile === '') return refusal('The server is running without a config file');
  if (rewriteConfig === null) {
    return refusal(
      'Rewriting config file: it is kept by hand (YAML); CONFIG SET does not change it',
    );
  }
  const problem = rewriteConfig();
  return problem === null ? OK : refusal(`Rewriting config file: ${problem}`);
}

export const configCommands: readonly ServerCommand[] = [
  row({
    name: 'config|get',
    arity: -3,
    flags: ADMIN,
    since: '2.0.0',
    summary: 'Parameters whose names match the patterns, with their values.',
    complexity: 'O(N) when N is the number of configuration parameters provided',
    run: configGet,
  }),
  row({
    name: 'config|set',
    arity: -4,
    flags: ADMIN,
    since: '2.0.0',
    summary: 'Changes parameters of this node, all or none.',
    complexity: 'O(N) when N is the number of configuration parameters provided',
    run: configSet,
  }),
  row({
    name: 'config|resetstat',
    arity: 2,
    flags: ADMIN,
    since: '2.0.0',
    summary: 'Sets the counters of INFO back to zero.',
    complexity: 'O(1)',
    run: configResetStat,
  }),
  row({
    name: 'config|rewrite',
    arity: 2,
    flags: ADMIN,
    since: '2.8.0',
    summary: 'Writes the parameters in force to the configuration file.',
    complexity: 'O(1)',
    run: configRewrite,
  }),
  helpRow('server', 'config', '5.0.0', [
    'GET <pattern> [<pattern> ...]',
    '    Parameters that match a pattern, with their values.',
    'SET <parameter> <value> [<parameter> <value> ...]',
    '    Change parameters, all or none.',
    'RESETSTAT',
    '    Set the counters of INFO back to zero.',
    'REWRITE',
    '    Write the parameters in force to the configuration file.',
  ]),
];
