// Owns: CRC-64 as Redis uses it in RDB files and DUMP payloads: Jones polynomial, reflected,
// initial value 0, no final xor. Kept as two 32-bit halves, eight bytes a step: bigint arithmetic
// would be fifty times slower.

/** 0xad93d23594c935a9 with its bits reversed. */
const POLYNOMIAL_HIGH = 0x95ac9329;
const POLYNOMIAL_LOW = 0xac4bc9b5;

/** Table k, entry b at k * 256 + b: the effect of byte b followed by k zero bytes. */
const LOW = new Int32Array(8 * 256);
const HIGH = new Int32Array(8 * 256);
fillTables();

export class Crc64 {
  #low = 0;
  #high = 0;

  /** Adds bytes [start, end) of `bytes`. */
  update(bytes: Uint8Array, start = 0, end = bytes.length): void {
    let low = this.#low;
    let high = this.#high;
    let at = start;
    for (; at + 8 <= end; at += 8) {
      const a =
        low ^
        (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24));
      const b =
        high ^
        (bytes[at + 4]! | (bytes[at + 5]! << 8) | (bytes[at + 6]! << 16) | (bytes[at + 7]! << 24));
      const i0 = 1792 + (a & 255);
      const i1 = 1536 + ((a >>> 8) & 255);
      const i2 = 1280 + ((a >>> 16) & 255);
      const i3 = 1024 + (a >>> 24);
      const i4 = 768 + (b & 255);
      const i5 = 512 + ((b >>> 8) & 255);
      const i6 = 256 + ((b >>> 16) & 255);
      const i7 = b >>> 24;
      low = LOW[i0]! ^ LOW[i1]! ^ LOW[i2]! ^ LOW[i3]! ^ LOW[i4]! ^ LOW[i5]! ^ LOW[i6]! ^ LOW[i7]!;
      high =
        HIGH[i0]! ^
        HIGH[i1]! ^
        HIGH[i2]! ^
        HIGH[i3]! ^
        HIGH[i4]! ^
        HIGH[i5]! ^
        HIGH[i6]! ^
        HIGH[i7]!;
    }
    for (; at < end; at++) {
      const entry = (low ^ bytes[at]!) & 255;
      low = ((low >>> 8) | (high << 24)) ^ LOW[entry]!;
      high = (high >>> 8) ^ HIGH[entry]!;
    }
    this.#low = low;
    this.#high = high;
  }

  /** Eight bytes, little endian, as RDB stores them. */
  digest(): Buffer {
    const bytes = Buffer.allocUnsafe(8);
    bytes.writeInt32LE(this.#low, 0);
    bytes.writeInt32LE(this.#high, 4);
    return bytes;
  }
}

function fillTables(): void {
  for (let byte = 0; byte < 256; byte++) {
    let low = byte;
    let high = 0;
    for (let bit = 0; bit < 8; bit++) {
      const carry = (low & 1) !== 0;
      low = (low >>> 1) | (high << 31);
      high = high >>> 1;
      if (carry) {
        low ^= POLYNOMIAL_LOW;
        high ^= POLYNOMIAL_HIGH;
      }
    }
    LOW[byte] = low;
    HIGH[byte] = high;
  }
  for (let i = 256; i < 2048; i++) {
    const low = LOW[i - 256]!;
    const high = HIGH[i - 256]!;
    const entry = low & 255;
    LOW[i] = ((low >>> 8) | (high << 24)) ^ LOW[entry]!;
    HIGH[i] = (high >>> 8) ^ HIGH[entry]!;
  }
}
