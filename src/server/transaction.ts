// Owns: the commands between MULTI and EXEC of one connection, and what EXEC makes of them: bytes
// for the log when one of them may write, otherwise reads on this node. Commands of the server
// (PING, CLIENT ...) cannot run in the machine: they stay here and run when the replies are put
// together. Bounded in number and bytes; beyond that the transaction fails and is forgotten.

import { ErrorReply, OK, type Reply } from '../resp/reply.js';
import { encodeCommand, nextCommand } from '../resp/request.js';
import { LATER, NOTHING } from './command.js';
import type { CommandEntry } from './command-table.js';
import { parseDatabase } from './database-argument.js';
import type { RespServer } from './resp-server.js';
import type { Session } from './session.js';
import type { Watch } from './watches.js';

const COMMANDS_MAX = 1024 * 1024;
const BYTES_MAX = 512 * 1024 * 1024;

const MULTI = encodeCommand(['MULTI']);
const EXEC = encodeCommand(['EXEC']);
const WOULD_WAIT = new ErrorReply('ERR this command cannot wait inside a transaction');

interface Queued {
  readonly entry: CommandEntry;
  readonly chunk: Buffer;
  readonly start: number;
  readonly end: number;
  /** Part of the log entry; the others run on this node when the replies are put together. */
  readonly logged: boolean;
}

/** Bytes of a transaction for the log. */
export interface TransactionBytes {
  readonly chunk: Buffer;
  readonly start: number;
  readonly end: number;
  /** Database before and behind them. */
  readonly db: number;
  readonly endDb: number;
}

export class Transaction {
  /** A command was refused while queueing: EXEC will answer EXECABORT. */
  failed = false;
  /** A command in the log part may change data. */
  mayWrite = false;
  denyOom = false;
  /** One of the commands does. */
  needsRoom = false;
  readonly #commands: Queued[] = [];
  /** Bytes kept in memory: chunks count whole. */
  #held = 0;
  #lastChunk: Buffer | null = null;
  /** Database selected at MULTI, and behind the last SELECT queued. */
  readonly #dbAtMulti: number;
  #db: number;
  #selects = false;
  /**
   * The request MULTI stood in; as long as all follow each other in its chunk nothing need be
   * copied.
   */
  readonly #chunk: Buffer;
  readonly #start: number;
  #contiguousEnd: number;
  /** The log part begins with a SELECT of our own, whose reply is dropped. */
  #hiddenSelect = false;

  constructor(db: number, chunk: Buffer, start: number, end: number) {
    this.#dbAtMulti = db;
    this.#db = db;
    this.#chunk = chunk;
    this.#start = start;
    this.#contiguousEnd = end;
  }

  get length(): number {
    return this.#commands.length;
  }

  get heldBytes(): number {
    return this.#held;
  }

  get selects(): boolean {
    return this.#selects;
  }

  /** False when the transaction has grown too large. */
  queue(entry: CommandEntry, chunk: Buffer, start: number, end: number): boolean {
    if (chunk !== this.#lastChunk) this.#held += chunk.length;
    this.#lastChunk = chunk;
    if (this.#commands.length >= COMMANDS_MAX || this.#held > BYTES_MAX) return this.#overflow();
    let logged = entry.data !== null;
    if (entry.route === 'select') {
      const db = parseDatabase(nextCommand(chunk, start).args[1]!);
      logged = typeof db === 'number';
      if (typeof db === 'number') {
        this.#db = db;
        this.#selects = true;
      }
    }
    if (entry.route === 'write') this.mayWrite = true;
    if (entry.denyOom) this.denyOom = true;
    if (entry.needsRoom) this.needsRoom = true;
    const follows = chunk === this.#chunk && start === this.#contiguousEnd;
    this.#contiguousEnd = follows && logged ? end : -1;
    this.#commands.push({ entry, chunk, start, end, logged });
    return true;
  }

  /**
   * The log part: WATCH of its guard, MULTI, the commands, EXEC. `chunk[start, end)` is the EXEC
   * request.
   */
  bytes(watch: Watch | null, chunk: Buffer, start: number, end: number): TransactionBytes {
    if (watch === null && chunk === this.#chunk && start === this.#contiguousEnd) {
      return { chunk, start: this.#start, end, db: this.#dbAtMulti, endDb: this.#db };
    }
    const parts: Buffer[] = [];
    if (watch !== null) parts.push(encodeCommand(['WATCH', ...watch.keys]));
    parts.push(MULTI);
    if (watch !== null && watch.db !== this.#dbAtMulti) {
      this.#hiddenSelect = true;
      parts.push(encodeCommand(['SELECT', String(this.#dbAtMulti)]));
    }
    for (const command of this.#commands) {
      if (command.logged) parts.push(command.chunk.subarray(command.start, command.end));
    }
    parts.push(EXEC);
    const bytes = Buffer.concat(parts);
    const db = watch?.db ?? this.#dbAtMulti;
    return { chunk: bytes, start: 0, end: bytes.length, db, endDb: this.#db };
  }

  /** Tells MONITOR the commands in order. */
  show(monitor: NonNullable<RespServer['monitor']>, session: Session): void {
    for (const { entry, chunk, start } of this.#commands) {
      if (!entry.skipMonitor) monitor(session, nextCommand(chunk, start).args);
    }
  }

  /**
   * The reply of EXEC from what the machine answered for the log part in `micros`, of which each
   * command is given the same share: the machine times them as one.
   */
  complete(reply: Reply, micros: number, session: Session, server: RespServer): Reply {
    if (!Array.isArray(reply)) return reply;
    if (this.#selects) session.db = this.#db;
    const share = micros / Math.max(1, this.#commands.length);
    let next = this.#hiddenSelect ? 1 : 0;
    return this.#commands.map((command): Reply => {
      if (!command.logged) return counted(runServerCommand(command, session, server), server);
      const own = reply[next++] as Reply;
      server.record(session, command.entry, share, own instanceof ErrorReply, null);
      return counted(own, server);
    });
  }

  /** Runs a transaction that only reads, on the state as it is. */
  runHere(session: Session, server: RespServer): Reply {
    let db = this.#dbAtMulti;
    const replies = this.#commands.map((command): Reply => {
      const { entry } = command;
      if (entry.route === 'select' && command.logged) {
        db = parseDatabase(nextCommand(command.chunk, command.start).args[1]!) as number;
        return OK;
      }
      if (entry.data === null) return counted(runServerCommand(command, session, server), server);
      const { args } = nextCommand(command.chunk, command.start);
      return counted(server.executeRead(session, entry, entry.data, args, db), server);
    });
    session.db = db;
    return replies;
  }

  #overflow(): boolean {
    this.failed = true;
    this.#commands.length = 0;
    this.#lastChunk = null;
    return false;
  }
}

/** INFO errorstats has the errors inside the reply of EXEC too. */
function counted(reply: Reply, server: RespServer): Reply {
  if (reply instanceof ErrorReply) server.countError(reply);
  return reply;
}

function runServerCommand(command: Queued, session: Session, server: RespServer): Reply {
  const { args } = nextCommand(command.chunk, command.start);
  session.inExec = true;
  const result = server.executeServer(session, command.entry, args);
  session.inExec = false;
  if (result === LATER) return WOULD_WAIT;
  return result === NOTHING ? null : result;
}
