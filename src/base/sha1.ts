// Owns: SHA-1 (FIPS 180-4) over byte strings, for script names and DEBUG DIGEST: the deterministic
// folders may not import node:crypto. Not for secrets.
// One call runs to its end before the next begins, so all share the working arrays below.

const DIGEST_BYTES = 20;
const words = new Int32Array(80);
const state = new Int32Array(5);
const lastBlocks = new Uint8Array(128);

/** The 20-byte digest of a latin1 string's bytes. */
export function sha1(text: string): Uint8Array {
  begin();
  const length = text.length;
  const whole = length - (length % 64);
  for (let at = 0; at < whole; at += 64) {
    for (let i = 0; i < 16; i++) words[i] = wordOfText(text, at + 4 * i);
    compress();
  }
  for (let i = whole; i < length; i++) lastBlocks[i - whole] = text.charCodeAt(i);
  return finish(length);
}

/** The digest of some bytes. */
export function sha1Bytes(bytes: Uint8Array): Uint8Array {
  begin();
  const length = bytes.length;
  const whole = length - (length % 64);
  for (let at = 0; at < whole; at += 64) compressBytes(bytes, at);
  for (let i = whole; i < length; i++) lastBlocks[i - whole] = bytes[i]!;
  return finish(length);
}

/** The digest as 40 lower-case hexadecimal digits, as SCRIPT LOAD answers. */
export function sha1Hex(text: string): string {
  return hexadecimal(sha1(text));
}

export function hexadecimal(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0');
  return text;
}

function begin(): void {
  state[0] = 0x67452301;
  state[1] = 0xefcdab89;
  state[2] = 0x98badcfe;
  state[3] = 0x10325476;
  state[4] = 0xc3d2e1f0;
}

function wordOfText(text: string, at: number): number {
  const high = (text.charCodeAt(at) << 24) | (text.charCodeAt(at + 1) << 16);
  return high | (text.charCodeAt(at + 2) << 8) | text.charCodeAt(at + 3);
}

function compressBytes(bytes: Uint8Array, at: number): void {
  for (let i = 0; i < 16; i++) {
    const p = at + 4 * i;
    const high = (bytes[p]! << 24) | (bytes[p + 1]! << 16);
    words[i] = high | (bytes[p + 2]! << 8) | bytes[p + 3]!;
  }
  compress();
}

/** Pads what is in `lastBlocks` (the length modulo 64 tells how much) and answers the digest. */
function finish(length: number): Uint8Array {
  const left = length % 64;
  const end = left < 56 ? 64 : 128;
  lastBlocks[left] = 0x80;
  lastBlocks.fill(0, left + 1, end);
  // The length in bits, of which those above 2^53 are never set.
  const high = Math.floor(length / 2 ** 29);
  for (let i = 0; i < 4; i++) {
    lastBlocks[end - 5 - i] = high >>> (8 * i);
    lastBlocks[end - 1 - i] = (length << 3) >>> (8 * i);
  }
  for (let at = 0; at < end; at += 64) compressBytes(lastBlocks, at);
  const digest = new Uint8Array(DIGEST_BYTES);
  for (let i = 0; i < DIGEST_BYTES; i++) digest[i] = state[i >> 2]! >>> (24 - 8 * (i & 3));
  return digest;
}

/** The compression function on the block in words[0..15]. */
function compress(): void {
  for (let i = 16; i < 80; i++) {
    const mixed = words[i - 3]! ^ words[i - 8]! ^ words[i - 14]! ^ words[i - 16]!;
    words[i] = (mixed << 1) | (mixed >>> 31);
  }
  let a = state[0]!;
  let b = state[1]!;
  let c = state[2]!;
  let d = state[3]!;
  let e = state[4]!;
  for (let i = 0; i < 80; i++) {
    let round: number;
    if (i < 20) round = ((b & c) | (~b & d)) + 0x5a827999;
    else if (i < 40) round = (b ^ c ^ d) + 0x6ed9eba1;
    else if (i < 60) round = ((b & c) | (b & d) | (c & d)) - 0x70e44324;
    else round = (b ^ c ^ d) - 0x359d3e2a;
    const next = (((a << 5) | (a >>> 27)) + round + e + words[i]!) | 0;
    e = d;
    d = c;
    c = (b << 30) | (b >>> 2);
    b = a;
    a = next;
  }
  state[0] = state[0]! + a;
  state[1] = state[1]! + b;
  state[2] = state[2]! + c;
  state[3] = state[3]! + d;
  state[4] = state[4]! + e;
}
