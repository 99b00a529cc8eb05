// The SMTP node's configuration: every kind of mistake and its message.

import { describe, expect, it } from 'vitest';
import { ConfigError } from '../../../src/config/problem.js';
import { type ConfigSources, loadMailConfig } from '../../../src/smtp/config.js';
import type { MailConfig } from '../../../src/smtp/settings.js';

function load(text: string | null, more: Partial<ConfigSources> = {}): MailConfig {
  const file = text === null ? null : { name: 'n.yaml', text };
  return loadMailConfig({ flags: {}, env: {}, machineName: 'machine', file, ...more });
}

function problems(text: string | null, more: Partial<ConfigSources> = {}): readonly string[] {
  try {
    load(text, more);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

describe('configuration of the SMTP node', () => {
  it("has Elemta's defaults where the seed names one", () => {
    expect(load(null)).toMatchObject({
      nodeId: 'machine',
      hostname: 'machine',
      ratePrefix: 'elemta:ratelimit:',
      rateMax: 100,
      rateWindowMs: 60_000,
      rateCount: 'connection',
      smtpPort: 2525,
      metricsPort: 8080,
      retryScheduleMs: [60, 300, 900, 3600, 10_800, 21_600, 43_200].map((s) => s * 1_000),
      tlsCert: null,
      authUsers: [],
    });
  });

  it('prefers flag to variable to file to default', () => {
    const text = 'node_id: from-file\nsmtp: { port: 1 }\nmetrics: { port: 2 }\n';
    const env = { NODE_ID: 'from-env', SMTP_PORT: '3', VALKEY_KEY_PREFIX: '' };
    const config = load(text, { env, flags: { 'node-id': 'from-flag' } });
    expect(config).toMatchObject({ nodeId: 'from-flag', smtpPort: 3, metricsPort: 2 });
    expect(config.ratePrefix).toBe('elemta:ratelimit:');
  });

  it('reads lists, durations and sizes', () => {
    const config = load(
      [
        'queue:',
        '  retry_schedule:',
        '    - 100ms',
        '    - 1h30m',
        'smtp:',
        '  max_message_size: 64kb',
        '  recipient_domains: [Example.ORG, b.test]',
        '  auth: { users: ["a:b:c", "d:e,f"], allow_without_tls: yes }',
      ].join('\n'),
    );
    expect(config.retryScheduleMs).toEqual([100, 5_400_000]);
    expect(config.maxMessageBytes).toBe(65_536);
    expect(config.recipientDomains).toEqual(['example.org', 'b.test']);
    expect(config.authUsers).toEqual([
      { name: 'a', password: 'b:c' },
      { name: 'd', password: 'e,f' },
    ]);
  });

  it.each<[string, RegExp]>([
    ['smtp:\n  port: high\n', /^n\.yaml:2:9: smtp\.port: "high" is not a whole number; expected/],
    ['smtp: { port: 70000 }', /^n\.yaml:1:15: smtp\.port: 70000 is out of range; expected .*65535/],
    ['queue:\n  lease: 60\n', /^n\.yaml:2:10: queue\.lease: "60" has no unit; expected a duration/],
    [
      'queue: { retry_schedule: [1m, 2x] }',
      /^n\.yaml:1:26: queue\.retry_schedule: "2x" does not fit/,
    ],
    [
      'smpt: {}',
      /^n\.yaml:1:1: smpt: unknown key \(did you mean "smtp"\?\); expected node_id, store/,
    ],
    ['smtp: { prot: 1 }', /^n\.yaml:1:9: smtp\.prot: unknown key \(did you mean "port"\?\)/],
    ['smtp: 5', /^n\.yaml:1:7: smtp: is not a map; expected host, port/],
    ['smtp: { port: [1, {}] }', /smtp\.port: has no plain value/],
    ['smtp: { port: }', /smtp\.port: has no plain value/],
    ['a: [', /^n\.yaml:1:\d+: .*; expected valid YAML/],
    ['smtp: {}\nsmtp: {}', /^n\.yaml:2:1: .*unique/],
    ['store: { url: "valkey://:s3cret@h:0" }', /^n\.yaml:1:15: store\.url: bad port/],
    ['store: { namespace: "a{b}" }', /store\.namespace: is no key prefix/],
    ['rate_limit: { count: mail }', /"mail" is not known; expected one of connection, message/],
    ['smtp: { tls: { cert: c.pem } }', /smtp\.tls\.cert: is set without smtp\.tls\.key/],
    ['smtp: { auth: { users: [s3cret] } }', /auth\.users: an entry is no user; expected a list/],
    ['smtp: { auth: { required: true } }', /nobody could log in; expected smtp\.auth\.users/],
    ['smtp: { auth: { users: ["a:b"] } }', /logins need TLS; expected smtp\.tls\.cert/],
    ['store: { cluster: true, url: "valkey://h/2" }', /a Redis Cluster has only database 0/],
    ['next_hop: { user: me }', /next_hop\.user: is set without next_hop\.password/],
  ])('refuses %j', (text, expected) => {
    const found = problems(text);
    expect(found.join('\n')).toMatch(expected);
    expect(found.join('\n')).not.toContain('s3cret');
  });

  it('names the variable or the flag, and finds every problem at once', () => {
    const found = problems('queue: { lease: x }', {
      env: { SMTP_PORT: 'x', VALKEY_URL: 'host' },
      flags: { 'metrics-port': '-1' },
    });
    expect(found.map((line) => line.split(': ')[0])).toEqual([
      'VALKEY_URL',
      'SMTP_PORT',
      'n.yaml:1:17',
      '--metrics-port',
    ]);
  });
});
