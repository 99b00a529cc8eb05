// Owns: unpredictable bytes. Real here, seeded in test/sim. Whatever must be equal on all members
// never comes from here directly: the leader draws it once and the entry carries it (architecture
// D3).

import { randomBytes, randomInt, randomUUID } from 'node:crypto';

export interface Entropy {
  bytes(length: number): Buffer;
  /** RFC 9562 version 4. */
  uuid(): string;
  /** Uniform integer in [0, 2^48): the range of an entry's seed. */
  seed48(): number;
}

export const systemEntropy: Entropy = {
  bytes: (length) => randomBytes(length),
  uuid: () => randomUUID(),
  seed48: () => randomInt(2 ** 48 - 1),
};
