// Frames of member links: any chunking, bounds before memory.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BODY_AT, FrameDecoder, FrameKind, frameHead } from '../../../src/peer/frame.js';

function frame(body: Buffer): Buffer {
  return Buffer.concat([frameHead(FrameKind.raft, body.length, 0), body]);
}

function chunked(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const at = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
  const edges = [0, ...at, bytes.length];
  return edges.slice(1).map((end, i) => bytes.subarray(edges[i], end));
}

describe('frames', () => {
  it('come out whole however the stream is cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 1, maxLength: 8 }),
        fc.array(fc.nat(), { maxLength: 20 }),
        (bodies, cuts) => {
          const seen: Buffer[] = [];
          const decoder = new FrameDecoder((kind, body) => {
            expect(kind).toBe(FrameKind.raft);
            seen.push(Buffer.from(body));
          });
          const stream = Buffer.concat(bodies.map((body) => frame(Buffer.from(body))));
          for (const chunk of chunked(stream, cuts)) expect(decoder.push(chunk)).toBeNull();
          expect(seen).toEqual(bodies.map((body) => Buffer.from(body)));
        },
      ),
    );
  });

  it('with a length out of range are refused before anything is kept', () => {
    const decoder = new FrameDecoder(() => expect.unreachable());
    const head = frameHead(FrameKind.hello, 2 ** 31, 0);
    expect(decoder.push(head)).toMatch(/frame of 2147483649 bytes/);
    const split = new FrameDecoder(() => expect.unreachable());
    expect(split.push(Buffer.from([0, 0]))).toBeNull();
    expect(split.push(Buffer.from([0, 0]))).toMatch(/frame of 0 bytes/);
  });

  it('are not delivered after stop', () => {
    let count = 0;
    const decoder = new FrameDecoder(() => {
      count++;
      decoder.stop();
    });
    decoder.push(Buffer.concat([frame(Buffer.alloc(3)), frame(Buffer.alloc(3))]));
    expect(count).toBe(1);
    expect(BODY_AT).toBe(5);
  });
});
