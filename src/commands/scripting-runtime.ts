// Owns: scripts as part of the machine: the cache by SHA1 (replicated state: the same on every
// member, carried by snapshots), and the run of one script with its commands, database, protocol
// and permissions. Writes a script made before it failed or was stopped stay, as in Redis; every
// member stops it at the same step.

import { assert } from '../base/assert.js';
import { sha1Hex } from '../base/sha1.js';
import type { Database } from '../keyspace/database.js';
import type { LuaInterpreter, LuaVm } from '../lua/lua-vm.js';
import { ScriptEngine, type StopReason } from '../lua/script-engine.js';
import { ErrorReply, type Reply } from '../resp/reply.js';
import { cText, errorText, type RespVersion, replyOf } from './scripting-conversion.js';
import { costOf, walks } from './scripting-cost.js';
import { redisLibrary } from './scripting-redis.js';
import { parseHeader, type ScriptHeader } from './scripting-shebang.js';
import { findSpecial, SERVER_ONLY } from './scripting-specials.js';
import type { CommandContext, DataCommand } from './spec.js';

/** How the machine finds and runs data commands. */
export interface CommandRunner {
  find(args: readonly string[]): DataCommand | null;
  accepts(command: DataCommand, count: number): boolean;
  run(command: DataCommand, context: CommandContext, args: readonly string[]): Reply;
}

/** Flags of a command that decide whether a script may call it. */
interface Rights {
  readonly noScript: boolean;
  readonly write: boolean;
}

export interface Script {
  readonly sha: string;
  readonly body: string;
  readonly header: ScriptHeader;
}

const UNKNOWN = new ErrorReply('ERR Unknown Redis command called from script');
const WRONG_COUNT = new ErrorReply('ERR Wrong number of args calling Redis command from script');
const NOT_ALLOWED = new ErrorReply('ERR This Redis command is not allowed from script');
const READ_ONLY = new ErrorReply('ERR Write commands are not allowed from read-only scripts.');
const WRITES_FLAG = new ErrorReply(
  'ERR Can not execute a script with write flag using *_ro command.',
);

const COMPILE_FAILED = 'ERR Error compiling script (new function): ';

const STOPPED: Readonly<Record<StopReason, string>> = {
  fuel: 'script took too many steps and was stopped; what it wrote before stays',
  depth: 'script matched a pattern with too many parts and was stopped; what it wrote before stays',
  fault: 'script was stopped by a fault of the interpreter; what it wrote before stays',
};

export class Scripting {
  /** Protocol of the replies the running script sees (redis.setresp). */
  resp: RespVersion = 2;
  readonly #scripts = new Map<string, Script>();
  readonly #byBody = new Map<string, Script>();
  readonly #runner: CommandRunner;
  readonly #engine: ScriptEngine;
  readonly #rights = new Map<DataCommand, Rights>();
  #context: CommandContext | null = null;
  #readOnly = false;
  /** Bytes of the bodies kept. */
  bytes = 0;

  constructor(interpreter: LuaInterpreter, runner: CommandRunner) {
    this.#runner = runner;
    this.#engine = new ScriptEngine(interpreter, [(vm) => redisLibrary(vm, this)]);
  }

  // ---- the cache

  get count(): number {
    return this.#scripts.size;
  }

  find(sha: string): Script | undefined {
    return this.#scripts.get(sha.length === 40 ? sha.toLowerCase() : sha);
  }

  has(sha: string): boolean {
    return this.#scripts.has(sha);
  }

  /**
   * The script with this body, checked; not kept. Throws the error Redis answers for one that does
   * not compile.
   */
  prepare(body: string): Script {
    const known = this.#byBody.get(body);
    if (known !== undefined) return known;
    const header = parseHeader(body);
    if (typeof header === 'string') throw new ErrorReply(errorText(`ERR ${header}`));
    const script = { sha: sha1Hex(body), body, header };
    const image = this.#engine.compile(script.sha, body.slice(header.length));
    if (typeof image !== 'string') return script;
    throw new ErrorReply(errorText(`${COMPILE_FAILED}${image}`));
  }

  /** Keeps a script that `prepare` returned. */
  keep(script: Script): void {
    if (this.#scripts.has(script.sha)) return;
    this.#scripts.set(script.sha, script);
    this.#byBody.set(script.body, script);
    this.bytes += script.body.length;
  }

  flush(): void {
    this.#scripts.clear();
    this.#byBody.clear();
    this.bytes = 0;
    this.#engine.forgetImages();
  }

  /** Bodies, in the order they came; latin1. */
  dump(): readonly string[] {
    return [...this.#byBody.keys()];
  }

  load(bodies: readonly string[]): void {
    this.flush();
    for (const body of bodies) {
      const header = parseHeader(body);
      assert(typeof header !== 'string', 'a kept script has a valid header');
      this.keep({ sha: sha1Hex(body), body, header });
    }
  }

  // ---- one run

  /** Runs a script. `readOnly`: it came by EVAL_RO or EVALSHA_RO. */
  run(
    context: CommandContext,
    script: Script,
    keys: readonly string[],
    args: readonly string[],
    readOnly: boolean,
  ): Reply {
    const { header } = script;
    if (readOnly && !header.compatible && !header.noWrites) throw WRITES_FLAG;
    const image = this.#engine.compile(script.sha, script.body.slice(header.length));
    if (typeof image === 'string') throw new ErrorReply(errorText(`${COMPILE_FAILED}${image}`));
    const database = this.#begin(context, readOnly || header.noWrites);
    try {
      return this.#engine.run(image, keys, args, {
        value: (state) => replyOf(this.#engine.vm, state, this.resp),
        failure: (state) => this.#failure(state, script.sha),
        stopped: (reason) => new ErrorReply(`ERR ${STOPPED[reason]}. script: ${script.sha}`),
      });
    } finally {
      context.db = database;
      context.inScript = false;
      this.#context = null;
    }
  }

  #begin(context: CommandContext, readOnly: boolean): Database {
    assert(this.#context === null, 'a script does not run inside a script');
    this.#context = context;
    this.#readOnly = readOnly;
    this.resp = 2;
    this.#engine.random.startFrom(() => context.rng.uint32());
    context.inScript = true;
    return context.db;
  }

  /** redis.call: checks the command against what this script may do, and runs it. */
  call(args: readonly string[]): Reply {
    const context = this.#context!;
    const special = findSpecial(args);
    if (special !== undefined) {
      const fits =
        special.arity >= 0 ? args.length === special.arity : args.length >= -special.arity;
      return fits ? special.run(context, args) : WRONG_COUNT;
    }
    const command = this.#runner.find(args);
    if (command === null) return SERVER_ONLY.has(args[0]!.toLowerCase()) ? NOT_ALLOWED : UNKNOWN;
    if (!this.#runner.accepts(command, args.length)) return WRONG_COUNT;
    const rights = this.#rightsOf(command);
    if (rights.noScript) return NOT_ALLOWED;
    if (this.#readOnly && rights.write) return READ_ONLY;
    if (walks(command)) this.#engine.vm.charge(costOf(command, context, args));
    return this.#runner.run(command, context, args);
  }

  #rightsOf(command: DataCommand): Rights {
    const known = this.#rights.get(command);
    if (known !== undefined) return known;
    const { flags } = command;
    const rights = { noScript: flags.includes('noscript'), write: flags.includes('write') };
    this.#rights.set(command, rights);
    return rights;
  }

  knows(args: readonly string[]): boolean {
    return (
      this.#runner.find(args) !== null ||
      findSpecial(args) !== undefined ||
      SERVER_ONLY.has(args[0]!.toLowerCase())
    );
  }

  /** The reply for the error object on top of the stack. */
  #failure(state: number, sha: string): Reply {
    const { vm } = this.#engine;
    const plain = vm.toText(state, -1);
    if (plain !== null) {
      return new ErrorReply(errorText(`ERR Error running script ${sha}, ${plain.slice(0, 100)}`));
    }
    const text = fieldText(vm, state, 'err') ?? 'ERR script failed without a message';
    const source = fieldText(vm, state, 'source');
    const line = fieldText(vm, state, 'line');
    const place = source === null || line === null ? '' : ` script: ${sha}, on ${source}:${line}.`;
    return new ErrorReply(errorText(`${text}${place}`));
  }
}

function fieldText(vm: LuaVm, state: number, field: string): string | null {
  vm.rawGetField(state, -1, field);
  const text = vm.toText(state, -1);
  vm.lua.lua_settop(state, -2);
  return text === null ? null : cText(text);
}
