// Owns: the names and numbers of the Lua 5.1 C API (lua.h) as the binary exports it. Every value is
// an i32 or a double; strings travel through linear memory (lua-vm.ts).

import type { WasmExports } from './wasm-imports.js';

export interface LuaExports extends WasmExports {
  luaL_newstate(): number;
  luaopen_base(state: number): number;
  luaopen_string(state: number): number;
  luaopen_table(state: number): number;
  luaopen_math(state: number): number;
  luaopen_debug(state: number): number;
  luaL_loadbuffer(state: number, text: number, length: number, chunkName: number): number;
  luaL_where(state: number, level: number): void;
  lua_call(state: number, args: number, results: number): void;
  lua_pcall(state: number, args: number, results: number, handler: number): number;
  lua_error(state: number): number;
  lua_gettop(state: number): number;
  lua_settop(state: number, index: number): void;
  lua_pushvalue(state: number, index: number): void;
  lua_remove(state: number, index: number): void;
  lua_insert(state: number, index: number): void;
  lua_replace(state: number, index: number): void;
  lua_checkstack(state: number, extra: number): number;
  lua_concat(state: number, count: number): void;
  lua_type(state: number, index: number): number;
  lua_isnumber(state: number, index: number): number;
  lua_tonumber(state: number, index: number): number;
  lua_toboolean(state: number, index: number): number;
  lua_tolstring(state: number, index: number, length: number): number;
  lua_touserdata(state: number, index: number): number;
  lua_rawequal(state: number, a: number, b: number): number;
  lua_objlen(state: number, index: number): number;
  lua_pushnil(state: number): void;
  lua_pushnumber(state: number, value: number): void;
  lua_pushboolean(state: number, value: number): void;
  lua_pushlstring(state: number, text: number, length: number): void;
  lua_pushlightuserdata(state: number, pointer: number): void;
  lua_pushcclosure(state: number, index: number, upvalues: number): void;
  lua_createtable(state: number, array: number, hash: number): void;
  lua_getfield(state: number, index: number, name: number): void;
  lua_setfield(state: number, index: number, name: number): void;
  lua_settable(state: number, index: number): void;
  lua_rawget(state: number, index: number): void;
  lua_rawset(state: number, index: number): void;
  lua_rawgeti(state: number, index: number, n: number): void;
  lua_rawseti(state: number, index: number, n: number): void;
  lua_next(state: number, index: number): number;
  lua_getmetatable(state: number, index: number): number;
  lua_setmetatable(state: number, index: number): number;
}

export const LUA_GLOBALSINDEX = -10002;

/** Types, as lua_type answers. */
export const LUA_TNIL = 0;
export const LUA_TBOOLEAN = 1;
export const LUA_TLIGHTUSERDATA = 2;
export const LUA_TNUMBER = 3;
export const LUA_TSTRING = 4;
export const LUA_TTABLE = 5;

export const TYPE_NAMES = [
  'nil',
  'boolean',
  'userdata',
  'number',
  'string',
  'table',
  'function',
  'userdata',
  'thread',
] as const;
