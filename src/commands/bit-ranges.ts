// Owns: counting and finding bits in a range of bits [first, last] of some bytes, whole bytes at a
// time.

/** Bits set in each byte value. */
const POPULATION = Uint8Array.from({ length: 256 }, (_, byte) => {
  let count = 0;
  for (let rest = byte; rest > 0; rest >>= 1) count += rest & 1;
  return count;
});

/**
 * Bits set from `first` to `last`, both included; 0 when the range is empty. Both lie inside the
 * bytes.
 */
export function countBits(bytes: Uint8Array, first: number, last: number): number {
  if (first > last) return 0;
  const from = Math.floor(first / 8);
  const to = Math.floor(last / 8);
  let count = 0;
  for (let i = from; i <= to; i++) count += POPULATION[bytes[i]!]!;
  const before = bytes[from]! & ~(0xff >> (first % 8));
  const after = bytes[to]! & ((1 << (7 - (last % 8))) - 1);
  return count - POPULATION[before & 0xff]! - POPULATION[after]!;
}

/** The first position in [first, last] whose bit is `bit`, or -1. Both lie inside the bytes. */
export function findBit(bytes: Uint8Array, bit: number, first: number, last: number): number {
  const dull = bit === 1 ? 0x00 : 0xff;
  let at = first;
  while (at <= last) {
    const byte = bytes[Math.floor(at / 8)]!;
    if (at % 8 === 0 && byte === dull) {
      at += 8;
    } else {
      if (((byte >> (7 - (at % 8))) & 1) === bit) return at;
      at++;
    }
  }
  return -1;
}
