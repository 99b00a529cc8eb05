// Owns: VALKEY_URL. One URL names one store: several hosts are several doors to the same data,
// tried in turn.
//   valkey|valkeys|redis|rediss :// [user[:password]@ | :password@] host[:port][,host[:port]...]
//   [/db]
// The s-schemes mean TLS. User and password are percent-decoded. An IPv6 address is written in
// brackets. Never: throws on input, or repeats a password in an error or a log line.

export interface StoreHost {
  readonly host: string;
  readonly port: number;
}

export interface StoreAddress {
  readonly hosts: readonly StoreHost[];
  readonly tls: boolean;
  readonly username: string;
  readonly password: string;
  readonly db: number;
}

const DEFAULT_PORT = 6379;
const EXAMPLE = 'such as valkey://:password@host1:6379,host2:6379/0';
const SHAPE = /^([a-z][a-z0-9+.-]*):\/\/([^/?#]*)(\/[^?#]*)?(.*)$/i;
const TLS_BY_SCHEME: Readonly<Record<string, boolean>> = {
  valkey: false,
  redis: false,
  valkeys: true,
  rediss: true,
};

/** The parts of the URL; a string is the reason why it is not one. */
export function parseStoreUrl(text: string): StoreAddress | string {
  const shape = SHAPE.exec(text.trim());
  if (shape === null) return `not a store URL: expected scheme://host:port, ${EXAMPLE}`;
  const scheme = (shape[1] ?? '').toLowerCase();
  const tls = TLS_BY_SCHEME[scheme];
  if (tls === undefined) {
    return `unknown scheme "${scheme}": expected valkey, valkeys, redis or rediss, ${EXAMPLE}`;
  }
  if (shape[4] !== '') {
    return 'parameters after ? or # are not supported: TLS files are set under store.tls';
  }
  const authority = shape[2] ?? '';
  const at = authority.lastIndexOf('@');
  const user = parseUser(at === -1 ? null : authority.slice(0, at));
  if (typeof user === 'string') return user;
  const hosts = parseHosts(authority.slice(at + 1));
  if (typeof hosts === 'string') return hosts;
  const db = parseDb(shape[3] ?? '');
  if (typeof db === 'string') return db;
  return { hosts, tls, username: user.username, password: user.password, db };
}

/** For log lines: where, without secrets. */
export function describeStore(address: StoreAddress): string {
  const hosts = address.hosts.map((at) => describeHost(at)).join(',');
  return `${address.tls ? 'valkeys' : 'valkey'}://${hosts}/${address.db}`;
}

export function describeHost(at: StoreHost): string {
  return at.host.includes(':') ? `[${at.host}]:${at.port}` : `${at.host}:${at.port}`;
}

function parseUser(text: string | null): { username: string; password: string } | string {
  if (text === null || text === '') return { username: '', password: '' };
  const colon = text.indexOf(':');
  if (colon === -1) {
    return 'a user without a password: write user:password@ or :password@ before the host';
  }
  try {
    const username = decodeURIComponent(text.slice(0, colon));
    const password = decodeURIComponent(text.slice(colon + 1));
    if (username !== '' && password === '') return 'the password after the user name is empty';
    return { username, password };
  } catch {
    return 'bad percent-encoding in user or password: write a literal % as %25';
  }
}

function parseHosts(text: string): readonly StoreHost[] | string {
  const hosts: StoreHost[] = [];
  for (const part of text.split(',')) {
    const host = parseHost(part.trim());
    if (typeof host === 'string') return host;
    hosts.push(host);
  }
  return hosts;
}

function parseHost(text: string): StoreHost | string {
  const bracketed = /^\[([0-9a-fA-F:.]+)\](?::(.*))?$/.exec(text);
  const plain = /^([^:[\]\s@]+)(?::(.*))?$/.exec(text);
  const match = bracketed ?? plain;
  if (match === null) {
    if (text === '') return `a host is missing: expected host:port, ${EXAMPLE}`;
    return `bad host "${text}": expected host:port; an IPv6 address in brackets, as [::1]:6379`;
  }
  const port = match[2] === undefined ? DEFAULT_PORT : Number(match[2]);
  if (match[2] === '' || !Number.isInteger(port) || port < 1 || port > 65_535) {
    return `bad port "${match[2]}" of host "${match[1]}": expected 1 to 65535`;
  }
  return { host: match[1] ?? '', port };
}

function parseDb(path: string): number | string {
  if (path === '' || path === '/') return 0;
  if (!/^\/\d{1,5}$/.test(path)) {
    return `bad database "${path.slice(1)}": expected a number, as /0 at the end`;
  }
  return Number(path.slice(1));
}
