// Owns: the judgement of one epoch's history: every part searched, list transactions checked, and
// what is wrong counted in words an operator knows: lost, duplicated, stale. Pure; runs in a thread
// of its own (judge-thread.ts).

import { keysOf, readsOnly, redisModel } from '../model/redis-model.js';
import { checkAppends } from './append-list.js';
import type { Anomaly } from './append-reads.js';
import type { Operation, Reply } from './history.js';
import { checkLinearizable, type Finding } from './linearizability.js';
import { partitionByKeys } from './partition.js';

export interface History {
  readonly operations: readonly Operation[];
  readonly transactions: readonly Operation[];
  /** Lists of the transactions as found at the end, by key. */
  readonly finalLists: ReadonlyMap<string, readonly string[]>;
  /** ms by which wall clocks were moved at most. */
  readonly clockError: number;
}

export interface Violation {
  readonly kind: 'lost' | 'duplicated' | 'stale' | 'anomaly';
  readonly text: string;
  readonly operations: readonly Operation[];
}

export interface Judgement {
  readonly parts: number;
  readonly undecided: number;
  readonly steps: number;
  readonly violations: readonly Violation[];
}

/** Values that somebody made up, as opposed to counts: each is written once. */
const UNIQUE = /^[a-z]+\d+\.\d+$/;

function flat(reply: Reply): Reply[] {
  return Array.isArray(reply) ? reply.flatMap(flat) : [reply];
}

/** True when one unique value came out of a list twice, or lies twice in one. */
function doubled(part: readonly Operation[]): boolean {
  const popped = new Set<string>();
  for (const { commands, replies, outcome } of part) {
    if (outcome !== 'ok') continue;
    for (const [i, [name]] of commands.entries()) {
      const reply = replies[i]!;
      if (name === 'LRANGE') {
        const items = flat(reply);
        if (new Set(items).size < items.length) return true;
      }
      if ((name === 'LPOP' || name === 'RPOP') && typeof reply === 'string') {
        if (UNIQUE.test(reply) && popped.has(reply)) return true;
        popped.add(reply);
      }
      if (name === 'INCR') {
        if (popped.has(`+${reply}`) && !part.some((op) => op.commands.some(lowers))) return true;
        popped.add(`+${reply}`);
      }
    }
  }
  return false;
}

function lowers([name, , by]: readonly string[]): boolean {
  return name === 'DECR' || name === 'DEL' || (name === 'INCRBY' && Number(by) <= 0);
}

/**
 * What a user would call it. Without the reads during the run (the final ones stay) the writes and
 * their end are judged alone: if these fit together, only a read was wrong.
 */
function kindOf(part: readonly Operation[], clockError: number): Violation['kind'] {
  if (doubled(part)) return 'duplicated';
  const writes = part.filter((operation) => operation.settled || !readsOnly(operation));
  const { verdict } = checkLinearizable(writes, redisModel(clockError));
  return verdict === 'linearizable' ? 'stale' : 'lost';
}

function violationOf(
  part: readonly Operation[],
  finding: Finding<Operation>,
  clockError: number,
): Violation {
  const names = [...new Set(part.flatMap(keysOf))].slice(0, 4).join(', ');
  const placed = `${finding.prefix.length} of ${part.length} operations can be put in order`;
  return {
    kind: kindOf(part, clockError),
    text: `${names}: not linearizable; ${placed}, then none of ${finding.stuck.length} fits`,
    operations: part,
  };
}

function judgeParts(history: History): Judgement {
  const model = redisModel(history.clockError);
  const relevant = history.operations.filter(
    (operation) =>
      operation.outcome === 'ok' || (operation.outcome === 'unknown' && !readsOnly(operation)),
  );
  const parts = partitionByKeys(relevant, keysOf);
  const violations: Violation[] = [];
  let undecided = 0;
  let steps = 0;
  for (const part of parts) {
    const finding = checkLinearizable(part, model);
    steps += finding.steps;
    if (finding.verdict === 'undecided') undecided++;
    if (finding.verdict === 'violation') {
      violations.push(violationOf(part, finding, history.clockError));
    }
  }
  return { parts: parts.length, undecided, steps, violations };
}

const KIND_OF_ANOMALY: Readonly<Record<string, Violation['kind']>> = {
  lost: 'lost',
  duplicate: 'duplicated',
  'G-single-realtime': 'stale',
  'G2-realtime': 'stale',
};

function violationOfAnomaly(anomaly: Anomaly, transactions: readonly Operation[]): Violation {
  return {
    kind: KIND_OF_ANOMALY[anomaly.kind] ?? 'anomaly',
    text: `${anomaly.kind}: ${anomaly.text}`,
    operations: anomaly.transactions.map((i) => transactions[i]!),
  };
}

export function judge(history: History): Judgement {
  const parts = judgeParts(history);
  const { transactions } = history;
  const { anomalies } = checkAppends(transactions, history.finalLists);
  return {
    ...parts,
    violations: [
      ...parts.violations,
      ...anomalies.map((anomaly) => violationOfAnomaly(anomaly, transactions)),
    ],
  };
}
