// Owns: a double in C's `%.<precision>g`, which Lua and cjson print numbers with. JavaScript rounds
// a tie up where C rounds it to even, so a tie is found by exact arithmetic.

/** `precision`: significant digits, 1 to 17. */
export function formatGeneral(value: number, precision: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  if (Number.isInteger(value) && Math.abs(value) < 10 ** precision) {
    return Object.is(value, -0) ? '-0' : String(value);
  }
  const [mantissa, exponentText] = roundedExponential(value, precision).split('e') as [
    string,
    string,
  ];
  const exponent = Number(exponentText);
  const sign = mantissa.startsWith('-') ? '-' : '';
  const digits = mantissa.replace(/[-.]/g, '').replace(/0+$/, '') || '0';
  if (exponent < -4 || exponent >= precision) {
    const fraction = digits.length > 1 ? `.${digits.slice(1)}` : '';
    const size = String(Math.abs(exponent)).padStart(2, '0');
    return `${sign}${digits[0]}${fraction}e${exponent < 0 ? '-' : '+'}${size}`;
  }
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${digits}`;
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, '0');
  const fraction = digits.slice(exponent + 1);
  return `${sign}${whole}${fraction === '' ? '' : `.${fraction}`}`;
}

/**
 * A double has at most 53 + 1074 bits, but a tie at 17 digits or fewer is exact within 60 digits.
 */
const EXACT_DIGITS = 60;

function roundedExponential(value: number, precision: number): string {
  const rounded = value.toExponential(precision - 1);
  const exact = value.toExponential(EXACT_DIGITS);
  const point = exact.indexOf('.') + precision;
  const rest = exact.slice(point, exact.indexOf('e'));
  if (!/^50*$/.test(rest) || Number(exact.slice(point - 1, point)) % 2 === 1) return rounded;
  const keptDigits = exact.slice(0, point).replace(/\.$/, '');
  return keptDigits + exact.slice(exact.indexOf('e'));
}
