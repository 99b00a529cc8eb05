// Owns: checking LevelDB's files before LevelDB opens them. The library is native code with its
// assertions on: some damage ends the process there without a word an operator understands, and it
// does not verify what it reads from tables. So CURRENT, the MANIFEST it names, and every table are
// verified here, by the checksums LevelDB itself wrote into them (formats: LevelDB's
// doc/log_format.md and doc/table_format.md). Its write-ahead logs are left to it: it checks every
// record of them and drops what does not fit, which the counter in the store's text makes visible.
// Never changes a file except to move all of them aside.

import { crc32c } from '../platform/checksum.js';
import type { Disk } from '../platform/disk.js';

/** Log format: blocks of this size, records that do not cross them, each with a 7-byte header. */
const BLOCK_BYTES = 32_768;
const RECORD_HEADER_BYTES = 7;
const LAST_RECORD_TYPE = 4;
/** Table format: two block handles padded to 40 bytes, then the magic number. */
const FOOTER_BYTES = 48;
const TABLE_MAGIC = Buffer.from([0x57, 0xfb, 0x80, 0x8b, 0x24, 0x75, 0x47, 0xdb]);
/** Compression type and checksum behind each block. */
const TRAILER_BYTES = 5;
const UNCOMPRESSED = 0;
const SNAPPY = 1;

const OWN_NAME = /^(?:CURRENT|LOG|LOG\.old|MANIFEST-\d+|\d+\.(?:log|ldb|sst|dbtmp))$/;

/** Where the files of a damaged LevelDB go; one copy is kept. */
export const DAMAGED_LEVEL = 'damaged-leveldb';

/** What is wrong with LevelDB's files in `directory`; empty when nothing is, or there are none. */
export async function findLevelDamage(disk: Disk, directory: string): Promise<string> {
  const names = (await disk.list(directory)).filter((name) => OWN_NAME.test(name)).sort();
  if (!names.includes('CURRENT')) {
    const data = names.find((name) => /^MANIFEST|\.(?:log|ldb|sst)$/.test(name));
    return data === undefined ? '' : `CURRENT is missing beside ${data}`;
  }
  const current = (await disk.readFile(`${directory}/CURRENT`)).latin1Slice();
  const manifest = /^(MANIFEST-\d+)\n$/.exec(current)?.[1];
  if (manifest === undefined) return 'CURRENT names no manifest';
  if (!names.includes(manifest)) return `${manifest}, which CURRENT names, is missing`;
  const wrong = manifestDamage(await disk.readFile(`${directory}/${manifest}`));
  if (wrong !== '') return `${manifest} ${wrong}`;
  for (const name of names) {
    if (!/\.(?:ldb|sst)$/.test(name)) continue;
    const fault = tableDamage(await disk.readFile(`${directory}/${name}`));
    if (fault !== '') return `${name} ${fault}`;
  }
  return '';
}

/** Moves LevelDB's files to a directory beside them, in place of what was put there before. */
export async function setLevelAside(disk: Disk, directory: string): Promise<string> {
  const aside = `${directory}/${DAMAGED_LEVEL}`;
  await disk.makeDirectory(aside);
  for (const name of await disk.list(aside)) await disk.remove(`${aside}/${name}`);
  for (const name of await disk.list(directory)) {
    if (OWN_NAME.test(name)) await disk.rename(`${directory}/${name}`, `${aside}/${name}`);
  }
  await disk.syncDirectory(directory);
  return aside;
}

/** A manifest is written like a log. A record cut short at its end is what a crash leaves. */
export function manifestDamage(bytes: Buffer): string {
  let at = 0;
  let records = 0;
  while (at < bytes.length) {
    const left = BLOCK_BYTES - (at % BLOCK_BYTES);
    if (left < RECORD_HEADER_BYTES) {
      at += left;
      continue;
    }
    const torn = records > 0 ? '' : 'has no whole record';
    if (at + RECORD_HEADER_BYTES > bytes.length) return torn;
    const length = bytes.readUInt16LE(at + 4);
    const type = bytes[at + 6]!;
    const end = at + RECORD_HEADER_BYTES + length;
    if (RECORD_HEADER_BYTES + length > left || type < 1 || type > LAST_RECORD_TYPE) {
      return `is damaged at offset ${at}`;
    }
    if (end > bytes.length) return torn;
    const covered = bytes.subarray(at + 6, end);
    if (unmask(bytes.readUInt32LE(at)) !== crc32c(covered)) return `is damaged at offset ${at}`;
    at = end;
    records++;
  }
  return records > 0 ? '' : 'has no whole record';
}

export function tableDamage(bytes: Buffer): string {
  const footer = bytes.length - FOOTER_BYTES;
  if (footer < 0 || !bytes.subarray(bytes.length - TABLE_MAGIC.length).equals(TABLE_MAGIC)) {
    return 'is cut short or has a damaged footer';
  }
  const cursor = { at: footer };
  const end = bytes.length - TABLE_MAGIC.length;
  const metaIndex = readHandle(bytes, cursor, end, footer);
  const index = readHandle(bytes, cursor, end, footer);
  const padded = bytes.subarray(cursor.at, end).every((byte) => byte === 0);
  if (metaIndex === null || index === null || !padded) return 'has a damaged footer';
  const blocks = blocksOf(bytes, footer, metaIndex, index);
  if (blocks === null) return 'has blocks that do not fit together';
  for (const block of blocks) {
    if (!isSoundBlock(bytes, block)) return `is damaged in the block at offset ${block.offset}`;
  }
  return '';
}

interface Handle {
  readonly offset: number;
  readonly size: number;
}

/**
 * Where the blocks are, one behind another: those the index names, the filter, and the two the
 * footer names. Null when they do not
 * fit together. An index that is compressed (tables of version 1 of the store may have one) is only
 * checked itself.
 */
function blocksOf(
  bytes: Buffer,
  footer: number,
  metaIndex: Handle,
  index: Handle,
): Handle[] | null {
  if (index.offset + index.size + TRAILER_BYTES !== footer) return null;
  if (metaIndex.offset + metaIndex.size + TRAILER_BYTES !== index.offset) return null;
  const last = [metaIndex, index];
  const sound = isSoundBlock(bytes, index);
  if (!sound || bytes[index.offset + index.size] !== UNCOMPRESSED) return last;
  const block = bytes.subarray(index.offset, index.offset + index.size);
  const restarts = block.length < 4 ? -1 : block.readUInt32LE(block.length - 4);
  const end = block.length - 4 * (restarts + 1);
  if (restarts < 1 || end < 0) return null;
  const blocks: Handle[] = [];
  const cursor = { at: 0 };
  let at = 0;
  while (cursor.at < end) {
    readVarint(block, cursor, end);
    const keyBytes = readVarint(block, cursor, end);
    const valueBytes = readVarint(block, cursor, end);
    cursor.at += keyBytes;
    const after = cursor.at + valueBytes;
    const handle = readHandle(block, cursor, end, footer);
    if (handle === null || cursor.at !== after || handle.offset !== at) return null;
    blocks.push(handle);
    at += handle.size + TRAILER_BYTES;
  }
  // Between data and meta index lies the filter.
  const size = metaIndex.offset - at - TRAILER_BYTES;
  if (at !== metaIndex.offset) blocks.push({ offset: at, size });
  return size + TRAILER_BYTES < 0 ? null : [...blocks, ...last];
}

/** Null when it is not one, or does not lie before `footer`. */
function readHandle(
  bytes: Buffer,
  cursor: { at: number },
  end: number,
  footer: number,
): Handle | null {
  const offset = readVarint(bytes, cursor, end);
  const size = readVarint(bytes, cursor, end);
  return offset + size + TRAILER_BYTES <= footer ? { offset, size } : null;
}

/** NaN, which no comparison accepts, when it runs past `end` or 2^53. */
function readVarint(bytes: Buffer, cursor: { at: number }, end: number): number {
  let value = 0;
  for (let shift = 1; cursor.at < end && shift <= 2 ** 49; shift *= 128) {
    const byte = bytes[cursor.at++]!;
    value += (byte & 127) * shift;
    if (byte < 128) return value;
  }
  return Number.NaN;
}

function isSoundBlock(bytes: Buffer, { offset, size }: Handle): boolean {
  const end = offset + size;
  const known = bytes[end] === UNCOMPRESSED || bytes[end] === SNAPPY;
  return (
    size >= 0 &&
    known &&
    unmask(bytes.readUInt32LE(end + 1)) === crc32c(bytes.subarray(offset, end + 1))
  );
}

/** LevelDB stores a checksum rotated and shifted, so that one over checksums is not trivial. */
function unmask(masked: number): number {
  const rotated = (masked - 0xa282ead8) >>> 0;
  return ((rotated >>> 17) | (rotated << 15)) >>> 0;
}
