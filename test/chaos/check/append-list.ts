// Owns: strict serializability of list-append transactions (after Elle: Kingsbury and Alvaro 2020).
// From the reads follows in which order the appends took effect, from that who depends on whom; a
// cycle of dependencies is an anomaly, named as Adya (1999) names them. Linear in the length of the
// history, unlike a search.

import { type Anomaly, type ListHistory, readListHistory } from './append-reads.js';
import { Graph } from './graph.js';
import type { Operation } from './history.js';

/** Write follows write, read sees write, write follows what was read; finished before it began. */
type Dependency = 'ww' | 'wr' | 'rw' | 'time';

export interface AppendFinding {
  readonly transactions: number;
  readonly anomalies: readonly Anomaly[];
}

/** Transactions whose effect is certain: acknowledged, or seen by somebody. */
function committed(history: ListHistory): boolean[] {
  const seen = history.transactions.map(({ outcome }) => outcome === 'ok');
  for (const values of history.orders.values()) {
    for (const value of values) {
      const append = history.appends.get(value);
      if (append !== undefined) seen[append.transaction] = true;
    }
  }
  return seen;
}

function addDataEdges(graph: Graph<Dependency>, history: ListHistory): void {
  const writer = (value: string | undefined): number | undefined =>
    value === undefined ? undefined : history.appends.get(value)?.transaction;
  for (const order of history.orders.values()) {
    for (let i = 1; i < order.length; i++) {
      const [before, after] = [writer(order[i - 1]), writer(order[i])];
      if (before !== undefined && after !== undefined) graph.add(before, after, 'ww');
    }
  }
  for (const { key, values, transaction } of history.reads) {
    const seen = writer(values[values.length - 1]);
    if (seen !== undefined) graph.add(seen, transaction, 'wr');
    const next = writer(history.orders.get(key)![values.length]);
    if (next !== undefined) graph.add(transaction, next, 'rw');
  }
}

/**
 * Edges from each transaction to those that began after it returned; only the ones that others do
 * not imply: `latest` keeps the returned transactions no other returned one began after.
 */
function addTimeEdges(
  graph: Graph<Dependency>,
  transactions: readonly Operation[],
  sure: readonly boolean[],
): void {
  const events: { at: number; isReturn: boolean; transaction: number }[] = [];
  transactions.forEach((operation, transaction) => {
    if (!sure[transaction]) return;
    events.push({ at: operation.call, isReturn: false, transaction });
    events.push({ at: operation.return, isReturn: true, transaction });
  });
  // At equal times a call comes before a return: the two overlap.
  events.sort((a, b) => a.at - b.at || Number(a.isReturn) - Number(b.isReturn));
  const latest = new Set<number>();
  const before = new Map<number, readonly number[]>();
  for (const { at, isReturn, transaction } of events) {
    if (at === Number.POSITIVE_INFINITY) break;
    if (isReturn) {
      for (const implied of before.get(transaction)!) latest.delete(implied);
      latest.add(transaction);
    } else {
      before.set(transaction, [...latest]);
      for (const earlier of latest) graph.add(earlier, transaction, 'time');
    }
  }
}

/** From the strictest kind on: a cycle is reported as the first that has it. */
const KINDS: ReadonlyArray<readonly [kind: string, edges: readonly Dependency[]]> = [
  ['G0', ['ww']],
  ['G1c', ['ww', 'wr']],
  ['G2', ['ww', 'wr', 'rw']],
  ['G0-realtime', ['ww', 'time']],
  ['G1c-realtime', ['ww', 'wr', 'time']],
  ['G2-realtime', ['ww', 'wr', 'rw', 'time']],
];

/** A cycle with exactly one rw edge (a lost or a skewed read), if the component has one. */
function singleCycle(
  graph: Graph<Dependency>,
  without: Graph<Dependency>,
  component: readonly number[],
): number[] | null {
  const within = new Set(component);
  for (const from of component) {
    for (const to of graph.successors(from)) {
      if (!within.has(to) || !graph.labels(from, to).has('rw')) continue;
      const back = without.pathWithin(to, from, within);
      if (back.length > 0) return [from, ...back];
    }
  }
  return null;
}

function cyclesOf(graph: Graph<Dependency>): Anomaly[] {
  const found: Anomaly[] = [];
  const explained = new Set<number>();
  for (const [kind, edges] of KINDS) {
    const part = graph.only(edges);
    for (const component of part.components()) {
      if (component.some((node) => explained.has(node))) continue;
      for (const node of component) explained.add(node);
      const single = edges.includes('rw')
        ? singleCycle(part, part.only(edges.filter((edge) => edge !== 'rw')), component)
        : null;
      const cycle = single ?? part.cycleIn(component);
      const name = single === null ? kind : kind.replace('G2', 'G-single');
      const steps = cycle.map((node, i) => {
        const next = cycle[(i + 1) % cycle.length]!;
        return `T${node} -${[...part.labels(node, next)].join('/')}->`;
      });
      found.push({ kind: name, text: `${steps.join(' ')} T${cycle[0]}`, transactions: cycle });
    }
  }
  return found;
}

/**
 * Checks transactions of RPUSH and LRANGE; every appended value must be unique in the whole
 * history. `final`: each key's list after everything.
 */
export function checkAppends(
  transactions: readonly Operation[],
  final: ReadonlyMap<string, readonly string[]>,
): AppendFinding {
  const history = readListHistory(transactions, final);
  const graph = new Graph<Dependency>(transactions.length);
  addDataEdges(graph, history);
  addTimeEdges(graph, transactions, committed(history));
  const anomalies = [...history.anomalies, ...cyclesOf(graph)];
  return { transactions: transactions.length, anomalies };
}
