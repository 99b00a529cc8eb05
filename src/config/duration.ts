// Owns: durations as Go writes them ("100ms", "1h30m", "1.5s", "500us"), to and from milliseconds.

const UNITS: ReadonlyArray<readonly [name: string, ms: number]> = [
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
  ['ms', 1],
  ['us', 1e-3],
  ['ns', 1e-6],
];
const MS_OF = new Map<string, number>([...UNITS, ['µs', 1e-3], ['μs', 1e-3]]);
const WHOLE = /^(?:[0-9]+(?:\.[0-9]+)?(?:h|ms|m|s|us|µs|μs|ns))+$/;
const PART = /([0-9]+(?:\.[0-9]+)?)(h|ms|m|s|us|µs|μs|ns)/g;

/**
 * Milliseconds, exact to 1 ns up to 100 days and to 1 ms beyond; null when `text` is not a
 * duration. "0" is zero.
 */
export function parseDuration(text: string): number | null {
  if (text === '0') return 0;
  if (!WHOLE.test(text)) return null;
  let ns = 0;
  for (const [, digits = '', unit = ''] of text.matchAll(PART)) {
    ns += Number(digits) * (MS_OF.get(unit) ?? 0) * 1e6;
  }
  const rounded = Math.round(ns);
  const ms = Number.isSafeInteger(rounded) ? rounded / 1e6 : Math.round(ns / 1e6);
  return Number.isSafeInteger(Math.round(ms)) ? ms : null;
}

/** The shortest text that parses back to `ms`: 90000 is "1m30s", 0.5 is "500us". */
export function formatDuration(ms: number): string {
  const whole = Math.floor(ms);
  let rest = BigInt(whole) * 1_000_000n + BigInt(Math.round((ms - whole) * 1e6));
  if (rest === 0n) return '0s';
  let text = '';
  for (const [name, unit] of UNITS) {
    const unitNs = BigInt(Math.round(unit * 1e6));
    const count = rest / unitNs;
    rest -= count * unitNs;
    if (count > 0n) text += `${count}${name}`;
  }
  return text;
}
