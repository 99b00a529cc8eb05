// Writes of this node on their way: numbering, payloads, sending again, and the leader's side.

import { describe, expect, it } from 'vitest';
import { checkPayload } from '../../../src/machine/payload-check.js';
import type { PendingWrite } from '../../../src/replica/group.js';
import { buildPayload } from '../../../src/replica/payload-builder.js';
import { Proposals } from '../../../src/replica/proposals.js';
import { Sequencer } from '../../../src/replica/sequencer.js';
import type { ErrorReply, Reply } from '../../../src/resp/reply.js';
import { encodeCommand } from '../../../src/resp/request.js';

class Write implements PendingWrite {
  readonly chunk: Buffer;
  readonly start: number;
  readonly end: number;
  readonly db: number;
  readonly endDb: number;
  readonly watchIndex: number;
  readonly seen: string[] = [];

  constructor(chunk: Buffer, start: number, end: number, db = 0, watchIndex = 0, endDb = db) {
    this.chunk = chunk;
    this.start = start;
    this.end = end;
    this.db = db;
    this.endDb = endDb;
    this.watchIndex = watchIndex;
  }

  static of(text: string, db = 0): Write {
    const chunk = encodeCommand(text.split(' '));
    return new Write(chunk, 0, chunk.length, db);
  }

  beforeApply(): void {
    this.seen.push('before');
  }

  onApplied(reply: Reply): void {
    this.seen.push(`reply ${String(reply)}`);
  }

  onFailed(error: ErrorReply): void {
    this.seen.push(error.code);
  }
}

describe('payloads', () => {
  it('joins neighbours of a chunk without copying them apart', () => {
    const chunk = Buffer.concat([encodeCommand(['INCR', 'a']), encodeCommand(['INCR', 'b'])]);
    const half = chunk.length / 2;
    const { payload, runs } = buildPayload(
      [new Write(chunk, 0, half), new Write(chunk, half, chunk.length)],
      7,
    );
    expect(payload).toEqual(chunk);
    expect(payload.buffer).toBe(chunk.buffer);
    expect(runs).toEqual([{ firstSeq: 7, count: 2, watchIndex: 0 }]);
  });

  it('selects databases and ends in database 0', () => {
    const { payload, runs } = buildPayload(
      [Write.of('SET a 1', 2), Write.of('SET b 1', 2), Write.of('SET c 1', 5)],
      1,
    );
    expect(checkPayload(payload, runs)).toBeNull();
    expect(payload.toString('latin1').match(/SELECT\r\n\$1\r\n(\d)/g)).toHaveLength(3);
  });

  it('follows a transaction that leaves another database selected', () => {
    const tx = Buffer.concat(
      ['MULTI', 'SELECT 4', 'EXEC'].map((text) => encodeCommand(text.split(' '))),
    );
    const { payload, runs } = buildPayload(
      [new Write(tx, 0, tx.length, 0, 0, 4), Write.of('SET a 1', 4)],
      1,
    );
    expect(checkPayload(payload, runs)).toBeNull();
    expect(payload.toString('latin1').match(/SELECT/g)).toHaveLength(2);
  });

  it('gives a guarded transaction a run of its own', () => {
    const guarded = Buffer.concat(
      ['WATCH a', 'MULTI', 'EXEC'].map((text) => encodeCommand(text.split(' '))),
    );
    const { payload, runs } = buildPayload(
      [Write.of('INCR a'), new Write(guarded, 0, guarded.length, 0, 33), Write.of('INCR a')],
      10,
    );
    expect(runs).toEqual([
      { firstSeq: 10, count: 1, watchIndex: 0 },
      { firstSeq: 11, count: 1, watchIndex: 33 },
      { firstSeq: 12, count: 1, watchIndex: 0 },
    ]);
    expect(checkPayload(payload, runs)).toBeNull();
  });
});

describe('proposals of this node', () => {
  it('are numbered without a gap and answered in order, once', () => {
    const proposals = new Proposals();
    const writes = ['INCR a', 'INCR b', 'INCR c'].map((text) => Write.of(text));
    proposals.add(writes[0]!, 1);
    proposals.add(writes[1]!, 1);
    expect(proposals.nextBatch()).toMatchObject({ firstSeq: 1 });
    proposals.add(writes[2]!, 2);
    expect(proposals.nextBatch()).toMatchObject({ firstSeq: 3 });
    expect(proposals.nextBatch()).toBeNull();
    for (const seq of [1, 2, 3]) {
      proposals.beforeApply(seq);
      proposals.applied(seq, seq);
    }
    expect(writes.map((write) => write.seen)).toEqual(
      [1, 2, 3].map((n) => ['before', `reply ${n}`]),
    );
    expect(proposals.bytes).toBe(0);
  });

  it('time out as not executed before they have a number and as unknown after', () => {
    const proposals = new Proposals();
    const [sent, waiting, young] = ['INCR a', 'INCR b', 'INCR c'].map((text) => Write.of(text));
    proposals.add(sent!, 1);
    proposals.nextBatch();
    proposals.add(waiting!, 2);
    proposals.add(young!, 9);
    proposals.expire(5);
    expect([sent!.seen, waiting!.seen, young!.seen]).toEqual([['UNKNOWN'], ['CLUSTERDOWN'], []]);
    proposals.beforeApply(1);
    proposals.applied(1, 'late');
    expect(sent!.seen).toEqual(['UNKNOWN']);
    expect([...proposals.unapplied(0)]).toHaveLength(0);
  });

  it('can be sent again from any number on until they are applied', () => {
    const proposals = new Proposals();
    for (let i = 0; i < 3; i++) {
      proposals.add(Write.of(`INCR k${i}`), 1);
      proposals.nextBatch();
    }
    expect([...proposals.unapplied(0)].map((batch) => batch.firstSeq)).toEqual([1, 2, 3]);
    expect([...proposals.unapplied(2)].map((batch) => batch.firstSeq)).toEqual([2, 3]);
    proposals.applied(1, null);
    expect([...proposals.unapplied(0)].map((batch) => batch.firstSeq)).toEqual([2, 3]);
  });

  it('inside a snapshot are answered as unknown', () => {
    const proposals = new Proposals();
    const writes = ['INCR a', 'INCR b', 'INCR c'].map((text) => Write.of(text));
    for (const write of writes) proposals.add(write, 1);
    proposals.nextBatch();
    proposals.skipTo(2);
    expect(writes.map((write) => write.seen)).toEqual([['UNKNOWN'], ['UNKNOWN'], []]);
    proposals.applied(3, 'x');
    expect(writes[2]!.seen).toEqual(['reply x']);
  });
});

describe("the leader's sequencer", () => {
  const payload = Buffer.from('x');
  const offer = (s: Sequencer, firstSeq: number, count: number, node = 'n') =>
    s.offer({ node, incarnation: 1, runs: [{ firstSeq, count, watchIndex: 0 }], payload });

  it('keeps repeats out and names the gap', () => {
    const sequencer = new Sequencer();
    sequencer.begin(() => 4, []);
    expect(offer(sequencer, 7, 1)).toEqual({ taken: false, expectedSeq: 5 });
    expect(offer(sequencer, 3, 2)).toEqual({ taken: true });
    expect(sequencer.empty).toBe(true);
    expect(offer(sequencer, 5, 2)).toEqual({ taken: true });
    expect(offer(sequencer, 5, 2)).toEqual({ taken: true });
    expect(sequencer.peek()!.runs).toEqual([
      { node: 'n', incarnation: 1, firstSeq: 5, count: 2, watchIndex: 0 },
    ]);
  });

  it('starts behind what the unapplied tail of the log holds', () => {
    const sequencer = new Sequencer();
    const runs = [{ node: 'n', incarnation: 1, firstSeq: 5, count: 3, watchIndex: 0 }];
    sequencer.begin(
      () => 4,
      [{ index: 9, term: 1, kind: 'batch', time: 0, seed: 0, runs, payload }],
    );
    expect(offer(sequencer, 9, 1)).toEqual({ taken: false, expectedSeq: 8 });
  });

  it('joins origins into one entry and keeps the content until it is dropped', () => {
    const sequencer = new Sequencer();
    sequencer.begin(() => 0, []);
    offer(sequencer, 1, 2, 'a');
    offer(sequencer, 3, 1, 'a');
    offer(sequencer, 1, 1, 'b');
    const content = sequencer.peek()!;
    expect(content.runs.map((run) => [run.node, run.firstSeq, run.count])).toEqual([
      ['a', 1, 3],
      ['b', 1, 1],
    ]);
    expect(sequencer.peek()!.bytes).toBe(3);
    sequencer.drop();
    expect(sequencer.empty).toBe(true);
    expect(sequencer.bytes).toBe(0);
  });
});
