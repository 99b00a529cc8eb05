// Owns: commands whose answers are still owed: what stands in a session's queue, in the order of
// the requests. Each knows how to take part in that order; the order itself is kept by session.ts.
//
// `pass` numbers the runs of a session's decoder. A read of pass p may use any state that contains
// every write acknowledged to anyone before pass p began; one monotone number per session
// (readablePass) is all that takes.

import type { PendingRead, PendingWrite } from '../replica/group.js';
import type { ErrorReply, Reply } from '../resp/reply.js';
import type { CommandEntry } from './command-table.js';
import type { Session } from './session.js';
import type { Transaction } from './transaction.js';
import type { Watch } from './watches.js';

export type Pending = WriteItem | ReadItem | WatchItem | ExecItem | ReadyItem;

/** A command, or a transaction, on its way through the log. */
export class WriteItem implements PendingWrite {
  readonly kind = 'write';
  readonly chunk: Buffer;
  readonly start: number;
  readonly end: number;
  readonly db: number;
  readonly endDb: number;
  readonly watchIndex: number;
  readonly session: Session;
  readonly entry: CommandEntry;
  readonly pass: number;
  /** Null for a single command. */
  readonly transaction: Transaction | null;
  /** Bytes it keeps in memory, for the bound on what a session may owe. */
  readonly held: number;
  /** Set once it has ended. */
  reply: Reply | undefined = undefined;
  /** Monotonic ms at which this node began to execute it. */
  startedAt = 0;

  constructor(
    session: Session,
    entry: CommandEntry,
    chunk: Buffer,
    start: number,
    end: number,
    db: number,
    endDb: number,
    pass: number,
    watchIndex: number,
    transaction: Transaction | null,
    held: number,
  ) {
    this.chunk = chunk;
    this.start = start;
    this.end = end;
    this.db = db;
    this.endDb = endDb;
    this.watchIndex = watchIndex;
    this.session = session;
    this.entry = entry;
    this.pass = pass;
    this.transaction = transaction;
    this.held = held;
  }

  beforeApply(): void {
    this.session.beforeApply(this);
  }

  onApplied(reply: Reply): void {
    this.session.applied(this, reply);
  }

  onFailed(error: ErrorReply): void {
    this.session.failed(this, error);
  }
}

/** A read of the keyspace waiting for its turn or for a state it may see. */
export class ReadItem {
  readonly kind = 'read';
  readonly pass: number;
  /** Any state will do. */
  readonly local: boolean;
  readonly entry: CommandEntry;
  readonly args: readonly string[];
  readonly db: number;
  readonly held: number;
  reply: Reply | undefined = undefined;

  constructor(
    entry: CommandEntry,
    args: readonly string[],
    db: number,
    pass: number,
    local: boolean,
    held: number,
  ) {
    this.pass = pass;
    this.local = local;
    this.entry = entry;
    this.args = args;
    this.db = db;
    this.held = held;
  }
}

/** WATCH: marks its keys at its place in the order. */
export class WatchItem {
  readonly kind = 'watch';
  readonly pass: number;
  readonly local: boolean;
  readonly entry: CommandEntry;
  readonly args: readonly string[];
  readonly db: number;
  readonly held: number;
  reply: Reply | undefined = undefined;

  constructor(
    entry: CommandEntry,
    args: readonly string[],
    db: number,
    pass: number,
    local: boolean,
    held: number,
  ) {
    this.pass = pass;
    this.local = local;
    this.entry = entry;
    this.args = args;
    this.db = db;
    this.held = held;
  }
}

/** EXEC of a transaction that only reads. */
export class ExecItem {
  readonly kind = 'exec';
  readonly pass: number;
  readonly local: boolean;
  readonly entry: CommandEntry;
  readonly transaction: Transaction;
  readonly watch: Watch | null;
  readonly held: number;
  reply: Reply | undefined = undefined;

  constructor(
    entry: CommandEntry,
    transaction: Transaction,
    watch: Watch | null,
    pass: number,
    local: boolean,
  ) {
    this.pass = pass;
    this.local = local;
    this.entry = entry;
    this.transaction = transaction;
    this.watch = watch;
    this.held = transaction.heldBytes;
  }
}

/** A reply that is known but must not overtake others; undefined while a command answers LATER. */
export class ReadyItem {
  readonly kind = 'ready';
  reply: Reply | undefined;
  /** The connection ends with this reply. */
  readonly closes: boolean;
  readonly held: number;

  constructor(reply: Reply | undefined, closes: boolean) {
    this.reply = reply;
    this.closes = closes;
    this.held = typeof reply === 'string' ? reply.length : 0;
  }
}

/** One question to the group: when may reads up to `pass` run? */
export class ReadTicket implements PendingRead {
  readonly session: Session;
  readonly pass: number;

  constructor(session: Session, pass: number) {
    this.session = session;
    this.pass = pass;
  }

  onReadable(): void {
    this.session.readable(this.pass);
  }

  onFailed(error: ErrorReply): void {
    this.session.unreadable(this.pass, error);
  }
}
