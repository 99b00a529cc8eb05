// Owns: one spelling per client address, so that one client has one counter.

/** IPv4-mapped IPv6 becomes IPv4, IPv6 its shortest form without zone, IPv4 stays. */
export function canonicalIp(address: string): string {
  const text = address.replace(/%.*$/, '').toLowerCase();
  if (!text.includes(':')) return text;
  let short: string;
  try {
    short = new URL(`http://[${text}]/`).hostname.slice(1, -1);
  } catch {
    return text;
  }
  const mapped = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(short);
  if (mapped === null) return short;
  const high = Number.parseInt(mapped[1] ?? '0', 16);
  const low = Number.parseInt(mapped[2] ?? '0', 16);
  return [high >> 8, high & 255, low >> 8, low & 255].join('.');
}
