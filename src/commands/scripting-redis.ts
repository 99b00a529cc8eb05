// Owns: the `redis` table a script sees: call, pcall and the small functions around them, texts as
// in Redis 7.2. redis.call runs a data command in the context of the EVAL that is running; what a
// script may not call is refused here.

import { formatDouble } from '../base/numbers.js';
import { sha1Hex } from '../base/sha1.js';
import type { HostFunction } from '../lua/host-functions.js';
import type { Library } from '../lua/library.js';
import { LUA_TNUMBER, LUA_TSTRING } from '../lua/lua-api.js';
import type { LuaVm } from '../lua/lua-vm.js';
import { ErrorReply } from '../resp/reply.js';
import { cText, pushError, pushReply } from './scripting-conversion.js';
import type { Scripting } from './scripting-runtime.js';

const FUEL_PER_CALL = 100;
const LOG_LEVEL_MAX = 3;
const REPL_FLAGS = 3;

const CONSTANTS = {
  REDIS_VERSION: '7.2.4',
  REDIS_VERSION_NUM: 0x00070204,
  LOG_DEBUG: 0,
  LOG_VERBOSE: 1,
  LOG_NOTICE: 2,
  LOG_WARNING: 3,
  REPL_NONE: 0,
  REPL_AOF: 1,
  REPL_SLAVE: 2,
  REPL_REPLICA: 2,
  REPL_ALL: 3,
} as const;

/** The table of the functions below for one VM. */
export function redisLibrary(vm: LuaVm, scripting: Scripting): Library {
  return {
    name: 'redis',
    constants: CONSTANTS,
    functions: {
      call: (state) => callCommand(vm, scripting, state, true),
      pcall: (state) => callCommand(vm, scripting, state, false),
      acl_check_cmd: (state) => checkCommand(vm, scripting, state),
      setresp: (state) => setResp(vm, scripting, state),
      ...replyFunctions(vm),
      ...inertFunctions(vm),
    },
  };
}

/** Pushes {err = 'ERR ...'} and raises it. */
function raiseError(vm: LuaVm, state: number, message: string): never {
  pushError(vm, state, `ERR ${message}`, false);
  return vm.throwTop(state);
}

/** The words of a command on the stack; a message when they are none. */
function argumentsOf(vm: LuaVm, state: number): string[] | string {
  const { lua } = vm;
  const count = lua.lua_gettop(state);
  if (count === 0) return 'Please specify at least one argument for this redis lib call';
  const args: string[] = [];
  for (let i = 1; i <= count; i++) {
    const text =
      lua.lua_type(state, i) === LUA_TNUMBER
        ? numberText(lua.lua_tonumber(state, i))
        : vm.toText(state, i);
    if (text === null) return 'Lua redis lib command arguments must be strings or integers';
    args.push(text);
  }
  lua.lua_settop(state, 0);
  return args;
}

/** Every digit of it: Lua's own conversion keeps 14. */
function numberText(value: number): string {
  return value === 0 ? '0' : formatDouble(value);
}

function callCommand(vm: LuaVm, scripting: Scripting, state: number, raise: boolean): number {
  const args = argumentsOf(vm, state);
  vm.charge(FUEL_PER_CALL);
  if (typeof args === 'string') {
    pushError(vm, state, `ERR ${args}`, false);
    return raise ? vm.throwTop(state) : 1;
  }
  const reply = scripting.call(args);
  pushReply(vm, state, reply, scripting.resp);
  return raise && reply instanceof ErrorReply ? vm.throwTop(state) : 1;
}

function checkCommand(vm: LuaVm, scripting: Scripting, state: number): number {
  const args = argumentsOf(vm, state);
  if (typeof args === 'string') raiseError(vm, state, args);
  if (!scripting.knows(args)) {
    raiseError(vm, state, 'Invalid command passed to redis.acl_check_cmd()');
  }
  vm.lua.lua_pushboolean(state, 1);
  return 1;
}

function setResp(vm: LuaVm, scripting: Scripting, state: number): number {
  if (vm.lua.lua_gettop(state) !== 1) {
    raiseError(vm, state, 'redis.setresp() requires one argument.');
  }
  const version = Math.trunc(vm.lua.lua_tonumber(state, 1));
  if (version !== 2 && version !== 3) raiseError(vm, state, 'RESP version must be 2 or 3.');
  scripting.resp = version;
  return 0;
}

/** Functions that make values: error and status replies, hashes. */
function replyFunctions(vm: LuaVm): Record<string, HostFunction> {
  const oneString = (state: number): string | null =>
    vm.lua.lua_gettop(state) === 1 && vm.lua.lua_type(state, 1) === LUA_TSTRING
      ? vm.toText(state, 1)
      : null;
  return {
    error_reply: (state) => {
      const text = oneString(state);
      const error = text === null ? 'ERR wrong number or type of arguments' : withCode(text);
      pushError(vm, state, error, false);
      return 1;
    },
    status_reply: (state) => {
      const text = oneString(state);
      if (text === null) {
        pushError(vm, state, 'ERR wrong number or type of arguments', false);
        return 1;
      }
      vm.lua.lua_createtable(state, 0, 1);
      vm.lua.lua_pushvalue(state, 1);
      vm.setField(state, -2, 'ok');
      return 1;
    },
    sha1hex: (state) => {
      if (vm.lua.lua_gettop(state) !== 1) raiseError(vm, state, 'wrong number of arguments');
      const text = vm.toText(state, 1) ?? '';
      vm.charge(200 + text.length);
      vm.pushString(state, sha1Hex(text));
      return 1;
    },
  };
}

/** An error text begins with a code: its own when it has two words at least, else ERR. */
function withCode(text: string): string {
  const line = cText(text);
  const body = line.startsWith('-') ? line.slice(1) : line;
  const space = body.indexOf(' ');
  const code = space < 0 ? 'ERR' : body.slice(0, space);
  const message = space < 0 ? body : body.slice(space + 1);
  return `${code} ${message.replace(/^[\r\n]+|[\r\n]+$/g, '')}`;
}

/**
 * Accepted for compatibility: replication, logging and the debugger are not a script's business
 * here.
 */
function inertFunctions(vm: LuaVm): Record<string, HostFunction> {
  return {
    log: (state) => {
      const count = vm.lua.lua_gettop(state);
      if (count < 2) raiseError(vm, state, 'redis.log() requires two arguments or more.');
      if (vm.lua.lua_isnumber(state, 1) === 0) {
        raiseError(vm, state, 'First argument must be a number (log level).');
      }
      const level = Math.trunc(vm.lua.lua_tonumber(state, 1));
      if (!(level >= 0 && level <= LOG_LEVEL_MAX)) raiseError(vm, state, 'Invalid debug level.');
      return 0;
    },
    set_repl: (state) => {
      if (vm.lua.lua_gettop(state) !== 1) {
        raiseError(vm, state, 'redis.set_repl() requires one argument.');
      }
      if ((Math.trunc(vm.lua.lua_tonumber(state, 1)) & ~REPL_FLAGS) !== 0) {
        raiseError(
          vm,
          state,
          'Invalid replication flags. Use REPL_AOF, REPL_REPLICA, REPL_ALL or REPL_NONE.',
        );
      }
      return 0;
    },
    replicate_commands: (state) => {
      vm.lua.lua_pushboolean(state, 1);
      return 1;
    },
    breakpoint: (state) => {
      vm.lua.lua_pushboolean(state, 0);
      return 1;
    },
    debug: () => 0,
  };
}
