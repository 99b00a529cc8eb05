// Owns: what a command answers, independent of the protocol version of whoever asked.
// A reply is built once (by the machine or the server) and written as RESP2 or RESP3 by
// resp/encoder.ts.
//
//   string            bulk string, one latin1 character per byte
//   number | bigint   integer (a number must be a safe integer; bigint covers the rest of int64)
//   null              null bulk string (RESP3: null)
//   boolean           RESP3 boolean; RESP2 integer 0 or 1
//   array             array
//   and the classes below
//
// Never mutate a reply after handing it out: constants are shared.

export type Reply = string | number | bigint | null | boolean | readonly Reply[] | SpecialReply;

export type SpecialReply =
  | SimpleString
  | ErrorReply
  | NullArray
  | DoubleReply
  | MapReply
  | SetReply
  | PairsReply
  | VerbatimReply
  | PushReply
  | BigNumberReply
  | AttributedReply;

/** `+text`. The text holds no CR or LF. */
export class SimpleString {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/**
 * `-text`; the text begins with its code (`ERR`, `WRONGTYPE`, ...). Not an Error: it has no stack
 * and is cheap to throw. A command reports failure by returning or throwing one, before it has
 * changed anything.
 */
export class ErrorReply {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
  /** The first word, as counted by INFO errorstats. */
  get code(): string {
    const space = this.text.indexOf(' ');
    return space < 0 ? this.text : this.text.slice(0, space);
  }
}

/** RESP2 `*-1`, RESP3 `_`. */
export class NullArray {}

/** RESP3 `,`; RESP2 a bulk string with the same digits. */
export class DoubleReply {
  readonly value: number;
  constructor(value: number) {
    this.value = value;
  }
}

/** `items` alternates key, value. RESP3 `%`; RESP2 a flat array. */
export class MapReply {
  readonly items: readonly Reply[];
  constructor(items: readonly Reply[]) {
    this.items = items;
  }
}

/** RESP3 `~`; RESP2 an array. */
export class SetReply {
  readonly items: readonly Reply[];
  constructor(items: readonly Reply[]) {
    this.items = items;
  }
}

/**
 * `items` alternates a, b. RESP3 an array of two-element arrays; RESP2 one flat array (ZRANGE
 * WITHSCORES).
 */
export class PairsReply {
  readonly items: readonly Reply[];
  constructor(items: readonly Reply[]) {
    this.items = items;
  }
}

/** RESP3 `=`; RESP2 a bulk string. `format` is three characters (`txt`, `mkd`). */
export class VerbatimReply {
  readonly format: string;
  readonly text: string;
  constructor(format: string, text: string) {
    this.format = format;
    this.text = text;
  }
}

/** RESP3 `>`; RESP2 an array. Out of band: never counts as the answer to a command. */
export class PushReply {
  readonly items: readonly Reply[];
  constructor(items: readonly Reply[]) {
    this.items = items;
  }
}

/** RESP3 `(`; RESP2 a bulk string. */
export class BigNumberReply {
  readonly digits: string;
  constructor(digits: string) {
    this.digits = digits;
  }
}

/** RESP3 `|` with `attributes` (alternating key, value), then the reply; RESP2 the reply alone. */
export class AttributedReply {
  readonly attributes: readonly Reply[];
  readonly reply: Reply;
  constructor(attributes: readonly Reply[], reply: Reply) {
    this.attributes = attributes;
    this.reply = reply;
  }
}

export const OK = new SimpleString('OK');
export const QUEUED = new SimpleString('QUEUED');
export const PONG = new SimpleString('PONG');
export const NULL_ARRAY = new NullArray();
