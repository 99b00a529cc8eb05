// Owns: replies as bytes of the wire, in RESP2 or RESP3
// (https://redis.io/docs/reference/protocol-spec). The result is a latin1 string: the caller joins
// the replies of a turn and writes them to the socket at once. Never throws for a reply the types
// allow, except RangeError when the text would exceed V8's longest string.

import { formatDouble } from '../base/numbers.js';
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
  type SpecialReply,
  VerbatimReply,
} from './reply.js';

export type Protocol = 2 | 3;

/**
 * Up to this many elements are appended; more are joined, which stays flat in memory instead of a
 * rope.
 */
const APPEND_LIMIT = 16;

const HEADER_COUNT = 1024;
const BULK_HEADERS: readonly string[] = headers('$');
const ARRAY_HEADERS: readonly string[] = headers('*');
const INTEGERS: readonly string[] = headers(':');

function headers(mark: string): string[] {
  return Array.from({ length: HEADER_COUNT }, (_, n) => `${mark}${n}\r\n`);
}

/** The bytes of one reply as latin1 text. Linear in the size of the reply. */
export function encodeReply(reply: Reply, protocol: Protocol): string {
  if (typeof reply === 'string') return encodeBulk(reply);
  if (typeof reply === 'number') return encodeInteger(reply);
  if (reply === null) return protocol === 2 ? '$-1\r\n' : '_\r\n';
  if (typeof reply === 'object') {
    if (reply instanceof SimpleString) return `+${reply.text}\r\n`;
    if (reply instanceof ErrorReply) return encodeError(reply.text);
    if (isArray(reply)) return encodeList('*', ARRAY_HEADERS, reply, protocol);
    return encodeSpecial(reply, protocol);
  }
  if (typeof reply === 'boolean') return encodeBoolean(reply, protocol);
  return `:${reply}\r\n`;
}

export function encodeBulk(text: string): string {
  const length = text.length;
  const header = length < HEADER_COUNT ? BULK_HEADERS[length]! : `$${length}\r\n`;
  return `${header}${text}\r\n`;
}

function encodeInteger(value: number): string {
  if (value >= 0 && value < HEADER_COUNT && Number.isInteger(value)) return INTEGERS[value]!;
  return `:${value}\r\n`;
}

function encodeBoolean(value: boolean, protocol: Protocol): string {
  if (protocol === 3) return value ? '#t\r\n' : '#f\r\n';
  return value ? ':1\r\n' : ':0\r\n';
}

/** A line may not hold line breaks; text that came from a client could. */
function encodeError(text: string): string {
  const clean = text.includes('\r') || text.includes('\n') ? text.replace(/[\r\n]/g, ' ') : text;
  return `-${clean}\r\n`;
}

function isArray(reply: readonly Reply[] | SpecialReply): reply is readonly Reply[] {
  return Array.isArray(reply);
}

function encodeSpecial(reply: SpecialReply, protocol: Protocol): string {
  if (reply instanceof DoubleReply) return encodeDouble(reply.value, protocol);
  if (reply instanceof NullArray) return protocol === 2 ? '*-1\r\n' : '_\r\n';
  if (reply instanceof MapReply) return encodeMap(reply.items, protocol);
  if (reply instanceof SetReply)
    return encodeList(protocol === 2 ? '*' : '~', null, reply.items, protocol);
  if (reply instanceof PairsReply) return encodePairs(reply.items, protocol);
  if (reply instanceof PushReply) {
    return encodeList(protocol === 2 ? '*' : '>', null, reply.items, protocol);
  }
  if (reply instanceof VerbatimReply) return encodeVerbatim(reply, protocol);
  if (reply instanceof BigNumberReply) {
    return protocol === 2 ? encodeBulk(reply.digits) : `(${reply.digits}\r\n`;
  }
  if (reply instanceof AttributedReply) return encodeAttributed(reply, protocol);
  return encodeReply(reply, protocol);
}

function encodeDouble(value: number, protocol: Protocol): string {
  const digits = formatDouble(value);
  return protocol === 2 ? encodeBulk(digits) : `,${digits}\r\n`;
}

function encodeVerbatim(reply: VerbatimReply, protocol: Protocol): string {
  if (protocol === 2) return encodeBulk(reply.text);
  return `=${reply.text.length + 4}\r\n${reply.format}:${reply.text}\r\n`;
}

function encodeAttributed({ attributes, reply }: AttributedReply, protocol: Protocol): string {
  const text = encodeReply(reply, protocol);
  if (protocol === 2) return text;
  return `|${attributes.length >> 1}\r\n${encodeItems(attributes, protocol)}${text}`;
}

function encodeMap(items: readonly Reply[], protocol: Protocol): string {
  if (protocol === 2) return encodeList('*', ARRAY_HEADERS, items, protocol);
  return `%${items.length >> 1}\r\n${encodeItems(items, protocol)}`;
}

function encodePairs(items: readonly Reply[], protocol: Protocol): string {
  if (protocol === 2) return encodeList('*', ARRAY_HEADERS, items, protocol);
  const parts: string[] = [`*${items.length >> 1}\r\n`];
  for (let i = 0; i + 1 < items.length; i += 2) {
    parts.push('*2\r\n', encodeReply(items[i]!, protocol), encodeReply(items[i + 1]!, protocol));
  }
  return parts.join('');
}

function encodeList(
  mark: string,
  ready: readonly string[] | null,
  items: readonly Reply[],
  protocol: Protocol,
): string {
  const count = items.length;
  const header = ready !== null && count < HEADER_COUNT ? ready[count]! : `${mark}${count}\r\n`;
  return header + encodeItems(items, protocol);
}

function encodeItems(items: readonly Reply[], protocol: Protocol): string {
  const count = items.length;
  if (count <= APPEND_LIMIT) {
    let text = '';
    for (let i = 0; i < count; i++) text += encodeReply(items[i]!, protocol);
    return text;
  }
  const parts: string[] = new Array(count);
  for (let i = 0; i < count; i++) parts[i] = encodeReply(items[i]!, protocol);
  return parts.join('');
}
