// Owns: amounts of memory as redis.conf writes them: b, k/m/g are powers of 1000, kb/mb/gb of 1024.

const FACTOR = new Map<string, number>([
  ['', 1],
  ['b', 1],
  ['k', 1e3],
  ['kb', 1024],
  ['m', 1e6],
  ['mb', 1024 ** 2],
  ['g', 1e9],
  ['gb', 1024 ** 3],
]);

/**
 * Bytes, or null when `text` is not an amount or not a safe integer. Units in any case, as in
 * Redis.
 */
export function parseSize(text: string): number | null {
  const match = /^([0-9]+)([a-z]*)$/i.exec(text);
  const factor = FACTOR.get(match?.[2]?.toLowerCase() ?? 'none');
  if (match === null || factor === undefined) return null;
  const bytes = Number(match[1]) * factor;
  return Number.isSafeInteger(bytes) ? bytes : null;
}

/** The largest binary unit that divides `bytes`: 536870912 is "512mb", 1000 is "1000". */
export function formatSize(bytes: number): string {
  if (bytes === 0) return '0';
  for (const unit of ['gb', 'mb', 'kb']) {
    const factor = FACTOR.get(unit) ?? 1;
    if (bytes % factor === 0) return `${bytes / factor}${unit}`;
  }
  return String(bytes);
}
