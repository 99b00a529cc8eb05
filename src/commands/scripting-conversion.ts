// Owns: replies into Lua values and Lua values into replies, by the tables of Redis 7.2 for RESP2
// and RESP3 (redis.setresp). Strings keep every byte. Work is charged to the script's fuel, so a
// table that contains itself ends in an error and not in a hang.

import { formatDouble } from '../base/numbers.js';
import { LUA_TBOOLEAN, LUA_TNIL, LUA_TNUMBER, LUA_TSTRING, LUA_TTABLE } from '../lua/lua-api.js';
import type { LuaVm } from '../lua/lua-vm.js';
import {
  AttributedReply,
  BigNumberReply,
  DoubleReply,
  ErrorReply,
  MapReply,
  NullArray,
  PairsReply,
  type PushReply,
  type Reply,
  SetReply,
  SimpleString,
  VerbatimReply,
} from '../resp/reply.js';

export type RespVersion = 2 | 3;

const FUEL_PER_VALUE = 20;
/** Deeper replies are cut, as Redis does where its Lua stack ends. */
const DEPTH_MAX = 1000;
const STACK_LIMIT = new ErrorReply('ERR reached lua stack limit');
const LONG_MIN = -(2n ** 63n);

// ---- a reply into a Lua value

/** Pushes the Lua value of a reply. */
export function pushReply(vm: LuaVm, state: number, reply: Reply, resp: RespVersion): void {
  vm.charge(FUEL_PER_VALUE);
  switch (typeof reply) {
    case 'string':
      vm.pushString(state, reply);
      return;
    case 'number':
    case 'bigint':
      vm.lua.lua_pushnumber(state, Number(reply));
      return;
    case 'boolean':
      if (resp === 3) vm.lua.lua_pushboolean(state, reply ? 1 : 0);
      else vm.lua.lua_pushnumber(state, reply ? 1 : 0);
      return;
    default:
      if (reply === null || reply instanceof NullArray) pushNull(vm, state, resp);
      else if (Array.isArray(reply)) pushArray(vm, state, reply, resp);
      else pushSpecial(vm, state, reply, resp);
  }
}

function pushNull(vm: LuaVm, state: number, resp: RespVersion): void {
  if (resp === 3) vm.lua.lua_pushnil(state);
  else vm.lua.lua_pushboolean(state, 0);
}

function pushArray(vm: LuaVm, state: number, items: readonly Reply[], resp: RespVersion): void {
  vm.ensureStack(state, 4);
  vm.lua.lua_createtable(state, items.length, 0);
  for (let i = 0; i < items.length; i++) {
    pushReply(vm, state, items[i]!, resp);
    vm.lua.lua_rawseti(state, -2, i + 1);
  }
}

/** Pushes {[field] = the string or number}. */
function pushTagged(vm: LuaVm, state: number, field: string, value: string | number): void {
  vm.ensureStack(state, 4);
  vm.lua.lua_createtable(state, 0, 1);
  if (typeof value === 'string') vm.pushString(state, value);
  else vm.lua.lua_pushnumber(state, value);
  vm.setField(state, -2, field);
}

function pushSpecial(
  vm: LuaVm,
  state: number,
  reply: Exclude<Reply, string | number | bigint | boolean | null | readonly Reply[]>,
  resp: RespVersion,
): void {
  if (reply instanceof SimpleString) pushTagged(vm, state, 'ok', reply.text);
  else if (reply instanceof ErrorReply) pushError(vm, state, reply.text, true);
  else if (reply instanceof AttributedReply) pushReply(vm, state, reply.reply, resp);
  else if (resp === 2) pushFlat(vm, state, reply);
  else pushTyped(vm, state, reply);
}

/** What a RESP3 type is for a script that speaks RESP2. */
function pushFlat(vm: LuaVm, state: number, reply: object): void {
  if (reply instanceof DoubleReply) vm.pushString(state, formatDouble(reply.value));
  else if (reply instanceof VerbatimReply) vm.pushString(state, reply.text);
  else if (reply instanceof BigNumberReply) vm.pushString(state, reply.digits);
  else pushArray(vm, state, itemsOf(reply), 2);
}

function itemsOf(reply: object): readonly Reply[] {
  return (reply as MapReply | SetReply | PairsReply | PushReply).items;
}

function pushTyped(vm: LuaVm, state: number, reply: object): void {
  if (reply instanceof DoubleReply) pushTagged(vm, state, 'double', reply.value);
  else if (reply instanceof BigNumberReply) pushTagged(vm, state, 'big_number', reply.digits);
  else if (reply instanceof MapReply) pushMap(vm, state, reply.items);
  else if (reply instanceof SetReply) pushSet(vm, state, reply.items);
  else if (reply instanceof VerbatimReply) pushVerbatim(vm, state, reply);
  else if (reply instanceof PairsReply) pushArray(vm, state, pairsOf(reply.items), 3);
  else pushArray(vm, state, itemsOf(reply), 3);
}

function pairsOf(items: readonly Reply[]): readonly Reply[] {
  const pairs: Reply[] = [];
  for (let i = 0; i < items.length; i += 2) pairs.push([items[i]!, items[i + 1]!]);
  return pairs;
}

function pushMap(vm: LuaVm, state: number, items: readonly Reply[]): void {
  vm.ensureStack(state, 5);
  vm.lua.lua_createtable(state, 0, 1);
  vm.lua.lua_createtable(state, 0, items.length >> 1);
  for (let i = 0; i < items.length; i += 2) {
    pushReply(vm, state, items[i]!, 3);
    pushReply(vm, state, items[i + 1]!, 3);
    vm.lua.lua_rawset(state, -3);
  }
  vm.setField(state, -2, 'map');
}

function pushSet(vm: LuaVm, state: number, items: readonly Reply[]): void {
  vm.ensureStack(state, 5);
  vm.lua.lua_createtable(state, 0, 1);
  vm.lua.lua_createtable(state, 0, items.length);
  for (const item of items) {
    pushReply(vm, state, item, 3);
    vm.lua.lua_pushboolean(state, 1);
    vm.lua.lua_rawset(state, -3);
  }
  vm.setField(state, -2, 'set');
}

function pushVerbatim(vm: LuaVm, state: number, reply: VerbatimReply): void {
  vm.ensureStack(state, 5);
  vm.lua.lua_createtable(state, 0, 1);
  vm.lua.lua_createtable(state, 0, 2);
  vm.pushString(state, reply.text);
  vm.setField(state, -2, 'string');
  vm.pushString(state, reply.format);
  vm.setField(state, -2, 'format');
  vm.setField(state, -2, 'verbatim_string');
}

/** Pushes {err = text}. `counted`: the command that failed was counted as an error already. */
export function pushError(vm: LuaVm, state: number, text: string, counted: boolean): void {
  pushTagged(vm, state, 'err', text);
  if (!counted) return;
  vm.lua.lua_pushboolean(state, 1);
  vm.setField(state, -2, 'ignore_error_stats_update');
}

// ---- a Lua value into a reply

/** The reply for the value on top of the stack, which stays there. */
export function replyOf(vm: LuaVm, state: number, resp: RespVersion, depth = 0): Reply {
  vm.charge(FUEL_PER_VALUE);
  if (depth > DEPTH_MAX || vm.lua.lua_checkstack(state, 4) === 0) return STACK_LIMIT;
  switch (vm.lua.lua_type(state, -1)) {
    case LUA_TSTRING:
      return vm.toText(state, -1) ?? '';
    case LUA_TNUMBER:
      return truncated(vm.lua.lua_tonumber(state, -1));
    case LUA_TBOOLEAN:
      return replyOfBoolean(vm.lua.lua_toboolean(state, -1) !== 0, resp);
    case LUA_TTABLE:
      return replyOfTable(vm, state, resp, depth);
    default:
      return null;
  }
}

function replyOfBoolean(value: boolean, resp: RespVersion): Reply {
  if (resp === 3) return value;
  return value ? 1 : null;
}

/** A C cast of a double to a 64-bit integer, as x86-64 does it. */
export function truncated(value: number): number | bigint {
  const whole = Math.trunc(value) + 0;
  if (Number.isSafeInteger(whole)) return whole;
  if (!(Math.abs(whole) < 2 ** 63)) return LONG_MIN;
  return BigInt(whole);
}

/**
 * What a field of a table makes of the whole table: finds the field's value on top; undefined when
 * it does not apply.
 */
type FieldReply = (vm: LuaVm, state: number, resp: RespVersion, depth: number) => Reply | undefined;

const FIELDS: readonly (readonly [field: string, reply: FieldReply])[] = [
  ['err', (vm, state) => textField(vm, state, (text) => new ErrorReply(errorText(text)))],
  ['ok', (vm, state) => textField(vm, state, (text) => new SimpleString(oneLine(cText(text))))],
  ['double', replyOfDouble],
  ['big_number', (vm, state) => textField(vm, state, (t) => new BigNumberReply(oneLine(t)))],
  ['verbatim_string', replyOfVerbatim],
  ['map', replyOfMap],
  ['set', replyOfSet],
];

function replyOfTable(vm: LuaVm, state: number, resp: RespVersion, depth: number): Reply {
  for (const [field, reply] of FIELDS) {
    vm.rawGetField(state, -1, field);
    if (vm.lua.lua_type(state, -1) !== LUA_TNIL) {
      const result = reply(vm, state, resp, depth);
      if (result !== undefined) {
        vm.lua.lua_settop(state, -2);
        return result;
      }
    }
    vm.lua.lua_settop(state, -2);
  }
  const items: Reply[] = [];
  for (let i = 1; ; i++) {
    vm.lua.lua_rawgeti(state, -1, i);
    const end = vm.lua.lua_type(state, -1) === LUA_TNIL;
    if (!end) items.push(replyOf(vm, state, resp, depth + 1));
    vm.lua.lua_settop(state, -2);
    if (end) return items;
  }
}

function textField(vm: LuaVm, state: number, make: (text: string) => Reply): Reply | undefined {
  return vm.isString(state, -1) ? make(vm.toText(state, -1) ?? '') : undefined;
}

function replyOfDouble(vm: LuaVm, state: number): Reply | undefined {
  if (vm.lua.lua_type(state, -1) !== LUA_TNUMBER) return undefined;
  return new DoubleReply(vm.lua.lua_tonumber(state, -1));
}

function replyOfVerbatim(vm: LuaVm, state: number): Reply | undefined {
  if (vm.lua.lua_type(state, -1) !== LUA_TTABLE) return undefined;
  vm.rawGetField(state, -1, 'format');
  vm.rawGetField(state, -2, 'string');
  const fits = vm.isString(state, -1) && vm.isString(state, -2);
  const format = fits ? (vm.toText(state, -2) ?? '') : '';
  const text = fits ? (vm.toText(state, -1) ?? '') : '';
  vm.lua.lua_settop(state, -3);
  return fits ? new VerbatimReply(`${cText(format)}   `.slice(0, 3), text) : undefined;
}

function replyOfMap(vm: LuaVm, state: number, resp: RespVersion, depth: number): Reply | undefined {
  if (vm.lua.lua_type(state, -1) !== LUA_TTABLE) return undefined;
  const items: Reply[] = [];
  vm.lua.lua_pushnil(state);
  while (vm.lua.lua_next(state, -2) !== 0) {
    vm.lua.lua_pushvalue(state, -2);
    items.push(replyOf(vm, state, resp, depth + 1));
    vm.lua.lua_settop(state, -2);
    items.push(replyOf(vm, state, resp, depth + 1));
    vm.lua.lua_settop(state, -2);
  }
  return new MapReply(items);
}

function replyOfSet(vm: LuaVm, state: number, resp: RespVersion, depth: number): Reply | undefined {
  if (vm.lua.lua_type(state, -1) !== LUA_TTABLE) return undefined;
  const items: Reply[] = [];
  vm.lua.lua_pushnil(state);
  while (vm.lua.lua_next(state, -2) !== 0) {
    vm.lua.lua_settop(state, -2);
    vm.lua.lua_pushvalue(state, -1);
    items.push(replyOf(vm, state, resp, depth + 1));
    vm.lua.lua_settop(state, -2);
  }
  return new SetReply(items);
}

// ---- text that must fit on one line

/** Up to the first NUL, as C reads it. */
export function cText(text: string): string {
  const end = text.indexOf('\0');
  return end < 0 ? text : text.slice(0, end);
}

export function oneLine(text: string): string {
  return text.replace(/[\r\n]/g, ' ');
}

/** An error line: trailing line ends are dropped, others become spaces. */
export function errorText(text: string): string {
  return oneLine(cText(text).replace(/[\r\n]+$/, ''));
}
