// Owns: how INFO and MEMORY print numbers. Pure.

/** One line of INFO. */
export type InfoField = readonly [name: string, value: string | number];

const UNITS: readonly (readonly [limit: number, unit: string])[] = [
  [2 ** 50, 'P'],
  [2 ** 40, 'T'],
  [2 ** 30, 'G'],
  [2 ** 20, 'M'],
  [2 ** 10, 'K'],
];

/** Bytes as `1.03M`, `512B`. */
export function humanBytes(bytes: number): string {
  const found = UNITS.find(([limit]) => bytes >= limit);
  return found === undefined ? `${bytes}B` : `${(bytes / found[0]).toFixed(2)}${found[1]}`;
}

/** `part` of `whole` as `12.34%`. */
export function percentOf(part: number, whole: number): string {
  return `${(whole === 0 ? 0 : (100 * part) / whole).toFixed(2)}%`;
}

/** A quotient with two decimals; 0.00 when nothing divides. */
export function ratioOf(part: number, whole: number): string {
  return (whole === 0 ? 0 : part / whole).toFixed(2);
}

/** Host and port of `host:port` or `[v6]:port`; port 0 when there is none. */
export function splitAddress(address: string): { host: string; port: number } {
  const colon = address.lastIndexOf(':');
  if (colon < 0) return { host: address, port: 0 };
  const host = address.slice(0, colon).replace(/^\[(.*)\]$/, '$1');
  return { host, port: Number(address.slice(colon + 1)) || 0 };
}
