// Owns: the decimal digits of a double by Grisu2 (F. Loitsch, "Printing Floating-Point Numbers
// Quickly and Accurately with Integers", PLDI 2010), which is what Redis 7.2 prints scores with.
// JavaScript's own digits are the shortest; Grisu2's read back the same but are one longer for
// about one double in a thousand. Both must agree digit for digit with Redis here, so the cached
// powers and their choice are as there:
// 10^(8i - 348) rounded to 64 bits, and a scaled binary exponent in [-60, -32].

const FRACTION_BITS = 52n;
const HIDDEN_BIT = 1n << FRACTION_BITS;
const EXPONENT_BIAS = 1075;

const POWER_COUNT = 87;
const POWER_FIRST = -348;
const POWER_STEP = 8;
const SCALED_MIN = -60;
const SCALED_MAX = -32;

/** A power of ten as fraction * 2^exponent, the fraction with its top bit of 64 set. */
interface Power {
  readonly fraction: bigint;
  readonly exponent: number;
}

/** Digits d1 d2 ... dn and k, for d1d2...dn * 10^k. */
export interface Digits {
  readonly digits: string;
  readonly power: number;
}

const powers: readonly Power[] = Array.from({ length: POWER_COUNT }, (_, i) =>
  powerOfTen(POWER_FIRST + i * POWER_STEP),
);

function powerOfTen(k: number): Power {
  // 1200 bits hold the largest power, and leave more than 64 for the smallest.
  const guard = 1300n;
  const exact =
    k < 0 ? (1n << (2n * guard)) / 10n ** BigInt(-k) : (10n ** BigInt(k)) << (2n * guard);
  const excess = exact.toString(2).length - 64;
  const rounded = ((exact >> BigInt(excess - 1)) + 1n) >> 1n;
  return { fraction: rounded, exponent: excess - Number(2n * guard) };
}

/**
 * The power that brings 2^exponent into the scaled range, found from the same first guess as
 * Redis's.
 */
function cachedPower(exponent: number): number {
  const guess = Math.trunc(-(exponent + POWER_COUNT) * 0.30102999566398114);
  let i = Math.trunc((guess - POWER_FIRST) / POWER_STEP);
  for (;;) {
    const scaled = exponent + powers[i]!.exponent + 64;
    if (scaled < SCALED_MIN) i++;
    else if (scaled > SCALED_MAX) i--;
    else return i;
  }
}

const view = new DataView(new ArrayBuffer(8));

/** The high 64 bits of the product, rounded. */
function multiplyHigh(a: bigint, b: bigint): bigint {
  return (a * b + (1n << 63n)) >> 64n;
}

const TENS = [
  1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17,
  1e18, 1e19, 1e20, 1e21, 1e22,
];
/** Two decimals of this length lie further apart than the doubles next to them. */
const CERTAIN_DIGITS = 15;
const SPLITTER = 2 ** 27 + 1;

/**
 * JavaScript's digits where Grisu2 must find the same: they are few, so no other decimal of that
 * length reads back as the value, and they do not touch the borders of what does, where Grisu2 is
 * blind. Null when not sure.
 */
function certainDigits(value: number): Digits | null {
  const text = value.toExponential();
  const split = text.indexOf('e');
  const digits = text[0]! + text.slice(2, split);
  const places = digits.length - 1 - Number(text.slice(split + 1));
  if (digits.length > CERTAIN_DIGITS || places <= 0 || places >= TENS.length) return null;
  view.setFloat64(0, value);
  const top = view.getUint32(0);
  const isPower = (top & 0xfffff) === 0 && view.getUint32(4) === 0;
  if (isPower) return null;
  const scale = TENS[places]!;
  const border = 0.49 * 2 ** ((top >>> 20) - EXPONENT_BIAS) * scale;
  const error = Math.abs(productError(value, scale, Number(digits)));
  return error < border ? { digits, power: -places } : null;
}

/**
 * a * b - near, where near is so close to the product that both differences are exact (Dekker's
 * product).
 */
function productError(a: number, b: number, near: number): number {
  const product = a * b;
  const aHigh = a * SPLITTER - (a * SPLITTER - a);
  const aLow = a - aHigh;
  const bHigh = b * SPLITTER - (b * SPLITTER - b);
  const bLow = b - bHigh;
  const rest = aLow * bLow - (product - aHigh * bHigh - aLow * bHigh - aHigh * bLow);
  return product - near + rest;
}

/** Bits of a positive integer below 2^54. */
function bitLength(value: bigint): number {
  const high = Number(value >> 32n);
  return high !== 0 ? 64 - Math.clz32(high) : 32 - Math.clz32(Number(value));
}

/** The digits of a positive finite double. */
export function grisuDigits(value: number): Digits {
  return certainDigits(value) ?? searchDigits(value);
}

function searchDigits(value: number): Digits {
  view.setFloat64(0, value);
  const bits = view.getBigUint64(0);
  const biased = Number(bits >> FRACTION_BITS);
  const stored = bits & (HIDDEN_BIT - 1n);
  const fraction = biased === 0 ? stored : stored + HIDDEN_BIT;
  const exponent = (biased === 0 ? 1 : biased) - EXPONENT_BIAS;
  // The value and the borders of what rounds to it, all with the exponent of the upper border made
  // 64 bits long.
  const upper = 2n * fraction + 1n;
  const shift = 64 - bitLength(upper);
  const scaledExponent = exponent - 1 - shift;
  const up = BigInt(shift);
  const isPower = fraction === HIDDEN_BIT;
  const lower = isPower ? (4n * fraction - 1n) << (up - 1n) : (2n * fraction - 1n) << up;
  const i = cachedPower(scaledExponent);
  const power = powers[i]!;
  const w = multiplyHigh((2n * fraction) << up, power.fraction);
  const high = multiplyHigh(upper << up, power.fraction) - 1n;
  const low = multiplyHigh(lower, power.fraction) + 1n;
  const oneBits = -(scaledExponent + power.exponent + 64);
  return generate(w, high, low, oneBits, -(POWER_FIRST + i * POWER_STEP));
}

const LIMB = 2 ** 30;

/**
 * Digits of `high` until what is left fits between the borders. Numbers here have `oneBits` binary
 * places.
 */
function generate(w: bigint, high: bigint, low: bigint, oneBits: number, power: number): Digits {
  const places = BigInt(oneBits);
  const delta = high - low;
  const distance = high - w;
  const fraction = high & ((1n << places) - 1n);
  let whole = Number(high >> places);
  let digits = '';
  let divisor = 1e9;
  for (let kappa = 9; kappa >= 0; kappa--) {
    const digit = Math.floor(whole / divisor);
    if (digit !== 0 || digits !== '') digits += digit;
    whole -= digit * divisor;
    const left = (BigInt(whole) << places) + fraction;
    if (left <= delta) {
      const unit = BigInt(divisor) << places;
      return { digits: weed(digits, delta, left, unit, distance), power: power + kappa };
    }
    divisor /= 10;
  }
  return generateFraction(digits, fraction, delta, distance, oneBits, power);
}

/**
 * The places behind the point. Two limbs of 30 bits stand for a bigint, which would take most of
 * the time.
 */
function generateFraction(
  start: string,
  fraction: bigint,
  delta: bigint,
  distance: bigint,
  oneBits: number,
  power: number,
): Digits {
  const oneHigh = 2 ** (oneBits - 30);
  let restHigh = Number(fraction >> 30n);
  let restLow = Number(fraction & 0x3fffffffn);
  let deltaHigh = Number(delta >> 30n);
  let deltaLow = Number(delta & 0x3fffffffn);
  let digits = start;
  for (let kappa = -1; ; kappa--) {
    let carry = Math.floor((restLow * 10) / LIMB);
    restLow = restLow * 10 - carry * LIMB;
    restHigh = restHigh * 10 + carry;
    carry = Math.floor((deltaLow * 10) / LIMB);
    deltaLow = deltaLow * 10 - carry * LIMB;
    deltaHigh = deltaHigh * 10 + carry;
    const digit = Math.floor(restHigh / oneHigh);
    if (digit !== 0 || digits !== '') digits += digit;
    restHigh -= digit * oneHigh;
    if (restHigh < deltaHigh || (restHigh === deltaHigh && restLow < deltaLow)) {
      const rest = joined(restHigh, restLow);
      const scaled = distance * 10n ** BigInt(-kappa);
      const one = 1n << BigInt(oneBits);
      return {
        digits: weed(digits, joined(deltaHigh, deltaLow), rest, one, scaled),
        power: power + kappa,
      };
    }
  }
}

function joined(high: number, low: number): bigint {
  return (BigInt(high) << 30n) | BigInt(low);
}

/** Lowers the last digit while that comes nearer to the value and stays between the borders. */
function weed(
  digits: string,
  delta: bigint,
  start: bigint,
  unit: bigint,
  distance: bigint,
): string {
  let rest = start;
  let last = digits.charCodeAt(digits.length - 1);
  while (
    rest < distance &&
    delta - rest >= unit &&
    (rest + unit < distance || distance - rest > rest + unit - distance)
  ) {
    last--;
    rest += unit;
  }
  return digits.slice(0, -1) + String.fromCharCode(last);
}
