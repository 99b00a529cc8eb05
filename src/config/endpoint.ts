// Owns: `host:port` as flags, variables, files and peers write it. IPv6 stands in brackets.
// An empty host means all interfaces (":6379", "*:6379"); port 0 means any free port.

import { z } from 'zod';

export interface Endpoint {
  /** Host name or IP address without brackets; empty for all interfaces. */
  readonly host: string;
  readonly port: number;
}

/** What was wrong with a text; completes `where: ` in a problem. */
export class Wrong {
  readonly what: string;

  constructor(what: string) {
    this.what = what;
  }
}

const ipv4 = z.ipv4();
const ipv6 = z.ipv6();
const HOST_NAME = /^[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,251}[A-Za-z0-9_.])?$/;

/**
 * Reads `host:port`, `:port`, `*:port`, `[::1]:port` and, where all interfaces are allowed, a bare
 * port.
 */
export function parseEndpoint(text: string, allInterfaces: boolean): Endpoint | Wrong {
  if (text === '') return new Wrong('is empty');
  if (/^[0-9]+$/.test(text) && allInterfaces) return withPort('', text);
  if (text.startsWith('[')) return parseBracketed(text);
  const colon = text.lastIndexOf(':');
  if (colon < 0) return new Wrong(`${JSON.stringify(text)} has no port`);
  const host = text.slice(0, colon);
  if (host.includes(':')) {
    return new Wrong(`${JSON.stringify(text)} has more than one colon; put IPv6 in brackets`);
  }
  if ((host === '' || host === '*') && allInterfaces) return withPort('', text.slice(colon + 1));
  const wrong = checkHost(host);
  return wrong ?? withPort(host, text.slice(colon + 1));
}

function parseBracketed(text: string): Endpoint | Wrong {
  const close = text.indexOf(']');
  const host = text.slice(1, close);
  const address = host.replace(/%[A-Za-z0-9._-]+$/, '');
  if (close < 0 || !ipv6.safeParse(address).success) {
    return new Wrong(`${JSON.stringify(text)} has no IPv6 address in its brackets`);
  }
  if (text[close + 1] !== ':') return new Wrong(`${JSON.stringify(text)} has no port`);
  return withPort(host, text.slice(close + 2));
}

function withPort(host: string, text: string): Endpoint | Wrong {
  const port = /^[0-9]{1,5}$/.test(text) ? Number(text) : -1;
  if (port < 0 || port > 65_535) return new Wrong(`${JSON.stringify(text)} is not a port`);
  return { host, port };
}

/** Null when `host` is a host name or an IPv4 address. */
function checkHost(host: string): Wrong | null {
  if (host === '') return new Wrong('has no host');
  const looksNumeric = /^[0-9.]+$/.test(host);
  const good = looksNumeric ? ipv4.safeParse(host).success : HOST_NAME.test(host);
  return good ? null : new Wrong(`${JSON.stringify(host)} is not a host name or IP address`);
}

/** The text that parseEndpoint reads back. */
export function formatEndpoint(endpoint: Endpoint): string {
  const host = endpoint.host.includes(':') ? `[${endpoint.host}]` : endpoint.host;
  return `${host}:${endpoint.port}`;
}

/** True for "", 0.0.0.0 and ::, which mean every interface and so cannot be told to others. */
export function isWildcard(host: string): boolean {
  return host === '' || host === '0.0.0.0' || host === '::';
}
