// Digest frames as bytes: round trips, and damage that is answered with words.

import { describe, expect, it } from 'vitest';
import {
  decodeDigest,
  decodeSnapshotWanted,
  encodeDigest,
  encodeSnapshotWanted,
} from '../../../src/peer/digest-codec.js';
import { BODY_AT, FrameKind } from '../../../src/peer/frame.js';
import { sealedFrame } from '../../../src/peer/sealed.js';

const NOTE = { index: 2 ** 40 + 1, digest: 'fedcba9800000001', wanted: true };

describe('a digest', () => {
  it('comes back as it went', () => {
    for (const wanted of [true, false]) {
      const note = { ...NOTE, wanted };
      expect(decodeDigest(encodeDigest(note).subarray(BODY_AT))).toEqual(note);
    }
    const zeros = { index: 1, digest: '0'.repeat(16), wanted: false };
    expect(decodeDigest(encodeDigest(zeros).subarray(BODY_AT))).toEqual(zeros);
  });

  it('is refused with the reason', () => {
    const body = encodeDigest(NOTE).subarray(BODY_AT);
    for (let cut = 0; cut < body.length; cut++) {
      expect(decodeDigest(body.subarray(0, cut))).toMatch(/bytes, expected 21/);
    }
    expect(decodeDigest(Buffer.concat([body, body]))).toBe('digest of 42 bytes, expected 21');
    for (let at = 0; at < body.length; at++) {
      const flipped = Buffer.from(body);
      flipped[at]! ^= 1 << (at % 8);
      expect(decodeDigest(flipped)).toBe('digest with a wrong CRC');
    }
    const flagged = sealedFrame(FrameKind.digest, 17, (writer) => {
      writer.number(1);
      writer.u32(0);
      writer.u32(0);
      writer.u8(2);
    });
    expect(decodeDigest(flagged.subarray(BODY_AT))).toBe('digest with flag 2, expected 0 or 1');
    for (const index of [0, -1]) {
      const wrong = encodeDigest({ ...NOTE, index }).subarray(BODY_AT);
      expect(decodeDigest(wrong)).toBe(`digest at index ${index}, expected 1 or more`);
    }
    for (const index of [1.5, Number.NaN, Number.POSITIVE_INFINITY, -2]) {
      expect(decodeDigest(encodeDigest({ ...NOTE, index }).subarray(BODY_AT))).toMatch(/expected/);
    }
  });
});

describe('a request for a snapshot', () => {
  it('comes back as it went, or is refused with the reason', () => {
    expect(decodeSnapshotWanted(encodeSnapshotWanted(77).subarray(BODY_AT))).toBe(77);
    expect(decodeSnapshotWanted(Buffer.alloc(11))).toMatch(/11 bytes, expected 12/);
    expect(decodeSnapshotWanted(Buffer.alloc(12, 1))).toMatch(/wrong CRC/);
    const zero = encodeSnapshotWanted(0).subarray(BODY_AT);
    expect(decodeSnapshotWanted(zero)).toMatch(/index 0, expected 1 or more/);
  });
});
