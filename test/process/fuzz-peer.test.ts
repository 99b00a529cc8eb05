// Goal: nothing that arrives at the Raft port harms a member: bytes that are no frame, strangers,
// frames of a member that are damaged, late or out of order. The cluster goes on writing, with
// equal data.

import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { FrameKind, type FrameKindCode, frameHead } from '../../src/peer/frame.js';
import { encodeHello, encodeJson, type LinkKind } from '../../src/peer/handshake.js';
import { encodeProposal } from '../../src/peer/proposal-codec.js';
import { encodeRaft, type PeerMessage } from '../../src/peer/raft-codec.js';
import { encodeBegin, encodeChunk, encodeEnd } from '../../src/peer/snapshot-codec.js';
import { membershipOf } from '../../src/raft/membership.js';
import { decodeEntry } from '../../src/replica/boot.js';
import { encodeRecord } from '../../src/storage/record.js';
import { askLine, Cluster, type Daemon, eventually, raftInfo } from './daemon.js';
import { HostileClient, harm, residentBytes } from './hostile-client.js';
import { RandomSource } from './random-source.js';

const GROWTH_MAX = 150 * 2 ** 20;
const SLICE_MS = 2500;

let cluster: Cluster;
let target: Daemon;
let residentMax = 0;
const open: HostileClient[] = [];
let random: RandomSource;
let checks = 0;

beforeAll(async () => {
  cluster = await Cluster.start(3);
  const leader = await cluster.leader();
  target = cluster.daemons.find((daemon) => daemon !== leader)!;
  await askLine(target.spec.port, 'SET before 1');
  residentMax = residentBytes(target.pid) + GROWTH_MAX;
  random = new RandomSource('fuzz-peer');
});
afterAll(() => cluster?.stop());

afterEach(async () => {
  for (const client of open.splice(0)) client.end();
  for (const daemon of cluster.daemons) expect(await harm(daemon, residentMax)).toBeNull();
  const port = target.spec.port;
  await eventually('a write works', async () =>
    (await askLine(port, `SET check:${checks++} 1`)) === 'OK' ? true : null,
  );
  expect(new Set(await cluster.digests()).size).toBe(1);
});

function connect(daemon = target): HostileClient {
  const client = new HostileClient(daemon.spec.raftPort);
  open.push(client);
  return client;
}

/** As the member itself says it; a stranger's is made up. */
function identity(nodeId: string): Parameters<typeof encodeHello>[0] {
  const member = cluster.daemons.find(({ spec }) => spec.id === nodeId);
  if (member !== undefined) return identityOf(member);
  return {
    nodeId,
    uuid: 'fuzz',
    clusterId: '',
    standing: 'new',
    respAddress: '127.0.0.1:1',
    raftAddress: '127.0.0.1:2',
    members: '',
  };
}

function identityOf({ spec }: Daemon): Parameters<typeof encodeHello>[0] {
  const directory = `${spec.dataDir}/appendonlydir`;
  const log = readdirSync(directory).find((name) => name.endsWith('.incr.aof'))!;
  const text = readFileSync(`${directory}/${log}`, 'latin1');
  return {
    nodeId: spec.id,
    uuid: /owner=(\S+)/.exec(text)![1]!,
    clusterId: /"clusterId":"([^"]+)"/.exec(text)![1]!,
    standing: 'admitted',
    respAddress: `127.0.0.1:${spec.port}`,
    raftAddress: `127.0.0.1:${spec.raftPort}`,
    members: '',
  };
}

/** Some other member's name, at which the target looks as at that member. */
function memberName(): string {
  return cluster.daemons.find((daemon) => daemon !== target)!.spec.id;
}

async function greeted(kind: LinkKind = 'raft'): Promise<HostileClient> {
  const client = connect();
  await client.send(encodeHello(identity(memberName()), kind, target.spec.id));
  expect(await client.answer(/"nodeId"/)).toContain(target.spec.id);
  return client;
}

function frame(kind: number, body: Buffer): Buffer {
  return Buffer.concat([frameHead(kind as FrameKindCode, body.length, 0), body]);
}

function lengthOnly(bytes: number): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32LE(bytes, 0);
  return head;
}

async function forAWhile(step: () => Promise<void>): Promise<void> {
  const until = Date.now() + SLICE_MS;
  while (Date.now() < until) await step();
}

describe('before the greeting', () => {
  it('random bytes and huge lengths close the connection', async () => {
    await forAWhile(async () => {
      const client = connect();
      await client.send(random.bytes(1 + random.below(300)));
      client.end();
    });
    const client = connect();
    await client.send(lengthOnly(2 ** 31));
    expect(await client.closes()).toBe(true);
    const large = connect();
    await large.send(Buffer.concat([lengthOnly(20_000), Buffer.alloc(20_000)]));
    expect(await large.closes()).toBe(true);
  });

  it('silence is ended, also by many at once', async () => {
    const clients = Array.from({ length: 200 }, () => connect());
    await Promise.all(clients.map((client) => client.send(Buffer.from([9]))));
    const ends = await Promise.all(clients.map((client) => client.closes(7000)));
    expect(ends.every(Boolean)).toBe(true);
  });

  it.each([
    ['a stranger', () => encodeHello(identity('node-9'), 'raft', target.spec.id), /not a member/],
    ['the wrong address', () => encodeHello(identity(memberName()), 'raft', 'x'), /not x/],
    [
      'another version',
      () =>
        encodeJson(FrameKind.hello, {
          ...{ version: 99, kind: 'raft', to: target.spec.id },
          ...identity(memberName()),
        }),
      /version 99/,
    ],
    ['no hello', () => frame(FrameKind.raft, Buffer.alloc(9)), /expected a hello/],
    ['JSON of another kind', () => encodeJson(FrameKind.hello, [1, 2]), /without a valid/],
    ['no JSON', () => frame(FrameKind.hello, Buffer.from('{')), /not JSON/],
  ])('%s is refused with the reason', async (_, hello, reason) => {
    const client = connect();
    await client.send(hello());
    expect(await client.answer(reason)).toMatch(reason);
    expect(await client.closes()).toBe(true);
  });

  it('damaged hellos are refused', async () => {
    const hello = encodeHello(identity(memberName()), 'raft', target.spec.id);
    await forAWhile(async () => {
      const client = connect();
      await client.send(random.damage(hello).bytes);
      client.end();
    });
  });
});

describe('from a greeted member', () => {
  it('random frames end the link', async () => {
    await forAWhile(async () => {
      const client = await greeted(random.pick(['raft', 'bulk']));
      for (let i = 0; i < 20; i++) {
        await client.send(
          frame(random.pick([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 77]), random.bytes(random.below(60))),
        );
      }
      await client.send(random.bytes(100));
      client.end();
    });
  });

  it('a huge length keeps no memory for what does not come', async () => {
    const clients = await Promise.all(Array.from({ length: 30 }, () => greeted()));
    for (const client of clients) {
      await client.send(Buffer.concat([lengthOnly(2 ** 30), Buffer.alloc(100_000)]));
    }
    expect(await harm(target, residentMax)).toBeNull();
    const more = await greeted();
    await more.send(lengthOnly(2 ** 30 + 1));
    expect(await more.closes()).toBe(true);
  });

  it('frames cut short anywhere are no harm', async () => {
    const whole = Buffer.concat(encodeRaft(heartbeat(1)));
    for (let at = 0; at < whole.length; at += 3) {
      const client = await greeted();
      await client.send(whole.subarray(0, at));
      client.end();
    }
  });

  it('messages of past terms change nothing', async () => {
    const before = await raftInfo(target.spec.port);
    const client = await greeted();
    for (let i = 0; i < 300; i++) await client.send(Buffer.concat(encodeRaft(stale())));
    const after = await eventually('it is read', () => raftInfo(target.spec.port));
    expect(after.raft_term).toBe(before.raft_term);
    expect(after.raft_leader).toBe(before.raft_leader);
  });

  it('damaged records do not enter the log', async () => {
    const { raft_term, raft_last_log_index } = await raftInfo(target.spec.port);
    const term = Number(raft_term);
    const last = Number(raft_last_log_index);
    const whole = Buffer.concat(encodeRaft(append(term, last)));
    const from = whole.indexOf('#');
    await forAWhile(async () => {
      const client = await greeted();
      const copy = Buffer.from(whole);
      const at = from + random.below(copy.length - from);
      copy[at] = copy[at]! ^ (1 << random.below(8));
      await client.send(copy);
      expect(await client.closes()).toBe(true);
    });
    expect(await askLine(target.spec.port, 'EXISTS damaged')).toBe('0');
  });

  it('proposals with wrong payloads are refused', async () => {
    const leader = await cluster.leader();
    const payloads = [
      ...['', '*', '*1\r\n', '*0\r\n', '$3\r\nSET\r\n', '*1\r\n$-1\r\n', '*1\r\n$99999999999\r\n'],
      ...['*2\r\n$3\r\nDEL\r\n$1\r\na\r\n*1\r\n$4\r\nPING\r\n', '*1\r\n$4\r\nEXEC\r\n'],
      ...['*1\r\n$5\r\nMULTI\r\n', '*2\r\n$6\r\nSELECT\r\n$2\r\n99\r\n*1\r\n$1\r\na\r\n'],
    ];
    const client = new HostileClient(leader.spec.raftPort);
    open.push(client);
    const hello = encodeHello(identity(target.spec.id), 'raft', leader.spec.id);
    await client.send(hello);
    await client.answer(/"nodeId"/);
    for (const text of payloads) {
      const payload = Buffer.from(text, 'latin1');
      const runs = [{ firstSeq: 1, count: 1, watchIndex: 0 }];
      // An incarnation that has passed: what is sound by chance is dropped by the machine.
      await client.send(Buffer.concat(encodeProposal({ incarnation: 0, runs, payload })));
    }
    await forAWhile(async () => {
      const sound = Buffer.from('*3\r\n$3\r\nSET\r\n$7\r\ndamaged\r\n$1\r\n1\r\n');
      const payload = random.damage(sound).bytes;
      const runs = [{ firstSeq: 1 + random.below(9), count: 1 + random.below(3), watchIndex: 0 }];
      await client.send(Buffer.concat(encodeProposal({ incarnation: 0, runs, payload })));
    });
    expect(await harm(leader, residentMax)).toBeNull();
    expect(await askLine(leader.spec.port, 'EXISTS damaged')).toBe('0');
  });

  it('snapshots out of order, too long, too short or of garbage are not taken', async () => {
    const membership = membershipOf(['node-1'], []);
    const checksum = '0123456789abcdef';
    const begin = (bytes: number) =>
      encodeBegin({ term: 1e6, meta: { index: 1e9, term: 1, membership }, bytes, checksum });
    const chunk = (offset: number, length: number) =>
      Buffer.concat(encodeChunk(offset, random.bytes(length)));
    const streams: Buffer[][] = [
      [chunk(0, 10)],
      [encodeEnd()],
      [begin(100), encodeEnd()],
      [begin(100), chunk(50, 10)],
      [begin(100), chunk(0, 101)],
      [begin(100), chunk(0, 50), chunk(0, 50)],
      [begin(10), chunk(0, 10), encodeEnd()],
      [begin(200_000), chunk(0, 200_000), encodeEnd()],
      [begin(2 ** 50), chunk(0, 100_000), begin(5), chunk(0, 5)],
      [frame(FrameKind.snapshotBegin, Buffer.from('{"meta":{}}'))],
    ];
    for (const stream of streams) {
      const client = await greeted('bulk');
      for (const part of stream) await client.send(part);
      await client.answer(/"reason"/, 300);
      client.end();
    }
    await forAWhile(async () => {
      // Replaced and cut off while large chunks are being written.
      const clients = await Promise.all([greeted('bulk'), greeted('bulk')]);
      for (const client of clients) await client.send(Buffer.concat([begin(2e6), chunk(0, 9e5)]));
      for (const client of clients) client.end();
    });
    expect(await askLine(target.spec.port, 'GET before')).toBe('1');
  });
});

describe('what is refused', () => {
  const hello = (change: object): Buffer =>
    encodeHello({ ...identity(memberName()), ...change }, 'raft', target.spec.id);
  const flipped = (frame: Buffer): Buffer => {
    const copy = Buffer.from(frame);
    copy[12] = copy[12]! ^ 1;
    return copy;
  };
  const wrongWrites = { incarnation: 0, runs: [{ firstSeq: 1, count: 1, watchIndex: 0 }] };

  it.each<[cause: string, link: LinkKind | null, () => Buffer, line: RegExp]>([
    ['cluster', null, () => hello({ clusterId: 'other' }), /belongs to cluster other/],
    ['identity', null, () => hello({ uuid: 'another', standing: 'new' }), /another data directory/],
    ['stranger', null, () => hello({ nodeId: 'node-9', clusterId: '' }), /not a member/],
    ['version', null, () => encodeJson(FrameKind.hello, { version: 99 }), /protocol version 99/],
    ['greeting', null, () => encodeJson(FrameKind.hello, { version: 'x' }), /greeting without/],
    ['frame', null, () => lengthOnly(2 ** 31), /frame of \d+ bytes/],
    ['frame', 'raft', () => lengthOnly(2 ** 30 + 1), /frame of \d+ bytes/],
    ['message', 'raft', () => flipped(Buffer.concat(encodeRaft(heartbeat(1)))), /wrong CRC/],
    ['message', 'raft', () => frame(99, Buffer.alloc(9)), /unexpected frame kind 99/],
    [
      'proposal',
      'raft',
      () => Buffer.concat(encodeProposal({ ...wrongWrites, payload: Buffer.from('*') })),
      /proposal of \S+ refused/,
    ],
    ['snapshot', 'bulk', () => Buffer.concat(encodeChunk(5, Buffer.alloc(9))), /refused/],
  ])('%s: counted each time, said once, without effect (%s)', async (cause, link, bytes, line) => {
    const tries = 5;
    const { port } = target.spec;
    const counter = `raft_peer_refused_${cause}`;
    const before = await raftInfo(port);
    const printed = target.output.length;
    for (let i = 0; i < tries; i++) {
      const client = link === null ? connect() : await greeted(link);
      await client.send(bytes());
      // A wrong proposal does not end the link: it is the client's fault, not the member's.
      if (cause !== 'proposal') expect(await client.closes()).toBe(true);
      else client.end();
    }
    const after = await eventually('all are counted', async () => {
      const info = await raftInfo(port);
      return Number(info[counter]) - Number(before[counter]) >= tries ? info : null;
    });
    expect(Number(after.raft_peer_refused)).toBeGreaterThanOrEqual(Number(after[counter]));
    // A link in the leader's name closed: it is forgotten until it is heard again.
    const { raft_term } = await eventually('the leader is still the same', async () => {
      const info = await raftInfo(port);
      return info.raft_leader === before.raft_leader ? info : null;
    });
    expect(raft_term).toBe(before.raft_term);
    const lines = target.output
      .slice(printed)
      .split('\n')
      .filter((text) => line.test(text));
    expect(lines.length).toBeLessThanOrEqual(1);
  });
});

function envelope(term: number): { from: string; to: string; term: number } {
  return { from: memberName(), to: target.spec.id, term };
}

function heartbeat(term: number): PeerMessage {
  return { type: 'heartbeat', ...envelope(term), commitIndex: 0, readRound: 1 };
}

/** A message of term 0, which is over for everybody, with any numbers. */
function stale(): PeerMessage {
  const any = (): number => random.pick([0, 1, 2, 1000, Number.MAX_SAFE_INTEGER]);
  const base = envelope(0);
  return random.pick<PeerMessage>([
    {
      type: 'heartbeat',
      ...base,
      commitIndex: any(),
      readRound: any(),
    },
    { type: 'heartbeatResponse', ...base, readRound: any(), promised: true, admitted: true },
    { type: 'append', ...base, prevIndex: any(), prevTerm: 0, commitIndex: any(), entries: [] },
    {
      ...{ type: 'appendResponse' as const, ...base, accepted: random.below(2) === 0 },
      ...{ index: any(), hintIndex: any(), hintTerm: any() },
    },
    {
      type: 'vote',
      ...base,
      lastIndex: any(),
      lastTerm: any(),
      transfer: random.below(2) === 0,
      voterUuid: '',
    },
    {
      type: 'preVote',
      ...base,
      lastIndex: any(),
      lastTerm: any(),
      transfer: false,
      voterUuid: 'x',
    },
    { type: 'voteResponse', ...base, granted: true },
    { type: 'preVoteResponse', ...base, granted: true },
    { type: 'readIndexResponse', ...base, id: any(), index: any() },
    { type: 'timeoutNow', ...base, lastIndex: any(), lastTerm: any() },
  ]);
}

/** A sound append behind `last`, to be damaged. */
function append(term: number, last: number): PeerMessage {
  const payload = Buffer.from('*3\r\n$3\r\nSET\r\n$7\r\ndamaged\r\n$1\r\n1\r\n');
  const runs = [{ node: 'node-9', incarnation: 1, firstSeq: 1, count: 1, watchIndex: 0 }];
  const bytes = encodeRecord(
    { index: last + 1, term, kind: 'batch', time: 1, seed: 1, runs, payload },
    [payload],
  );
  const entry = decodeEntry(bytes);
  if (typeof entry === 'string') throw new Error(entry);
  const base = envelope(term);
  return {
    type: 'append',
    ...base,
    prevIndex: last,
    prevTerm: term,
    commitIndex: 0,
    entries: [entry],
  };
}
