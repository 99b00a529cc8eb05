// Administrative requests as bytes: round trips, and damage that is refused: a flipped bit could
// name another peer.

import { describe, expect, it } from 'vitest';
import {
  decodeAdminRequest,
  decodeAdminResponse,
  encodeAdminRequest,
  encodeAdminResponse,
} from '../../../src/peer/admin-codec.js';
import { BODY_AT, FrameKind } from '../../../src/peer/frame.js';
import { sealedJson } from '../../../src/peer/sealed.js';

const REQUEST = { id: 7, words: ['removepeer', 'node-2'], again: true };
const RESPONSE = { id: 7, outcome: 'refused', text: 'ask again', moved: true } as const;

describe('an administrative request', () => {
  it('comes back as it went', () => {
    expect(decodeAdminRequest(encodeAdminRequest(REQUEST).subarray(BODY_AT))).toEqual(REQUEST);
    expect(decodeAdminResponse(encodeAdminResponse(RESPONSE).subarray(BODY_AT))).toEqual(RESPONSE);
  });

  it('is refused with any bit flipped or any byte missing', () => {
    const body = encodeAdminRequest(REQUEST).subarray(BODY_AT);
    for (let bit = 0; bit < 8 * body.length; bit++) {
      const flipped = Buffer.from(body);
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      expect(decodeAdminRequest(flipped)).toBe('administrative request with a wrong CRC');
    }
    for (let cut = 0; cut < body.length; cut++) {
      expect(decodeAdminRequest(body.subarray(0, cut))).toMatch(/wrong CRC|expected at least 4/);
    }
  });

  it.each([
    [{ id: 0, words: [] }],
    [{ id: 1, words: 'x' }],
    [{ id: 1, words: [1] }],
    [{ id: 1, words: Array(9).fill('x') }],
    [{ id: 1, words: ['x'.repeat(1025)] }],
    [[]],
  ])('is refused as %j', (value) => {
    const body = sealedJson(FrameKind.adminRequest, value).subarray(BODY_AT);
    expect(decodeAdminRequest(body)).toBe('malformed administrative request');
    expect(decodeAdminResponse(body)).toBe('malformed administrative response');
  });
});
