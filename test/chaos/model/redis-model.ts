// Owns: the sequential specification that histories are checked against: a small Redis.
// Deterministic but for time: a key with a deadline is alive or dead, whichever the replies say,
// with one rule: it may not be dead before the deadline could have passed. Once it was dead it
// stays dead.

import type { Operation, Reply } from '../check/history.js';
import type { Model } from '../check/linearizability.js';
import { Draft, execute, keysOfCommand, READS } from './commands.js';
import { type State, stateKey } from './values.js';

/** Keys an operation touches, each once. */
export function keysOf(operation: Operation): readonly string[] {
  const keys = operation.commands.flatMap((command) => keysOfCommand(command));
  return [...new Set([...keys, ...operation.guards.map(({ key }) => key)])];
}

/** True when it can have changed nothing, whatever became of it. */
export function readsOnly(operation: Operation): boolean {
  return operation.commands.every(([name]) => READS.has(name!));
}

function same(a: Reply, b: Reply): boolean {
  if (!Array.isArray(a) || !Array.isArray(b)) return a === b;
  return a.length === b.length && a.every((each, i) => same(each, b[i]!));
}

/** PTTL answers a time, so any answer within what was set is right. */
function remainingFits(draft: Draft, key: string, reply: Reply): boolean {
  if (!draft.slots.has(key)) return reply === -2;
  const deadline = draft.deadline(key);
  if (deadline === null) return reply === -1;
  return typeof reply === 'number' && reply >= 0 && reply <= deadline.span;
}

/** Executes the operation; null when its replies cannot have come from this state. */
function outcomeOf(state: State, operation: Operation): State | null {
  const known = operation.outcome === 'ok';
  const draft = new Draft(state, operation.call);
  if (operation.guards.some(({ key, value }) => draft.text(key) !== value)) {
    return known ? null : state;
  }
  for (const [i, command] of operation.commands.entries()) {
    if (command[0] === 'PTTL') {
      if (known && !remainingFits(draft, command[1]!, operation.replies[i]!)) return null;
      continue;
    }
    const reply = execute(draft, command);
    if (known && !same(reply, operation.replies[i]!)) return null;
  }
  return draft.slots;
}

/**
 * `clockError`: ms by which a node's wall clock may be away from the harness' during the run, and
 * `settleMs`: after which time past its deadline a key must be gone in a settled read.
 */
export function redisModel(clockError: number, settleMs = 5000): Model<State, Operation> {
  const mayBeDead = (state: State, operation: Operation): string[] =>
    keysOf(operation).filter((key) => {
      const deadline = state.get(key)?.deadline ?? null;
      return deadline !== null && operation.return + clockError >= deadline.earliest;
    });
  const mustBeDead = (state: State, operation: Operation, key: string): boolean =>
    operation.settled &&
    state.get(key)!.deadline!.earliest + settleMs + clockError < operation.call;
  return {
    initial: new Map(),
    key: stateKey,
    step(state, operation) {
      let befores: State[] = [state];
      for (const key of mayBeDead(state, operation)) {
        const dead = befores.map((each) => new Map([...each].filter(([name]) => name !== key)));
        befores = mustBeDead(state, operation, key) ? dead : [...befores, ...dead];
      }
      const afters = befores.map((each) => outcomeOf(each, operation));
      return afters.filter((after) => after !== null);
    },
  };
}
