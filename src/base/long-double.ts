// Owns: the 80-bit x87 extended type in which Redis computes INCRBYFLOAT and HINCRBYFLOAT, done
// exactly on BigInt: read decimal or hexadecimal text, round to a 64-bit mantissa, add, round,
// print with 17 decimals.
// Rounding is to nearest, ties to even, at each of those steps, as the hardware and the C library
// do.
// Never goes through a JavaScript number: a double has eleven bits too few.

const MANTISSA_BITS = 64;
/** The unit in the last place is at least 2^this (subnormals) ... */
const EXPONENT_MIN = -16445;
/** ... and at most 2^this: the largest finite value is (2^64 - 1) * 2^16320. */
const EXPONENT_MAX = 16320;
/** Beyond these powers of ten no text of the allowed length is finite, or other than zero. */
const DECIMAL_EXPONENT_LIMIT = 20_000;
/**
 * Longest text Redis reads as a long double (its buffer of 5 * 1024 bytes holds a terminator too).
 */
const TEXT_MAX = 5119;
const PRINTED_DECIMALS = 17n;

/** sign(mantissa) * |mantissa| * 2^exponent; a zero has mantissa 0n. */
interface Finite {
  readonly mantissa: bigint;
  readonly exponent: number;
}

type LongDouble = Finite | 'inf' | '-inf';

const ZERO: Finite = { mantissa: 0n, exponent: 0 };
const DECIMAL = /^([+-]?)([0-9]*)(?:\.([0-9]*))?(?:[eE]([+-]?[0-9]+))?$/;
const HEXADECIMAL = /^([+-]?)0[xX]([0-9a-fA-F]*)(?:\.([0-9a-fA-F]*))?(?:[pP]([+-]?[0-9]+))?$/;
const INFINITY = /^([+-]?)inf(?:inity)?$/i;

/**
 * Whether Redis takes the text for a long double at all: infinities do, NaN and values out of range
 * do not.
 */
export function isLongDouble(text: string): boolean {
  return parse(text) !== null;
}

/** Whether the text is a long double other than an infinity. */
export function isFiniteLongDouble(text: string): boolean {
  const value = parse(text);
  return value !== null && typeof value === 'object';
}

/**
 * The sum as Redis prints it: at most 17 decimals, no trailing zeros, no exponent. Null when either
 * text is not a long double (see isLongDouble), or the sum is infinite or not a number.
 */
export function addLongDouble(a: string, b: string): string | null {
  const left = parse(a);
  const right = parse(b);
  if (left === null || right === null) return null;
  if (typeof left === 'string' || typeof right === 'string') return null;
  const sum = add(left, right);
  return sum === null ? null : print(sum);
}

/**
 * Null for text that is no number, and for finite numbers that overflow or vanish (ERANGE in
 * strtold).
 */
function parse(text: string): LongDouble | null {
  if (text.length > TEXT_MAX) return null;
  const infinity = INFINITY.exec(text);
  if (infinity !== null) return infinity[1] === '-' ? '-inf' : 'inf';
  const hexadecimal = HEXADECIMAL.exec(text);
  if (hexadecimal !== null) return fromParts(hexadecimal, 16);
  const decimal = DECIMAL.exec(text);
  return decimal === null ? null : fromParts(decimal, 10);
}

function fromParts(parts: RegExpExecArray, base: 10 | 16): Finite | null {
  const [, sign = '', whole = '', fraction = '', exponentText = '0'] = parts;
  if (whole.length + fraction.length === 0) return null;
  const digits = BigInt((base === 16 ? '0x' : '') + whole + fraction);
  if (digits === 0n) return ZERO;
  const exponent = clamp(Number(exponentText));
  const magnitude =
    base === 16
      ? roundRatio(digits, 1n, exponent - 4 * fraction.length)
      : fromDecimal(digits, exponent - fraction.length);
  if (magnitude === null || magnitude.mantissa === 0n) return null;
  return sign === '-' ? { ...magnitude, mantissa: -magnitude.mantissa } : magnitude;
}

function clamp(exponent: number): number {
  return Math.max(-4 * DECIMAL_EXPONENT_LIMIT, Math.min(4 * DECIMAL_EXPONENT_LIMIT, exponent));
}

function fromDecimal(digits: bigint, exponent: number): Finite | null {
  if (exponent > DECIMAL_EXPONENT_LIMIT) return null;
  if (exponent < -DECIMAL_EXPONENT_LIMIT) return ZERO;
  if (exponent >= 0) return roundRatio(digits * 10n ** BigInt(exponent), 1n, 0);
  return roundRatio(digits, 10n ** BigInt(-exponent), 0);
}

function bitLength(value: bigint): number {
  const text = value.toString(16);
  return 4 * text.length - Math.clz32(Number.parseInt(text[0]!, 16)) + 28;
}

/** numerator / denominator * 2^scale rounded to the type; null on overflow. Both are positive. */
function roundRatio(numerator: bigint, denominator: bigint, scale: number): Finite | null {
  const size = bitLength(numerator) - bitLength(denominator);
  // With this exponent the quotient has 64 or 65 bits; in the second case the next one up is right.
  let exponent = Math.max(size - MANTISSA_BITS + scale, EXPONENT_MIN);
  let mantissa = divideRounded(numerator, denominator, exponent - scale);
  if (bitLength(mantissa) > MANTISSA_BITS) {
    exponent++;
    mantissa = divideRounded(numerator, denominator, exponent - scale);
  }
  return exponent > EXPONENT_MAX ? null : { mantissa, exponent };
}

/** numerator / (denominator * 2^shift), to nearest, ties to even. */
function divideRounded(numerator: bigint, denominator: bigint, shift: number): bigint {
  const top = shift < 0 ? numerator << BigInt(-shift) : numerator;
  const bottom = shift > 0 ? denominator << BigInt(shift) : denominator;
  const quotient = top / bottom;
  const twice = 2n * (top - quotient * bottom);
  const up = twice > bottom || (twice === bottom && (quotient & 1n) === 1n);
  return up ? quotient + 1n : quotient;
}

function add(a: Finite, b: Finite): Finite | null {
  const exponent = Math.min(a.exponent, b.exponent);
  const sum =
    (a.mantissa << BigInt(a.exponent - exponent)) + (b.mantissa << BigInt(b.exponent - exponent));
  if (sum === 0n) return ZERO;
  const rounded = roundRatio(sum < 0n ? -sum : sum, 1n, exponent);
  if (rounded === null || sum > 0n) return rounded;
  return { ...rounded, mantissa: -rounded.mantissa };
}

/** `%.17Lf` without trailing zeros, and without the sign of a result that prints as zero. */
function print(value: Finite): string {
  const negative = value.mantissa < 0n;
  const magnitude = (negative ? -value.mantissa : value.mantissa) * 10n ** PRINTED_DECIMALS;
  const scaled =
    value.exponent >= 0
      ? magnitude << BigInt(value.exponent)
      : divideRounded(magnitude, 1n, -value.exponent);
  const digits = scaled.toString().padStart(Number(PRINTED_DECIMALS) + 1, '0');
  const point = digits.length - Number(PRINTED_DECIMALS);
  const fraction = digits.slice(point).replace(/0+$/, '');
  const text = fraction === '' ? digits.slice(0, point) : `${digits.slice(0, point)}.${fraction}`;
  return negative && text !== '0' ? `-${text}` : text;
}
