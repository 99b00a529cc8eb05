// Owns: one RESP connection: its decoder, the queue of answers owed, and the flow control between
// them (output.ts has what goes out).
//
// Order (architecture D5): commands take effect in the order they were sent. Writes go to the group
// at once, one behind the other. A read runs when everything ahead of it has run and it may see the
// state: because the connection reads locally, the node may read now, a ticket of the group came
// back, or a write sent in the same pass is about to be or has been applied here (the state then
// has everything acknowledged before the pass began). A server command that is not `immediate`
// waits until nothing is owed.
//
// Bounds (D15): decoding stops, and then reading from the socket, while too much is owed, while the
// client does not take its output, or while a command has to wait. Output beyond the hard limit
// ends the connection. Nothing here throws on input; callbacks after the close do nothing.

import { assert } from '../base/assert.js';
import { RingBuffer } from '../base/ring-buffer.js';
import type { Timer } from '../platform/clock.js';
import type { Connection } from '../platform/net.js';
import { FAULT, NEED_MORE, RequestDecoder } from '../resp/decoder.js';
import { ErrorReply, type Reply } from '../resp/reply.js';
import type { Client } from './client.js';
import type { CommandEntry } from './command-table.js';
import { dispatch } from './dispatch.js';
import { HOLD, type Hold } from './hold.js';
import { Output } from './output.js';
import {
  type ExecItem,
  type Pending,
  type ReadItem,
  ReadTicket,
  ReadyItem,
  type WatchItem,
  WriteItem,
} from './pending.js';
import type { RespServer } from './resp-server.js';
import type { Transaction } from './transaction.js';
import { Watch } from './watches.js';

/**
 * Answers owed at most, and bytes of memory they hold, before decoding stops; it goes on at half.
 */
const OWED_MAX = 10_000;
const OWED_BYTES_MAX = 64 * 1024 * 1024;
/** ms a connection may take to accept its last bytes. */
const LINGER_MS = 5000;

export class Session implements Client {
  readonly id: number;
  readonly remote: string;
  readonly local: string;
  readonly connectedAt: number;
  lastActiveAt: number;
  name = '';
  libName = '';
  libVersion = '';
  db = 0;
  protocol: 2 | 3 = 2;
  user = 'default';
  lastCommand = 'NULL';
  noEvict = false;
  noTouch = false;
  readOnlyMode: boolean;
  replyMode: 'on' | 'off' | 'skip' = 'on';
  monitoring = false;
  closesAfterReply = false;
  /** Bytes of the server command that runs now. */
  runningBytes = 0;
  commandsProcessed = 0;
  readonly subscriptions = { channels: 0, patterns: 0, shardChannels: 0 };
  lastWriteIndex = 0;

  readonly server: RespServer;
  readonly decoder: RequestDecoder;
  /** Between MULTI and EXEC. */
  transaction: Transaction | null = null;
  watch: Watch | null = null;
  /** EXEC is putting replies together: commands may not wait. */
  inExec = false;
  /** How a command that answered LATER gives up (CLIENT UNBLOCK); set by that command. */
  unblockWith: ((how: 'timeout' | 'error') => Reply) | null = null;

  readonly #connection: Connection;
  readonly #owed = new RingBuffer<Pending>();
  #owedBytes = 0;
  /** Of the last write sent: its neighbours in the same chunk hold no more memory. */
  #lastChunk: Buffer | null = null;
  #later: ReadyItem | null = null;
  #laterCommand: { readonly entry: CommandEntry; readonly args: readonly string[] } | null = null;
  readonly #output: Output;
  #holds = 0;
  /** The command just decoded has not been dispatched yet. */
  #postponed = false;
  #readingPaused = false;
  #inputEnded = false;
  #linger: Timer | null = null;

  #pass = 0;
  /** Reads of passes up to here may run. */
  #readablePass = 0;
  /** The latest pass a ticket has been asked for. */
  #ticketPass = 0;
  #wantsTicket = false;
  /** In this pass: a read was queued ahead of any write; a write was sent. */
  #passReads = false;
  #passWrites = false;

  constructor(server: RespServer, connection: Connection, id: number, now: number) {
    this.id = id;
    this.remote = connection.remote;
    this.local = connection.local;
    this.connectedAt = now;
    this.lastActiveAt = now;
    this.readOnlyMode = !server.settings.readsLinearizable;
    this.server = server;
    this.decoder = new RequestDecoder(server.requestLimits);
    this.decoder.authenticated = server.settings.requirepass === '';
    this.#connection = connection;
    this.#output = new Output(this, connection);
    connection.onData((chunk) => this.#received(chunk));
    connection.onDrain(() => this.release(HOLD.OUTPUT));
    connection.onEnd?.(() => this.#peerEnded());
    connection.onClose(() => {
      this.#linger?.cancel();
      this.#dispose();
    });
  }

  get authenticated(): boolean {
    return this.decoder.authenticated;
  }

  set authenticated(value: boolean) {
    this.decoder.authenticated = value;
  }

  get inMulti(): boolean {
    return this.transaction !== null || this.inExec;
  }

  get queuedCommands(): number {
    return this.transaction?.length ?? 0;
  }

  get watchedKeys(): number {
    return this.watch?.keys.size ?? 0;
  }

  get blocked(): boolean {
    return this.#later !== null || (this.#holds & HOLD.PAUSE) !== 0;
  }

  get inputBytes(): number {
    return this.decoder.buffered + this.runningBytes;
  }

  get outputBytes(): number {
    return this.#output.bytes;
  }

  get subscribed(): boolean {
    const { channels, patterns, shardChannels } = this.subscriptions;
    return channels + patterns + shardChannels > 0;
  }

  get closed(): boolean {
    return (this.#holds & HOLD.CLOSED) !== 0;
  }

  /** Nothing is owed: a command may run and answer at once. */
  get settled(): boolean {
    return this.#owed.length === 0;
  }

  get pass(): number {
    return this.#pass;
  }

  /** A read of this connection need not wait for anything. */
  get canReadNow(): boolean {
    return this.#owed.length === 0 && (this.readOnlyMode || this.server.group.canReadNow);
  }

  // Input.

  #received(chunk: Buffer): void {
    if (this.closed) return;
    this.server.stats.bytesIn += chunk.length;
    this.lastActiveAt = this.server.beginTurn();
    this.decoder.feed(chunk);
    if (this.#holds === 0) this.#process();
    else this.#pauseReading();
  }

  /**
   * The client will send no more; what it sent is still answered. One that waits for something has
   * left.
   */
  #peerEnded(): void {
    if (this.#later !== null) {
      this.close('now');
      return;
    }
    this.#inputEnded = true;
    this.server.wake(this);
  }

  /** Decodes and dispatches until the input is used up or something has to be waited for. */
  #process(): void {
    const { decoder, server } = this;
    this.#pass++;
    this.#passReads = false;
    this.#passWrites = false;
    while (this.#holds === 0) {
      if (this.#postponed) {
        this.#postponed = false;
      } else {
        const found = decoder.next();
        if (found === NEED_MORE) break;
        if (found === FAULT) {
          this.#fault();
          break;
        }
      }
      dispatch(server, this, decoder);
    }
    if (this.#passReads) this.#askToRead();
  }

  /** Ends the connection behind the answers owed. */
  #fault(): void {
    this.#owe(new ReadyItem(new ErrorReply(this.decoder.fault), true));
    this.#holds |= HOLD.ORDER;
    this.advance();
  }

  /** The command being dispatched is dispatched again once `why` is released. */
  postpone(why: Hold): void {
    this.#postponed = true;
    this.#holds |= why;
  }

  hold(why: Hold): void {
    this.#holds |= why;
  }

  release(why: Hold): void {
    if ((this.#holds & why) === 0) return;
    this.#holds &= ~why;
    this.server.wake(this);
  }

  /** Called by the server at a point where commands may run: what had to wait goes on. */
  wakeUp(): void {
    if (this.closed) return;
    if (this.#wantsTicket) {
      this.#wantsTicket = false;
      if (this.#ticketPass < this.#pass) this.#requestTicket();
    }
    this.advance();
    if (this.#holds === 0) this.#process();
    if (this.#holds === 0 && this.#readingPaused) {
      this.#readingPaused = false;
      this.#connection.resume();
    }
    if (this.#inputEnded && this.#holds === 0 && this.#owed.length === 0) this.close('soon');
  }

  #pauseReading(): void {
    if (this.#readingPaused) return;
    this.#readingPaused = true;
    this.#connection.pause();
  }

  // The queue of answers owed.

  /** Gives the answer of the command being dispatched, in its place. */
  answer(reply: Reply): void {
    if (this.#owed.length === 0) this.#emit(reply);
    else this.#owe(new ReadyItem(reply, false));
  }

  /** The command being dispatched answers through `resolve`; nothing else runs until then. */
  answerLater(entry: CommandEntry, args: readonly string[]): void {
    assert(this.#later === null, 'one command waits at a time');
    this.#later = new ReadyItem(undefined, false);
    this.#laterCommand = { entry, args };
    this.#owe(this.#later);
    this.#holds |= HOLD.ORDER;
  }

  resolve(reply: Reply, micros = 0): void {
    if (this.closed) return;
    assert(this.#later !== null, 'a command waits for its answer');
    const { entry, args } = this.#laterCommand!;
    this.server.noteRunTime(this, entry, micros, args);
    this.#later.reply = reply;
    this.#later = null;
    this.#laterCommand = null;
    this.unblockWith = null;
    this.advance();
  }

  unblock(how: 'timeout' | 'error'): boolean {
    if (this.unblockWith === null || this.closed) return false;
    this.resolve(this.unblockWith(how));
    return true;
  }

  sendWrite(
    entry: CommandEntry,
    chunk: Buffer,
    start: number,
    end: number,
    db: number,
    endDb: number,
    watchIndex: number,
    transaction: Transaction | null,
  ): void {
    const item = new WriteItem(
      this,
      entry,
      chunk,
      start,
      end,
      db,
      endDb,
      this.#pass,
      watchIndex,
      transaction,
      chunk === this.#lastChunk ? 0 : chunk.length,
    );
    this.#lastChunk = chunk;
    this.#passWrites = true;
    this.#owe(item);
    this.server.group.write(item);
  }

  /** Queues something that reads; it runs when its turn comes and the state may be seen. */
  owe(item: ReadItem | WatchItem | ExecItem): void {
    if (!this.#passWrites && !item.local) this.#passReads = true;
    this.#owe(item);
  }

  #owe(item: Pending): void {
    this.#owed.push(item);
    this.#owedBytes += item.held;
    if (this.#owed.length >= OWED_MAX || this.#owedBytes >= OWED_BYTES_MAX) {
      this.#holds |= HOLD.OWED;
    }
  }

  /** Runs and answers from the head of the queue as far as possible. */
  advance(): void {
    const owed = this.#owed;
    for (let item = owed.peek(); item !== undefined; item = owed.peek()) {
      if (item.reply === undefined && !this.#runReady(item)) break;
      owed.shift();
      this.#emitItem(item);
    }
    this.#settle();
  }

  /** Runs a read if it may run now. */
  #runReady(item: Pending): boolean {
    if (item.kind === 'write' || item.kind === 'ready') return false;
    if ((this.#holds & HOLD.OUTPUT) !== 0) return false;
    if (!item.local && item.pass > this.#readablePass && !this.server.group.canReadNow) {
      if (this.#ticketPass < item.pass && !this.#wantsTicket) {
        this.#wantsTicket = true;
        this.server.wake(this);
      }
      return false;
    }
    item.reply = this.#run(item);
    return true;
  }

  #run(item: ReadItem | WatchItem | ExecItem): Reply {
    const { server } = this;
    if (item.kind === 'read') {
      return server.executeRead(this, item.entry, item.entry.data!, item.args, item.db);
    }
    if (item.kind === 'watch') {
      return server.executeWatch(this, item.entry, item.args, item.db);
    }
    return server.executeTransaction(this, item.entry, item.transaction, item.watch);
  }

  #emitItem(item: Pending): void {
    this.#owedBytes -= item.held;
    this.#emit(item.reply!);
    if (item.kind === 'ready' && item.closes) this.close('soon');
  }

  #settle(): void {
    const length = this.#owed.length;
    if (length === 0) {
      this.#lastChunk = null;
      if (this.#inputEnded) this.server.wake(this);
    }
    if (length === 0 && (this.#holds & HOLD.ORDER) !== 0) this.release(HOLD.ORDER);
    if ((this.#holds & HOLD.OWED) !== 0) {
      if (length <= OWED_MAX / 2 && this.#owedBytes <= OWED_BYTES_MAX / 2) this.release(HOLD.OWED);
    }
  }

  // What the group tells.

  /** The write is applied next: reads ahead of it run on the state before it. */
  beforeApply(write: WriteItem): void {
    if (this.closed) return;
    this.#readablePass = Math.max(this.#readablePass, write.pass);
    const owed = this.#owed;
    for (let item = owed.peek(); item !== write; item = owed.peek()) {
      if (item === undefined || (item.kind === 'write' && item.reply === undefined)) break;
      if (item.kind !== 'write' && item.kind !== 'ready') item.reply ??= this.#run(item);
      owed.shift();
      this.#emitItem(item);
      if (this.closed) return;
    }
    write.startedAt = this.server.clock.monotonic();
  }

  applied(write: WriteItem, reply: Reply): void {
    const { server } = this;
    const micros = server.recordWrite(this, write, reply);
    if (this.closed) return;
    this.#readablePass = Math.max(this.#readablePass, write.pass);
    this.lastWriteIndex = server.group.machine.appliedIndex;
    const { transaction } = write;
    const whole = transaction === null ? reply : transaction.complete(reply, micros, this, server);
    this.#finish(write, whole);
  }

  failed(write: WriteItem, error: ErrorReply): void {
    if (this.closed) return;
    this.server.rejected(write.entry);
    this.#finish(write, error);
  }

  #finish(write: WriteItem, reply: Reply): void {
    write.reply = reply;
    if (this.#owed.peek() !== write || this.#owed.length > 1) {
      this.advance();
      return;
    }
    this.#owed.shift();
    this.#emitItem(write);
    this.#settle();
  }

  readable(pass: number): void {
    if (this.closed) return;
    this.#readablePass = Math.max(this.#readablePass, pass);
    this.advance();
  }

  unreadable(pass: number, error: ErrorReply): void {
    if (this.closed) return;
    if (this.#ticketPass === pass) this.#ticketPass = 0;
    const owed = this.#owed;
    for (let item = owed.peek(); item !== undefined; item = owed.peek()) {
      if (item.reply === undefined) {
        if (item.kind === 'write' || item.kind === 'ready' || item.pass > pass) break;
        item.reply = error;
      }
      owed.shift();
      this.#emitItem(item);
    }
    this.advance();
  }

  /** At the end of a pass that queued reads ahead of its writes. */
  #askToRead(): void {
    if (this.closed) return;
    if (this.server.group.canReadNow) this.advance();
    else if (this.#ticketPass < this.#pass) this.#requestTicket();
  }

  #requestTicket(): void {
    this.#ticketPass = this.#pass;
    this.server.group.read(new ReadTicket(this, this.#pass));
  }

  // WATCH.

  /** Takes the watch out of the connection; whoever takes it removes it from the table. */
  takeWatch(): Watch | null {
    const { watch } = this;
    this.watch = null;
    return watch;
  }

  /** Forgets MULTI and WATCH. */
  discard(): void {
    this.transaction = null;
    this.unwatch();
  }

  unwatch(): void {
    const watch = this.takeWatch();
    if (watch !== null) this.server.watches.remove(watch);
  }

  watchKeys(db: number, keys: readonly string[], now: number): void {
    this.watch ??= new Watch(db);
    for (const key of keys) this.server.watches.add(this.watch, key, now);
  }

  // Output.

  /**
   * Sends something that answers no command (pub/sub, MONITOR), behind what was answered so far.
   */
  push(reply: Reply): void {
    if (!this.closed) this.#output.append(reply);
  }

  #emit(reply: Reply): void {
    if (reply instanceof ErrorReply) this.server.countError(reply);
    if (this.replyMode === 'on') {
      if (!this.closed) this.#output.append(reply);
    } else if (this.replyMode === 'skip') {
      this.replyMode = 'on';
    }
    if (this.closesAfterReply) this.close('soon');
  }

  /** Hands the replies to the socket. */
  flush(): void {
    if (!this.closed) this.#output.flush();
  }

  /**
   * Once a second: ends connections that idle or stay over the soft limit too long. `now`: ms
   * since 1970.
   */
  check(now: number): void {
    const { idleTimeout } = this.server.settings;
    const watches = this.subscribed || this.monitoring;
    const idle = this.settled && this.#later === null && !watches;
    if (idleTimeout > 0 && idle && now - this.lastActiveAt > idleTimeout * 1000) {
      this.close('now');
      return;
    }
    this.#output.check(now);
  }

  close(when: 'soon' | 'now'): void {
    if (this.closed) return;
    if (when === 'soon') {
      this.flush();
      if (this.closed) return;
      this.#connection.end();
      this.#linger = this.server.clock.after(LINGER_MS, () => this.#connection.destroy());
    } else {
      this.#connection.destroy();
    }
    this.#dispose();
  }

  #dispose(): void {
    if (this.closed) return;
    this.#holds |= HOLD.CLOSED;
    this.#output.drop();
    this.#owed.clear();
    this.#lastChunk = null;
    this.#later = null;
    this.#laterCommand = null;
    this.transaction = null;
    this.unwatch();
    this.server.sessionClosed(this);
  }
}
