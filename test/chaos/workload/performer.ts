// Owns: sending one operation and writing down exactly what became of it.

import type { Command, Guard, Operation, Reply } from '../check/history.js';
import { outcomeOf } from '../cluster/outcome.js';
import type { Session } from '../cluster/raw-session.js';
import type { Recorder } from './recorder.js';

/** The model's CAS: writes when the value is what was expected (empty for absent). */
const CAS_SCRIPT =
  "local v = redis.call('GET', KEYS[1]) or ''; if v ~= ARGV[1] then return 0 end; " +
  "redis.call('SET', KEYS[1], ARGV[2]); return 1";

function onWire(command: Command): Command {
  return command[0] === 'CAS' ? ['EVAL', CAS_SCRIPT, '1', ...command.slice(1)] : command;
}

/**
 * The same answer in one form: order where Redis promises none, pairs flat (ioredis makes objects).
 */
function normal(command: Command, reply: Reply): Reply {
  if (command[0] === 'SMEMBERS') return [...(reply as string[])].sort();
  if (command[0] !== 'HGETALL') return reply;
  const flat = Array.isArray(reply) ? (reply as string[]) : Object.entries(reply as object).flat();
  const pairs: [string, string][] = [];
  for (let i = 0; i < flat.length; i += 2) pairs.push([flat[i] as string, flat[i + 1] as string]);
  return pairs.sort(([a], [b]) => (a < b ? -1 : 1)).flat();
}

export interface Scene {
  readonly worker: number;
  readonly node: string;
  readonly session: Session;
  readonly recorder: Recorder;
  /** Goes to the checker of list transactions. */
  readonly isTransaction: boolean;
  readonly settled: boolean;
}

function record(
  scene: Scene,
  what: { commands: readonly Command[]; guards: readonly Guard[]; call: number },
  result: { replies: readonly Reply[] } | { error: unknown },
): void {
  const { worker, node, settled, recorder } = scene;
  const base = { worker, node, settled, ...what };
  const at = performance.now();
  if ('replies' in result) {
    recorder.note(
      { ...base, return: at, outcome: 'ok', replies: result.replies },
      scene.isTransaction,
    );
    return;
  }
  const outcome = outcomeOf(result.error);
  if (outcome === 'unexpected') {
    const text = what.commands.map((command) => command.join(' ')).join('; ');
    recorder.unexpected.push(`${node}: ${text}: ${String(result.error)}`);
  }
  const operation: Operation = {
    ...base,
    outcome: outcome === 'definite' ? 'definite' : 'unknown',
    return: outcome === 'definite' ? at : Number.POSITIVE_INFINITY,
    replies: [],
  };
  recorder.note(operation, scene.isTransaction);
}

/** One command; its reply, or undefined when there was none. */
export async function perform(scene: Scene, command: Command): Promise<Reply | undefined> {
  const what = { commands: [command], guards: [], call: performance.now() };
  try {
    const reply = normal(command, await scene.session.call(onWire(command)));
    record(scene, what, { replies: [reply] });
    return reply;
  } catch (error) {
    record(scene, what, { error });
    return undefined;
  }
}

export async function performTransaction(
  scene: Scene,
  commands: readonly Command[],
  guards: readonly Guard[] = [],
): Promise<void> {
  const what = { commands, guards, call: performance.now() };
  try {
    const replies = await scene.session.transaction(commands.map(onWire));
    if (replies === null) scene.recorder.counts.aborted++;
    else record(scene, what, { replies: replies.map((reply, i) => normal(commands[i]!, reply)) });
  } catch (error) {
    record(scene, what, { error });
  }
}

/** WATCH, GET and the transaction: it may only succeed while the key still is what GET said. */
export async function performWatch(
  scene: Scene,
  key: string,
  commands: readonly Command[],
): Promise<void> {
  try {
    await scene.session.call(['WATCH', key]);
  } catch {
    return;
  }
  const value = await perform(scene, ['GET', key]);
  if (value === undefined) return;
  await performTransaction(scene, commands, [{ key, value: value as string | null }]);
}
