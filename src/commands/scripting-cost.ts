// Owns: what a command costs a script in fuel besides its arguments and its reply: the commands
// that may look at every element of a key, or at every key, and answer little. Without it a script
// could keep all members busy for hours within its budget.

import type { CommandContext, DataCommand } from './spec.js';

const BYTES_PER_FUEL = 64;

/** Commands that walk their keys' elements whatever they answer. */
const LINEAR: ReadonlySet<string> = new Set([
  ...['bitcount', 'bitop', 'bitpos', 'copy', 'lcs', 'linsert', 'lpos', 'lrem'],
  ...['sdiff', 'sdiffstore', 'sinter', 'sintercard', 'sinterstore', 'sort'],
  ...['sort_ro', 'sunion', 'sunionstore', 'zdiff', 'zdiffstore', 'zinter', 'zintercard'],
  ...['zinterstore', 'zrangestore', 'zunion', 'zunionstore', 'dump'],
]);

/** Commands that walk the database. */
const WHOLE: ReadonlySet<string> = new Set(['keys', 'randomkey', 'flushall', 'flushdb', 'swapdb']);

/** Whether a command costs more than its arguments and its reply. */
export function walks(command: DataCommand): boolean {
  return LINEAR.has(command.name) || WHOLE.has(command.name);
}

/** Fuel, for a command that `walks`. */
export function costOf(
  command: DataCommand,
  context: CommandContext,
  args: readonly string[],
): number {
  if (WHOLE.has(command.name)) return context.db.size;
  let cost = 0;
  for (const at of keyPlaces(command, args)) cost += sizeOf(context, args[at]!);
  return cost;
}

function keyPlaces(command: DataCommand, args: readonly string[]): readonly number[] {
  const { first, last, step, find } = command.keys;
  if (find !== undefined) return find(args);
  if (first === 0) return [];
  const end = Math.min(last < 0 ? args.length + last : last, args.length - 1);
  const places: number[] = [];
  for (let at = first; at <= end; at += step) places.push(at);
  return places;
}

function sizeOf(context: CommandContext, key: string): number {
  const value = context.db.peek(key, context.now);
  if (value === undefined || typeof value === 'number') return 0;
  if (typeof value === 'string') return Math.ceil(value.length / BYTES_PER_FUEL);
  return Math.ceil(value.bytes / BYTES_PER_FUEL);
}
