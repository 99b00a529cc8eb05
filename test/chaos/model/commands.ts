// Owns: what each command of the workloads does to the model's state, as one table of pure
// functions (redis.io, the page of each command). Only forms the workloads send; wrong types never
// occur there.

import type { Reply } from '../check/history.js';
import type { Deadline, Slot, State, Value } from './values.js';

/** A copy of a state that one operation may change. */
export class Draft {
  readonly slots: Map<string, Slot>;
  /** Harness ms at which the operation was called. */
  readonly call: number;

  constructor(state: State, call: number) {
    this.slots = new Map(state);
    this.call = call;
  }

  text(key: string): string | null {
    const value = this.slots.get(key)?.value;
    if (value === undefined) return null;
    if (value.kind !== 'text') throw new Error(`${key} is a ${value.kind}`);
    return value.text;
  }

  list(key: string): readonly string[] {
    const value = this.slots.get(key)?.value;
    return value?.kind === 'list' ? value.items : [];
  }

  fields(key: string): ReadonlyMap<string, string> {
    const value = this.slots.get(key)?.value;
    return value?.kind === 'hash' ? value.fields : new Map();
  }

  members(key: string): ReadonlySet<string> {
    const value = this.slots.get(key)?.value;
    return value?.kind === 'set' ? value.members : new Set();
  }

  deadline(key: string): Deadline | null {
    return this.slots.get(key)?.deadline ?? null;
  }

  /** A whole new value: the deadline goes (as with SET). */
  setText(key: string, text: string): void {
    this.slots.set(key, { value: { kind: 'text', text }, deadline: null });
  }

  /** A changed value: the deadline stays. */
  change(key: string, value: Value): void {
    this.slots.set(key, { value, deadline: this.deadline(key) });
  }

  setList(key: string, items: readonly string[]): void {
    if (items.length === 0) this.slots.delete(key);
    else this.change(key, { kind: 'list', items });
  }
}

type Effect = (draft: Draft, args: readonly string[]) => Reply;

function increment(draft: Draft, key: string, by: number): number {
  const sum = Number(draft.text(key) ?? '0') + by;
  draft.change(key, { kind: 'text', text: String(sum) });
  return sum;
}

function push(draft: Draft, key: string, items: readonly string[], front: boolean): number {
  const old = draft.list(key);
  draft.setList(key, front ? [...[...items].reverse(), ...old] : [...old, ...items]);
  return draft.list(key).length;
}

function pop(draft: Draft, key: string, front: boolean): string | null {
  const items = draft.list(key);
  const item = front ? items[0] : items[items.length - 1];
  if (item === undefined) return null;
  draft.setList(key, front ? items.slice(1) : items.slice(0, -1));
  return item;
}

function setField(draft: Draft, key: string, field: string, text: string): number {
  const old = draft.fields(key);
  draft.change(key, { kind: 'hash', fields: new Map([...old, [field, text]]) });
  return old.has(field) ? 0 : 1;
}

function removeField(draft: Draft, key: string, field: string): number {
  const fields = new Map(draft.fields(key));
  if (!fields.delete(field)) return 0;
  if (fields.size === 0) draft.slots.delete(key);
  else draft.change(key, { kind: 'hash', fields });
  return 1;
}

function changeMember(draft: Draft, key: string, member: string, add: boolean): number {
  const members = new Set(draft.members(key));
  if (members.has(member) === add) return 0;
  if (add) members.add(member);
  else members.delete(member);
  if (members.size === 0) draft.slots.delete(key);
  else draft.change(key, { kind: 'set', members });
  return 1;
}

function setDeadline(draft: Draft, key: string, span: number): number {
  const slot = draft.slots.get(key);
  if (slot === undefined) return 0;
  draft.slots.set(key, { ...slot, deadline: { earliest: draft.call + span, span } });
  return 1;
}

function drop(draft: Draft, keys: readonly string[]): number {
  return keys.filter((key) => draft.slots.delete(key)).length;
}

const EFFECTS: Readonly<Record<string, Effect>> = {
  GET: (draft, [key]) => draft.text(key!),
  SET: (draft, [key, text]) => {
    draft.setText(key!, text!);
    return 'OK';
  },
  SETNX: (draft, [key, text]) => {
    if (draft.text(key!) !== null) return 0;
    draft.setText(key!, text!);
    return 1;
  },
  GETSET: (draft, [key, text]) => {
    const old = draft.text(key!);
    draft.setText(key!, text!);
    return old;
  },
  GETDEL: (draft, [key]) => {
    const old = draft.text(key!);
    draft.slots.delete(key!);
    return old;
  },
  MSET: (draft, args) => {
    for (let i = 0; i < args.length; i += 2) draft.setText(args[i]!, args[i + 1]!);
    return 'OK';
  },
  MGET: (draft, keys) => keys.map((key) => draft.text(key)),
  DEL: (draft, keys) => drop(draft, keys),
  EXISTS: (draft, [key]) => (draft.slots.has(key!) ? 1 : 0),
  INCR: (draft, [key]) => increment(draft, key!, 1),
  DECR: (draft, [key]) => increment(draft, key!, -1),
  INCRBY: (draft, [key, by]) => increment(draft, key!, Number(by)),
  RPUSH: (draft, [key, ...items]) => push(draft, key!, items, false),
  LPUSH: (draft, [key, ...items]) => push(draft, key!, items, true),
  LPOP: (draft, [key]) => pop(draft, key!, true),
  RPOP: (draft, [key]) => pop(draft, key!, false),
  LRANGE: (draft, [key]) => draft.list(key!),
  LLEN: (draft, [key]) => draft.list(key!).length,
  RPOPLPUSH: (draft, [from, to]) => {
    const item = pop(draft, from!, false);
    if (item !== null) push(draft, to!, [item], true);
    return item;
  },
  HSET: (draft, [key, field, text]) => setField(draft, key!, field!, text!),
  HGET: (draft, [key, field]) => draft.fields(key!).get(field!) ?? null,
  HDEL: (draft, [key, field]) => removeField(draft, key!, field!),
  HGETALL: (draft, [key]) => [...draft.fields(key!)].sort(([a], [b]) => (a < b ? -1 : 1)).flat(),
  SADD: (draft, [key, member]) => changeMember(draft, key!, member!, true),
  SREM: (draft, [key, member]) => changeMember(draft, key!, member!, false),
  SISMEMBER: (draft, [key, member]) => (draft.members(key!).has(member!) ? 1 : 0),
  SMEMBERS: (draft, [key]) => [...draft.members(key!)].sort(),
  PEXPIRE: (draft, [key, span]) => setDeadline(draft, key!, Number(span)),
  PERSIST: (draft, [key]) => {
    const slot = draft.slots.get(key!);
    if (slot === undefined || slot.deadline === null) return 0;
    draft.slots.set(key!, { ...slot, deadline: null });
    return 1;
  },
  /** Not Redis': `workload/` sends it as a script (see CAS_SCRIPT there). */
  CAS: (draft, [key, old, text]) => {
    if ((draft.text(key!) ?? '') !== old) return 0;
    draft.setText(key!, text!);
    return 1;
  },
};

/** Commands that change nothing, so that one without a known outcome need not be looked at. */
export const READS: ReadonlySet<string> = new Set([
  'GET',
  'MGET',
  'EXISTS',
  'LRANGE',
  'LLEN',
  'HGET',
  'HGETALL',
  'SISMEMBER',
  'SMEMBERS',
  'PTTL',
]);

const KEYS_OF: Readonly<Record<string, (args: readonly string[]) => readonly string[]>> = {
  MGET: (args) => args,
  DEL: (args) => args,
  MSET: (args) => args.filter((_, i) => i % 2 === 0),
  RPOPLPUSH: (args) => args.slice(0, 2),
};

export function keysOfCommand(command: readonly string[]): readonly string[] {
  const [name, ...args] = command;
  return KEYS_OF[name!]?.(args) ?? args.slice(0, 1);
}

/** Executes one command and returns its reply. Throws for a command the model does not know. */
export function execute(draft: Draft, command: readonly string[]): Reply {
  const [name, ...args] = command;
  const effect = EFFECTS[name!];
  if (effect === undefined) throw new Error(`the model does not know ${name}`);
  return effect(draft, args);
}
