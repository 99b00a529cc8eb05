// What is refused of other nodes: counted always, said once a minute for each cause and source.

import { describe, expect, it } from 'vitest';
import { decodeHello, encodeHello, PROTOCOL_VERSION } from '../../../src/peer/handshake.js';
import { hostOf, PeerRefusals } from '../../../src/peer/refusals.js';
import { type Clock, systemClock } from '../../../src/platform/clock.js';

function noting(): { at: (ms: number) => void; said: string[]; refusals: PeerRefusals } {
  let now = 0;
  const clock: Clock = { ...systemClock, monotonic: () => now };
  const said: string[] = [];
  const refusals = new PeerRefusals(clock, (text) => said.push(text));
  const at = (ms: number): void => {
    now = ms;
  };
  return { at, said, refusals };
}

describe('refusals', () => {
  it('are said once a minute, with how many were not', () => {
    const { at, said, refusals } = noting();
    for (let i = 0; i < 5; i++) refusals.note('frame', 'node-2', 'a frame');
    expect(said).toEqual(['a frame']);
    at(59_999);
    refusals.note('frame', 'node-2', 'a frame');
    expect(said).toHaveLength(1);
    at(60_000);
    refusals.note('frame', 'node-2', 'a frame');
    expect(said[1]).toBe('a frame (5 more like it since the last line)');
    at(200_000);
    refusals.note('frame', 'node-2', 'a frame');
    expect(said[2]).toBe('a frame');
    expect(refusals.counts.frame).toBe(8);
  });

  it('of another cause or source are another line', () => {
    const { said, refusals } = noting();
    refusals.note('frame', 'node-2', 'one');
    refusals.note('message', 'node-2', 'two');
    refusals.note('frame', 'node-3', 'three');
    expect(said).toEqual(['one', 'two', 'three']);
    expect(refusals.counts).toMatchObject({ frame: 2, message: 1, cluster: 0 });
  });

  it('from very many sources are few lines and little memory', () => {
    const { at, said, refusals } = noting();
    for (let i = 0; i < 10_000; i++) refusals.note('greeting', `10.0.0.${i}`, `from ${i}`);
    expect(said).toHaveLength(65);
    expect(refusals.counts.greeting).toBe(10_000);
    // Sources that were quiet for long make room.
    at(120_000);
    refusals.note('greeting', 'new', 'from a new one');
    expect(said.at(-1)).toBe('from a new one');
  });
});

describe('the source of a connection', () => {
  it('is its host: every try has another port', () => {
    expect(['10.0.0.1:4711', '[::1]:4711', 'unknown'].map(hostOf)).toEqual([
      '10.0.0.1',
      '[::1]',
      'unknown',
    ]);
  });
});

describe('a hello', () => {
  const self = {
    ...{ nodeId: 'a', uuid: 'u', clusterId: 'c', standing: 'admitted' as const },
    ...{ respAddress: 'h:1', raftAddress: 'h:2', members: '' },
  };
  const body = encodeHello(self, 'raft', 'b').subarray(5);
  const changed = (fields: object): Buffer =>
    Buffer.from(JSON.stringify({ ...JSON.parse(body.toString()), ...fields }));

  it('is read', () => {
    expect(decodeHello(body)).toMatchObject({ nodeId: 'a', to: 'b', kind: 'raft' });
  });

  it('of another version is refused with both versions, whatever else is in it', () => {
    const newer = PROTOCOL_VERSION + 1;
    for (const hello of [
      changed({ version: newer }),
      Buffer.from(JSON.stringify({ version: newer, quite: 'different' })),
    ]) {
      expect(decodeHello(hello)).toMatchObject({
        cause: 'version',
        reason: `peer protocol version ${newer}, this node speaks ${PROTOCOL_VERSION}`,
      });
    }
  });

  it.each([
    ['no JSON', Buffer.from('GET / HTTP/1.1')],
    ['no object', Buffer.from('7')],
    ['no version', changed({ version: undefined })],
    ['no uuid', changed({ uuid: undefined })],
    ['a standing of its own', changed({ standing: 'emperor' })],
    ['an unknown link kind', changed({ kind: 'party' })],
    ['a name without end', changed({ nodeId: 'x'.repeat(5000) })],
  ])('with %s is no greeting', (_, hello) => {
    expect(decodeHello(hello)).toMatchObject({ cause: 'greeting' });
  });
});
