// Owns: small frames with a CRC-32 of what they hold behind it. A flipped bit in them would have a
// sound member rebuilt, writes refused or the wrong peer removed, and TCP's own sum lets one
// damaged segment in 65,536 pass.

import { assert } from '../base/assert.js';
import { crc32 } from '../platform/checksum.js';
import { FieldReader, FieldWriter } from './fields.js';
import { BODY_AT, type FrameKindCode, frameHead } from './frame.js';

const CRC_BYTES = 4;

/** A frame of `bytes` bytes of fields, as `write` writes them. */
export function sealedFrame(
  kind: FrameKindCode,
  bytes: number,
  write: (writer: FieldWriter) => void,
): Buffer {
  const frame = frameHead(kind, bytes + CRC_BYTES, bytes + CRC_BYTES);
  const writer = new FieldWriter(frame, BODY_AT);
  write(writer);
  assert(writer.at === BODY_AT + bytes, 'a sealed frame has the size it was made for');
  writer.u32(crc32(frame.subarray(BODY_AT, writer.at)));
  return frame;
}

/** A frame that holds `value` as JSON. */
export function sealedJson(kind: FrameKindCode, value: object): Buffer {
  const json = Buffer.from(JSON.stringify(value), 'utf8');
  const crc = Buffer.allocUnsafe(CRC_BYTES);
  crc.writeUInt32LE(crc32(json), 0);
  return Buffer.concat([frameHead(kind, json.length + CRC_BYTES, 0), json, crc]);
}

/** The object in a frame body, or what is wrong with it; `name` is for the text. */
export function openJson(name: string, body: Buffer): Readonly<Record<string, unknown>> | string {
  const at = body.length - CRC_BYTES;
  if (at < 0) return `${name} of ${body.length} bytes, expected at least ${CRC_BYTES}`;
  const json = body.subarray(0, at);
  if (body.readUInt32LE(at) !== crc32(json)) return `${name} with a wrong CRC`;
  try {
    const value: unknown = JSON.parse(json.toString('utf8'));
    if (typeof value === 'object' && value !== null) return { ...value };
  } catch {
    // Falls through to the answer for everything malformed.
  }
  return `malformed ${name}`;
}

/** The `bytes` bytes of fields in a frame body, or what is wrong with it; `name` is for the text. */
export function openSealed(name: string, body: Buffer, bytes: number): FieldReader | string {
  const expected = bytes + CRC_BYTES;
  if (body.length !== expected) return `${name} of ${body.length} bytes, expected ${expected}`;
  const fields = body.subarray(0, bytes);
  const intact = body.readUInt32LE(bytes) === crc32(fields);
  return intact ? new FieldReader(fields) : `${name} with a wrong CRC`;
}
