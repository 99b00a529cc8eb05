// Owns: reading a bit offset argument, with the limit that follows from the longest string.

import { parseSafeInteger } from '../base/numbers.js';
import { ErrorReply } from '../resp/reply.js';
import { STRING_BYTES_MAX } from './string-edit.js';

const BAD_OFFSET = new ErrorReply('ERR bit offset is not an integer or out of range');

/**
 * A position in bits. With `fieldBits` > 0 (BITFIELD) the form `#n` is the n-th field of that
 * width. Throws when it is no integer, negative, or beyond the longest string.
 */
export function bitOffset(text: string, fieldBits = 0): number {
  const isIndex = fieldBits > 0 && text.startsWith('#');
  const value = parseSafeInteger(isIndex ? text.slice(1) : text);
  if (value === null || value < 0) throw BAD_OFFSET;
  const offset = isIndex ? value * fieldBits : value;
  if (Math.floor(offset / 8) >= STRING_BYTES_MAX) throw BAD_OFFSET;
  return offset;
}
