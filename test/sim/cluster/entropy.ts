// Owns: unpredictable bytes that are not: everything is drawn from the host's generator.

import type { Rng } from '../../../src/base/rng.js';
import type { Entropy } from '../../../src/platform/entropy.js';

export function entropyFrom(rng: Rng): Entropy {
  const bytes = (length: number): Buffer => {
    const buffer = Buffer.alloc(length);
    for (let i = 0; i < length; i++) buffer[i] = rng.below(256);
    return buffer;
  };
  return {
    bytes,
    uuid: () => {
      const hex = bytes(16).toString('hex');
      const variant = '89ab'[rng.below(4)];
      const last = hex.slice(20);
      return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${last}`;
    },
    seed48: () => rng.below(2 ** 48),
  };
}
