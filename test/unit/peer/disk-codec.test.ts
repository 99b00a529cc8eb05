// How a member's disk is, in one byte.

import { expect, it } from 'vitest';
import { decodeDiskState, encodeDiskState } from '../../../src/peer/disk-codec.js';
import { FrameDecoder, FrameKind } from '../../../src/peer/frame.js';

it('survives the way', () => {
  for (const state of [
    { full: false, stalled: false },
    { full: true, stalled: false },
    { full: false, stalled: true },
    { full: true, stalled: true },
  ]) {
    const frames: [number, Buffer][] = [];
    const decoder = new FrameDecoder((kind, body) => frames.push([kind, body]));
    expect(decoder.push(encodeDiskState(state))).toBeNull();
    expect(frames.length).toBe(1);
    expect(frames[0]![0]).toBe(FrameKind.diskState);
    expect(decodeDiskState(frames[0]![1])).toEqual(state);
  }
});

it('is refused when it is cut short, too long, or has a flag that nobody knows', () => {
  for (const bytes of [[], [1, 0], [4], [255]]) {
    expect(decodeDiskState(Buffer.from(bytes))).toBe('malformed disk state');
  }
});
