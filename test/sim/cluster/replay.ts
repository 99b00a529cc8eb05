// Owns: the sequential replay of the committed log, written apart from machine/machine.ts: the same
// commands against a keyspace of its own, with its own idea of which writes are repeats. What it
// answers is what everybody should have been answered.

import type { LogRecord, OriginRun } from '../../../src/base/log-entry.js';
import { Scripting } from '../../../src/commands/scripting-runtime.js';
import { Keyspace } from '../../../src/keyspace/keyspace.js';
import { LuaInterpreter } from '../../../src/lua/lua-vm.js';
import {
  arityMatches,
  ExecutionContext,
  execute,
  findCommand,
} from '../../../src/machine/executor.js';
import { encodeReply } from '../../../src/resp/encoder.js';
import { NULL_ARRAY, OK, type Reply } from '../../../src/resp/reply.js';
import { nextCommand } from '../../../src/resp/request.js';

/** One write of a client, as the log has it. */
export interface Unit {
  readonly identity: string;
  /** False for a repeat, and for what is behind a gap: it has no effect. */
  readonly ran: boolean;
  /** RESP2 bytes. */
  readonly reply: string;
}

const RECLAIM_PER_ENTRY = 256;

export class Replay {
  readonly keyspace = new Keyspace();
  time = 0;
  index = 0;
  /** Called before a unit takes effect, with its identity. */
  onBefore: (identity: string) => void = () => {};
  onUnit: (unit: Unit) => void = () => {};
  readonly #context: ExecutionContext;
  readonly #reading: ExecutionContext;
  readonly #lastSeq = new Map<string, { incarnation: number; seq: number }>();
  #payload: Buffer = Buffer.alloc(0);
  #at = 0;
  #db = 0;

  constructor(luaBinary: Uint8Array | null) {
    const scripting = luaBinary === null ? null : makeScripting(luaBinary);
    this.#context = new ExecutionContext(this.keyspace, scripting);
    this.#reading = new ExecutionContext(this.keyspace, scripting);
  }

  apply(record: LogRecord): void {
    this.index = record.index;
    this.time = Math.max(this.time, record.time);
    this.keyspace.beginEntry(record.index);
    this.keyspace.reclaimDead(this.time, RECLAIM_PER_ENTRY);
    if (record.kind !== 'batch') return;
    const { payload } = record;
    this.#payload = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
    this.#at = 0;
    this.#db = 0;
    this.#context.begin(this.time, this.time, record.seed, 0);
    for (const run of record.runs) {
      for (let i = 0; i < run.count; i++) this.#unit(run, run.firstSeq + i);
    }
  }

  /** What a read answers now. */
  read(args: readonly string[]): string {
    this.#reading.begin(this.time, this.time, 0, 0);
    return encodeReply(
      execute(findCommand(args)!, this.#reading, args, () => {}),
      2,
    );
  }

  #unit(run: OriginRun, seq: number): void {
    const commands = this.#commands();
    const ran = this.#admit(run, seq);
    const guard = run.watchIndex > 0 ? commands.shift()! : null;
    const transaction = isWord(commands[0]!, 'multi');
    const body = transaction ? commands.slice(1, -1) : commands;
    const identity = body.map((args) => args.join(' ')).join('\n');
    this.onBefore(ran ? identity : '');
    const holds = guard === null || !this.#touched(guard, run.watchIndex);
    const runs = ran && holds;
    const replies = body.map((args): Reply => {
      if (!isWord(args, 'select')) return runs ? this.#execute(args) : null;
      this.#select(args);
      return OK;
    });
    const reply = transaction ? (holds ? replies : NULL_ARRAY) : replies[0]!;
    this.onUnit({ identity, ran, reply: encodeReply(reply, 2) });
  }

  /** The commands of the next unit: one, or WATCH, MULTI ... EXEC. Skips what only selects. */
  #commands(): string[][] {
    const commands: string[][] = [];
    for (;;) {
      const args = this.#next();
      const outside = !commands.some((each) => isWord(each, 'multi'));
      if (outside && isWord(args, 'select')) {
        this.#select(args);
        continue;
      }
      commands.push(args);
      if (isWord(args, 'exec')) return commands;
      if (outside && !isWord(args, 'multi') && !isWord(args, 'watch')) return commands;
    }
  }

  #next(): string[] {
    const { args, end } = nextCommand(this.#payload, this.#at);
    this.#at = end;
    return [...args];
  }

  #select(args: readonly string[]): void {
    this.#db = Number(args[1]);
    this.#context.db = this.keyspace.database(this.#db);
  }

  #admit({ node, incarnation }: OriginRun, seq: number): boolean {
    const known = this.#lastSeq.get(node);
    if (known !== undefined && incarnation < known.incarnation) return false;
    const last = known?.incarnation === incarnation ? known.seq : 0;
    if (seq === last + 1) this.#lastSeq.set(node, { incarnation, seq });
    else if (last === 0) this.#lastSeq.set(node, { incarnation, seq: 0 });
    return seq === last + 1;
  }

  #touched(guard: readonly string[], since: number): boolean {
    const { touches } = this.keyspace;
    return guard.slice(1).some((key) => touches.touchedSince(this.#db, key, since, this.index));
  }

  #execute(args: readonly string[]): Reply {
    return execute(findCommand(args)!, this.#context, args, (name, error) => {
      throw new Error(`bug in ${name}: ${String(error)}`);
    });
  }
}

function makeScripting(luaBinary: Uint8Array): Scripting {
  return new Scripting(LuaInterpreter.of(luaBinary), {
    find: findCommand,
    accepts: arityMatches,
    run: (command, context, args) => execute(command, context, args, () => {}),
  });
}

function isWord(args: readonly string[], lower: string): boolean {
  return args[0]!.toLowerCase() === lower;
}
