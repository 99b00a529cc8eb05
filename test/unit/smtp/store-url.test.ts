// VALKEY_URL in all its forms.

import { describe, expect, it } from 'vitest';
import { describeStore, parseStoreUrl } from '../../../src/smtp/store-url.js';

const at = (host: string, port = 6379): { host: string; port: number } => ({ host, port });
const plain = { tls: false, username: '', password: '', db: 0 };

describe('VALKEY_URL', () => {
  it.each([
    ['valkey://elemta-valkey:6379', { ...plain, hosts: [at('elemta-valkey')] }],
    ['redis://127.0.0.1', { ...plain, hosts: [at('127.0.0.1')] }],
    ['valkeys://h:1', { ...plain, hosts: [at('h', 1)], tls: true }],
    ['rediss://h', { ...plain, hosts: [at('h')], tls: true }],
    ['VALKEY://h/3', { ...plain, hosts: [at('h')], db: 3 }],
    ['valkey://h/', { ...plain, hosts: [at('h')] }],
    ['valkey://:pw@host:6379', { ...plain, hosts: [at('host')], password: 'pw' }],
    ['valkey://me:pw@host', { ...plain, hosts: [at('host')], username: 'me', password: 'pw' }],
    ['valkey://:p%40%3A%2F%25@h', { ...plain, hosts: [at('h')], password: 'p@:/%' }],
    ['valkey://m%C3%A9:a:b@h', { ...plain, hosts: [at('h')], username: 'mé', password: 'a:b' }],
    ['valkey://@h', { ...plain, hosts: [at('h')] }],
    ['valkey://[::1]:7/1', { ...plain, hosts: [at('::1', 7)], db: 1 }],
    ['valkey://[fe80::1]', { ...plain, hosts: [at('fe80::1')] }],
    [' valkey://a:1,b,[::2]:3/2 ', { ...plain, hosts: [at('a', 1), at('b'), at('::2', 3)], db: 2 }],
  ])('%s', (text, expected) => {
    expect(parseStoreUrl(text)).toEqual(expected);
  });

  it.each([
    ['', /not a store URL/],
    ['localhost:6379', /not a store URL: expected scheme:\/\/host:port/],
    ['http://h', /unknown scheme "http": expected valkey, valkeys, redis or rediss/],
    ['valkey://', /a host is missing/],
    ['valkey://a,,b', /a host is missing/],
    ['valkey://:secret@', /a host is missing/],
    ['valkey://h:0', /bad port "0" of host "h": expected 1 to 65535/],
    ['valkey://h:65536', /bad port/],
    ['valkey://h:', /bad port ""/],
    ['valkey://h:x', /bad port "x"/],
    ['valkey://::1:6379', /an IPv6 address in brackets/],
    ['valkey://[zz]:1', /bad host/],
    ['valkey://user@h', /a user without a password/],
    ['valkey://user:@h', /password after the user name is empty/],
    ['valkey://:%zz@h', /bad percent-encoding/],
    ['valkey://h/one', /bad database "one"/],
    ['valkey://h/0/1', /bad database/],
    ['valkey://h?db=1', /parameters after \?/],
  ])('refuses %j', (text, expected) => {
    const result = parseStoreUrl(text);
    expect(result).toMatch(expected);
    expect(result).not.toContain('secret');
  });

  it('is described without user and password', () => {
    const parsed = parseStoreUrl('rediss://me:secret@a:1,[::1]:2/3');
    expect(typeof parsed === 'string' ? parsed : describeStore(parsed)).toBe(
      'valkeys://a:1,[::1]:2/3',
    );
  });
});
