// Owns: every setting of the SMTP node: its path in the YAML file, its variable and flag, its kind
// and default. Precedence flag > variable > file > default. A new setting is one line here and one
// field in MailConfig.

import { z } from 'zod';
import { parseDuration } from '../config/duration.js';
import {
  boolean,
  choice,
  duration,
  integer,
  type Kind,
  nodeId,
  size,
  text,
} from '../config/kinds.js';
import { shown } from '../config/problem.js';
import { parseStoreUrl, type StoreAddress } from './store-url.js';

/** Settings are only read here, so what prints a value is not asked for. */
type Reader<T> = Pick<Kind<T>, 'schema' | 'name'>;

export interface Setting {
  /** In the file, with dots between levels. */
  readonly path: string;
  readonly kind: Reader<unknown>;
  /** In the kind's text form; null when the setting may be absent or is computed. */
  readonly fallback: string | null;
  readonly env?: string;
  /** Without dashes. */
  readonly flag?: string;
  readonly help: string;
}

function list<T>(name: string, expected: string, read: (item: string) => T | null): Reader<T[]> {
  const schema = z.string().transform((value, context): T[] => {
    const items: T[] = [];
    for (const item of value.split(/[\n,]/).map((part) => part.trim())) {
      if (item === '') continue;
      const parsed = read(item);
      if (parsed === null) {
        context.addIssue(`${shown(item)} does not fit; expected ${expected}`);
        return z.NEVER;
      }
      items.push(parsed);
    }
    return items;
  });
  return { schema, name };
}

const storeUrl: Reader<StoreAddress> = {
  name: 'url',
  schema: z.string().transform((value, context): StoreAddress => {
    const parsed = parseStoreUrl(value);
    if (typeof parsed !== 'string') return parsed;
    context.addIssue(parsed);
    return z.NEVER;
  }),
};

const NAMESPACE = /^[^\s{}]+$/;
const namespace: Reader<string> = {
  name: 'prefix',
  schema: z.string().refine((value) => NAMESPACE.test(value), {
    error: 'is no key prefix; expected text without spaces and braces, as helios:mail:',
  }),
};

export interface AuthUser {
  readonly name: string;
  readonly password: string;
}

/** One user per line of a YAML list: a password may hold a comma, and is never shown. */
const users: Reader<AuthUser[]> = {
  name: 'user:password',
  schema: z.string().transform((value, context): AuthUser[] => {
    const items = value.split('\n').filter((item) => item !== '');
    const parsed = items.map(parseUser).filter((user) => user !== null);
    if (parsed.length === items.length) return parsed;
    context.addIssue('an entry is no user; expected a list of "user:password"');
    return z.NEVER;
  }),
};

function parseUser(item: string): AuthUser | null {
  const colon = item.indexOf(':');
  if (colon < 1 || colon === item.length - 1) return null;
  return { name: item.slice(0, colon), password: item.slice(colon + 1) };
}

function parseDelay(item: string): number | null {
  const ms = parseDuration(item);
  return ms === null || ms <= 0 ? null : ms;
}

const domain = (item: string): string | null =>
  /^[a-z0-9.-]+$/i.test(item) ? item.toLowerCase() : null;
const address = (item: string): string | null => (/^[0-9a-f:.]+$/i.test(item) ? item : null);

const port = integer(0, 65_535);
const file = text('path', 'the path of a PEM file');
const hostName = text('name', 'a host name or address');

export const SETTINGS = {
  nodeId: {
    path: 'node_id',
    kind: nodeId(),
    fallback: null,
    env: 'NODE_ID',
    flag: 'node-id',
    help: 'name of this node; default: the host name',
  },
  storeUrl: {
    path: 'store.url',
    kind: storeUrl,
    fallback: 'valkey://127.0.0.1:6379',
    env: 'VALKEY_URL',
    flag: 'valkey-url',
    help: 'the store, valkey[s]://[user:password@]host:port[,host:port...][/db]',
  },
  storeCluster: {
    path: 'store.cluster',
    kind: boolean(),
    fallback: 'false',
    help: 'the hosts of store.url are members of a Redis Cluster',
  },
  commandTimeoutMs: {
    path: 'store.command_timeout',
    kind: duration('10ms', '1m'),
    fallback: '1s',
    help: 'how long one command may take',
  },
  ratePrefix: {
    path: 'store.rate_limit_prefix',
    kind: namespace,
    fallback: 'elemta:ratelimit:',
    env: 'VALKEY_KEY_PREFIX',
    flag: 'key-prefix',
    help: 'prefix of the rate limit keys',
  },
  namespace: {
    path: 'store.namespace',
    kind: namespace,
    fallback: 'helios:mail:',
    help: 'prefix of all other keys',
  },
  storeCa: { path: 'store.tls.ca', kind: file, fallback: null, help: 'CA of the store' },
  storeCert: { path: 'store.tls.cert', kind: file, fallback: null, help: 'our certificate' },
  storeKey: { path: 'store.tls.key', kind: file, fallback: null, help: 'key of store.tls.cert' },
  storeVerify: {
    path: 'store.tls.verify',
    kind: boolean(),
    fallback: 'true',
    help: 'check the certificate of the store',
  },
  smtpHost: {
    path: 'smtp.host',
    kind: hostName,
    fallback: '0.0.0.0',
    env: 'SMTP_HOST',
    flag: 'smtp-host',
    help: 'address to listen on; :: for IPv4 and IPv6',
  },
  smtpPort: {
    path: 'smtp.port',
    kind: port,
    fallback: '2525',
    env: 'SMTP_PORT',
    flag: 'smtp-port',
    help: 'SMTP port',
  },
  hostname: { path: 'smtp.hostname', kind: hostName, fallback: null, help: 'our name in SMTP' },
  banner: {
    path: 'smtp.banner',
    kind: text('text', 'one line', 0),
    fallback: 'Helios',
    help: 'text after our name in the greeting',
  },
  maxMessageBytes: {
    path: 'smtp.max_message_size',
    kind: size(1024, 1024 ** 3),
    fallback: '25mb',
    help: 'larger messages get 552',
  },
  maxRecipients: {
    path: 'smtp.max_recipients',
    kind: integer(1, 10_000),
    fallback: '100',
    help: 'more in one message get 452',
  },
  maxClients: {
    path: 'smtp.max_clients',
    kind: integer(1, 100_000),
    fallback: '1000',
    help: 'more connections at once get 421',
  },
  idleTimeoutMs: {
    path: 'smtp.idle_timeout',
    kind: duration('100ms', '1h'),
    fallback: '5m',
    help: 'silent clients are disconnected (RFC 5321 asks for 5m)',
  },
  drainTimeoutMs: {
    path: 'smtp.drain_timeout',
    kind: duration('100ms', '10m', 'at once'),
    fallback: '20s',
    help: 'how long a stop waits for running transactions and deliveries',
  },
  recipientDomains: {
    path: 'smtp.recipient_domains',
    kind: list('domain,...', 'a domain such as example.org', domain),
    fallback: '',
    help: 'domains accepted from clients without login; empty: all',
  },
  proxyFrom: {
    path: 'smtp.proxy_from',
    kind: list('address,...', 'an IP address', address),
    fallback: '',
    help: 'balancers that send a PROXY protocol v1 line',
  },
  tlsCert: { path: 'smtp.tls.cert', kind: file, fallback: null, help: 'certificate for STARTTLS' },
  tlsKey: { path: 'smtp.tls.key', kind: file, fallback: null, help: 'key of smtp.tls.cert' },
  authUsers: {
    path: 'smtp.auth.users',
    kind: users,
    fallback: '',
    help: 'who may log in; empty: AUTH is not offered',
  },
  authRequired: {
    path: 'smtp.auth.required',
    kind: boolean(),
    fallback: 'false',
    help: 'no mail without login',
  },
  authInsecure: {
    path: 'smtp.auth.allow_without_tls',
    kind: boolean(),
    fallback: 'false',
    help: 'take passwords over a connection that anybody can read',
  },
  rateMax: {
    path: 'rate_limit.max',
    kind: integer(0, 1_000_000),
    fallback: '100',
    help: 'units per client address and window over all nodes; 0: no limit',
  },
  rateWindowMs: {
    path: 'rate_limit.window',
    kind: duration('100ms', '24h'),
    fallback: '1m',
    help: 'the sliding window',
  },
  rateCount: {
    path: 'rate_limit.count',
    kind: choice(['connection', 'message']),
    fallback: 'connection',
    help: 'what one unit is',
  },
  rateExempt: {
    path: 'rate_limit.exempt',
    kind: list('address,...', 'an IP address', address),
    fallback: '',
    help: 'addresses without limit',
  },
  sessionTtlMs: {
    path: 'sessions.ttl',
    kind: duration('500ms', '24h'),
    fallback: '1m',
    help: "how long a dead node's sessions stay listed",
  },
  retryScheduleMs: {
    path: 'queue.retry_schedule',
    kind: list('duration,...', 'a duration such as 5m', parseDelay),
    fallback: '1m,5m,15m,1h,3h,6h,12h',
    help: 'waits between delivery attempts, each +-10 %; after the last the message failed',
  },
  leaseMs: {
    path: 'queue.lease',
    kind: duration('200ms', '1h'),
    fallback: '60s',
    help: 'a worker that does not extend its lease for so long is taken for dead',
  },
  concurrency: {
    path: 'queue.concurrency',
    kind: integer(0, 1_000),
    fallback: '10',
    help: 'deliveries at once; 0: this node only accepts',
  },
  pollMs: {
    path: 'queue.poll_interval',
    kind: duration('10ms', '1m'),
    fallback: '1s',
    help: 'how often an idle worker looks for work of others',
  },
  commitTimeoutMs: {
    path: 'queue.commit_timeout',
    kind: duration('100ms', '5m'),
    fallback: '5s',
    help: 'how long a message waits for the store before 451',
  },
  orphanTtlMs: {
    path: 'queue.orphan_ttl',
    kind: duration('1s', '24h'),
    fallback: '30m',
    help: 'when parts of a message that was never completed vanish',
  },
  failedRetentionMs: {
    path: 'queue.failed_retention',
    kind: duration('1s', '8760h'),
    fallback: '168h',
    help: 'how long failed messages are kept',
  },
  nextHopHost: {
    path: 'next_hop.host',
    kind: hostName,
    fallback: '127.0.0.1',
    env: 'NEXT_HOP_HOST',
    flag: 'next-hop-host',
    help: 'where accepted mail goes',
  },
  nextHopPort: {
    path: 'next_hop.port',
    kind: integer(1, 65_535),
    fallback: '25',
    env: 'NEXT_HOP_PORT',
    flag: 'next-hop-port',
    help: 'port of the next hop',
  },
  nextHopTls: {
    path: 'next_hop.tls',
    kind: choice(['none', 'opportunistic', 'required', 'implicit']),
    fallback: 'opportunistic',
    help: 'TLS towards the next hop',
  },
  nextHopVerify: {
    path: 'next_hop.tls_verify',
    kind: boolean(),
    fallback: 'true',
    help: 'check its certificate when tls is required or implicit',
  },
  nextHopUser: {
    path: 'next_hop.user',
    kind: text('text', 'a user name'),
    fallback: null,
    help: 'login at the next hop',
  },
  nextHopPassword: {
    path: 'next_hop.password',
    kind: text('text', 'a password'),
    fallback: null,
    env: 'NEXT_HOP_PASSWORD',
    help: 'password of next_hop.user',
  },
  nextHopTimeoutMs: {
    path: 'next_hop.timeout',
    kind: duration('100ms', '10m'),
    fallback: '1m',
    help: 'silence after which a delivery is given up',
  },
  metricsHost: {
    path: 'metrics.host',
    kind: hostName,
    fallback: '0.0.0.0',
    env: 'METRICS_HOST',
    help: 'address of the HTTP listener',
  },
  metricsPort: {
    path: 'metrics.port',
    kind: port,
    fallback: '8080',
    env: 'METRICS_PORT',
    flag: 'metrics-port',
    help: 'HTTP: /metrics /healthz /readyz /sessions /queue /nodes',
  },
  metricsToken: {
    path: 'metrics.token',
    kind: text('text', 'a bearer token'),
    fallback: null,
    env: 'METRICS_TOKEN',
    help: 'when set, /sessions /queue /nodes want it as bearer token',
  },
  logLevel: {
    path: 'log.level',
    kind: choice(['debug', 'info', 'warn', 'error', 'silent']),
    fallback: 'info',
    env: 'LOG_LEVEL',
    flag: 'log-level',
    help: 'least important line that is written',
  },
  logFormat: {
    path: 'log.format',
    kind: choice(['text', 'json']),
    fallback: 'text',
    env: 'LOG_FORMAT',
    flag: 'log-format',
    help: 'form of a log line',
  },
} as const satisfies Record<string, Setting>;

export type SettingName = keyof typeof SETTINGS;

type ValueOf<S> = S extends { kind: Reader<infer T>; fallback: infer F }
  ? F extends null
    ? T | null
    : T
  : never;

/** Every setting with its value; null where it has no default and was not given. */
export type RawMailConfig = { readonly [N in SettingName]: ValueOf<(typeof SETTINGS)[N]> };

/** After the checks between settings; the two names are filled in. */
export type MailConfig = Omit<RawMailConfig, 'nodeId' | 'hostname'> & {
  readonly nodeId: string;
  readonly hostname: string;
};
