// Owns: one value as DUMP prints it and RESTORE takes it: type, value, RDB version (u16), CRC-64 of
// all before it.

import type { Value } from '../../keyspace/value.js';
import { Crc64 } from './crc64.js';
import { RDB_VERSION, RDB_VERSION_MAX, RdbError } from './format.js';
import { RdbInput } from './input.js';
import { RdbOutput } from './output.js';
import { readValue } from './value-reader.js';
import { rdbType, writeValue } from './value-writer.js';

const FOOTER_BYTES = 10;

/** The serialised value, a latin1 byte string. A Redis 7.0 or newer restores it. */
export function dumpValue(value: Value): string {
  const out = new RdbOutput();
  out.byte(rdbType(value));
  writeValue(out, value);
  out.byte(RDB_VERSION);
  out.byte(0);
  const body = Buffer.concat(out.drain());
  return body.latin1Slice() + checksum(body).latin1Slice();
}

/**
 * The value of a DUMP payload; null when it is damaged, too new, or of a type Helios does not hold.
 */
export function restoreValue(payload: string): Value | null {
  if (payload.length < FOOTER_BYTES + 1) return null;
  const bytes = Buffer.from(payload, 'latin1');
  const body = bytes.length - FOOTER_BYTES;
  if (bytes.readUInt16LE(body) > RDB_VERSION_MAX) return null;
  const stored = bytes.subarray(body + 2);
  const isUnset = stored.every((byte) => byte === 0);
  if (!isUnset && !stored.equals(checksum(bytes.subarray(0, body + 2)))) return null;
  try {
    const input = new RdbInput(body, bytes.subarray(0, body));
    const value = readValue(input, input.byte(), '');
    return input.remaining === 0 ? value : null;
  } catch (error) {
    if (error instanceof RdbError) return null;
    throw error;
  }
}

function checksum(bytes: Uint8Array): Buffer {
  const crc = new Crc64();
  crc.update(bytes);
  return crc.digest();
}
