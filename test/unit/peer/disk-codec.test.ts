// How a member's disk is, in one byte and its CRC.

import { expect, it } from 'vitest';
import { decodeDiskState, encodeDiskState } from '../../../src/peer/disk-codec.js';
import { BODY_AT, FrameDecoder, FrameKind } from '../../../src/peer/frame.js';
import { sealedFrame } from '../../../src/peer/sealed.js';

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
  const sound = encodeDiskState({ full: true, stalled: false }).subarray(BODY_AT);
  expect(decodeDiskState(sound.subarray(1))).toBe('disk state of 4 bytes, expected 5');
  expect(decodeDiskState(Buffer.concat([sound, sound]))).toBe('disk state of 10 bytes, expected 5');
  for (let bit = 0; bit < 8 * sound.length; bit++) {
    const flipped = Buffer.from(sound);
    flipped[bit >> 3]! ^= 1 << (bit & 7);
    expect(decodeDiskState(flipped)).toBe('disk state with a wrong CRC');
  }
  const unknown = sealedFrame(FrameKind.diskState, 1, (writer) => writer.u8(4));
  expect(decodeDiskState(unknown.subarray(BODY_AT))).toMatch(/flags 4, expected 0 to 3/);
});
