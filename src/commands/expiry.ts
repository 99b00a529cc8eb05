// Owns: setting, removing and reading the moment a key dies.
// Whether a key lives is judged by replicated time alone; the node's clock only makes TTL count
// down in between.

import type { Reply } from '../resp/reply.js';
import { ErrorReply } from '../resp/reply.js';
import { deadline, type TimeUnit } from './deadlines.js';
import { type CommandContext, type DataCommand, ONE_KEY } from './spec.js';

type Args = readonly string[];
type Condition = 'nx' | 'xx' | 'gt' | 'lt';

const NX_WITH_OTHERS = new ErrorReply(
  'ERR NX and XX, GT or LT options at the same time are not compatible',
);
const GT_WITH_LT = new ErrorReply('ERR GT and LT options at the same time are not compatible');
const CONDITIONS: ReadonlySet<string> = new Set(['nx', 'xx', 'gt', 'lt']);

function parseConditions(args: Args): ReadonlySet<Condition> {
  const conditions = new Set<Condition>();
  for (let i = 3; i < args.length; i++) {
    const word = args[i]!.toLowerCase();
    if (!CONDITIONS.has(word))
      throw new ErrorReply(`ERR Unsupported option ${printable(args[i]!)}`);
    conditions.add(word as Condition);
  }
  if (conditions.has('nx') && conditions.size > 1) throw NX_WITH_OTHERS;
  if (conditions.has('gt') && conditions.has('lt')) throw GT_WITH_LT;
  return conditions;
}

/** Client text inside an error line, which ends at the first CR or LF and at a NUL. */
function printable(text: string): string {
  const end = text.indexOf('\0');
  return (end < 0 ? text : text.slice(0, end)).replace(/[\r\n]/g, ' ');
}

/** `current` is 0 for a key that never expires. */
function allowed(conditions: ReadonlySet<Condition>, at: number, current: number): boolean {
  if (conditions.has('nx') && current !== 0) return false;
  if (conditions.has('xx') && current === 0) return false;
  if (conditions.has('gt') && (current === 0 || at <= current)) return false;
  return !(conditions.has('lt') && current !== 0 && at >= current);
}

function expireAt(
  context: CommandContext,
  args: Args,
  name: string,
  unit: TimeUnit,
  relative: boolean,
): Reply {
  const { db, now } = context;
  const key = args[1]!;
  const conditions = args.length > 3 ? parseConditions(args) : null;
  const at = deadline(name, args[2]!, unit, relative ? now : 0);
  if (db.lookupWrite(key, now) === undefined) return 0;
  if (conditions !== null && !allowed(conditions, at, db.expireAt(key))) return 0;
  if (at <= now) db.delete(key);
  else db.setExpireAt(key, at);
  return 1;
}

function persist(context: CommandContext, args: Args): Reply {
  const key = args[1]!;
  return context.db.has(key, context.now) && context.db.persist(key) ? 1 : 0;
}

/** -2 for no such key, -1 for one that never expires; a live key has at least 0 left. */
function remaining(context: CommandContext, key: string): number {
  if (!context.db.has(key, context.now)) return -2;
  const at = context.db.expireAt(key);
  return at === 0 ? -1 : Math.max(0, at - context.clock);
}

function moment(context: CommandContext, key: string): number {
  if (!context.db.has(key, context.now)) return -2;
  const at = context.db.expireAt(key);
  return at === 0 ? -1 : at;
}

/** Rounds to the nearest second and leaves -1 and -2 alone. */
function inSeconds(milliseconds: number): number {
  return milliseconds < 0 ? milliseconds : Math.floor((milliseconds + 500) / 1000);
}

function setter(name: string, since: string, unit: TimeUnit, relative: boolean): DataCommand {
  const units = unit === 1 ? 'milliseconds' : 'seconds';
  const what = relative ? `after some ${units}` : `at a time in ${units} since 1970`;
  return {
    name,
    arity: -3,
    flags: ['write', 'fast'],
    keys: { ...ONE_KEY, use: 'RW' },
    group: 'generic',
    since,
    summary: `Makes a key expire ${what}.`,
    complexity: 'O(log N) in the number of keys that expire',
    run: (context, args) => expireAt(context, args, name, unit, relative),
  };
}

function reader(
  name: string,
  since: string,
  summary: string,
  read: (context: CommandContext, key: string) => number,
): DataCommand {
  return {
    name,
    arity: 2,
    flags: ['readonly', 'fast'],
    keys: { ...ONE_KEY, use: 'RO' },
    group: 'generic',
    since,
    summary,
    complexity: 'O(1)',
    run: (context, args) => read(context, args[1]!),
  };
}

export const expiryCommands: readonly DataCommand[] = [
  setter('expire', '1.0.0', 1000, true),
  setter('pexpire', '2.6.0', 1, true),
  setter('expireat', '1.2.0', 1000, false),
  setter('pexpireat', '2.6.0', 1, false),
  reader('ttl', '1.0.0', 'Tells the seconds a key has left.', (context, key) =>
    inSeconds(remaining(context, key)),
  ),
  reader('pttl', '2.6.0', 'Tells the milliseconds a key has left.', remaining),
  reader(
    'expiretime',
    '7.0.0',
    'Tells the second since 1970 at which a key expires.',
    (context, key) => inSeconds(moment(context, key)),
  ),
  reader(
    'pexpiretime',
    '7.0.0',
    'Tells the millisecond since 1970 at which a key expires.',
    moment,
  ),
  {
    name: 'persist',
    arity: 2,
    flags: ['write', 'fast'],
    keys: { ...ONE_KEY, use: 'RW' },
    group: 'generic',
    since: '2.2.0',
    summary: 'Takes the expiry from a key.',
    complexity: 'O(1)',
    run: persist,
  },
];
