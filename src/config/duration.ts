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

/** Milliseconds, a multiple of 1 ns; null when `text` is not a duration. A bare "0" is zero, as in Go. */
export function parseDuration(text: string): number | null {
  if (text === '0') return 0;
  if (!WHOLE.test(text)) return null;
  let ns = 0;
  for (const [, digits = '', unit = ''] of text.matchAll(PART)) {
    ns += Number(digits) * (MS_OF.get(unit) ?? 0) * 1e6;
  }
  const rounded = Math.round(ns);
  return Number.isSafeInteger(rounded) ? rounded / 1e6 : null;
}

/** The shortest text that parses back to `ms`: 90000 is "1m30s", 0.5 is "500us". */
export function formatDuration(ms: number): string {
  let rest = Math.round(ms * 1e6);
  if (rest === 0) return '0s';
  let text = '';
  for (const [name, unit] of UNITS) {
    const unitNs = Math.round(unit * 1e6);
    const count = Math.floor(rest / unitNs);
    rest -= count * unitNs;
    if (count > 0) text += `${count}${name}`;
  }
  return text;
}
