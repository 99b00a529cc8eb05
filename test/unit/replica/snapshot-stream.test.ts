// Goal: a snapshot arrives whole over a connection that breaks anywhere, without being sent twice;
// what is out of order, damaged, of another snapshot or of an older term is refused. Method: sender
// and receiver over real loopback links that the test cuts.

import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type AcceptedLink, Acceptor } from '../../../src/peer/acceptor.js';
import { BODY_AT, FrameKind } from '../../../src/peer/frame.js';
import type { Hello, MemberIdentity } from '../../../src/peer/handshake.js';
import {
  decodeChunk,
  decodeVerdict,
  encodeBegin,
  encodeChunk,
  encodeEnd,
  type SnapshotBegin,
} from '../../../src/peer/snapshot-codec.js';
import { systemClock } from '../../../src/platform/clock.js';
import { systemDisk } from '../../../src/platform/disk.js';
import { tcp } from '../../../src/platform/net.js';
import { type ReceivedSnapshot, SnapshotReceiver } from '../../../src/replica/snapshot-receiver.js';
import { sendSnapshot } from '../../../src/replica/snapshot-sender.js';
import { SnapshotSink } from '../../../src/storage/snapshot-sink.js';
import { eventually } from '../../process/daemon.js';
import { voters } from '../raft/group.js';

let directory = '';
let closeAll: (() => Promise<void>)[] = [];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'helios-stream-'));
  closeAll = [];
});
afterEach(async () => {
  for (const close of closeAll) await close();
  rmSync(directory, { recursive: true, force: true });
});

function identity(nodeId: string): MemberIdentity {
  const empty = { clusterId: '', respAddress: '', raftAddress: '', members: '' };
  return { ...empty, nodeId, uuid: `uuid-${nodeId}`, standing: 'admitted' };
}

const META = { index: 7, term: 2, membership: voters('a', 'b') };

interface Receiving {
  readonly receiver: SnapshotReceiver;
  readonly received: ReceivedSnapshot[];
  readonly failures: string[];
  sinks: number;
}

function receiving(outcome: () => Promise<string> = async () => ''): Receiving {
  const state = { received: [] as ReceivedSnapshot[], failures: [] as string[], sinks: 0 };
  const receiver = new SnapshotReceiver({
    clock: systemClock,
    term: () => 3,
    createSink: async () => new SnapshotSink(systemDisk, join(directory, `temp-${++state.sinks}`)),
    onReceived: (snapshot) => {
      state.received.push(snapshot);
      return outcome();
    },
    onFailed: (_, reason) => state.failures.push(reason),
    onRefused: (_, reason) => state.failures.push(reason),
  });
  closeAll.push(() => receiver.close());
  return Object.assign(state, { receiver });
}

/** A listener whose connections are cut after so many bytes of chunks each; 0 for never. */
async function listening(to: Receiving, cutAfter: readonly number[]) {
  const cuts = [...cutAfter];
  const stats = { port: 0, chunkBytes: 0, connections: 0 };
  const left = new Map<AcceptedLink, number>();
  const acceptor = new Acceptor(() => identity('b'), systemClock, {
    judge: () => null,
    onOpen: (link) => {
      stats.connections++;
      left.set(link, cuts.shift() || Number.POSITIVE_INFINITY);
    },
    onFrame: (link, kind, body) => {
      if (kind === FrameKind.snapshotChunk) {
        const chunk = decodeChunk(body);
        if (typeof chunk === 'string') throw new Error(chunk);
        left.set(link, left.get(link)! - chunk.bytes.length);
        if (left.get(link)! < 0) {
          link.close();
          return;
        }
        stats.chunkBytes += chunk.bytes.length;
      }
      to.receiver.onFrame(link, kind, body);
    },
    onClose: (link) => to.receiver.onClose(link),
    onFault: () => {},
  });
  stats.port = await acceptor.listen(tcp, { host: '127.0.0.1', port: 0 });
  closeAll.unshift(() => acceptor.close());
  return stats;
}

function send(port: number, path: string, bytes: number, term = 3): Promise<string> {
  return sendSnapshot({
    to: { id: 'b', host: '127.0.0.1', port },
    self: () => identity('a'),
    begin: { term, meta: META, bytes },
    path,
    disk: systemDisk,
    net: tcp,
    clock: systemClock,
    chunkBytes: 2 ** 18,
    wanted: () => true,
  });
}

const MEGABYTE = 2 ** 20;

function file(megabytes: number): { path: string; bytes: number; sum: string } {
  const block = createHash('sha512').update('x').digest();
  const content = Buffer.alloc(megabytes * MEGABYTE + 13);
  for (let at = 0; at < content.length; at++) content[at] = block[at % 61]! ^ (at >> 12);
  const path = join(directory, 'source.rdb');
  writeFileSync(path, content);
  return { path, bytes: content.length, sum: createHash('sha1').update(content).digest('hex') };
}

describe('a stream', () => {
  it('that breaks again and again goes on from what is there', async () => {
    const source = file(24);
    const to = receiving();
    const cuts = [3 * MEGABYTE, 0.3 * MEGABYTE, 7 * MEGABYTE, 1, 6 * MEGABYTE, 0];
    const stats = await listening(to, cuts);
    expect(await send(stats.port, source.path, source.bytes)).toBe('');
    expect(to.received).toHaveLength(1);
    const [{ sink, begin, from }] = to.received as [ReceivedSnapshot];
    expect([from, begin.meta, begin.bytes]).toEqual(['a', META, source.bytes]);
    const got = readFileSync(sink.path);
    expect(createHash('sha1').update(got).digest('hex')).toBe(source.sum);
    // Nothing came twice into the file, and one file was enough.
    expect(stats.chunkBytes).toBe(source.bytes);
    expect(stats.connections).toBe(cuts.length);
    expect(to.sinks).toBe(1);
  });

  it('whose end is lost while the member loads hears the outcome on the next connection', async () => {
    const source = file(1);
    let finish: (reason: string) => void = () => {};
    const loaded = new Promise<string>((resolve) => {
      finish = resolve;
    });
    const links: AcceptedLink[] = [];
    const to = receiving(() => {
      links[0]!.close();
      return loaded;
    });
    const acceptor = new Acceptor(() => identity('b'), systemClock, {
      judge: () => null,
      onOpen: (link) => {
        links.push(link);
        if (links.length === 2) systemClock.after(20, () => finish('it is not liked'));
      },
      onFrame: (link, kind, body) => to.receiver.onFrame(link, kind, body),
      onClose: (link) => to.receiver.onClose(link),
      onFault: () => {},
    });
    const port = await acceptor.listen(tcp, { host: '127.0.0.1', port: 0 });
    closeAll.unshift(() => acceptor.close());
    expect(await send(port, source.path, source.bytes)).toBe('it is not liked');
    expect(to.received).toHaveLength(1);
    expect(links).toHaveLength(2);
  });

  it('of an older term is refused', async () => {
    const source = file(1);
    const to = receiving();
    const stats = await listening(to, []);
    expect(await send(stats.port, source.path, source.bytes, 2)).toMatch(
      /term 2, this node is in 3/,
    );
    expect(to.sinks).toBe(0);
  });
});

/** A link by hand: what is sent to it is kept, and can be waited for. */
class HandLink implements AcceptedLink {
  readonly hello: Hello;
  readonly sent: Buffer[] = [];
  closed = false;
  #heard: () => void = () => {};

  constructor(nodeId: string) {
    this.hello = { ...identity(nodeId), version: 1, kind: 'bulk', to: 'b' };
  }

  send(frame: Uint8Array): void {
    this.sent.push(Buffer.from(frame));
    this.#heard();
  }

  pause(): void {}
  resume(): void {}

  close(): void {
    this.closed = true;
  }

  /** Resolves when `count` frames were sent to it. */
  async answers(count: number): Promise<void> {
    while (this.sent.length < count) {
      await new Promise<void>((resolve) => {
        this.#heard = resolve;
      });
    }
  }
}

const BEGIN: SnapshotBegin = { term: 3, meta: META, bytes: 30, checksum: '00112233445566ff' };

/** Every frame is answered: with how far the file is, or the verdict. */
async function feed(to: Receiving, by: HandLink, ...frames: (Buffer | Buffer[])[]): Promise<void> {
  for (const frame of frames.map((each) => (Array.isArray(each) ? Buffer.concat(each) : each))) {
    const before = by.sent.length;
    to.receiver.onFrame(by, frame[4]!, frame.subarray(BODY_AT));
    await by.answers(before + 1);
  }
}

function temporaries(): string[] {
  return readdirSync(directory).filter((name) => name.startsWith('temp-'));
}

const TEN = Buffer.alloc(10, 'x');

describe('a receiver refuses', () => {
  const damaged = Buffer.concat(encodeChunk(0, TEN));
  damaged[damaged.length - 1] = damaged[damaged.length - 1]! ^ 1;
  const bad: [what: string, frames: (Buffer | Buffer[])[], told: RegExp][] = [
    ['a chunk before the beginning', [encodeChunk(0, TEN)], /without a beginning/],
    ['a chunk that leaves a gap', [encodeBegin(BEGIN), encodeChunk(10, TEN)], /at 10, expected 0/],
    [
      'a chunk that comes twice',
      [encodeBegin(BEGIN), encodeChunk(0, TEN), encodeChunk(0, TEN)],
      /at 0, expected 10/,
    ],
    ['a chunk that is damaged', [encodeBegin(BEGIN), damaged], /damaged snapshot chunk at 0/],
    [
      'more than was announced',
      [encodeBegin(BEGIN), encodeChunk(0, Buffer.alloc(31))],
      /expected 0/,
    ],
    ['an early end', [encodeBegin(BEGIN), encodeEnd()], /ended at 0 of 30/],
    ['a header without a checksum', [encodeBegin({ ...BEGIN, checksum: 'x' })], /checksum/],
  ];
  it.each(bad)('%s', async (_, frames, told) => {
    const to = receiving();
    const by = new HandLink('a');
    await feed(to, by, ...frames);
    expect(to.failures.join()).toMatch(told);
    expect(by.closed).toBe(true);
    const last = by.sent.at(-1)!;
    expect(last[4]).toBe(FrameKind.snapshotEnd);
    expect(decodeVerdict(last.subarray(BODY_AT))).toMatch(told);
    expect(to.received).toEqual([]);
    await eventually('nothing is left', async () => (temporaries().length === 0 ? true : null));
  });

  it('to give a stream up for one of another sender, unless that one leads a newer term', async () => {
    const to = receiving();
    const first = new HandLink('a');
    await feed(to, first, encodeBegin(BEGIN), encodeChunk(0, TEN));
    const rival = new HandLink('c');
    await feed(to, rival, encodeBegin(BEGIN));
    const told = decodeVerdict(rival.sent.at(-1)!.subarray(BODY_AT));
    expect([told, rival.closed]).toEqual(['a snapshot of a is on its way', true]);
    await feed(to, first, encodeChunk(10, TEN));
    expect(first.sent.at(-1)!.readDoubleLE(BODY_AT)).toBe(20);
    const leader = new HandLink('c');
    await feed(to, leader, encodeBegin({ ...BEGIN, term: 4 }));
    expect(leader.sent.at(-1)!.readDoubleLE(BODY_AT)).toBe(0);
    expect(first.closed).toBe(true);
  });

  it('to continue one snapshot with another, or with that of another sender', async () => {
    const others: [string, SnapshotBegin][] = [
      ['a', { ...BEGIN, checksum: 'ffffffffffffffff' }],
      ['a', { ...BEGIN, bytes: 31 }],
      ['a', { ...BEGIN, meta: { ...META, index: 8 } }],
      ['a', { ...BEGIN, meta: { ...META, term: 3 } }],
      ['c', BEGIN],
    ];
    const to = receiving();
    for (const [from, begin] of others) {
      const first = new HandLink('a');
      await feed(to, first, encodeBegin(BEGIN), encodeChunk(0, TEN));
      to.receiver.onClose(first);
      const second = new HandLink(from);
      await feed(to, second, encodeBegin(begin));
      expect(second.sent.at(-1)!.readDoubleLE(BODY_AT), JSON.stringify(begin)).toBe(0);
      await feed(to, second, encodeEnd());
      await eventually('nothing is left', async () => (temporaries().length === 0 ? true : null));
    }
    const first = new HandLink('a');
    await feed(to, first, encodeBegin(BEGIN), encodeChunk(0, TEN));
    to.receiver.onClose(first);
    const again = new HandLink('a');
    await feed(to, again, encodeBegin({ ...BEGIN, term: 9 }));
    expect(again.sent.at(-1)!.readDoubleLE(BODY_AT)).toBe(10);
    expect(temporaries()).toHaveLength(1);
  });
});
