// The small pure parts of the SMTP node.

import { describe, expect, it } from 'vitest';
import { UserList } from '../../../src/smtp/auth.js';
import { newQueueId } from '../../../src/smtp/intake.js';
import { canonicalIp } from '../../../src/smtp/ip-address.js';
import { mailKeys } from '../../../src/smtp/keys.js';
import { LocalLimiter } from '../../../src/smtp/local-limiter.js';
import { buildHead, inspectHeader } from '../../../src/smtp/message-head.js';
import { retryDelayMs } from '../../../src/smtp/retry.js';

describe('canonicalIp', () => {
  it.each([
    ['172.20.0.1', '172.20.0.1'],
    ['::1', '::1'],
    ['0:0:0:0:0:0:0:1', '::1'],
    ['2001:DB8:0:0::0:1', '2001:db8::1'],
    ['::ffff:10.1.2.3', '10.1.2.3'],
    ['::FFFF:0A01:0203', '10.1.2.3'],
    ['fe80::1%eth0', 'fe80::1'],
    ['not:an:address', 'not:an:address'],
  ])('%s is %s', (given, expected) => {
    expect(canonicalIp(given)).toBe(expected);
  });
});

describe('LocalLimiter', () => {
  it('slides: a unit is free exactly one window after it was taken', () => {
    const limiter = new LocalLimiter(1_000);
    expect(limiter.take('a', 2, 0)).toEqual({ allowed: true, count: 1, retryAfterMs: 0 });
    expect(limiter.take('a', 2, 400)).toEqual({ allowed: true, count: 2, retryAfterMs: 0 });
    expect(limiter.take('a', 2, 999)).toEqual({ allowed: false, count: 2, retryAfterMs: 1 });
    expect(limiter.take('b', 2, 999).allowed).toBe(true);
    expect(limiter.take('a', 2, 1_000).allowed).toBe(true);
    expect(limiter.take('a', 2, 1_001)).toEqual({ allowed: false, count: 2, retryAfterMs: 399 });
  });

  it('never lets more than max through in any window, and does not count refusals', () => {
    const limiter = new LocalLimiter(100);
    const taken: number[] = [];
    for (let now = 0; now < 1_000; now += 7) {
      if (limiter.take('a', 5, now).allowed) taken.push(now);
    }
    for (const from of taken) {
      expect(taken.filter((t) => t >= from && t < from + 100).length).toBeLessThanOrEqual(5);
    }
    // A refusal that counted would starve the client: 5 per 100 ms for 1 s.
    expect(taken.length).toBeGreaterThanOrEqual(45);
  });

  it('forgets the longest idle client beyond its bound', () => {
    const limiter = new LocalLimiter(1_000, 2);
    limiter.take('a', 1, 0);
    limiter.take('b', 1, 0);
    limiter.take('a', 1, 1);
    limiter.take('c', 1, 2);
    expect(limiter.take('a', 1, 3).allowed).toBe(false);
    expect(limiter.take('b', 1, 3).allowed).toBe(true);
  });
});

describe('retryDelayMs', () => {
  it('follows the schedule within 10 % and then gives up', () => {
    const schedule = [60_000, 300_000];
    expect(retryDelayMs(schedule, 1, () => 0.5)).toBe(60_000);
    expect(retryDelayMs(schedule, 1, () => 0)).toBe(54_000);
    expect(retryDelayMs(schedule, 2, () => 1)).toBe(330_000);
    expect(retryDelayMs(schedule, 3, () => 0.5)).toBeNull();
  });
});

describe('message head', () => {
  const facts = {
    envelope: { from: '', to: [], eightBit: false, smtpUtf8: false },
    sizeBytes: 1,
    receivedAt: Date.UTC(2026, 10, 21, 1, 2, 3),
    node: 'n1',
    clientIp: '2001:db8::1',
    helo: 'evil\r\nX: y',
    user: '',
  };

  it.each([
    ['', { hasMessageId: false, hasDate: false, received: 0 }],
    [
      'message-ID : <a>\r\n\r\nDate: in the body',
      { hasMessageId: true, hasDate: false, received: 0 },
    ],
    [
      'Received: a\r\n b\nRECEIVED: c\nDate: x\n\nbody',
      { hasMessageId: false, hasDate: true, received: 2 },
    ],
    ['X-Message-ID: a\r\n\r\n', { hasMessageId: false, hasDate: false, received: 0 }],
  ])('sees in %j', (text, expected) => {
    expect(inspectHeader(Buffer.from(text))).toEqual(expected);
  });

  it('cannot be broken by what the client called itself', () => {
    const header = { hasMessageId: true, hasDate: true, received: 0 };
    const options = { hostname: 'mx', protocol: 'ESMTP', header };
    expect(buildHead('id1', facts, options).toString()).toBe(
      'Received: from evil??X:?y ([IPv6:2001:db8::1])\r\n\tby mx (Helios, node n1) with ESMTP id id1;\r\n' +
        '\tSat, 21 Nov 2026 01:02:03 +0000\r\nX-Helios-Queue-Id: id1\r\n',
    );
  });
});

describe('names', () => {
  it('queue ids sort by time and differ', () => {
    const early = newQueueId(1_700_000_000_000);
    expect(early < newQueueId(1_700_000_000_001)).toBe(true);
    expect(early).toMatch(/^[0-9a-z]{22}$/);
    const many = Array.from({ length: 1_000 }, () => newQueueId(5));
    expect(new Set(many).size).toBe(1_000);
  });

  it('queue keys share one slot', () => {
    const keys = mailKeys('helios:mail:');
    const all = [keys.pending, keys.leased, keys.fence, keys.message('x'), ...keys.bodies('x', 2)];
    for (const key of all) expect(key.startsWith('helios:mail:{q}:')).toBe(true);
    expect(keys.bodies('x', 2)).toEqual(['helios:mail:{q}:body:x:0', 'helios:mail:{q}:body:x:1']);
  });
});

describe('UserList', () => {
  it('accepts only the right pair', () => {
    const users = new UserList([{ name: 'alice', password: 'pw' }]);
    expect(users.accepts('alice', 'pw')).toBe(true);
    expect(users.accepts('alice', '')).toBe(false);
    expect(users.accepts('nobody', '')).toBe(false);
  });
});
