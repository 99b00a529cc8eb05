// Owns: the compact forms older than the listpack that RDB files may hold: ziplist, zipmap, intset;
// and LZF. Reading trusts nothing: every length is checked against what is there. Reference:
// ziplist.c, zipmap.c, intset.c.

/** What is wrong inside a blob; rdb/reader.ts adds the offset. */
export class PackedError extends Error {}

/** A blob's entries as byte strings, in order. Throws PackedError. */
export type PackedReader = (bytes: Buffer) => string[];

const ZIPLIST_HEADER_BYTES = 10;

export const readZiplist: PackedReader = (bytes) => {
  const length = bytes.length;
  if (length < ZIPLIST_HEADER_BYTES + 1 || bytes.readUInt32LE(0) !== length) {
    throw new PackedError('a ziplist has the wrong size');
  }
  if (bytes[length - 1] !== 255) throw new PackedError('a ziplist has no end');
  const entries: string[] = [];
  let at = ZIPLIST_HEADER_BYTES;
  while (at < length - 1) at = readZiplistEntry(bytes, at, length - 1, entries);
  const count = bytes.readUInt16LE(8);
  if (count !== 65535 && count !== entries.length) {
    throw new PackedError('a ziplist has another number of entries than it says');
  }
  return entries;
};

function readZiplistEntry(bytes: Buffer, start: number, limit: number, out: string[]): number {
  const at = start + (bytes[start]! < 254 ? 1 : 5);
  if (at >= limit) throw new PackedError('a ziplist entry reaches past the end');
  const first = bytes[at]!;
  if (first >= 0xc0) return readZiplistInteger(bytes, at, limit, out);
  const head = first < 0x40 ? 1 : first < 0x80 ? 2 : 5;
  if (at + head > limit) throw new PackedError('a ziplist entry reaches past the end');
  let size = first & 63;
  if (head === 2) size = (size << 8) | bytes[at + 1]!;
  if (head === 5) size = bytes.readUInt32BE(at + 1);
  const end = at + head + size;
  if (end > limit) throw new PackedError('a ziplist entry reaches past the end');
  out.push(bytes.latin1Slice(at + head, end));
  return end;
}

/** Encoding byte to the width of the integer after it. */
const ZIPLIST_INTEGERS: ReadonlyMap<number, number> = new Map([
  [0xc0, 2],
  [0xd0, 4],
  [0xe0, 8],
  [0xf0, 3],
  [0xfe, 1],
]);

function readZiplistInteger(bytes: Buffer, at: number, limit: number, out: string[]): number {
  const first = bytes[at]!;
  if (first > 0xf0 && first < 0xfe) {
    out.push(String((first & 15) - 1));
    return at + 1;
  }
  const width = ZIPLIST_INTEGERS.get(first);
  if (width === undefined) throw new PackedError('a ziplist entry has an unknown encoding');
  if (at + 1 + width > limit) throw new PackedError('a ziplist entry reaches past the end');
  out.push(signedAt(bytes, at + 1, width));
  return at + 1 + width;
}

function signedAt(bytes: Buffer, at: number, width: number): string {
  return width === 8 ? String(bytes.readBigInt64LE(at)) : String(bytes.readIntLE(at, width));
}

/** Fields and values in turn. */
export const readZipmap: PackedReader = (bytes) => {
  const entries: string[] = [];
  let at = 1;
  for (let isValue = false; ; isValue = !isValue) {
    const first = bytes[at];
    if (first === undefined || first === 254) throw new PackedError('a zipmap has no end');
    if (first === 255) break;
    at++;
    let size = first;
    if (first === 253) {
      if (at + 4 > bytes.length) throw new PackedError('a zipmap entry reaches past the end');
      size = bytes.readUInt32LE(at);
      at += 4;
    }
    const free = isValue ? (bytes[at++] ?? 0) : 0;
    if (at + size + free > bytes.length) {
      throw new PackedError('a zipmap entry reaches past the end');
    }
    entries.push(bytes.latin1Slice(at, at + size));
    at += size + free;
  }
  if (entries.length % 2 !== 0) throw new PackedError('a zipmap has a field without a value');
  return entries;
};

export const readIntset: PackedReader = (bytes) => {
  if (bytes.length < 8) throw new PackedError('an intset is cut short');
  const width = bytes.readUInt32LE(0);
  const count = bytes.readUInt32LE(4);
  if (width !== 2 && width !== 4 && width !== 8)
    throw new PackedError('an intset has a wrong width');
  if (8 + width * count !== bytes.length) throw new PackedError('an intset has the wrong size');
  const members: string[] = [];
  for (let i = 0; i < count; i++) members.push(signedAt(bytes, 8 + i * width, width));
  return members;
};

/** Builds an intset from integers in ascending order. */
export function makeIntset(members: readonly (number | bigint)[]): Buffer {
  let width = 2;
  for (const member of members) {
    if (typeof member === 'bigint' || member < -(2 ** 31) || member >= 2 ** 31) width = 8;
    else if (width < 4 && (member < -32768 || member >= 32768)) width = 4;
  }
  const bytes = Buffer.allocUnsafe(8 + width * members.length);
  bytes.writeUInt32LE(width, 0);
  bytes.writeUInt32LE(members.length, 4);
  let at = 8;
  for (const member of members) {
    if (width === 8) at = bytes.writeBigInt64LE(BigInt(member), at);
    else at = bytes.writeIntLE(Number(member), at, width);
  }
  return bytes;
}

/** Expands LZF. Throws PackedError unless the result has exactly `length` bytes. */
export function expandLzf(source: Buffer, length: number): Buffer {
  const target = Buffer.allocUnsafe(length);
  let from = 0;
  let to = 0;
  while (from < source.length) {
    const control = source[from++]!;
    if (control < 32) {
      const run = control + 1;
      if (from + run > source.length || to + run > length) throw badLzf();
      source.copy(target, to, from, from + run);
      from += run;
      to += run;
      continue;
    }
    let run = control >> 5;
    if (run === 7) run += source[from++] ?? 0;
    const back = to - (((control & 31) << 8) | (source[from++] ?? 0)) - 1;
    run += 2;
    if (from > source.length || back < 0 || to + run > length) throw badLzf();
    for (let i = 0; i < run; i++) target[to + i] = target[back + i]!;
    to += run;
  }
  if (to !== length) throw badLzf();
  return target;
}

function badLzf(): PackedError {
  return new PackedError('a compressed string does not expand to its length');
}
