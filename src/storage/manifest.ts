// Owns: the manifest of a Redis 7 multi-part append-only directory: which file is the base, which
// are the log, in order. One line per file, `file NAME seq N type b|h|i`; lines with # are
// comments; unknown key-value pairs are allowed (redis.conf: appenddirname). History lines name log
// kept behind the snapshot for members that are late; ours say which indexes they hold:
//   file appendonly.aof.3.incr.aof seq 3 type h first 17 last 42 by helios
// A Redis that writes the manifest anew leaves `by helios` out. Files of a manifest that has it are
// ours: what cannot be read of them is damaged, not foreign.
// Invariants: at most one base; incr seqs ascend.

import { OperationalError } from '../base/errors.js';

export const AOF_DIRECTORY = 'appendonlydir';
export const MANIFEST_NAME = 'appendonly.aof.manifest';
const OWN = ' by helios';
/** Where Redis stops reading a line. */
const LINE_MAX = 1024;

export interface ManifestFile {
  readonly name: string;
  readonly seq: number;
}

/** Indexes written in a history file; 0 when the line does not say. */
export interface HistoryLine extends ManifestFile {
  readonly first: number;
  readonly last: number;
}

export interface Manifest {
  readonly base: ManifestFile | null;
  readonly history: readonly HistoryLine[];
  readonly incr: readonly ManifestFile[];
}

export interface FoundManifest extends Manifest {
  /** Some line of it is by Helios. */
  readonly own: boolean;
}

export function baseName(seq: number): string {
  return `appendonly.aof.${seq}.base.rdb`;
}

export function incrName(seq: number): string {
  return `appendonly.aof.${seq}.incr.aof`;
}

/** The number of a segment from its name; null for another name. */
export function seqOfIncr(name: string): number | null {
  const match = /^appendonly\.aof\.([0-9]{1,15})\.incr\.aof$/.exec(name);
  return match === null ? null : Number(match[1]);
}

/** True for names this store makes and may therefore remove when no manifest names them. */
export function isOwnName(name: string): boolean {
  return /^appendonly\.aof\.[0-9]+\.(?:base\.rdb|incr\.aof)$/.test(name) || isTemporary(name);
}

export function isTemporary(name: string): boolean {
  return name.startsWith('temp-');
}

export function formatManifest(manifest: Manifest): Buffer {
  const lines: string[] = [];
  const add = (file: ManifestFile, type: string, more = ''): void => {
    lines.push(`file ${file.name} seq ${file.seq} type ${type}${more}${OWN}\n`);
  };
  if (manifest.base !== null) add(manifest.base, 'b');
  for (const file of manifest.history) add(file, 'h', ` first ${file.first} last ${file.last}`);
  for (const file of manifest.incr) add(file, 'i');
  return Buffer.from(lines.join(''), 'latin1');
}

/** Throws E_MANIFEST naming the file and line. `path` is for the message. */
export function parseManifest(bytes: Buffer, path: string): FoundManifest {
  const text = bytes.latin1Slice();
  let base: ManifestFile | null = null;
  const history: HistoryLine[] = [];
  const incr: ManifestFile[] = [];
  let own = false;
  const lines = text.split('\n');
  if (lines.pop() !== '') throw damaged(path, lines.length + 1, 'the last line is cut short');
  lines.forEach((line, i) => {
    if (line.startsWith('#')) return;
    const { file, type, first, last, by } = parseLine(line, path, i + 1);
    own ||= by === 'helios';
    if (type === 'b') {
      if (base !== null) throw damaged(path, i + 1, 'a second base file');
      base = file;
    } else if (type === 'h') {
      history.push({ ...file, first, last });
    } else {
      const last = incr.at(-1);
      if (last !== undefined && file.seq <= last.seq) {
        throw damaged(path, i + 1, 'the sequence number does not ascend');
      }
      incr.push(file);
    }
  });
  if (base === null && incr.length === 0) throw damaged(path, 1, 'it names no file');
  return { base, history, incr, own };
}

interface ParsedLine {
  readonly file: ManifestFile;
  readonly type: string;
  readonly first: number;
  readonly last: number;
  /** Who wrote the line; empty when it does not say. */
  readonly by: string;
}

function parseLine(line: string, path: string, at: number): ParsedLine {
  const words = splitWords(line.trim());
  if (words === null || words.length < 6 || words.length % 2 !== 0 || line.length >= LINE_MAX) {
    throw damaged(path, at, 'expected: file NAME seq NUMBER type b|h|i');
  }
  const fields = new Map<string, string>();
  for (let i = 0; i < words.length; i += 2) fields.set(words[i]!.toLowerCase(), words[i + 1]!);
  const name = fields.get('file') ?? '';
  const seq = fields.get('seq') ?? '';
  const type = fields.get('type') ?? '';
  if (name === '' || name.includes('/') || name === '.' || name === '..') {
    throw damaged(path, at, 'the file is not a plain name');
  }
  if (!/^[1-9][0-9]{0,14}$/.test(seq)) throw damaged(path, at, 'the sequence number is wrong');
  if (!/^[bhi]$/.test(type)) throw damaged(path, at, 'the type is not b, h or i');
  const index = (key: string): number => {
    const text = fields.get(key) ?? '0';
    return /^[0-9]{1,15}$/.test(text) ? Number(text) : 0;
  };
  const by = fields.get('by') ?? '';
  const file = { name, seq: Number(seq) };
  return { file, type, first: index('first'), last: index('last'), by };
}

/**
 * Words at spaces; a word may be in double quotes with backslash escapes. Null when a quote is not
 * closed.
 */
function splitWords(line: string): string[] | null {
  const words: string[] = [];
  const pattern = /\s*(?:"((?:[^"\\]|\\.)*)"(?=\s|$)|([^\s"]+))/gy;
  let at = 0;
  while (at < line.length) {
    pattern.lastIndex = at;
    const match = pattern.exec(line);
    if (match === null) return null;
    words.push(match[1] !== undefined ? unquote(match[1]) : match[2]!);
    at = pattern.lastIndex;
  }
  return words;
}

function unquote(text: string): string {
  return text.replace(
    /\\(?:x([0-9a-fA-F]{2})|(.))/g,
    (_, hex: string | undefined, other: string) =>
      hex !== undefined ? String.fromCharCode(Number.parseInt(hex, 16)) : other,
  );
}

function damaged(path: string, line: number, what: string): OperationalError {
  return new OperationalError(
    'E_MANIFEST',
    `${path} is damaged at line ${line}: ${what}. Restore it from a backup, or let this node join ` +
      'the cluster again with an empty data directory.',
  );
}
