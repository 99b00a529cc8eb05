// Reads of this node waiting for an index, and the ordered stream of durable writes.

import { describe, expect, it } from 'vitest';
import { DurableStream } from '../../../src/replica/durable-stream.js';
import { Reads } from '../../../src/replica/reads.js';

function read(log: string[], name: string) {
  return { onReadable: () => void log.push(name), onFailed: () => void log.push(`${name} failed`) };
}

describe('linearizable reads', () => {
  it('of one turn share a request and wait for the machine', () => {
    const asked: number[] = [];
    const log: string[] = [];
    const reads = new Reads((id) => void asked.push(id));
    reads.add(read(log, 'a'));
    reads.add(read(log, 'b'));
    reads.dispatch(0);
    expect(asked).toHaveLength(1);
    reads.answered(asked[0]!, 10, 8);
    expect(log).toEqual([]);
    reads.applied(9);
    expect(log).toEqual([]);
    reads.applied(10);
    expect(log).toEqual(['a', 'b']);
  });

  it('never run on an answer to another request', () => {
    const asked: number[] = [];
    const log: string[] = [];
    const reads = new Reads((id) => void asked.push(id));
    reads.add(read(log, 'a'));
    reads.dispatch(0);
    reads.answered(asked[0]! + 1, 1, 99);
    expect(log).toEqual([]);
  });

  it('that are refused or lost are asked again with a new id, until their time is up', () => {
    const asked: number[] = [];
    const log: string[] = [];
    const reads = new Reads((id) => void asked.push(id));
    reads.add(read(log, 'a'));
    reads.dispatch(0);
    reads.answered(asked[0]!, -1, 0);
    reads.poll(50, -1000);
    expect(asked).toHaveLength(2);
    expect(new Set(asked).size).toBe(2);
    reads.poll(400, -1000);
    expect(asked).toHaveLength(3);
    reads.answered(asked[1]!, 1, 1);
    expect(log).toEqual([]);
    reads.poll(5000, 4000);
    expect(log).toEqual(['a failed']);
  });

  it('that were confirmed but never became readable are given up too', () => {
    const asked: number[] = [];
    const log: string[] = [];
    const reads = new Reads((id) => void asked.push(id));
    reads.add(read(log, 'a'));
    reads.dispatch(0);
    reads.answered(asked[0]!, 10, 8);
    reads.poll(5000, 4000);
    expect(log).toEqual(['a failed']);
  });
});

describe('the durable stream', () => {
  function setup() {
    const log: string[] = [];
    const saves: (() => void)[] = [];
    const appends: (() => void)[] = [];
    const stream = new DurableStream({
      saveHardState: (state) =>
        new Promise((resolve) => {
          log.push(`save ${state.term}`);
          saves.push(resolve);
        }),
      appendRecords: (records, done) => {
        log.push(`append ${records.map((record) => record.index)}`);
        appends.push(done);
      },
      fatal: (error) => {
        throw error;
      },
    });
    return { log, saves, appends, stream };
  }
  const records = (index: number) => [{ index, bytes: Buffer.alloc(1) }];
  const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

  it('writes no entry before the hard state it depends on', async () => {
    const { log, saves, appends, stream } = setup();
    stream.submit({ term: 2, vote: 'a' }, records(5), () => log.push('done 5'));
    stream.submit(null, records(6), () => log.push('done 6'));
    expect(log).toEqual(['save 2']);
    saves[0]!();
    await settle();
    expect(log).toEqual(['save 2', 'append 5', 'append 6']);
    appends[1]!();
    expect(log).not.toContain('done 6');
    appends[0]!();
    expect(log.slice(3)).toEqual(['done 5', 'done 6']);
  });

  it('completes an empty submission only behind everything before it', () => {
    const { log, appends, stream } = setup();
    stream.submit(null, records(5), () => log.push('done 5'));
    stream.submit(null, [], () => log.push('votes'));
    expect(log).toEqual(['append 5']);
    appends[0]!();
    expect(log).toEqual(['append 5', 'done 5', 'votes']);
    stream.submit(null, [], () => log.push('at once'));
    expect(log.at(-1)).toBe('at once');
  });
});
