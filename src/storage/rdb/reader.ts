// Owns: reading an RDB file: opcodes around the values, the checksum at the end, the digest of what
// was read. Into an empty keyspace, or only to verify the file. A damaged one rejects with RdbError
// (E_RDB, offset); the keyspace then holds a part and must be thrown away.

import { Digest, type Span } from '../../keyspace/digest.js';
import { DATABASE_COUNT, type Keyspace } from '../../keyspace/keyspace.js';
import type { Disk } from '../../platform/disk.js';
import type { Pacer } from '../../platform/pacer.js';
import { readMagic } from './aux-fields.js';
import { DIGEST, ENCODING_HINT, LAYOUT, OPCODE, TYPE } from './format.js';
import type { RdbInput } from './input.js';
import { RdbSource } from './source.js';
import { readValue } from './value-reader.js';

export interface LoadReport {
  readonly aux: ReadonlyMap<string, string>;
  readonly keys: number;
  /** Of the keys as they were read. */
  readonly digest: Digest;
  readonly bytes: number;
  /**
   * Bytes of the RDB part; smaller than the file when an AOF follows (aof-use-rdb-preamble of Redis
   * 4 to 6).
   */
  readonly rdbBytes: number;
}

/** Loads the file, yielding to the event loop between chunks, or as the pacer says. */
export function loadRdb(
  disk: Disk,
  path: string,
  keyspace: Keyspace,
  pacer: Pacer | null = null,
): Promise<LoadReport> {
  return readRdb(disk, path, keyspace, pacer);
}

/**
 * Reads the whole file and keeps nothing: rejects where loading it would, but for a key that occurs
 * twice, which shows in the digest.
 */
export function verifyRdb(disk: Disk, path: string, pacer: Pacer): Promise<LoadReport> {
  return readRdb(disk, path, null, pacer);
}

async function readRdb(
  disk: Disk,
  path: string,
  keyspace: Keyspace | null,
  pacer: Pacer | null,
): Promise<LoadReport> {
  const source = await RdbSource.open(disk, path);
  try {
    const loader = new Loader(source.input, keyspace);
    await source.run(() => loader.step(), pacer);
    const { aux, digest } = loader;
    const rdbBytes = source.input.offset;
    return { aux, keys: digest.keys, digest, bytes: source.size, rdbBytes };
  } finally {
    await source.close();
  }
}

const NO_BYTES = Buffer.alloc(0);

class Loader {
  readonly aux = new Map<string, string>();
  readonly digest = new Digest();
  readonly #input: RdbInput;
  /** Null: nothing is kept. */
  readonly #keyspace: Keyspace | null;
  #version = 0;
  #db = 0;
  /** What the opcodes before a key said of it. */
  #expireAt = 0;
  #hint = '';
  readonly #keySpan: Span = { bytes: NO_BYTES, start: 0, end: 0 };
  readonly #valueSpan: Span = { bytes: NO_BYTES, start: 0, end: 0 };

  constructor(input: RdbInput, keyspace: Keyspace | null) {
    this.#input = input;
    this.#keyspace = keyspace;
  }

  /**
   * Reads one opcode or key; false after the end. Changes nothing before it has read the whole of
   * it.
   */
  step(): boolean {
    const input = this.#input;
    if (this.#version === 0) {
      this.#version = readMagic(input);
      return true;
    }
    const opcode = input.byte();
    if (opcode === OPCODE.eof) {
      this.#finish();
      return false;
    }
    const handler = HANDLERS.get(opcode);
    if (handler !== undefined) handler(this, input);
    else this.#key(opcode);
    return true;
  }

  readAux(): void {
    const name = this.#input.string();
    if (name === LAYOUT) {
      this.#layOut(this.#input.blob());
      return;
    }
    const value = this.#input.string();
    if (name === ENCODING_HINT) this.#hint = value;
    else this.aux.set(name, value);
  }

  /**
   * Free slots are below the slot count, each once; the other slots are for keys that are yet to
   * come.
   */
  #layOut(bytes: Buffer): void {
    const table = this.#keyspace?.database(this.#db).table ?? null;
    const slotCount = bytes.length >= 4 ? bytes.readUInt32LE(0) : 0;
    const free: number[] = [];
    for (let at = 4; at + 4 <= bytes.length; at += 4) free.push(bytes.readUInt32LE(at));
    const keys = slotCount - free.length;
    const fresh = table === null || table.slotCount === 0;
    const possible = keys >= 0 && keys <= this.#input.remaining && fresh;
    if (!possible || free.some((slot) => slot >= slotCount) || new Set(free).size < free.length) {
      throw this.#input.fail('the layout of a database is impossible');
    }
    table?.layOut(slotCount, free);
  }

  selectDb(): void {
    const db = this.#input.length();
    if (db >= DATABASE_COUNT) {
      throw this.#input.fail(`it uses database ${db}; Helios has ${DATABASE_COUNT} (0 to 15)`);
    }
    this.#db = db;
  }

  setExpiry(ms: number): void {
    if (!Number.isSafeInteger(ms)) throw this.#input.fail('an expiry is out of range');
    this.#expireAt = Math.max(ms, 1);
  }

  /**
   * Checks the digest, then the CRC-64 behind the end opcode; version 4 and older have none, all
   * zeros means not computed.
   */
  #finish(): void {
    const input = this.#input;
    const told = this.aux.get(DIGEST);
    const found = `${this.digest} ${this.digest.keys}`;
    if (told !== undefined && told !== found) {
      throw input.fail(`the digest of the keys is ${found}, the file says ${told}`);
    }
    if (this.#version < 5) return;
    const end = input.offset;
    const stored = Buffer.from(input.bytes(8));
    input.seek(end);
    const computed = input.checksum();
    input.bytes(8);
    if (stored.every((byte) => byte === 0) || stored.equals(computed)) return;
    throw input.fail('the checksum does not match');
  }

  #key(type: number): void {
    if (this.#keyspace === null && type === TYPE.string) this.#verifyString();
    else this.#load(type);
    this.#expireAt = 0;
    this.#hint = '';
  }

  /** Most keys are strings: those are counted from the bytes, so that a verification makes none. */
  #verifyString(): void {
    this.#input.span(this.#keySpan);
    this.#input.span(this.#valueSpan);
    this.digest.addString(this.#db, this.#keySpan, this.#valueSpan, this.#expireAt);
  }

  #load(type: number): void {
    const key = this.#input.string();
    const value = readValue(this.#input, type, this.#hint);
    if (value !== null) {
      const database = this.#keyspace?.database(this.#db);
      const isNew = database?.load(key, value, this.#expireAt) ?? true;
      if (!isNew) throw this.#input.fail('a key occurs twice');
      this.digest.add(this.#db, key, value, this.#expireAt);
    }
  }
}

const HANDLERS: ReadonlyMap<number, (loader: Loader, input: RdbInput) => void> = new Map<
  number,
  (loader: Loader, input: RdbInput) => void
>([
  [OPCODE.aux, (loader) => loader.readAux()],
  [OPCODE.selectDb, (loader) => loader.selectDb()],
  [OPCODE.resizeDb, skipSizes],
  [OPCODE.expireMs, (loader, input) => loader.setExpiry(int64(input))],
  [OPCODE.expireSeconds, (loader, input) => loader.setExpiry(seconds(input) * 1000)],
  [OPCODE.freq, (_, input) => void input.byte()],
  [OPCODE.idle, (_, input) => void input.length()],
  [OPCODE.function2, (_, input) => void input.blob()],
  [OPCODE.functionPre, (_, input) => refuse(input, 'a function of a Redis 7.0 release candidate')],
  [OPCODE.moduleAux, (_, input) => refuse(input, 'data of a Redis module')],
]);

function skipSizes(_: Loader, input: RdbInput): void {
  input.length();
  input.length();
}

function refuse(input: RdbInput, what: string): never {
  throw input.fail(`it holds ${what}, which Helios does not support`);
}

function int64(input: RdbInput): number {
  return Number(input.bytes(8).readBigInt64LE(0));
}

function seconds(input: RdbInput): number {
  return input.bytes(4).readInt32LE(0);
}
