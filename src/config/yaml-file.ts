// Owns: reading the YAML file into texts by setting, each with its line and column. It knows which
// keys exist, not which values are good. Every scalar is handed on as it was written, so `9090` and
// "9090" are the same.

import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  type YAMLError,
} from 'yaml';
import type { z } from 'zod';
import { formatPeers, PEER_KEYS, type Peer, yamlPeer } from './peers.js';
import type { Problems } from './problem.js';
import { keyOfPath, type SettingKey } from './schema.js';
import { didYouMean } from './suggest.js';

/** Receives each scalar found; `label` is `file:line:column: path`. */
export type Give = (key: SettingKey, text: string, label: string) => void;

interface Reading {
  readonly file: string;
  readonly document: Document;
  readonly lines: LineCounter;
  readonly problems: Problems;
  readonly give: Give;
}

/** Paths that hold other settings: `atlas`, `atlas.raft`, ... */
const SECTIONS = new Set(
  [...keyOfPath.keys()].flatMap((path) => {
    const parts = path.split('.');
    return parts.slice(1).map((_, at) => parts.slice(0, at + 1).join('.'));
  }),
);

/** `file` names the source in problems; `source` is its content. */
export function readYaml(file: string, source: string, problems: Problems, give: Give): void {
  const lines = new LineCounter();
  const document = parseDocument(source, { lineCounter: lines, prettyErrors: false });
  for (const error of document.errors) reportSyntax(file, lines, error, problems);
  const readable = document.errors.every((error) => error.code === 'DUPLICATE_KEY');
  if (!readable || document.contents === null) return;
  const reading: Reading = { file, document, lines, problems, give };
  readSection(reading, '', document.contents);
}

function reportSyntax(
  file: string,
  lines: LineCounter,
  error: YAMLError,
  problems: Problems,
): void {
  const { line, col } = lines.linePos(error.pos[0]);
  const text =
    error.code === 'DUPLICATE_KEY'
      ? 'this key is here twice; expected each key once'
      : `${error.message.split('\n')[0]}; expected valid YAML`;
  problems.add(`${file}:${line}:${col}`, text);
}

function readSection(reading: Reading, path: string, given: unknown): void {
  const node = isAlias(given) ? given.resolve(reading.document) : given;
  if (!isMap(node)) {
    if (isScalar(node) && node.value === null) return;
    const what = path === '' ? 'the file' : 'this';
    reading.problems.add(place(reading, path, given), `${what} is not a map; ${insideOf(path)}`);
    return;
  }
  for (const pair of node.items) {
    const name = isScalar(pair.key) ? (pair.key.source ?? String(pair.key.value)) : '?';
    const below = path === '' ? name : `${path}.${name}`;
    const key = keyOfPath.get(below);
    if (SECTIONS.has(below)) readSection(reading, below, pair.value ?? pair.key);
    else if (key === undefined) reportUnknown(reading, below, pair.key);
    else if (key === 'raftPeers') readPeers(reading, below, pair.value ?? pair.key);
    else readScalar(reading, key, below, pair.value ?? pair.key);
  }
}

function readScalar(reading: Reading, key: SettingKey, path: string, given: unknown): void {
  const node = isAlias(given) ? given.resolve(reading.document) : given;
  const label = place(reading, path, given);
  if (!isScalar(node)) reading.problems.add(label, 'is a list or map; expected one value');
  else if (node.value === null) reading.problems.add(label, 'has no value; expected one');
  else reading.give(key, textOf(node), label);
}

/** A plain `0600` or `1e3` stays as written; quoted texts lose their quotes. */
function textOf(node: { readonly value: unknown; readonly source?: string | undefined }): string {
  return typeof node.value === 'string' ? node.value : (node.source ?? String(node.value));
}

function readPeers(reading: Reading, path: string, given: unknown): void {
  const node = isAlias(given) ? given.resolve(reading.document) : given;
  if (!isSeq(node)) {
    readScalar(reading, 'raftPeers', path, given);
    return;
  }
  const before = reading.problems.count;
  const peers: Peer[] = [];
  node.items.forEach((item, at) => {
    const value: unknown = (item as Node).toJS(reading.document);
    const parsed = yamlPeer.safeParse(value);
    if (parsed.success) peers.push(parsed.data);
    else
      for (const issue of parsed.error.issues) reportPeer(reading, `${path}[${at}]`, item, issue);
  });
  if (reading.problems.count > before) return;
  reading.give('raftPeers', formatPeers(peers), place(reading, path, given));
}

function reportPeer(reading: Reading, path: string, item: unknown, issue: z.core.$ZodIssue): void {
  const field = issue.path.length > 0 ? String(issue.path[0]) : '';
  if (issue.code === 'unrecognized_keys') {
    for (const key of issue.keys) {
      const at = isMap(item) ? item.items.find((pair) => String(pair.key) === key)?.key : item;
      const hint = didYouMean(key, PEER_KEYS);
      reading.problems.add(
        place(reading, `${path}.${key}`, at),
        `unknown key${hint}; expected id and address`,
      );
    }
    return;
  }
  const at = isMap(item) && field !== '' ? (item.get(field, true) ?? item) : item;
  const where = place(reading, field === '' ? path : `${path}.${field}`, at);
  const text = issue.code === 'custom' ? issue.message : missing(field);
  reading.problems.add(where, text);
}

function missing(field: string): string {
  if (field === '') return 'is not a peer; expected {id, address} or "id:host:port"';
  return 'is missing or not text; expected id and address in each peer';
}

function reportUnknown(reading: Reading, path: string, key: unknown): void {
  const parts = path.split('.');
  const last = parts.at(-1) ?? '';
  const section = parts.slice(0, -1).join('.');
  const elsewhere = [...keyOfPath.keys()].filter((known) => known.split('.').at(-1) === last);
  const hint =
    elsewhere.length > 0
      ? ` (did you mean "${elsewhere.join('" or "')}"?)`
      : didYouMean(last, childrenOf(section), section === '' ? '' : `${section}.`);
  const text = hint === '' ? `unknown key; ${insideOf(section)}` : `unknown key${hint}`;
  reading.problems.add(place(reading, path, key), text);
}

function childrenOf(section: string): string[] {
  const prefix = section === '' ? '' : `${section}.`;
  const below = [...keyOfPath.keys()].filter((path) => path.startsWith(prefix));
  return [...new Set(below.map((path) => path.slice(prefix.length).split('.')[0] ?? ''))];
}

function insideOf(section: string): string {
  return `expected ${childrenOf(section).join(', ')}`;
}

function place(reading: Reading, path: string, node: unknown): string {
  const range = (node as Node | null | undefined)?.range;
  const { line, col } = reading.lines.linePos(range?.[0] ?? 0);
  const at = `${reading.file}:${Math.max(1, line)}:${Math.max(1, col)}`;
  return path === '' ? at : `${at}: ${path}`;
}
