// Owns: text to number and back, exactly as Redis does it: strict, no spaces, no leading zeros or
// plus sign. int64 values are numbers while they are safe integers and bigints beyond.

import { grisuDigits } from './grisu.js';

const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;
const INTEGER = /^(?:0|-?[1-9][0-9]{0,18})$/;

/** An int64 in canonical decimal form, or null. */
export function parseInt64(text: string): number | bigint | null {
  const small = parseSafeInteger(text);
  if (small !== null) return small;
  if (!INTEGER.test(text)) return null;
  const big = BigInt(text);
  return big >= INT64_MIN && big <= INT64_MAX ? narrow(big) : null;
}

/** A canonical decimal integer within +-(2^53 - 1), or null. */
export function parseSafeInteger(text: string): number | null {
  const length = text.length;
  if (length === 0 || length > 17) return null;
  const negative = text.charCodeAt(0) === 45;
  let at = negative ? 1 : 0;
  const first = text.charCodeAt(at);
  if (first === 48) return length === 1 ? 0 : null;
  let value = 0;
  for (; at < length; at++) {
    const digit = text.charCodeAt(at) - 48;
    if (digit < 0 || digit > 9) return null;
    value = value * 10 + digit;
  }
  if ((negative && length === 1) || value > Number.MAX_SAFE_INTEGER) return null;
  return negative ? -value : value;
}

/** The sum as int64, or null on overflow. */
export function addInt64(a: number | bigint, b: number | bigint): number | bigint | null {
  if (typeof a === 'number' && typeof b === 'number') {
    const sum = a + b;
    if (Number.isSafeInteger(sum)) return sum;
  }
  const exact = BigInt(a) + BigInt(b);
  return exact >= INT64_MIN && exact <= INT64_MAX ? narrow(exact) : null;
}

/** A number when it is a safe integer, the bigint itself otherwise. */
export function narrow(value: bigint): number | bigint {
  const small = Number(value);
  return Number.isSafeInteger(small) ? small : value;
}

const DECIMAL = /^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$/;
const HEXADECIMAL =
  /^[+-]?0[xX](?:[0-9a-fA-F]+\.?[0-9a-fA-F]*|\.[0-9a-fA-F]+)(?:[pP][+-]?[0-9]+)?$/;
const INFINITY = /^([+-]?)inf(?:inity)?$/i;

/**
 * What strtod accepts when it must consume the whole text; null for anything else, for NaN, and for
 * finite numbers that overflow or vanish (ERANGE).
 */
export function parseDouble(text: string): number | null {
  if (DECIMAL.test(text)) {
    const value = Number(text);
    if (Number.isFinite(value) && (value !== 0 || !/^[+-]?[0.]*[1-9]/.test(text))) return value;
    return null;
  }
  const infinity = INFINITY.exec(text);
  if (infinity !== null) return infinity[1] === '-' ? -Infinity : Infinity;
  return HEXADECIMAL.test(text) ? parseHexadecimal(text) : null;
}

function parseHexadecimal(text: string): number | null {
  const negative = text.startsWith('-');
  const [mantissa = '', exponentText = '0'] = text.replace(/^[+-]?0[xX]/, '').split(/[pP]/);
  const [whole = '', fraction = ''] = mantissa.split('.');
  const digits = BigInt(`0x${whole}${fraction}`);
  // Both halves of the power are in range where the product is; Number() rounds the digits once.
  const exponent = Math.max(-5000, Math.min(5000, Number(exponentText) - 4 * fraction.length));
  const half = Math.trunc(exponent / 2);
  const value = Number(digits) * 2 ** half * 2 ** (exponent - half);
  if (!Number.isFinite(value) || (value === 0 && digits !== 0n)) return null;
  return negative ? -value : value;
}

/**
 * A double as Redis 7.2 prints scores: few digits that read back the same, plain notation while it
 * is short, `1e+20` style beyond, `inf`, `-inf`, `nan`, `-0`.
 */
export function formatDouble(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (value === Infinity) return 'inf';
  if (value === -Infinity) return '-inf';
  if (value === 0) return Object.is(value, -0) ? '-0' : '0';
  if (Number.isInteger(value) && Math.abs(value) <= 2 ** 62) return integerDigits(value);
  return formatShortest(value);
}

/**
 * A double by the digits of grisu.ts throughout, large whole numbers included (`1e+18`): as DEBUG
 * DIGEST hashes it.
 */
export function formatShortest(value: number): string {
  if (!Number.isFinite(value) || value === 0) return formatDouble(value);
  const { digits, power } = grisuDigits(Math.abs(value));
  const sign = value < 0 ? '-' : '';
  return sign + layOut(digits, power + digits.length - 1);
}

function integerDigits(value: number): string {
  return Number.isSafeInteger(value) ? String(value) : BigInt(value).toString();
}

/** Chooses between plain and scientific notation by the rules of Redis 7.2's printer. */
function layOut(digits: string, exponent: number): string {
  const count = digits.length;
  const scale = exponent - count + 1;
  const size = Math.abs(exponent);
  if (scale >= 0 && size < count + 7) return digits + '0'.repeat(scale);
  if (scale < 0 && (scale > -7 || size < 4)) {
    const point = count + scale;
    if (point <= 0) return `0.${'0'.repeat(-point)}${digits}`;
    return `${digits.slice(0, point)}.${digits.slice(point)}`;
  }
  const fraction = count > 1 ? `.${digits.slice(1)}` : '';
  return `${digits[0]}${fraction}e${exponent < 0 ? '-' : '+'}${size}`;
}
