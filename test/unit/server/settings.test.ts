// CONFIG GET and SET: types, refusals, all or nothing.

import { describe, expect, it } from 'vitest';
import { Settings } from '../../../src/server/settings.js';

const failed = (name: string, why: string): string =>
  `ERR CONFIG SET failed (possibly related to argument '${name}') - ${why}`;

describe('set', () => {
  it('changes several parameters and the fields that mirror them', () => {
    const settings = new Settings();
    expect(settings.set(['maxmemory', '100mb', 'TIMEOUT', '30', 'requirepass', 'pw'])).toBeNull();
    expect(settings.text('maxmemory')).toBe('104857600');
    expect(settings.maxmemory).toBe(104_857_600);
    expect(settings.idleTimeout).toBe(30);
    expect(settings.requirepass).toBe('pw');
  });

  it('changes nothing when one value is bad', () => {
    const settings = new Settings();
    expect(settings.set(['timeout', '5', 'maxmemory-samples', '0'])).toBe(
      failed('maxmemory-samples', 'argument must be between 1 and 2147483647 inclusive'),
    );
    expect(settings.idleTimeout).toBe(0);
    expect(settings.set(['timeout', '5', 'nosuch', '1'])).toBe(
      "ERR Unknown option or number of arguments for CONFIG SET - 'nosuch'",
    );
    expect(settings.idleTimeout).toBe(0);
  });

  it.each([
    ['maxmemory', 'abc', 'argument must be a memory value'],
    ['maxmemory', '-1', 'argument must be a memory value'],
    ['maxmemory', '1tb', 'argument must be a memory value'],
    ['hz', 'abc', "argument couldn't be parsed into an integer"],
    ['rdbcompression', 'maybe', "argument must be 'yes' or 'no'"],
    ['appendfsync', 'foo', 'argument(s) must be one of the following: everysec, always, no'],
    ['databases', '3', "can't set immutable config"],
    ['dir', '/tmp', "can't set protected config"],
    ['save', 'a b', 'Invalid save parameters'],
    ['save', '0 1', 'Invalid save parameters'],
    [
      'slowlog-log-slower-than',
      '-2',
      'argument must be between -1 and 9223372036854775807 inclusive',
    ],
    [
      'client-query-buffer-limit',
      '10',
      'argument must be between 1048576 and 9223372036854775807 inclusive',
    ],
    [
      'client-output-buffer-limit',
      'normal 1',
      'Wrong number of arguments in buffer limit configuration.',
    ],
    [
      'client-output-buffer-limit',
      'other 1 1 1',
      'Invalid client class specified in buffer limit configuration.',
    ],
    ['notify-keyspace-events', 'Q', "Invalid event class character. Use 'Ag$lshzxeKEtmdn'."],
    [
      'latency-tracking-info-percentiles',
      'abc',
      'Invalid latency-tracking-info-percentiles parameters',
    ],
  ])('refuses %s %s as Redis does', (name, value, why) => {
    expect(new Settings().set([name, value])).toBe(failed(name, why));
  });

  it('refuses what would promise something Helios does not do, and takes the value it has', () => {
    const settings = new Settings();
    for (const [name, other] of [
      ['appendonly', 'no'],
      ['min-replicas-to-write', '2'],
      ['notify-keyspace-events', 'KEA'],
      ['activedefrag', 'yes'],
      ['replica-read-only', 'yes'],
    ] as const) {
      const problem = settings.set([name, other]);
      expect(problem).toContain(`'${name}'`);
      expect(problem).not.toContain('argument must');
      expect(settings.set([name, settings.text(name)])).toBeNull();
    }
  });

  it('knows both names of a parameter, and that they are one', () => {
    const settings = new Settings();
    expect(settings.set(['hash-max-ziplist-entries', '7'])).toBeNull();
    expect(settings.text('hash-max-listpack-entries')).toBe('7');
    expect(settings.set(['lua-time-limit', '1', 'busy-reply-threshold', '2'])).toBe(
      failed('busy-reply-threshold', 'duplicate parameter'),
    );
    expect(settings.busyThreshold).toBe(5000);
  });

  it('keeps what fits an int64 but not a double at the largest safe integer', () => {
    const settings = new Settings();
    expect(settings.set(['slowlog-max-len', '9223372036854775807'])).toBeNull();
    expect(settings.slowlogMaxLength).toBe(Number.MAX_SAFE_INTEGER);
  });

  it('changes one class of output limits and keeps the others', () => {
    const settings = new Settings();
    expect(settings.set(['client-output-buffer-limit', 'replica 1kb 2 3'])).toBeNull();
    expect(settings.text('client-output-buffer-limit')).toBe(
      'normal 0 0 0 slave 1024 2 3 pubsub 33554432 8388608 60',
    );
    expect(settings.outputLimit('slave')).toEqual({ hard: 1024, soft: 2, softSeconds: 3 });
  });
});

describe('hooks', () => {
  it('see the new value, and a refusal takes everything back', () => {
    const settings = new Settings();
    const seen: unknown[] = [];
    settings.onChange('appendfsync', (value) => {
      seen.push(value);
      return null;
    });
    settings.onChange('maxclients', (value) => (value === 99 ? 'too many' : null));
    expect(settings.set(['appendfsync', 'no', 'maxclients', '99'])).toBe(
      failed('maxclients', 'too many'),
    );
    expect(settings.text('appendfsync')).toBe('always');
    expect(settings.maxclients).toBe(10_000);
    expect(seen).toEqual(['no', 'always']);
  });
});

describe('load', () => {
  it('sets at start what SET refuses, and says what is wrong', () => {
    const settings = new Settings();
    expect(settings.load('port', '7777')).toBeNull();
    expect(settings.text('port')).toBe('7777');
    expect(settings.load('port', '99999')).toBe(
      'port: argument must be between 0 and 65535 inclusive',
    );
    expect(settings.load('nosuch', '1')).toBe("unknown parameter 'nosuch'");
    expect(settings.load('appendonly', 'no')).toMatch(/^appendonly: the log is how/);
  });
});

describe('matching', () => {
  it('finds names and aliases by glob, in any case', () => {
    const settings = new Settings();
    expect(settings.matching('MAXMEMORY-P*')).toEqual([['maxmemory-policy', 'noeviction']]);
    expect(settings.matching('hash-max-*-value').map(([name]) => name)).toEqual([
      'hash-max-listpack-value',
      'hash-max-ziplist-value',
    ]);
    expect(settings.matching('nosuch')).toEqual([]);
  });
});
