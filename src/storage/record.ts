// Owns: the bytes of one log record, on disk and on the wire (architecture D6).
//
//   #HELIOS/1 crc=1a2b3c4d batch index=5 term=2 time=1700000000000 seed=77 len=31 sum=9f8e7d6c
//   runs=1 node-1:3:8:1\r\n
//   *3\r\n$3\r\nSET\r\n...                                        `len` bytes of plain RESP whose
//   CRC-32 is `sum`
//
// `crc` is the CRC-32 of the header after the crc field, CRLFs included. A header has a checksum of
// its own so that a damaged length is told apart from a record cut short by a crash. A run is
// node:incarnation:firstSeq:count, and :watchIndex when that is not 0. A line that would pass
// LINE_MAX ends with " +" and goes on in the next with "#+ ". A config record keeps its JSON in the
// header, in lines "#= ", and has len=0: Redis skips every line with "#". Invariants: every line is
// shorter than 1024 bytes with its CRLF (Redis reads annotations into such a buffer); a record
// never ends with a zero byte. Decoding never throws and never trusts a length before its checksum.

import { assert } from '../base/assert.js';
import type { EntryKind, LogRecord, OriginRun } from '../base/log-entry.js';
import { crc32 } from '../platform/checksum.js';
import { HeaderReader } from './record-header.js';

export const RECORD_VERSION = 1;

/** Bytes in a header line, CRLF not counted. */
const LINE_MAX = 1000;
const NODE_ID_MAX = 200;
const PREFIX = '#HELIOS/1 crc=';
/** Where the part covered by `crc` begins. */
const COVERED_FROM = PREFIX.length + 8;
const MORE = ' +\r\n';
const KINDS: readonly EntryKind[] = ['batch', 'noop', 'config', 'tick', 'checkpoint'];
const EMPTY: Uint8Array = Buffer.alloc(0);

/**
 * `corrupt` says what is wrong; `version` is set when the record is of a format this build does not
 * know.
 */
export interface CorruptRecord {
  readonly corrupt: string;
  readonly version: number;
}

export interface DecodedRecord {
  readonly record: LogRecord;
  /** Offset just after the record. */
  readonly end: number;
}

/**
 * The bytes of a record whose payload is `payloadChunks` one after another; `record.payload` is not
 * looked at. Each chunk is copied once.
 */
export function encodeRecord(record: LogRecord, payloadChunks: readonly Uint8Array[]): Buffer {
  let length = 0;
  let sum = 0;
  for (const chunk of payloadChunks) {
    length += chunk.length;
    sum = crc32(chunk, sum);
  }
  const inHeader = record.kind === 'config';
  assert(length === 0 || inHeader || record.kind === 'batch', 'only batch and config have payload');
  let header = fixedFields(record, inHeader ? 0 : length, sum);
  if (record.runs.length > 0) header = withRuns(header, record.runs);
  if (inHeader) header = withJson(header, payloadChunks);
  header += '\r\n';
  const body = header.length;
  const bytes = Buffer.allocUnsafe(inHeader ? body : body + length);
  bytes.latin1Write(header, 0, body);
  const crc = crc32(bytes.subarray(COVERED_FROM, body));
  bytes.latin1Write(hex8(crc), PREFIX.length, 8);
  if (inHeader) return bytes;
  let at = body;
  for (const chunk of payloadChunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

/**
 * Reads the record at `offset`. 'incomplete': the bytes up to the end of the buffer are the
 * beginning of a record. The payload is a view into `buffer` (a copy for `config`).
 */
export function decodeRecord(
  buffer: Buffer,
  offset: number,
): DecodedRecord | 'incomplete' | CorruptRecord {
  const state = header.begin(buffer, offset, PREFIX);
  if (state === 'incomplete') return 'incomplete';
  if (state !== 'whole') return corrupt(state, header.version);
  const body = header.end;
  const crc = header.hexAt(offset + PREFIX.length);
  if (crc !== crc32(buffer.subarray(offset + COVERED_FROM, body))) {
    return corrupt('header checksum does not match');
  }
  header.at = offset + COVERED_FROM;
  const kind = header.word();
  const index = header.field(' index=');
  const term = header.field(' term=');
  const time = header.field(' time=');
  const seed = header.field(' seed=');
  const length = header.field(' len=');
  const sum = header.hexField(' sum=');
  const count = header.field(' runs=');
  const runs = readRuns(count);
  const json = kind === 'config' ? header.json() : EMPTY;
  if (header.failed || header.at !== body - 2 || !isKind(kind) || index < 1 || term < 1) {
    return corrupt('header is not in the expected form');
  }
  if (length > 0 && kind !== 'batch') return corrupt(`a ${kind} record cannot have a payload`);
  const end = body + length;
  if (end > buffer.length) return 'incomplete';
  const payload = kind === 'config' ? json : buffer.subarray(body, end);
  if (crc32(payload) !== sum) return corrupt('payload checksum does not match');
  return { record: { index, term, kind, time, seed, runs, payload }, end };
}

/** One reader for all calls: decoding is synchronous and keeps nothing between calls. */
const header = new HeaderReader();
const NO_RUNS: readonly OriginRun[] = [];

function readRuns(count: number): readonly OriginRun[] {
  if (count === 0 || header.failed) return NO_RUNS;
  const runs: OriginRun[] = [];
  while (runs.length < count && !header.failed) {
    header.continueLine('#+');
    header.literal(' ');
    const node = header.escapedWord();
    const incarnation = header.field(':');
    const firstSeq = header.field(':');
    const size = header.field(':');
    const watchIndex = header.peek() === 58 ? header.field(':') : 0;
    runs.push({ node, incarnation, firstSeq, count: size, watchIndex });
  }
  return runs;
}

function isKind(word: string): word is EntryKind {
  return (KINDS as readonly string[]).includes(word);
}

function corrupt(reason: string, version = 0): CorruptRecord {
  return { corrupt: reason, version };
}

function fixedFields(record: LogRecord, length: number, sum: number): string {
  const { index, term, time, seed } = record;
  const sound = isCount(index) && isCount(term) && isCount(time) && isCount(seed);
  assert(sound && index > 0 && term > 0, 'record numbers are safe integers');
  return (
    `${PREFIX}00000000 ${record.kind} index=${index} term=${term} time=${time} seed=${seed}` +
    ` len=${length} sum=${hex8(sum)} runs=${record.runs.length}`
  );
}

function withRuns(start: string, runs: readonly OriginRun[]): string {
  let text = start;
  let lineStart = 0;
  for (const run of runs) {
    const { incarnation, firstSeq, count, watchIndex } = run;
    const sound = isCount(incarnation) && isCount(firstSeq) && isCount(count);
    assert(sound && isCount(watchIndex), 'run numbers are safe integers');
    const watch = watchIndex === 0 ? '' : `:${watchIndex}`;
    const item = ` ${escapeWord(run.node)}:${incarnation}:${firstSeq}:${count}${watch}`;
    if (text.length - lineStart + item.length + 2 > LINE_MAX) {
      text += MORE;
      lineStart = text.length;
      text += '#+';
    }
    text += item;
  }
  return text;
}

function withJson(start: string, chunks: readonly Uint8Array[]): string {
  const json = Buffer.concat(chunks).latin1Slice();
  assert(json.length > 0 && !/[\r\n]/.test(json), 'membership JSON is one line');
  const room = LINE_MAX - 8;
  let text = start;
  for (let at = 0; at < json.length; at += room) {
    text += `${MORE}#= ${json.slice(at, at + room)}`;
  }
  assert(!text.endsWith(' +'), 'membership JSON ends with a bracket');
  return text;
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

function hex8(value: number): string {
  return value.toString(16).padStart(8, '0');
}

/** Node ids are letters, digits, dot, dash, underscore; any other character becomes %xx. */
function escapeWord(word: string): string {
  assert(word.length > 0 && word.length <= NODE_ID_MAX, 'node id has 1 to 200 characters');
  for (let i = 0; i < word.length; i++) {
    if (!isPlain(word.charCodeAt(i))) return escapeSlowly(word);
  }
  return word;
}

function isPlain(code: number): boolean {
  const letter = (code | 32) >= 97 && (code | 32) <= 122;
  return letter || (code >= 48 && code <= 57) || code === 45 || code === 46 || code === 95;
}

function escapeSlowly(word: string): string {
  let text = '';
  for (let i = 0; i < word.length; i++) {
    const code = word.charCodeAt(i);
    assert(code < 256, 'node id is a byte string');
    text += isPlain(code) ? word[i]! : `%${code.toString(16).padStart(2, '0')}`;
  }
  assert(text.length < LINE_MAX - 100, 'node id fits a line');
  return text;
}
