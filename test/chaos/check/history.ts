// Owns: what one client observed, as data: the form in which workloads record it and checkers read
// it. Times are ms of the harness' own monotonic clock. An operation is atomic: one command, one
// script, or the body of one MULTI.

/**
 * A reply as clients see it; errors never get into a history (outcome.ts turns them into outcomes).
 */
export type Reply = string | number | null | readonly Reply[];

/**
 * `ok`: replied. `unknown`: may have happened, may happen later. `definite`: the server said that
 * it was not executed and never will be (architecture D13).
 */
export type Outcome = 'ok' | 'unknown' | 'definite';

export type Command = readonly string[];

/**
 * What a WATCHed key was read to be before the transaction; its EXEC may only succeed if it still
 * is.
 */
export interface Guard {
  readonly key: string;
  readonly value: string | null;
}

export interface Operation {
  readonly worker: number;
  readonly node: string;
  readonly commands: readonly Command[];
  readonly guards: readonly Guard[];
  readonly call: number;
  /** Infinity while unknown. */
  readonly return: number;
  readonly outcome: Outcome;
  /** One per command; empty unless ok. */
  readonly replies: readonly Reply[];
  /**
   * A final read: replicated time has passed every deadline set before, so dead keys must be gone.
   */
  readonly settled: boolean;
}

/** One line of a report about an operation. */
export function describe(operation: Operation): string {
  const { worker, node, commands, guards, call, outcome, replies } = operation;
  const end = operation.return === Number.POSITIVE_INFINITY ? '...' : operation.return.toFixed(1);
  const body = commands.map((command) => command.join(' ')).join('; ');
  const watched = guards.map(({ key, value }) => `[${key} was ${value}] `).join('');
  const answer = outcome === 'ok' ? JSON.stringify(replies) : outcome;
  return `${call.toFixed(1)}-${end} w${worker}@${node} ${watched}${body} -> ${answer}`;
}
