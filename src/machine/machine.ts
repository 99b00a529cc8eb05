// Owns: the deterministic state machine of one member (architecture D3): entries in, replies out,
// nothing else. `apply` is the one place that changes the keyspace. Its result is a function of the
// state before and the entry; only the origin of a write is told its reply. Never sees a clock, I/O
// or a promise.

import { assert } from '../base/assert.js';
import type { LogRecord, OriginRun } from '../base/log-entry.js';
import { Scripting } from '../commands/scripting-runtime.js';
import type { DataCommand } from '../commands/spec.js';
import { Keyspace } from '../keyspace/keyspace.js';
import type { TouchMark } from '../keyspace/recent-touches.js';
import type { LuaInterpreter } from '../lua/lua-vm.js';
import { ErrorReply, NULL_ARRAY, OK, type Reply } from '../resp/reply.js';
import { arityMatches, ExecutionContext, execute, findCommand } from './executor.js';
import { Origins, type OriginsDump } from './origins.js';
import { PayloadReader } from './payload-reader.js';

/** Receives the results of this node's own writes, in sequence order. */
export interface ResultSink {
  beforeApply(seq: number): void;
  applied(seq: number, reply: Reply): void;
}

/** Who this node is among the origins. */
export interface OriginIdentity {
  readonly node: string;
  readonly incarnation: number;
}

/** What a snapshot carries besides the keys. Plain JSON values. */
export interface MachineState {
  readonly index: number;
  readonly term: number;
  readonly time: number;
  readonly origins: OriginsDump;
  readonly touches: { floor: number; marks: readonly TouchMark[] };
  /** Bodies of the script cache, latin1. */
  readonly scripts: readonly string[];
}

/**
 * Dead keys reclaimed at each entry at most; the rest waits for the next entry and is dead all the
 * same.
 */
const RECLAIM_PER_ENTRY = 256;

export class Machine {
  readonly keyspace = new Keyspace();
  /** Replicated time: the time of the last entry applied, ms. */
  time = 0;
  appliedIndex = 0;
  appliedTerm = 0;
  /** Client writes applied by this process since its start. */
  writes = 0;
  /** Told of failures that only a bug can cause. */
  onBug: (command: string, error: unknown) => void = () => {};

  readonly #self: OriginIdentity;
  readonly #origins = new Origins();
  readonly #reader = new PayloadReader();
  readonly #scripting: Scripting | null;
  readonly #writeContext: ExecutionContext;
  readonly #readContext: ExecutionContext;
  /** Database selected at this point of the entry's payload. */
  #db = 0;

  /** Without an interpreter EVAL answers an error: a member of a cluster always has one. */
  constructor(self: OriginIdentity, interpreter: LuaInterpreter | null = null) {
    this.#self = self;
    this.#scripting = interpreter === null ? null : this.#makeScripting(interpreter);
    this.#writeContext = new ExecutionContext(this.keyspace, this.#scripting);
    this.#readContext = new ExecutionContext(this.keyspace, this.#scripting);
  }

  /** Applies the next entry. `sink` hears of writes whose origin is this life of this node. */
  apply(record: LogRecord, sink: ResultSink): void {
    assert(record.index === this.appliedIndex + 1, 'entries are applied in order, once');
    this.appliedIndex = record.index;
    this.appliedTerm = record.term;
    this.time = Math.max(this.time, record.time);
    this.keyspace.beginEntry(record.index);
    this.keyspace.reclaimDead(this.time, RECLAIM_PER_ENTRY);
    if (record.kind !== 'batch') return;
    for (const run of record.runs) this.writes += run.count;
    this.#reader.reset(record.payload);
    this.#writeContext.begin(this.time, this.time, record.seed, 0);
    this.#db = 0;
    for (const run of record.runs) this.#applyRun(run, sink);
    this.#skipSelects();
    assert(this.#reader.atEnd, 'an entry has the writes its runs count');
  }

  /** Runs a command that only reads against the state as it is; `clock` (ms) is for display. */
  read(command: DataCommand, args: readonly string[], db: number, clock: number, seed = 0): Reply {
    this.#readContext.begin(this.time, Math.max(this.time, clock), seed, db);
    return execute(command, this.#readContext, args, this.onBug);
  }

  /** The last sequence number applied for a life of a node. */
  lastSeq(node: string, incarnation: number): number {
    return this.#origins.lastSeq(node, incarnation);
  }

  dumpState(): MachineState {
    return {
      index: this.appliedIndex,
      term: this.appliedTerm,
      time: this.time,
      origins: this.#origins.dump(),
      touches: this.keyspace.touches.dump(this.appliedIndex),
      scripts: this.#scripting?.dump() ?? [],
    };
  }

  /** Takes over what came with a snapshot whose keys are already in the keyspace. */
  loadState(state: MachineState): void {
    this.appliedIndex = state.index;
    this.appliedTerm = state.term;
    this.time = state.time;
    this.#origins.load(state.origins);
    this.keyspace.touches.load(state.touches);
    this.#scripting?.load(state.scripts);
  }

  #makeScripting(interpreter: LuaInterpreter): Scripting {
    return new Scripting(interpreter, {
      find: findCommand,
      accepts: arityMatches,
      run: (command, context, args) => execute(command, context, args, this.onBug),
    });
  }

  #applyRun(run: OriginRun, sink: ResultSink): void {
    const own = run.node === this.#self.node && run.incarnation === this.#self.incarnation;
    const origin = this.#origins.open(run.node, run.incarnation);
    for (let i = 0; i < run.count; i++) {
      const seq = run.firstSeq + i;
      const fresh = origin?.admit(seq) ?? false;
      if (own && fresh) sink.beforeApply(seq);
      const reply = this.#applyUnit(run, fresh);
      if (own && fresh) sink.applied(seq, reply);
    }
  }

  /**
   * One client write: a command, or a transaction. Its bytes are consumed whether it runs or not.
   */
  #applyUnit(run: OriginRun, fresh: boolean): Reply {
    let args = this.#skipSelects();
    assert(args !== null, 'a run has a write for each sequence number');
    let runs = fresh;
    let untouched = true;
    if (run.watchIndex > 0) {
      untouched = this.#watchHolds(args, run.watchIndex);
      runs = fresh && untouched;
      args = this.#reader.next();
    }
    if (isWord(args[0]!, 'multi')) {
      const reply = this.#applyTransaction(runs);
      return untouched ? reply : NULL_ARRAY;
    }
    return runs ? this.#run(args) : null;
  }

  /**
   * Consumes structural SELECTs; returns the command after them, or null at the end of the payload.
   */
  #skipSelects(): string[] | null {
    while (!this.#reader.atEnd) {
      const args = this.#reader.next();
      if (!isWord(args[0]!, 'select')) return args;
      this.#select(args);
    }
    return null;
  }

  #select(args: readonly string[]): void {
    this.#db = Number(args[1]);
    this.#writeContext.db = this.keyspace.database(this.#db);
  }

  #watchHolds(args: readonly string[], watchIndex: number): boolean {
    assert(isWord(args[0]!, 'watch'), 'a guarded transaction begins with WATCH');
    for (let i = 1; i < args.length; i++) {
      const touches = this.keyspace.touches;
      if (touches.touchedSince(this.#db, args[i]!, watchIndex, this.appliedIndex)) return false;
    }
    return true;
  }

  /** From behind MULTI to EXEC. SELECT inside changes the database and has a reply, as in Redis. */
  #applyTransaction(runs: boolean): Reply {
    const replies: Reply[] = [];
    for (;;) {
      const args = this.#reader.next();
      if (isWord(args[0]!, 'exec')) return replies;
      if (isWord(args[0]!, 'select')) {
        this.#select(args);
        replies.push(OK);
      } else if (runs) {
        replies.push(this.#run(args));
      }
    }
  }

  #run(args: readonly string[]): Reply {
    const command = findCommand(args);
    if (command === null) return new ErrorReply(`ERR unknown command '${args[0]!.slice(0, 128)}'`);
    return execute(command, this.#writeContext, args, this.onBug);
  }
}

function isWord(word: string, lower: string): boolean {
  return word.length === lower.length && word.toLowerCase() === lower;
}
