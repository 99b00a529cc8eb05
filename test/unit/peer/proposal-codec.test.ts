// Proposals on the wire: whole or refused; a bit that flips in a client's write is noticed.

import { describe, expect, it } from 'vitest';
import { decodeProposal, encodeProposal, type Proposal } from '../../../src/peer/proposal-codec.js';

const PROPOSAL: Proposal = {
  incarnation: 7,
  runs: [
    { firstSeq: 1, count: 3, watchIndex: 0 },
    { firstSeq: 4, count: 1, watchIndex: 9 },
  ],
  payload: Buffer.from('*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n'),
};

function bodyOf(proposal: Proposal): Buffer {
  return Buffer.concat(encodeProposal(proposal)).subarray(5);
}

describe('a proposal', () => {
  it('survives', () => {
    expect(decodeProposal(bodyOf(PROPOSAL))).toEqual(PROPOSAL);
  });

  it('is refused with any bit flipped', () => {
    const whole = bodyOf(PROPOSAL);
    for (let bit = 0; bit < whole.length * 8; bit++) {
      const copy = Buffer.from(whole);
      copy[bit >> 3] = copy[bit >> 3]! ^ (1 << (bit & 7));
      expect(typeof decodeProposal(copy), `bit ${bit}`).toBe('string');
    }
  });

  it('is refused cut short anywhere', () => {
    const whole = bodyOf(PROPOSAL);
    for (let at = 0; at < whole.length; at++) {
      expect(typeof decodeProposal(whole.subarray(0, at)), `at ${at}`).toBe('string');
    }
  });
});
