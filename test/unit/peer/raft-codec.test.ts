// Raft messages as bytes: round trips, and damage that is answered with words.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LogRecord } from '../../../src/base/log-entry.js';
import { decodeRaft, encodeRaft, type PeerMessage } from '../../../src/peer/raft-codec.js';
import type { Entry } from '../../../src/raft/types.js';
import { decodeRecord, encodeRecord } from '../../../src/storage/record.js';

type PeerEntry = Entry<{ record: LogRecord; bytes: Buffer }>;

function entry(index: number, term: number, payload: string): PeerEntry {
  const chunk = Buffer.from(payload, 'latin1');
  const runs = [{ node: 'node-1', incarnation: 1, firstSeq: 1, count: 1, watchIndex: 0 }];
  const record: LogRecord = { index, term, kind: 'batch', time: 5, seed: 6, runs, payload: chunk };
  const bytes = encodeRecord(record, [chunk]);
  return {
    index,
    term,
    kind: 'batch',
    size: chunk.length,
    body: { record, bytes },
    membership: null,
  };
}

function decodeEntry(bytes: Buffer): PeerEntry | string {
  const found = decodeRecord(bytes, 0);
  if (found === 'incomplete' || !('record' in found)) return 'damaged';
  const { index, term, kind, payload } = found.record;
  return {
    index,
    term,
    kind,
    size: payload.length,
    body: { record: found.record, bytes },
    membership: null,
  };
}

const base = { from: 'a', to: 'b', term: 7 };
const MESSAGES: PeerMessage[] = [
  { ...base, type: 'vote', lastIndex: 9, lastTerm: 3, transfer: true, voterUuid: '' },
  { ...base, type: 'preVote', lastIndex: 2 ** 40, lastTerm: 3, transfer: false, voterUuid: 'a-1' },
  { ...base, type: 'voteResponse', granted: true },
  { ...base, type: 'preVoteResponse', granted: false },
  { ...base, type: 'append', prevIndex: 4, prevTerm: 2, commitIndex: 3, entries: [] },
  { ...base, type: 'appendResponse', accepted: false, index: 4, hintIndex: 2, hintTerm: 1 },
  { ...base, type: 'heartbeat', commitIndex: 3, readRound: 8 },
  { ...base, type: 'heartbeatResponse', readRound: 8, promised: true, admitted: false },
  { ...base, type: 'readIndex', id: 12 },
  { ...base, type: 'readIndexResponse', id: 12, index: -1 },
  { ...base, type: 'timeoutNow', lastIndex: 1, lastTerm: 1 },
];

function bodyOf(message: PeerMessage): Buffer {
  return Buffer.concat(encodeRaft(message)).subarray(5);
}

describe('raft messages on the wire', () => {
  it.each(MESSAGES.map((message) => [message.type, message] as const))(
    '%s survives',
    (_, message) => {
      expect(decodeRaft(bodyOf(message), 'a', 'b', decodeEntry)).toMatchObject({ ...message });
    },
  );

  it('an append carries its entries byte for byte', () => {
    const entries = [entry(5, 2, '*1\r\n$4\r\nPING\r\n'), entry(6, 7, '*1\r\n$1\r\n\xff\r\n')];
    const message: PeerMessage = {
      ...base,
      type: 'append',
      prevIndex: 4,
      prevTerm: 2,
      commitIndex: 3,
      entries,
    };
    const decoded = decodeRaft(bodyOf(message), 'a', 'b', decodeEntry);
    expect(typeof decoded).toBe('object');
    const back = (decoded as typeof message).entries as PeerEntry[];
    expect(back.map((e) => e.body.bytes)).toEqual(entries.map((e) => e.body.bytes));
  });

  it('entries with a gap, a sinking term or damage are refused with words', () => {
    const cases: [PeerEntry[], RegExp][] = [
      [[entry(6, 2, 'x')], /entry 6 after 4/],
      [[entry(5, 1, 'x')], /term 1/],
      [[entry(5, 8, 'x')], /term 8/],
    ];
    for (const [entries, reason] of cases) {
      const message: PeerMessage = {
        ...base,
        type: 'append',
        prevIndex: 4,
        prevTerm: 2,
        commitIndex: 0,
        entries,
      };
      expect(decodeRaft(bodyOf(message), 'a', 'b', decodeEntry)).toMatch(reason);
    }
    const good: PeerMessage = {
      ...base,
      type: 'append',
      prevIndex: 4,
      prevTerm: 2,
      commitIndex: 0,
      entries: [entry(5, 2, 'hello')],
    };
    const bytes = Buffer.from(bodyOf(good));
    bytes[bytes.length - 2] = bytes[bytes.length - 2]! ^ 1;
    expect(decodeRaft(bytes, 'a', 'b', decodeEntry)).toMatch(/damaged/);
  });

  it('no bytes make the decoder throw', () => {
    const good = MESSAGES.map(bodyOf);
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array({ maxLength: 80 }).map((bytes) => Buffer.from(bytes)),
          fc
            .tuple(fc.nat(good.length - 1), fc.nat(), fc.nat(255), fc.nat())
            .map(([i, at, byte, cut]) => {
              const bytes = Buffer.from(good[i]!);
              bytes[at % bytes.length] = byte;
              return bytes.subarray(0, cut % (bytes.length + 1));
            }),
        ),
        (bytes) => {
          const result = decodeRaft(bytes, 'a', 'b', decodeEntry);
          expect(['string', 'object']).toContain(typeof result);
        },
      ),
      { numRuns: 2000 },
    );
  });
});

describe('a flipped bit', () => {
  it.each(MESSAGES.map((message) => [message.type, message] as const))(
    'anywhere in a %s is noticed',
    (_, message) => {
      const whole = bodyOf(message);
      for (let bit = 0; bit < whole.length * 8; bit++) {
        const copy = Buffer.from(whole);
        copy[bit >> 3] = copy[bit >> 3]! ^ (1 << (bit & 7));
        expect(typeof decodeRaft(copy, 'a', 'b', decodeEntry), `bit ${bit}`).toBe('string');
      }
    },
  );
});
