// Group commit: what is written with what, and who is told when.

import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/platform/clock.js';
import type { DiskFile } from '../../../src/platform/disk.js';
import { DiskFault } from '../../../src/platform/disk-fault.js';
import { type FsyncPolicy, LogWriter } from '../../../src/storage/log-writer.js';

type Callback = (error: Error | null) => void;

/** A file that does nothing until told: every operation waits in `pending`. */
class SteppedFile implements DiskFile {
  size = 0;
  readonly log: string[] = [];
  pending: { what: string; done: Callback } | null = null;

  append(buffers: readonly Uint8Array[], done: Callback): void {
    const text = buffers.map((buffer) => Buffer.from(buffer).latin1Slice()).join('');
    this.#begin(`write ${text}`, done);
  }

  sync(done: Callback): void {
    this.#begin('sync', done);
  }

  finish(error: Error | null = null): void {
    const { done } = this.pending!;
    this.pending = null;
    done(error);
  }

  #begin(what: string, done: Callback): void {
    if (this.pending !== null) throw new Error('two operations at once');
    this.log.push(what);
    this.pending = { what, done };
  }

  read = () => Promise.reject(new Error('not here'));
  truncate = () => Promise.reject(new Error('not here'));
  close = () => Promise.resolve();
}

/** Time that passes when told. */
function steppedClock() {
  let tick: () => void = () => undefined;
  const clock = {
    ...systemClock,
    every: (_: number, run: () => void) => {
      tick = run;
      return { cancel: () => (tick = () => undefined) };
    },
    endOfTurn: (run: () => void) => run(),
    soon: (run: () => void) => run(),
  };
  return { clock, second: () => tick() };
}

function setup(policy: FsyncPolicy) {
  const file = new SteppedFile();
  const fatal: Error[] = [];
  const done: string[] = [];
  const { clock, second } = steppedClock();
  const writer = new LogWriter(file, policy, clock, (error) => fatal.push(error));
  const append = (text: string): void => {
    writer.append([Buffer.from(text)], () => done.push(text));
  };
  return { file, fatal, done, second, writer, append };
}

const eio = new DiskFault('write', 'x', Object.assign(new Error('bad'), { code: 'EIO' }));

describe('log writer', () => {
  it('gathers what arrives during a write and sync into one next round', () => {
    const { file, done, append, writer } = setup('every');
    append('a');
    append('b');
    append('c');
    file.finish();
    append('d');
    expect(done).toEqual([]);
    expect(writer.pendingBytes).toBe(4);
    file.finish();
    expect(done).toEqual(['a']);
    expect(file.pending?.what).toBe('write bcd');
    file.finish();
    file.finish();
    expect(done).toEqual(['a', 'b', 'c', 'd']);
    expect(file.log).toEqual(['write a', 'sync', 'write bcd', 'sync']);
    expect(file.pending).toBeNull();
    expect(writer.fsyncMicros.count).toBe(2);
    expect(writer.pendingBytes).toBe(0);
  });

  it('answers after the write and syncs each second under interval', () => {
    const { file, done, append, second } = setup('interval');
    append('a');
    file.finish();
    expect(done).toEqual(['a']);
    expect(file.pending).toBeNull();
    second();
    expect(file.pending).toMatchObject({ what: 'sync' });
    append('b');
    expect(done).toEqual(['a']);
    file.finish();
    file.finish();
    expect(done).toEqual(['a', 'b']);
    second();
    second();
    file.finish();
    second();
    expect(file.log).toEqual(['write a', 'sync', 'write b', 'sync']);
  });

  it('never syncs under none, except before a barrier', async () => {
    const { file, done, append, second, writer } = setup('none');
    append('a');
    file.finish();
    second();
    expect(file.log).toEqual(['write a']);
    const barrier = writer.barrier(async () => void done.push('step'));
    append('b');
    file.finish();
    await barrier;
    await new Promise(setImmediate);
    expect(done).toEqual(['a', 'step']);
    expect(file.log).toEqual(['write a', 'sync', 'write b']);
  });

  it('runs a barrier after everything before it is durable and before anything after it', async () => {
    const { file, done, append, writer } = setup('every');
    append('a');
    append('b');
    const barrier = writer.barrier(async () => void done.push('step'));
    append('c');
    for (let i = 0; i < 4; i++) file.finish();
    expect(done).toEqual(['a', 'b', 'step']);
    await barrier;
    await new Promise(setImmediate);
    expect(file.pending).toMatchObject({ what: 'write c' });
  });

  it.each(['every', 'interval', 'none'] as const)(
    'stops for ever at the first failure (%s)',
    (policy) => {
      const { file, done, fatal, append, second } = setup(policy);
      append('a');
      append('b');
      file.finish(eio);
      append('c');
      second();
      expect(fatal).toEqual([eio]);
      expect(done).toEqual([]);
      expect(file.log).toEqual(['write a']);
      expect(file.pending).toBeNull();
    },
  );

  it('stops for ever when a sync fails, and does not try it again', () => {
    const { file, done, fatal, append, writer } = setup('every');
    append('a');
    file.finish();
    append('b');
    file.finish(eio);
    expect([fatal, done]).toEqual([[eio], []]);
    writer.fail(eio);
    append('c');
    expect(fatal.length).toBe(1);
    expect(file.log).toEqual(['write a', 'sync']);
  });
});
