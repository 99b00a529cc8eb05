// Owns: the check of what clients were told against the log (shared/research/raft.md 7.6): the log
// is the claimed order of everything, so the check is exact. Each acknowledged write is in it once,
// with the answer of a sequential replay; a refused one never; one of unknown outcome at most once.
// Who was answered before somebody else asked comes before him. Each read's answer is that of the
// replay somewhere between what had been answered before it was asked and its own return.

import type { LogRecord } from '../../../src/base/log-entry.js';
import type { Operation } from './client.js';
import { Replay, type Unit } from './replay.js';

/** Errors that say: not executed, and never will be (architecture D13). */
const DEFINITE =
  /^-(?:CLUSTERDOWN|BUSY|LOADING|READONLY|OOM|EXECABORT|TRYAGAIN|MISCONF|NOTLEADER) /;
const NULL_ARRAY = '*-1\r\n';
const UNKNOWN = /^-UNKNOWN /;

/** Units of one entry are at most this many; a position is index * this + unit. */
const UNITS_MAX = 2 ** 20;

export interface Verdict {
  acknowledged: number;
  definite: number;
  unknown: number;
  /** Unknown ones that turned out to be executed. */
  unknownExecuted: number;
  reads: number;
  lost: number;
  duplicated: number;
  stale: number;
  /** Other wrong answers. */
  wrong: number;
  /** The first things that are wrong, for people. */
  findings: string[];
}

interface Found {
  position: number;
  reply: string;
  count: number;
}

export class Witness {
  readonly verdict: Verdict = {
    acknowledged: 0,
    definite: 0,
    unknown: 0,
    unknownExecuted: 0,
    reads: 0,
    lost: 0,
    duplicated: 0,
    stale: 0,
    wrong: 0,
    findings: [],
  };
  readonly replay: Replay;
  readonly #luaBinary: Uint8Array | null;
  readonly #history: readonly Operation[];
  readonly #log: readonly (LogRecord | null)[];
  readonly #committedAt: readonly number[];
  readonly #writes = new Map<string, Operation>();
  readonly #found = new Map<string, Found>();
  #position = 0;
  #valueBefore: string | null = null;
  /** Reads not placed yet, by the time they were asked. */
  #reads: Operation[] = [];
  readonly #floors = new Map<Operation, number>();

  constructor(
    history: readonly Operation[],
    log: readonly (LogRecord | null)[],
    committedAt: readonly number[],
    luaBinary: Uint8Array | null,
  ) {
    this.#history = history;
    this.#log = log;
    this.#committedAt = committedAt;
    this.#luaBinary = luaBinary;
    this.replay = new Replay(luaBinary);
    for (const operation of history) {
      if (operation.plan.kind !== 'read') this.#writes.set(operation.identity, operation);
    }
    this.replay.onUnit = (unit) => this.#unit(unit);
    this.replay.onBefore = (identity) => this.#before(identity);
  }

  /** The writes first, since they tell where reads may be; then everything again with the reads. */
  judge(): Verdict {
    this.#placeWrites();
    this.#judgeWrites();
    this.#judgeReads();
    return this.verdict;
  }

  #placeWrites(): void {
    for (const record of this.#log) {
      if (record === null) continue;
      this.#position = record.index * UNITS_MAX;
      this.replay.apply(record);
    }
  }

  /** The value a transaction under WATCH finds where it stands. */
  #before(identity: string): void {
    const operation = this.#writes.get(identity);
    const guarded = operation !== undefined && operation.watched !== null;
    this.#valueBefore = guarded ? this.replay.read(['GET', operation.plan.key]) : null;
  }

  #unit(unit: Unit): void {
    this.#position++;
    if (!unit.ran) return;
    const operation = this.#writes.get(unit.identity);
    if (operation === undefined) {
      this.#finding('wrong', null, `the log has ${unit.identity}, which nobody asked for`);
      return;
    }
    const held = unit.reply !== NULL_ARRAY;
    if (this.#valueBefore !== null && held && this.#valueBefore !== operation.watched) {
      this.#finding('wrong', operation, `EXEC ran on ${this.#valueBefore}`);
    }
    const known = this.#found.get(unit.identity);
    if (known !== undefined) {
      known.count++;
      this.#finding('duplicated', operation, `applied ${known.count} times`);
      return;
    }
    this.#found.set(unit.identity, { position: this.#position, reply: unit.reply, count: 1 });
  }

  #judgeWrites(): void {
    for (const operation of this.#history) {
      if (operation.plan.kind === 'read') continue;
      const found = this.#found.get(operation.identity);
      const { reply } = operation;
      if (reply === null || UNKNOWN.test(reply)) {
        this.verdict.unknown++;
        if (found !== undefined) this.verdict.unknownExecuted++;
      } else if (found !== undefined) {
        this.verdict.acknowledged++;
        if (reply !== found.reply) this.#wrongReply(operation, found.reply);
      } else if (DEFINITE.test(reply)) {
        this.verdict.definite++;
      } else if (reply === NULL_ARRAY && operation.watched !== null) {
        // The node saw the watched key change and did not ask the group.
        this.verdict.acknowledged++;
      } else {
        this.#finding('lost', operation, 'acknowledged and not in the log');
      }
    }
    this.#judgeOrder();
  }

  #wrongReply(operation: Operation, expected: string): void {
    if (DEFINITE.test(operation.reply!)) {
      this.#finding('wrong', operation, 'refused for good and executed all the same');
    } else {
      this.#finding('wrong', operation, `the replay answers ${expected}`);
    }
  }

  /** Real time, and the order of each connection. */
  #judgeOrder(): void {
    const placed = this.#history.filter(({ plan, identity }) => {
      return plan.kind !== 'read' && this.#found.has(identity);
    });
    const byReturn = placed.filter(isAnswered).sort((a, b) => a.returnedAt - b.returnedAt);
    const byConnection = new Map<number, number>();
    let at = 0;
    let highest = 0;
    for (const operation of placed) {
      while (at < byReturn.length && byReturn[at]!.returnedAt < operation.invokedAt) {
        highest = Math.max(highest, this.#positionOf(byReturn[at]!));
        at++;
      }
      const position = this.#positionOf(operation);
      if (position < highest) {
        this.#finding(
          'wrong',
          operation,
          'in the log before what was answered before it was asked',
        );
      }
      const previous = byConnection.get(operation.connection) ?? 0;
      if (position < previous) this.#finding('wrong', operation, 'out of its connection’s order');
      byConnection.set(operation.connection, position);
    }
  }

  #positionOf(operation: Operation): number {
    return this.#found.get(operation.identity)!.position;
  }

  /** Replays once more, and at every position tries the reads that may stand there. */
  #judgeReads(): void {
    this.#reads = this.#history.filter(({ plan, reply }) => plan.kind === 'read' && reply !== null);
    this.#refusedReads();
    this.#setFloors();
    const replay = new Replay(this.#luaBinary);
    replay.onUnit = () => {
      this.#position++;
      this.#tryReads(replay);
    };
    this.#position = 0;
    this.#tryReads(replay);
    for (const record of this.#log) {
      if (record === null) continue;
      this.#dropLate(record.index);
      this.#position = record.index * UNITS_MAX;
      replay.apply(record);
      if (record.kind !== 'batch') this.#tryReads(replay);
    }
    for (const read of this.#reads) {
      this.#finding('stale', read, 'no state it may have seen answers so');
    }
  }

  #refusedReads(): void {
    this.#reads = this.#reads.filter((read) => {
      if (!DEFINITE.test(read.reply!)) return true;
      this.verdict.definite++;
      return false;
    });
    this.verdict.reads = this.#reads.length;
  }

  /** What every read has to see: writes answered before it was asked, and its connection's own. */
  #setFloors(): void {
    const answered = this.#history
      .filter((each) => {
        return each.plan.kind !== 'read' && isAnswered(each) && this.#found.has(each.identity);
      })
      .sort((a, b) => a.returnedAt - b.returnedAt);
    let at = 0;
    let highest = 0;
    for (const read of this.#reads) {
      while (at < answered.length && answered[at]!.returnedAt < read.invokedAt) {
        highest = Math.max(highest, this.#positionOf(answered[at]!));
        at++;
      }
      this.#floors.set(read, highest);
    }
    const own = new Map<number, number>();
    for (const operation of this.#history) {
      const { connection } = operation;
      if (operation.plan.kind !== 'read') {
        const found = this.#found.get(operation.identity);
        if (found !== undefined && isAnswered(operation)) own.set(connection, found.position);
        continue;
      }
      const floor = this.#floors.get(operation);
      if (floor !== undefined) {
        this.#floors.set(operation, Math.max(floor, own.get(connection) ?? 0));
      }
    }
  }

  /** Places every read that may stand here and is answered like here, in the order they were asked. */
  #tryReads(replay: Replay): void {
    if (this.#reads.length === 0) return;
    const committedAt = this.#committedAt[replay.index] ?? 0;
    const behind = new Set<number>();
    let earliestReturn = Number.POSITIVE_INFINITY;
    let placed = false;
    for (const read of this.#reads) {
      // One that was answered before this one was asked is still to be placed.
      if (earliestReturn < read.invokedAt) break;
      const may = this.#floors.get(read)! <= this.#position && read.returnedAt >= committedAt;
      if (may && !behind.has(read.connection)) {
        if (replay.read(read.plan.commands[0]!) === read.reply) {
          this.#floors.delete(read);
          placed = true;
          continue;
        }
      }
      behind.add(read.connection);
      earliestReturn = Math.min(earliestReturn, read.returnedAt);
    }
    if (placed) this.#reads = this.#reads.filter((read) => this.#floors.has(read));
  }

  /** Reads that returned before this entry was committed cannot have seen it. */
  #dropLate(index: number): void {
    const at = this.#committedAt[index] ?? 0;
    const late = this.#reads.filter(({ returnedAt }) => returnedAt < at);
    if (late.length === 0) return;
    for (const read of late) {
      this.#finding('stale', read, `not an answer of any state before entry ${index}`);
      this.#floors.delete(read);
    }
    this.#reads = this.#reads.filter((read) => this.#floors.has(read));
  }

  #finding(
    kind: 'lost' | 'duplicated' | 'stale' | 'wrong',
    operation: Operation | null,
    what: string,
  ): void {
    this.verdict[kind]++;
    if (this.verdict.findings.length >= 5) return;
    const asked = operation === null ? '' : describe(operation, this.#floors.get(operation));
    this.verdict.findings.push(`${kind}: ${what} ${asked}`.replaceAll('\r\n', ' '));
  }
}

/** What is of unknown outcome may take its effect at any time after its answer. */
function isAnswered({ reply }: Operation): boolean {
  return reply !== null && !UNKNOWN.test(reply);
}

function describe(operation: Operation, floor: number | undefined): string {
  const { plan, identity, invokedAt, returnedAt, reply, client, connection } = operation;
  const text = (identity || plan.commands.join(' ')).slice(0, 200);
  const who = `client ${client} connection ${connection}`;
  const place = floor === undefined ? '' : ` floor ${floor / UNITS_MAX}`;
  const at = `${invokedAt / 1000} to ${returnedAt / 1000} ms`;
  return `(${who}: ${text} at ${at}${place}, answered ${reply?.slice(0, 200)})`;
}
