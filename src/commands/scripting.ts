// Owns: EVAL, EVALSHA, their read-only forms, and SCRIPT. Scripts enter the cache through the log
// only, so EVAL and SCRIPT LOAD are writes; the read-only forms run on one node and leave nothing
// behind.

import { ErrorReply, OK, type Reply } from '../resp/reply.js';
import { integer } from './arguments.js';
import type { Script, Scripting } from './scripting-runtime.js';
import { type CommandContext, type CommandFlag, type DataCommand, NO_KEYS } from './spec.js';

const NO_SCRIPT = new ErrorReply('NOSCRIPT No matching script. Please use EVAL.');
const TOO_MANY_KEYS = new ErrorReply("ERR Number of keys can't be greater than number of args");
const NEGATIVE_KEYS = new ErrorReply("ERR Number of keys can't be negative");
const UNAVAILABLE = new ErrorReply('ERR scripting is not available in this process');
const NOT_BUSY = new ErrorReply('NOTBUSY No scripts in execution right now.');
const FLUSH_MODE = new ErrorReply('ERR SCRIPT FLUSH only support SYNC|ASYNC option');

const FIRST_KEY = 3;
const EVAL_FLAGS: readonly CommandFlag[] = [
  'noscript',
  'stale',
  'skip_monitor',
  'no_mandatory_keys',
  'movablekeys',
];

function scriptingOf(context: CommandContext): Scripting {
  if (context.scripting === undefined || context.scripting === null) throw UNAVAILABLE;
  return context.scripting;
}

/** The count of keys; throws when the arguments do not hold as many. */
function keyCount(args: readonly string[]): number {
  const count = integer(args[2]!);
  if (count > args.length - FIRST_KEY) throw TOO_MANY_KEYS;
  if (count < 0) throw NEGATIVE_KEYS;
  return count;
}

/** Positions of the keys for COMMAND GETKEYS and the like. */
function keysOfEval(args: readonly string[]): readonly number[] {
  const count = Number(args[2] ?? 'none');
  if (!Number.isInteger(count) || count < 0 || count > args.length - FIRST_KEY) return [];
  return Array.from({ length: count }, (_, i) => FIRST_KEY + i);
}

type ScriptFinder = (scripting: Scripting, argument: string) => Script;

const byBody: ScriptFinder = (scripting, body) => scripting.prepare(body);

const byBodyKept: ScriptFinder = (scripting, body) => {
  const script = scripting.prepare(body);
  scripting.keep(script);
  return script;
};

const bySha: ScriptFinder = (scripting, sha) => {
  const script = sha.length === 40 ? scripting.find(sha) : undefined;
  if (script === undefined) throw NO_SCRIPT;
  return script;
};

function evaluation(find: ScriptFinder, readOnly: boolean): DataCommand['run'] {
  return (context, args): Reply => {
    const scripting = scriptingOf(context);
    if (find === bySha && args[1]!.length !== 40) throw NO_SCRIPT;
    const behindKeys = FIRST_KEY + keyCount(args);
    const script = find(scripting, args[1]!);
    const keys = args.slice(FIRST_KEY, behindKeys);
    return scripting.run(context, script, keys, args.slice(behindKeys), readOnly);
  };
}

function scriptLoad(context: CommandContext, args: readonly string[]): Reply {
  const scripting = scriptingOf(context);
  const script = scripting.prepare(args[2]!);
  scripting.keep(script);
  return script.sha;
}

function scriptExists(context: CommandContext, args: readonly string[]): Reply {
  const scripting = scriptingOf(context);
  return args.slice(2).map((sha) => (scripting.has(sha) ? 1 : 0));
}

function scriptFlush(context: CommandContext, args: readonly string[]): Reply {
  const mode = args[2]?.toLowerCase();
  if (args.length > 3 || (mode !== undefined && mode !== 'sync' && mode !== 'async')) {
    throw FLUSH_MODE;
  }
  scriptingOf(context).flush();
  return OK;
}

const HELP: readonly string[] = [
  'SCRIPT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:',
  'EXISTS <sha1> [<sha1> ...]',
  '    Tell for each script whether the cache has it.',
  'FLUSH [ASYNC|SYNC]',
  '    Empty the script cache on every member of the cluster.',
  'KILL',
  '    Answers NOTBUSY: a script ends by itself within its budget of steps.',
  'LOAD <script>',
  '    Put a script into the cache of every member without running it.',
  'HELP',
  '    Print this help.',
];

const evalBase = { arity: -3, group: 'scripting', complexity: 'That of the script.' } as const;
const evalKeys = { ...NO_KEYS, find: keysOfEval };
const scriptBase = { keys: NO_KEYS, group: 'scripting' } as const;

export const scriptCommands: readonly DataCommand[] = [
  {
    ...evalBase,
    name: 'eval',
    flags: EVAL_FLAGS,
    keys: { ...evalKeys, use: 'RW' },
    since: '2.6.0',
    summary: 'Runs a Lua script on every member and keeps it in the script cache.',
    run: evaluation(byBodyKept, false),
  },
  {
    ...evalBase,
    name: 'evalsha',
    flags: EVAL_FLAGS,
    keys: { ...evalKeys, use: 'RW' },
    since: '2.6.0',
    summary: 'Runs a cached Lua script by its SHA1.',
    run: evaluation(bySha, false),
  },
  {
    ...evalBase,
    name: 'eval_ro',
    flags: ['readonly', ...EVAL_FLAGS],
    keys: { ...evalKeys, use: 'RO' },
    since: '7.0.0',
    summary: 'Runs a Lua script that only reads, on this node.',
    run: evaluation(byBody, true),
  },
  {
    ...evalBase,
    name: 'evalsha_ro',
    flags: ['readonly', ...EVAL_FLAGS],
    keys: { ...evalKeys, use: 'RO' },
    since: '7.0.0',
    summary: 'Runs a cached Lua script that only reads, on this node.',
    run: evaluation(bySha, true),
  },
  {
    ...scriptBase,
    name: 'script|load',
    arity: 3,
    flags: ['noscript', 'stale'],
    since: '2.6.0',
    summary: 'Keeps a Lua script in the cache of every member and answers its SHA1.',
    run: scriptLoad,
  },
  {
    ...scriptBase,
    name: 'script|flush',
    arity: -2,
    flags: ['noscript'],
    since: '2.6.0',
    summary: 'Empties the script cache of every member.',
    run: scriptFlush,
  },
  {
    ...scriptBase,
    name: 'script|exists',
    arity: -3,
    flags: ['noscript'],
    since: '2.6.0',
    summary: 'Tells which scripts the cache has.',
    run: scriptExists,
  },
  {
    ...scriptBase,
    name: 'script|kill',
    arity: 2,
    flags: ['noscript', 'allow_busy'],
    since: '2.6.0',
    summary: 'Answers NOTBUSY: between commands no script runs.',
    run: () => NOT_BUSY,
  },
  {
    ...scriptBase,
    name: 'script|help',
    arity: 2,
    flags: ['loading', 'stale'],
    since: '5.0.0',
    summary: 'Lists the subcommands of SCRIPT.',
    run: () => HELP,
  },
];
