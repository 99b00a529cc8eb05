// Owns: reading plain append-only files of Redis and Valkey: RESP commands, # annotation lines,
// MULTI ... EXEC. Only for importing; our own segments are read by segment.ts. A file that ends
// within a command or transaction is cut there when it is the last (Redis: aof-load-truncated yes);
// any other break of the format is E_AOF with its offset.

import { OperationalError } from '../base/errors.js';
import type { DiskFile } from '../platform/disk.js';

const CHUNK_BYTES = 1024 * 1024;
const ARGUMENTS_MAX = 1024 * 1024;
const BULK_BYTES_MAX = 512 * 1024 * 1024;
const CR = 13;
const LF = 10;

/**
 * Receives one command with the database it applies to. SELECT, MULTI and EXEC are not passed on.
 */
export type CommandSink = (args: readonly string[], db: number) => void;

/** Parses commands out of chunks. Bytes of an unfinished command wait for the next chunk. */
export class AofReader {
  readonly #path: string;
  readonly #sink: CommandSink;
  #rest: Buffer = Buffer.alloc(0);
  /** Offset in the file of the first byte of #rest. */
  #offset: number;
  /**
   * Do not try again before this many bytes are there: a large command is then parsed few times.
   */
  #wanted = 0;
  #db = 0;
  /** Commands since MULTI; null outside a transaction. */
  #transaction: { args: string[]; db: number }[] | null = null;
  #transactionStart = 0;
  commands = 0;

  constructor(path: string, offset: number, sink: CommandSink) {
    this.#path = path;
    this.#offset = offset;
    this.#sink = sink;
  }

  /** Offset up to which everything was passed on. */
  get soundUpTo(): number {
    return this.#transaction === null ? this.#offset : this.#transactionStart;
  }

  push(chunk: Buffer): void {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    if (this.#rest.length < this.#wanted) return;
    this.#wanted = 0;
    let at = 0;
    for (;;) {
      const next = this.#parse(at);
      if (next < 0) break;
      at = next;
    }
    if (at === 0) this.#wanted = this.#rest.length * 2;
    this.#offset += at;
    this.#rest = this.#rest.subarray(at);
  }

  /** Parses what waits, now that nothing follows. */
  finish(): void {
    this.#wanted = 0;
    this.push(Buffer.alloc(0));
  }

  /**
   * Reads a command or annotation at `at`; returns where the next begins, -1 when it is not all
   * there.
   */
  #parse(at: number): number {
    const rest = this.#rest;
    if (at >= rest.length) return -1;
    if (rest[at] === 35) {
      const end = rest.indexOf(LF, at);
      return end < 0 ? -1 : end + 1;
    }
    const args: string[] = [];
    let line = this.#number(at, 42, ARGUMENTS_MAX);
    if (line === null) return -1;
    let position = line.next;
    const count = line.value;
    if (count < 1) throw this.#damaged(at, 'a command has no words');
    for (let i = 0; i < count; i++) {
      line = this.#number(position, 36, BULK_BYTES_MAX);
      if (line === null) return -1;
      const end = line.next + line.value;
      if (end + 2 > rest.length) return -1;
      if (rest[end] !== CR || rest[end + 1] !== LF) {
        throw this.#damaged(position, 'a word does not end where it says');
      }
      args.push(rest.latin1Slice(line.next, end));
      position = end + 2;
    }
    this.#command(args, at);
    return position;
  }

  /** A line of a mark and a number; null when it is not all there. */
  #number(at: number, mark: number, max: number): { value: number; next: number } | null {
    const rest = this.#rest;
    if (at >= rest.length) return null;
    if (rest[at] !== mark) {
      throw this.#damaged(at, `expected ${String.fromCharCode(mark)} and a number`);
    }
    const end = rest.indexOf(LF, at);
    if (end < 0) {
      if (rest.length - at > 32) throw this.#damaged(at, 'a length line is too long');
      return null;
    }
    const text = rest.latin1Slice(at + 1, end - 1);
    const value = /^[0-9]{1,12}$/.test(text) ? Number(text) : -1;
    if (rest[end - 1] !== CR || value < 0 || value > max) {
      throw this.#damaged(at, 'a length is out of range');
    }
    return { value, next: end + 1 };
  }

  #command(args: string[], at: number): void {
    const name = args[0]!.toLowerCase();
    if (name === 'select' && args.length === 2) {
      this.#db = Number(args[1]);
    } else if (name === 'multi') {
      if (this.#transaction !== null) throw this.#damaged(at, 'MULTI inside MULTI');
      this.#transaction = [];
      this.#transactionStart = this.#offset + at;
    } else if (name === 'exec') {
      const queued = this.#transaction;
      if (queued === null) throw this.#damaged(at, 'EXEC without MULTI');
      this.#transaction = null;
      for (const command of queued) this.#pass(command.args, command.db);
    } else if (this.#transaction !== null) {
      this.#transaction.push({ args, db: this.#db });
    } else {
      this.#pass(args, this.#db);
    }
  }

  #pass(args: string[], db: number): void {
    this.commands++;
    this.#sink(args, db);
  }

  #damaged(at: number, what: string): OperationalError {
    return new OperationalError(
      'E_AOF',
      `${this.#path} is damaged at offset ${this.#offset + at}: ${what}. ` +
        'redis-check-aof can tell more.',
    );
  }
}

/**
 * Replays a file from `offset` on. Rejects with E_AOF or DiskFault. Returns how many bytes at the
 * end were cut short.
 */
export async function replayAof(
  file: DiskFile,
  path: string,
  offset: number,
  isLast: boolean,
  sink: CommandSink,
): Promise<{ commands: number; cutBytes: number }> {
  const reader = new AofReader(path, offset, sink);
  for (let at = offset; at < file.size; ) {
    const chunk = await file.read(at, Math.min(CHUNK_BYTES, file.size - at));
    if (chunk.length === 0) break;
    reader.push(chunk);
    at += chunk.length;
  }
  reader.finish();
  const cutBytes = file.size - reader.soundUpTo;
  if (cutBytes > 0 && !isLast) {
    throw new OperationalError(
      'E_AOF',
      `${path} ends within a command, and other files follow it.`,
    );
  }
  return { commands: reader.commands, cutBytes };
}
