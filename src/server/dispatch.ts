// Owns: what happens to a request from the moment it is decoded: the checks of Redis 7.2 in its
// order, then the way of its route. Every request gets exactly one answer, is queued by MULTI, or
// is postponed and dispatched again.

import { wrongArity } from '../commands/errors.js';
import type { RequestDecoder } from '../resp/decoder.js';
import { ErrorReply, NULL_ARRAY, OK, QUEUED } from '../resp/reply.js';
import { LATER, NOTHING } from './command.js';
import type { CommandEntry, Route } from './command-table.js';
import { stopMonitoring } from './commands/monitor.js';
import { HOLD } from './hold.js';
import { ExecItem, ReadItem, WatchItem } from './pending.js';
import type { RespServer } from './resp-server.js';
import type { Session } from './session.js';
import { Transaction } from './transaction.js';

const NO_AUTH = new ErrorReply('NOAUTH Authentication required.');
const NOT_IN_MULTI = new ErrorReply('ERR Command not allowed inside a transaction');
const OUT_OF_MEMORY = new ErrorReply("OOM command not allowed when used memory > 'maxmemory'.");
const NESTED_MULTI = new ErrorReply('ERR MULTI calls can not be nested');
const EXEC_WITHOUT_MULTI = new ErrorReply('ERR EXEC without MULTI');
const DISCARD_WITHOUT_MULTI = new ErrorReply('ERR DISCARD without MULTI');
const WATCH_IN_MULTI = new ErrorReply('ERR WATCH inside MULTI is not allowed');
const ABORTED = new ErrorReply('EXECABORT Transaction discarded because of previous errors.');
const TOO_LARGE = new ErrorReply('ERR transaction too large');

type Handler = (
  server: RespServer,
  session: Session,
  entry: CommandEntry,
  request: RequestDecoder,
) => void;

const HANDLERS: Readonly<Record<Route, Handler>> = {
  read: dispatchRead,
  write: dispatchWrite,
  server: dispatchServer,
  select: dispatchServer,
  leave: dispatchServer,
  multi: beginTransaction,
  exec: dispatchExec,
  discard: discardTransaction,
  watch: dispatchWatch,
  'cross-protocol': refuseCrossProtocol,
  parent: () => {},
};

/** These act at once inside MULTI; all others are queued. */
const UNQUEUED: ReadonlySet<Route> = new Set([
  'exec',
  'discard',
  'multi',
  'watch',
  'leave',
  'cross-protocol',
]);

export function dispatch(server: RespServer, session: Session, request: RequestDecoder): void {
  const entry = server.table.find(request);
  const refusal = refusalOf(server, session, entry, request);
  if (refusal !== null) {
    reject(server, session, entry, refusal);
    return;
  }
  if (server.paused && mustPause(server, session, entry!)) {
    session.postpone(HOLD.PAUSE);
    server.heldByPause.add(session);
    return;
  }
  accept(server, session, entry!, request);
}

function accept(
  server: RespServer,
  session: Session,
  entry: CommandEntry,
  request: RequestDecoder,
): void {
  const { route } = entry;
  if (session.transaction !== null && !UNQUEUED.has(route)) {
    queue(server, session, entry, request, session.transaction);
    return;
  }
  if (entry.server !== null && !session.settled && !entry.immediate && waits(route)) {
    session.postpone(HOLD.ORDER);
    return;
  }
  session.lastCommand = entry.name;
  session.commandsProcessed++;
  if (server.monitor !== null) show(server.monitor, server, session, entry, request);
  if (route === 'write') dispatchWrite(server, session, entry, request);
  else if (route === 'read') dispatchRead(server, session, entry, request);
  else HANDLERS[route](server, session, entry, request);
}

/** For MONITOR: a transaction's commands are shown when EXEC runs them, ahead of it. */
function show(
  monitor: NonNullable<RespServer['monitor']>,
  server: RespServer,
  session: Session,
  entry: CommandEntry,
  request: RequestDecoder,
): void {
  const { transaction, watch } = session;
  const runs = entry.route === 'exec' && transaction !== null && !transaction.failed;
  if (runs && (watch === null || !server.touched(watch))) transaction.show(monitor, session);
  // Who leaves by RESET is not shown it any more.
  if (entry.name === 'reset') stopMonitoring(session, server);
  if (!entry.skipMonitor) monitor(session, request.arguments());
}

function waits(route: Route): boolean {
  return route === 'server' || route === 'leave';
}

/** The error that keeps a request from being executed or queued, or null. */
function refusalOf(
  server: RespServer,
  session: Session,
  entry: CommandEntry | null,
  request: RequestDecoder,
): ErrorReply | null {
  if (entry === null) return unknownCommand(server, request);
  if (entry.route === 'cross-protocol') return null;
  if (!entry.accepts(request.count) || entry.route === 'parent') return wrongArity(entry.name);
  if (!session.authenticated && !entry.noAuth) return NO_AUTH;
  if (session.transaction !== null && entry.noMulti) return NOT_IN_MULTI;
  const { quarantine } = server.group;
  if (quarantine !== null && usesData(entry)) return quarantine;
  if (server.outOfMemory && deniedWithoutMemory(session, entry)) return OUT_OF_MEMORY;
  const { growthRefusal } = server.group;
  if (growthRefusal !== null && deniedWithoutRoom(session, entry)) return growthRefusal;
  if (!entry.whileSubscribed && session.protocol === 2 && session.subscribed) {
    return notWhileSubscribed(entry.name);
  }
  return null;
}

function usesData(entry: CommandEntry): boolean {
  return entry.data !== null || entry.route === 'exec' || entry.route === 'watch';
}

function deniedWithoutMemory(session: Session, entry: CommandEntry): boolean {
  const { transaction } = session;
  if (transaction === null) return entry.denyOom;
  if (entry.route === 'exec') return transaction.denyOom;
  return entry.route !== 'discard' && entry.route !== 'leave';
}

/** Deletes and expiry, and transactions of nothing else, go through. */
function deniedWithoutRoom(session: Session, entry: CommandEntry): boolean {
  const { transaction } = session;
  if (transaction !== null && entry.route === 'exec') return transaction.needsRoom;
  return entry.needsRoom;
}

const ALLOWED_WHILE_SUBSCRIBED = '(P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET';

function notWhileSubscribed(name: string): ErrorReply {
  return new ErrorReply(
    `ERR Can't execute '${name}': only ${ALLOWED_WHILE_SUBSCRIBED} are allowed in this context`,
  );
}

const QUOTED_MAX = 128;

function unknownCommand(server: RespServer, request: RequestDecoder): ErrorReply {
  const word = request.argument(0);
  if (server.table.isParent(word) && request.count > 1) {
    const sub = untilNul(request.argument(1)).slice(0, QUOTED_MAX);
    return new ErrorReply(`ERR unknown subcommand '${sub}'. Try ${word.toUpperCase()} HELP.`);
  }
  let args = '';
  for (let i = 1; i < request.count && args.length < QUOTED_MAX; i++) {
    args += `'${untilNul(request.argument(i)).slice(0, QUOTED_MAX - args.length)}' `;
  }
  const name = untilNul(word).slice(0, QUOTED_MAX);
  return new ErrorReply(`ERR unknown command '${name}', with args beginning with: ${args}`);
}

/** Redis prints arguments as C strings. */
function untilNul(text: string): string {
  const nul = text.indexOf('\0');
  return nul < 0 ? text : text.slice(0, nul);
}

/**
 * Answers an error to a request that was not executed; a transaction being queued is lost with it.
 */
function reject(
  server: RespServer,
  session: Session,
  entry: CommandEntry | null,
  error: ErrorReply,
): void {
  if (entry !== null) server.rejected(entry);
  if (entry?.route === 'exec') {
    abort(session, because(error));
    return;
  }
  if (session.transaction !== null) session.transaction.failed = true;
  session.answer(error);
}

/** A command that ran and answers an error. */
function fail(server: RespServer, session: Session, entry: CommandEntry, error: ErrorReply): void {
  server.record(session, entry, 0, true, null);
  session.answer(error);
}

function mustPause(server: RespServer, session: Session, entry: CommandEntry): boolean {
  if (entry.name === 'client|unpause') return false;
  if (server.pause.mode === 'all') return true;
  return entry.mayWrite || (entry.route === 'exec' && session.transaction?.mayWrite === true);
}

// Routes.

function dispatchRead(
  server: RespServer,
  session: Session,
  entry: CommandEntry,
  request: RequestDecoder,
): void {
  const args = request.arguments();
  if (session.canReadNow) {
    session.answer(server.executeReadInPass(session, entry, entry.data!, args));
  } else {
    const { db, pass, readOnlyMode } = session;
    session.owe(new ReadItem(entry, args, db, pass, readOnlyMode, request.end - request.start));
  }
}

function dispatchWrite(
  server: RespServer,
  session: Session,
  entry: CommandEntry,
  request: RequestDecoder,
): void {
  const refusal = server.group.refusal();
  if (refusal !== null) {
    server.rejected(entry);
    session.answer(refusal);
    return;
  }
  const { db } = session;
  session.sendWrite(entry, request.chunk, request.start, request.end, db, db, 0, null);
}

function dispatchServer(
  server: RespServer,
  session: Session,
  entry: CommandEntry,
  request: RequestDecoder,
): void {
  const args = request.arguments();
  session.runningBytes = request.end - request.start;
  const result = server.executeServer(session, entry, args);
  session.runningBytes = 0;
  if (result === LATER) session.answerLater(entry, args);
  else if (result !== NOTHING) session.answer(result);
}

function dispatchWatch(
  server: RespServer,
  session: Session,
  entry: CommandEntry,
  request: RequestDecoder,
): void {
  if (session.transaction !== null) {
    fail(server, session, entry, WATCH_IN_MULTI);
    return;
  }
  const args = request.arguments();
  if (session.canReadNow) {
    session.answer(server.executeWatch(session, entry, args, session.db));
    return;
  }
  const { db, pass, readOnlyMode } = session;
  session.owe(new WatchItem(entry, args, db, pass, readOnlyMode, request.end - request.start));
  session.hold(HOLD.ORDER);
}

function beginTransaction(
  server: RespServer,
  session: Session,
  entry: CommandEntry,
  request: RequestDecoder,
): void {
  if (session.transaction !== null) {
    fail(server, session, entry, NESTED_MULTI);
    return;
  }
  server.record(session, entry, 0, false, null);
  session.transaction = new Transaction(session.db, request.chunk, request.start, request.end);
  session.answer(OK);
}

function discardTransaction(server: RespServer, session: Session, entry: CommandEntry): void {
  if (session.transaction === null) {
    fail(server, session, entry, DISCARD_WITHOUT_MULTI);
    return;
  }
  server.record(session, entry, 0, false, null);
  session.discard();
  session.answer(OK);
}

function queue(
  server: RespServer,
  session: Session,
  entry: CommandEntry,
  request: RequestDecoder,
  transaction: Transaction,
): void {
  session.lastCommand = entry.name;
  if (transaction.failed) {
    session.answer(QUEUED);
  } else if (transaction.queue(entry, request.chunk, request.start, request.end)) {
    session.answer(QUEUED);
  } else {
    reject(server, session, entry, TOO_LARGE);
  }
}

function because(error: ErrorReply): ErrorReply {
  const text = error.text.replace(/^ERR /, '');
  return new ErrorReply(`EXECABORT Transaction discarded because of: ${text}`);
}

function abort(session: Session, error: ErrorReply): void {
  session.discard();
  session.answer(error);
}

function dispatchExec(
  server: RespServer,
  session: Session,
  entry: CommandEntry,
  request: RequestDecoder,
): void {
  const { transaction, watch } = session;
  if (transaction === null) {
    fail(server, session, entry, EXEC_WITHOUT_MULTI);
  } else if (transaction.failed) {
    session.discard();
    fail(server, session, entry, ABORTED);
  } else if (watch !== null && server.touched(watch)) {
    server.record(session, entry, 0, false, null);
    session.discard();
    session.answer(NULL_ARRAY);
  } else if (transaction.mayWrite) {
    execThroughLog(server, session, entry, request, transaction);
  } else {
    execHere(server, session, entry, transaction);
  }
}

function execThroughLog(
  server: RespServer,
  session: Session,
  entry: CommandEntry,
  request: RequestDecoder,
  transaction: Transaction,
): void {
  const refusal = server.group.refusal();
  if (refusal !== null) {
    server.rejected(entry);
    abort(session, because(refusal));
    return;
  }
  const { chunk, start, end } = request;
  const bytes = transaction.bytes(session.watch, chunk, start, end);
  const { db, endDb } = bytes;
  // From here on the machine guards the keys: nothing up to the applied index has touched them.
  const watchIndex = session.watch === null ? 0 : Math.max(1, server.group.appliedIndex);
  session.discard();
  const { chunk: payload, start: from, end: to } = bytes;
  session.sendWrite(entry, payload, from, to, db, endDb, watchIndex, transaction);
  if (transaction.selects) session.hold(HOLD.ORDER);
}

function execHere(
  server: RespServer,
  session: Session,
  entry: CommandEntry,
  transaction: Transaction,
): void {
  session.transaction = null;
  const watch = session.takeWatch();
  if (session.canReadNow) {
    session.answer(server.executeTransaction(session, entry, transaction, watch));
    return;
  }
  const local = session.readOnlyMode;
  session.owe(new ExecItem(entry, transaction, watch, session.pass, local));
  if (transaction.selects) session.hold(HOLD.ORDER);
}

function refuseCrossProtocol(server: RespServer, session: Session): void {
  server.warn(
    `closing ${session.remote}: it speaks HTTP to this port, as a browser made to attack would`,
  );
  session.close('now');
}
