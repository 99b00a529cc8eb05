// Owns: the decimal digits of a double by Grisu2 (F. Loitsch, "Printing Floating-Point Numbers Quickly and Accurately
// with Integers", PLDI 2010), which is what Redis 7.2 prints scores with.
// JavaScript's own digits are the shortest; Grisu2's read back the same but are one longer for about one double in a
// thousand. Both must agree digit for digit with Redis here, so the cached powers and their choice are as there:
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

/** The power that brings 2^exponent into the scaled range, found from the same first guess as Redis's. */
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

/** The digits of a positive finite double. */
export function grisuDigits(value: number): Digits {
  view.setFloat64(0, value);
  const bits = view.getBigUint64(0);
  const biased = Number(bits >> FRACTION_BITS);
  const stored = bits & (HIDDEN_BIT - 1n);
  const fraction = biased === 0 ? stored : stored + HIDDEN_BIT;
  const exponent = (biased === 0 ? 1 : biased) - EXPONENT_BIAS;
  // The value and the borders of what rounds to it, all with the exponent of the upper border made 64 bits long.
  const upper = 2n * fraction + 1n;
  const shift = 64 - upper.toString(2).length;
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
  return generate(w, high, low, BigInt(oneBits), -(POWER_FIRST + i * POWER_STEP));
}

function generate(w: bigint, high: bigint, low: bigint, oneBits: bigint, power: number): Digits {
  const one = 1n << oneBits;
  let delta = high - low;
  let distance = high - w;
  const whole = Number(high >> oneBits);
  let rest = high & (one - 1n);
  let digits = '';
  let divisor = 1e9;
  let remaining = whole;
  for (let kappa = 9; kappa >= 0; kappa--) {
    const digit = Math.floor(remaining / divisor);
    if (digit !== 0 || digits !== '') digits += digit;
    remaining -= digit * divisor;
    const left = (BigInt(remaining) << oneBits) + rest;
    if (left <= delta) {
      const unit = BigInt(divisor) << oneBits;
      return { digits: weed(digits, delta, left, unit, distance), power: power + kappa };
    }
    divisor /= 10;
  }
  for (let kappa = -1; ; kappa--) {
    rest *= 10n;
    delta *= 10n;
    distance *= 10n;
    const digit = rest >> oneBits;
    if (digit !== 0n || digits !== '') digits += digit;
    rest &= one - 1n;
    if (rest < delta) {
      return { digits: weed(digits, delta, rest, one, distance), power: power + kappa };
    }
  }
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
