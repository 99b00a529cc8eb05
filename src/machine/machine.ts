// Owns: the deterministic state machine of one member (architecture D3): entries in, replies out, nothing else.
// Never sees a clock, I/O or a promise.

import type { LogRecord } from '../base/log-entry.js';
import type { DataCommand } from '../commands/spec.js';
import { Keyspace } from '../keyspace/keyspace.js';
import type { Reply } from '../resp/reply.js';

/** Receives the results of this node's own writes, in sequence order. */
export interface ResultSink {
  beforeApply(seq: number): void;
  applied(seq: number, reply: Reply): void;
}

export interface ReadEnvironment {
  /** Node's clock, ms; for display only. */
  readonly clock: number;
}

export class Machine {
  readonly keyspace = new Keyspace();
  /** Replicated time: the time of the last entry applied, ms. */
  time = 0;
  appliedIndex = 0;

  apply(_record: LogRecord, _sink: ResultSink): void {}

  /** Runs a command that only reads against the state as it is. A thrown ErrorReply becomes the reply. */
  read(_command: DataCommand, _args: readonly string[], _db: number, _clock: number): Reply {
    return null;
  }
}
