// Owns: what the reads of a list-append history say directly, before any cycle is looked for: the
// order in which values came into each list, and reads that no order explains (Kingsbury and
// Alvaro, "Elle", 2020: aborted and intermediate reads, duplicates, incompatible orders, a
// transaction that misses its own appends).

import type { Operation, Reply } from './history.js';

export interface Append {
  readonly key: string;
  readonly value: string;
  readonly transaction: number;
  /** The last one that its transaction made to this key. */
  readonly last: boolean;
}

export interface Read {
  readonly key: string;
  readonly values: readonly string[];
  readonly transaction: number;
  /** How many of its own transaction's appends to the key came before it. */
  readonly own: readonly string[];
}

export interface Anomaly {
  /**
   * G0, G1a, G1b, G1c, G-single, G2 (Adya 1999), or lost, duplicate, incompatible-order, internal,
   * phantom.
   */
  readonly kind: string;
  readonly text: string;
  readonly transactions: readonly number[];
}

export interface ListHistory {
  readonly transactions: readonly Operation[];
  readonly appends: ReadonlyMap<string, Append>;
  readonly reads: readonly Read[];
  /** Per key, values in the order in which they were appended, as far as any read saw. */
  readonly orders: ReadonlyMap<string, readonly string[]>;
  readonly anomalies: readonly Anomaly[];
}

function listOf(reply: Reply | undefined): readonly string[] {
  return Array.isArray(reply) ? (reply as readonly string[]) : [];
}

/** Takes transactions apart. Commands: RPUSH key value, LRANGE key 0 -1. */
function takeApart(transactions: readonly Operation[]): { appends: Append[]; reads: Read[] } {
  const appends: Append[] = [];
  const reads: Read[] = [];
  transactions.forEach(({ commands, replies, outcome }, transaction) => {
    const own = new Map<string, string[]>();
    commands.forEach(([name, key, value], i) => {
      const mine = own.get(key!) ?? [];
      own.set(key!, mine);
      if (name === 'RPUSH') {
        const later = commands.slice(i + 1).some((c) => c[0] === 'RPUSH' && c[1] === key);
        appends.push({ key: key!, value: value!, transaction, last: !later });
        mine.push(value!);
      } else if (outcome === 'ok') {
        reads.push({ key: key!, values: listOf(replies[i]), transaction, own: [...mine] });
      }
    });
  });
  return { appends, reads };
}

function isPrefix(short: readonly string[], long: readonly string[]): boolean {
  return short.length <= long.length && short.every((value, i) => value === long[i]);
}

/** The longest read of each key; every other one must be a prefix of it. */
function ordersOf(reads: readonly Read[], found: Anomaly[]): Map<string, readonly string[]> {
  const longest = new Map<string, Read>();
  for (const read of reads) {
    const best = longest.get(read.key);
    if (best === undefined || read.values.length > best.values.length) longest.set(read.key, read);
  }
  for (const read of reads) {
    const best = longest.get(read.key)!;
    if (isPrefix(read.values, best.values)) continue;
    const text = `${read.key}: [${read.values}] is no prefix of [${best.values}]`;
    const transactions = [read.transaction, best.transaction];
    found.push({ kind: 'incompatible-order', text, transactions });
  }
  return new Map([...longest].map(([key, read]) => [key, read.values]));
}

function checkRead(
  read: Read,
  appends: ReadonlyMap<string, Append>,
  transactions: readonly Operation[],
): Anomaly[] {
  const { key, values, transaction, own } = read;
  const found: Anomaly[] = [];
  const note = (kind: string, text: string, ...others: number[]): void => {
    found.push({ kind, text: `${key}: ${text}`, transactions: [transaction, ...others] });
  };
  if (new Set(values).size < values.length) note('duplicate', `twice in [${values}]`);
  const tail = values.slice(values.length - own.length);
  if (own.some((value, i) => tail[i] !== value)) {
    note('internal', `own appends [${own}] are not the end of [${values}]`);
  }
  for (const value of values) {
    const append = appends.get(value);
    if (append === undefined || append.key !== key) note('phantom', `${value} was never appended`);
    else if (transactions[append.transaction]!.outcome === 'definite') {
      note('G1a', `${value} was read, but its writer was told that it failed`, append.transaction);
    }
  }
  const end = appends.get(values[values.length - 1] ?? '');
  if (end !== undefined && !end.last && end.transaction !== transaction) {
    note('G1b', `${end.value} is in the middle of its transaction`, end.transaction);
  }
  return found;
}

/** `final`: the lists as they were found at the end; every acknowledged append must be in them. */
export function readListHistory(
  transactions: readonly Operation[],
  final: ReadonlyMap<string, readonly string[]>,
): ListHistory {
  const { appends: all, reads } = takeApart(transactions);
  const appends = new Map(all.map((append) => [append.value, append]));
  const anomalies: Anomaly[] = [];
  const orders = ordersOf(reads, anomalies);
  for (const read of reads) anomalies.push(...checkRead(read, appends, transactions));
  for (const { key, value, transaction } of all) {
    if (transactions[transaction]!.outcome !== 'ok' || final.get(key)?.includes(value)) continue;
    if (!final.has(key)) continue;
    const text = `${key}: ${value} was acknowledged and is not in the list at the end`;
    anomalies.push({ kind: 'lost', text, transactions: [transaction] });
  }
  return { transactions, appends, reads, orders, anomalies };
}
