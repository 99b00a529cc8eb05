// Owns: the names of every key the SMTP nodes keep in the store. Nobody else builds one.
//   <ns>{q}:pending   zset id -> due ms          <ns>{q}:leased    zset id -> lease deadline ms
//   <ns>{q}:failed    zset id -> failed at ms    <ns>{q}:done      zset id -> acked at ms, a short
//   memory
//   <ns>{q}:owners    hash id -> lease token     <ns>{q}:attempts  hash id -> times leased
//   <ns>{q}:fence     counter of leases          <ns>{q}:msg:<id>  hash, envelope and facts
//   <ns>{q}:body:<id>:<n>  string, part n of the message
//   <ns>session:<id> hash  <ns>sessions zset id -> expiry ms  <ns>nodes:<id> string  <ns>nodes zset
// The tag {q} puts the whole queue into one slot of a Redis Cluster, because a move between its
// sets must be atomic.

import { assert } from '../base/assert.js';

export interface MailKeys {
  readonly pending: string;
  readonly leased: string;
  readonly failed: string;
  readonly done: string;
  readonly owners: string;
  readonly attempts: string;
  readonly fence: string;
  readonly sessions: string;
  readonly nodes: string;
  message(id: string): string;
  body(id: string, part: number): string;
  /** All parts, in order. */
  bodies(id: string, parts: number): string[];
  session(id: string): string;
  node(id: string): string;
}

/** `namespace` ends in a separator, as in `helios:mail:`. */
export function mailKeys(namespace: string): MailKeys {
  assert(!namespace.includes('{'), 'a namespace must not hold a hash tag of its own');
  const queue = `${namespace}{q}:`;
  const body = (id: string, part: number): string => `${queue}body:${id}:${part}`;
  return {
    pending: `${queue}pending`,
    leased: `${queue}leased`,
    failed: `${queue}failed`,
    done: `${queue}done`,
    owners: `${queue}owners`,
    attempts: `${queue}attempts`,
    fence: `${queue}fence`,
    sessions: `${namespace}sessions`,
    nodes: `${namespace}nodes`,
    message: (id) => `${queue}msg:${id}`,
    body,
    bodies: (id, parts) => Array.from({ length: parts }, (_, part) => body(id, part)),
    session: (id) => `${namespace}session:${id}`,
    node: (id) => `${namespace}nodes:${id}`,
  };
}
