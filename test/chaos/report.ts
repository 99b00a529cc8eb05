// Owns: what a run says at its end, and the files that a failed one leaves.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe } from './check/history.js';
import type { Judgement, Violation } from './check/verdict.js';
import type { Recorder } from './workload/recorder.js';

export interface Totals {
  parts: number;
  undecided: number;
  transactions: number;
  readonly violations: Violation[];
  /**
   * What went wrong outside of any history: a node that ended, a cluster that did not come back.
   */
  readonly failures: string[];
}

export const UNDECIDED_SHARE_MAX = 0.01;

export function addTo(totals: Totals, judgement: Judgement, transactions: number): void {
  totals.parts += judgement.parts;
  totals.undecided += judgement.undecided;
  totals.transactions += transactions;
  totals.violations.push(...judgement.violations);
}

export function exitCodeOf(totals: Totals): number {
  if (totals.violations.length + totals.failures.length > 0) return 1;
  return totals.undecided > totals.parts * UNDECIDED_SHARE_MAX ? 4 : 0;
}

/** The table, name and value a line. */
export function summary(
  totals: Totals,
  recorder: Recorder,
  faults: ReadonlyMap<string, number>,
): string {
  const of = (kind: Violation['kind']): number =>
    totals.violations.filter((violation) => violation.kind === kind).length;
  const { counts, longestGap } = recorder;
  const injected = [...faults].map(([name, count]) => `${name} ${count}`).join(', ');
  const rows: ReadonlyArray<readonly [string, string | number]> = [
    ['acknowledged', counts.acknowledged],
    ['definite failures', counts.definite],
    ['unknown', counts.unknown],
    ['transactions aborted', counts.aborted],
    ['parts judged', totals.parts],
    ['parts undecided', totals.undecided],
    ['list transactions judged', totals.transactions],
    ['lost', of('lost')],
    ['duplicated', of('duplicated')],
    ['stale', of('stale')],
    ['other anomalies', of('anomaly')],
    ['other failures', totals.failures.length],
    ['longest without a write', `${(longestGap.length / 1000).toFixed(2)} s`],
    ['faults', injected === '' ? 'none' : injected],
  ];
  return rows.map(([name, value]) => `${name.padEnd(26)}${value}`).join('\n');
}

/** Writes each violation with its sub-history into the run's directory. */
export function writeViolations(totals: Totals, directory: string): void {
  totals.violations.slice(0, 50).forEach((violation, i) => {
    const lines = [...violation.operations].sort((a, b) => a.call - b.call).map(describe);
    const text = `${violation.kind}: ${violation.text}\n\n${lines.join('\n')}\n`;
    writeFileSync(join(directory, `violation-${i + 1}.txt`), text);
  });
}
