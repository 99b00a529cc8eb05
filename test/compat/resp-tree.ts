// Owns: replies as comparable trees, from either side: the oracle's bytes (RESP2 or RESP3) and our
// Reply objects.
// Independent of src/resp on purpose, so that an error there cannot hide itself.

import { formatDouble } from '../../src/base/numbers.js';
import {
  AttributedReply,
  BigNumberReply,
  DoubleReply,
  ErrorReply,
  MapReply,
  NullArray,
  PairsReply,
  PushReply,
  type Reply,
  SetReply,
  SimpleString,
  VerbatimReply,
} from '../../src/resp/reply.js';

export type Protocol = 2 | 3;

/** `kind` is the RESP3 type byte (`$ : + - _ * % ~ , # = ( >`); `*-` is RESP2's null array. */
export interface Tree {
  readonly kind: string;
  readonly text: string;
  readonly items: readonly Tree[];
}

/**
 * How much of the order of elements counts: all of it, not at the top, not of flat pairs, nowhere.
 */
export type Order = 'exact' | 'items' | 'pairs' | 'deep';

function leaf(kind: string, text: string): Tree {
  return { kind, text, items: [] };
}

function branch(kind: string, items: readonly Tree[]): Tree {
  return { kind, text: '', items };
}

/** A reply as its encoder would have to put it on the wire. */
export function treeOfReply(reply: Reply, protocol: Protocol): Tree {
  if (typeof reply === 'string') return leaf('$', reply);
  if (typeof reply === 'number' || typeof reply === 'bigint') return leaf(':', String(reply));
  if (reply === null) return leaf('_', '');
  if (typeof reply === 'boolean') {
    return protocol === 3 ? leaf('#', reply ? 't' : 'f') : leaf(':', reply ? '1' : '0');
  }
  if (reply instanceof SimpleString) return leaf('+', reply.text);
  if (reply instanceof ErrorReply) return leaf('-', reply.text);
  if (reply instanceof NullArray) return leaf(protocol === 3 ? '_' : '*-', '');
  if (reply instanceof DoubleReply)
    return leaf(protocol === 3 ? ',' : '$', formatDouble(reply.value));
  if (reply instanceof VerbatimReply) {
    return protocol === 3 ? leaf('=', `${reply.format}:${reply.text}`) : leaf('$', reply.text);
  }
  if (reply instanceof BigNumberReply) return leaf(protocol === 3 ? '(' : '$', reply.digits);
  if (reply instanceof PairsReply) return treeOfPairs(reply, protocol);
  if (reply instanceof MapReply) return treeOfItems('%', reply.items, protocol);
  if (reply instanceof SetReply) return treeOfItems('~', reply.items, protocol);
  if (reply instanceof AttributedReply) return treeOfReply(reply.reply, protocol);
  if (reply instanceof PushReply) return treeOfItems('>', reply.items, protocol);
  return treeOfItems('*', reply, protocol);
}

function treeOfItems(kind: string, items: readonly Reply[], protocol: Protocol): Tree {
  return branch(
    protocol === 3 ? kind : '*',
    items.map((item) => treeOfReply(item, protocol)),
  );
}

function treeOfPairs(reply: PairsReply, protocol: Protocol): Tree {
  const flat = reply.items.map((item) => treeOfReply(item, protocol));
  if (protocol === 2) return branch('*', flat);
  const pairs: Tree[] = [];
  for (let i = 0; i < flat.length; i += 2) pairs.push(branch('*', flat.slice(i, i + 2)));
  return branch('*', pairs);
}

/** Parses one reply at `at`; null when the text ends before it does. */
export function parseTree(text: string, at: number): { tree: Tree; end: number } | null {
  const lineEnd = text.indexOf('\r\n', at);
  if (lineEnd < 0) return null;
  const kind = text[at]!;
  const line = text.slice(at + 1, lineEnd);
  const after = lineEnd + 2;
  if ('+-:,#_('.includes(kind)) return { tree: leaf(kind, line), end: after };
  const length = Number(line);
  if (length < 0) return { tree: leaf(kind === '*' ? '*-' : '_', ''), end: after };
  if (kind === '$' || kind === '=') {
    if (text.length < after + length + 2) return null;
    return { tree: leaf(kind, text.slice(after, after + length)), end: after + length + 2 };
  }
  return parseItems(text, after, kind, kind === '%' ? 2 * length : length);
}

function parseItems(text: string, at: number, kind: string, count: number) {
  const items: Tree[] = [];
  let end = at;
  for (let i = 0; i < count; i++) {
    const item = parseTree(text, end);
    if (item === null) return null;
    items.push(item.tree);
    end = item.end;
  }
  return { tree: branch(kind, items), end };
}

/** One line that is equal for equal replies; readable in a failure. */
export function render(tree: Tree, order: Order): string {
  if (tree.kind === ',') return `,${formatDouble(numberOf(tree.text))}`;
  if (tree.items.length === 0) return tree.kind + JSON.stringify(tree.text).slice(1, -1);
  const inner = order === 'deep' ? 'deep' : 'exact';
  let parts = tree.items.map((item) => render(item, inner));
  const paired = tree.kind === '%' || order === 'pairs';
  if (paired) parts = joinPairs(parts);
  if (order !== 'exact') parts.sort();
  return `${tree.kind}[${parts.join(' ')}]`;
}

function joinPairs(parts: readonly string[]): string[] {
  const pairs: string[] = [];
  for (let i = 0; i < parts.length; i += 2) pairs.push(`${parts[i]}=>${parts[i + 1]}`);
  return pairs;
}

function numberOf(text: string): number {
  if (text === 'inf') return Number.POSITIVE_INFINITY;
  if (text === '-inf') return Number.NEGATIVE_INFINITY;
  return Number(text);
}
