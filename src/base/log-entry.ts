// Owns: what one log entry is (architecture D2), for every folder that handles entries. Types only.
// The bytes of an entry on disk and on the wire are storage/record.ts.

/**
 * Why an entry exists. `noop` opens a leader's term; `config` carries membership; `tick` only moves
 * replicated time; at a `checkpoint` every member takes a snapshot and tells the others its digest.
 */
export type EntryKind = 'batch' | 'noop' | 'config' | 'tick' | 'checkpoint';

/** A run of consecutive client writes of one origin inside an entry's payload, in payload order. */
export interface OriginRun {
  /** Origin name (machine/origins.ts) of the node that took the writes from its clients. */
  readonly node: string;
  /**
   * That node's boot counter: grows by one each start, so a restarted node never reuses a sequence
   * number.
   */
  readonly incarnation: number;
  /** Sequence number of the first write of the run, from 1. */
  readonly firstSeq: number;
  readonly count: number;
  /**
   * 0, or (then count is 1): the write is a transaction whose payload begins with a WATCH command,
   * and it runs only if none of those keys was touched by an entry with index > watchIndex.
   */
  readonly watchIndex: number;
}

/** One entry as the machine sees it. The payload never changes after the leader made it. */
export interface LogRecord {
  readonly index: number;
  readonly term: number;
  readonly kind: EntryKind;
  /** Replicated time: ms since 1970, chosen by the leader, never less than the entry before. */
  readonly time: number;
  /** Random seed chosen by the leader, an integer in [0, 2^48). */
  readonly seed: number;
  readonly runs: readonly OriginRun[];
  /**
   * For `batch`: RESP arrays of bulk strings, one after another. SELECT lines are structural (no
   * sequence number, first database of every entry is 0, and an entry that leaves it ends with
   * SELECT 0); MULTI ... EXEC is one write. For `config`: the JSON text of the membership.
   * Otherwise empty.
   */
  readonly payload: Uint8Array;
}

/**
 * An entry together with its bytes (storage/record.ts), which are made once and written and sent as
 * they are.
 */
export interface LoggedRecord {
  readonly record: LogRecord;
  readonly bytes: Buffer;
}
